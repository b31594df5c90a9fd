"""benchmarks/gpu_check.py on libraries for the CPU: the same interface."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INPUTS = ROOT / "test" / "Integration" / "Inputs"
BUILD = Path(os.environ["FX_MLIR_LIBRARY_DIR"]).parent


def compile_model(name, folder):
    for program, mode in ("fwd", "inference"), ("train", "training"):
        subprocess.run(
            [BUILD / "bin" / "fx-compile", INPUTS / name / f"{program}.pt2",
             f"--mode={mode}", "-o", folder / f"{name}.{program}.so"],
            check=True,
        )


def run(folder, *options):
    return subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "gpu_check.py", folder, "--device", "cpu",
         "--no-inductor", "--rounds", "1", "--seconds", "0", *options],
        capture_output=True, text=True,
    )


# Batch normalisation's mutations, sizes known at run time, constants.
@pytest.mark.parametrize("name", ["resnet18", "dynamic_batch_mlp", "ce_label_smoothing"])
def test_agrees_with_pytorch(name, tmp_path):
    compile_model(name, tmp_path)
    result = run(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    rows = [line for line in result.stdout.splitlines() if line.startswith(f"| {name} ")]
    assert len(rows) == 4, result.stdout
    assert "wrong" not in result.stdout


def test_reports_a_wrong_model(tmp_path):
    """A library under another model's name."""
    compile_model("mlp", tmp_path)
    (tmp_path / "mlp.fwd.so").rename(tmp_path / "lenet.fwd.so")
    result = run(tmp_path, "--models", "lenet")
    assert result.returncode == 1
    assert "**wrong**" in result.stdout and "is given" in result.stdout


def test_empty_folder(tmp_path):
    result = run(tmp_path)
    assert result.returncode == 1 and "no NAME.fwd.so" in result.stderr
