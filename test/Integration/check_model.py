"""Compiles a model of Inputs/, runs it, and compares with PyTorch's answers.

    check_model.py MODEL OUTPUT_FOLDER
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

INPUTS = Path(__file__).resolve().parent / "Inputs"


def run_tool(*command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")


def check(actual, expected, tolerance, label):
    if actual.shape != expected.shape:
        sys.exit(f"{label}: shape {actual.shape}, PyTorch {expected.shape}")
    difference = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    # Relative to the largest element: gradients of biases in front of a
    # normalisation are sums that cancel to rounding errors.
    scale = max(np.abs(expected).max(initial=0.0), 1e-3)
    error = float(difference.max(initial=0.0) / scale)
    if not error <= tolerance:
        sys.exit(f"{label}: relative error {error:.2e}, allowed {tolerance:.0e}")
    return error


def check_program(model, program, mode, tolerance, folder):
    library = folder / f"{model}_{program}.so"
    outputs = folder / f"{model}_{program}.npz"
    recorded = INPUTS / model / f"{program}.npz"
    run_tool("fx-compile", INPUTS / model / f"{program}.pt2", f"--mode={mode}", "-o", library)
    run_tool("fx-run", library, "--inputs", recorded, "--outputs", outputs)
    expected, actual = np.load(recorded), np.load(outputs)
    names = [name for name in expected.files if not name.startswith("in_")]
    missing = [name for name in names if name not in actual.files]
    if missing:
        sys.exit(f"{model} {program}: no {', '.join(missing)}")
    worst = max(
        check(actual[name], expected[name], tolerance, f"{model} {program} {name}")
        for name in names
    )
    print(f"{model} {program}: {len(names)} results agree, largest error {worst:.1e}")


def main():
    model, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    check_program(model, "fwd", "inference", 1e-4, folder)
    check_program(model, "train", "training", 1e-3, folder)


if __name__ == "__main__":
    main()
