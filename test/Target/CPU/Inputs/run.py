"""Runs a function of an .mlir file with fx-cpu-run and compares with NumPy.

usage: run.py FILE.mlir CASE[,CASE…] [fx-cpu-run options]
Each case is a function of this file's table; arrays are made from a fixed seed.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np

rng = np.random.default_rng(0)


def f32(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


# Name: (arguments, reference in double precision, relative tolerance).
CASES = {
    "softmax": ([f32(5, 37)], lambda x: [softmax(x, 1)], 1e-6),
}


def widen(array):
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def run(path, name, options):
    args, reference, tolerance = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        inputs = os.path.join(folder, "in.npz")
        outputs = os.path.join(folder, "out.npz")
        np.savez(inputs, *args)
        subprocess.run(
            ["fx-cpu-run", path, "--entry", name, "--inputs", inputs,
             "--outputs", outputs, *options], check=True)
        got = np.load(outputs)
        results = [got[f"r{i}"] for i in range(len(got.files))]
    expected = reference(*[widen(a) for a in args])
    assert len(expected) == len(results), (len(expected), len(results))
    for i, (want, have) in enumerate(zip(expected, results)):
        want = np.asarray(want)
        assert want.shape == have.shape, (i, want.shape, have.shape)
        np.testing.assert_allclose(
            widen(have), want, rtol=tolerance, atol=tolerance,
            err_msg=f"{name}, result {i}")
    print(f"{name}: ok")


for case in sys.argv[2].split(","):
    run(sys.argv[1], case, sys.argv[3:])
