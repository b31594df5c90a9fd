#!/usr/bin/env python3
"""Makes the array files of this folder (needs NumPy)."""

import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))

ARRAYS = {
    "f16": np.array([1, -2], np.float16),
    "f32": np.arange(6, dtype=np.float32).reshape(2, 3) / 2,
    "f64": np.array(0.1),
    "i8": np.array([[-1], [2]], np.int8),
    "u8": np.array([255], np.uint8),
    "i16": np.array([-300], np.int16),
    "i32": np.array([70000], np.int32),
    "i64": np.array([1 << 40, -1]),
    "flag": np.array([True, False]),
    "columns": np.asfortranarray(np.arange(24, dtype=np.int32).reshape(2, 3, 4)),
    "empty": np.zeros((0, 3), np.float32),
}


def main():
    np.savez(os.path.join(HERE, "stored.npz"), **ARRAYS)
    np.savez_compressed(os.path.join(HERE, "compressed.npz"), **ARRAYS)
    np.save(os.path.join(HERE, "complex.npy"), np.zeros(2, np.complex64))


if __name__ == "__main__":
    main()
