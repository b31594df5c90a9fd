"""The line that `torch.compile` draws on a terminal."""

import os
import re
import subprocess
import sys

from fx_graphs import ROOT

PROGRAM = """
import torch
import fx_mlir
fx_mlir.config.cache = False
layers = [torch.nn.Sequential(torch.nn.LayerNorm(8 + k), torch.nn.Linear(8 + k, 9 + k), torch.nn.GELU())
          for k in range(30)]
model = torch.compile(torch.nn.Sequential(*layers), backend="fx_mlir")
model(torch.randn(2, 8)).sum().backward()
"""


def draw(seconds):
    done = subprocess.run(
        [sys.executable, str(ROOT / "test" / "Compiler" / "Inputs" / "on_terminal.py"), sys.executable, "-c", PROGRAM],
        capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "python"), "TERM": "xterm", "FX_MLIR_PROGRESS": seconds})
    assert done.stdout.splitlines()[-1] == "status 0", done.stdout
    return done.stdout


def test_functions_are_counted():
    lines = draw("0.001").splitlines()
    assert any(re.match(r"<clear>fx_mlir \[=* *\] \d+/\d+ functions, \d+ s$", line) for line in lines), lines
    # Nothing is left on the terminal.
    assert lines[-2] == "<clear>"


def test_it_can_be_switched_off():
    assert "fx_mlir [" not in draw("0")
