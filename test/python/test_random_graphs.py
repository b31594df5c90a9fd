"""Random graphs: the interpreter against eager PyTorch, compiled code against the
interpreter, and the graph stages by --fx-verify-each=numeric.
"""

import subprocess

import numpy as np
import pytest
import torch
from fx_graphs import tool
from random_graphs import make_graph
from test_interpreter import from_array, to_array


def run(name, *arguments):
    return subprocess.run([tool(name), *map(str, arguments)], capture_output=True, text=True)


def check_close(actual, expected, tolerance, what):
    assert actual.dtype == expected.dtype and actual.shape == expected.shape, what
    if not expected.is_floating_point():
        tolerance = 0
    scale = expected.double().abs().nan_to_num(0, 0, 0).max().item() if expected.numel() else 0
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance * max(scale, 1e-2),
                               equal_nan=True, msg=lambda m: f"{what}: {m}")


def check_values(seed, folder):
    text, arguments, expected = make_graph(seed)
    (folder / "graph.mlir").write_text(text)
    np.savez(folder / "in.npz", **{f"in_{k}": to_array(v) for k, v in enumerate(arguments)})
    for what, flags in (("interpreter", ["--interpret"]),
                        ("interpreter after post-grad", ["--interpret", "--stop-after=post-grad"]),
                        ("compiled", [])):
        done = run("fx-run", folder / "graph.mlir", *flags, "--inputs", folder / "in.npz",
                   "--outputs", folder / "out.npz")
        assert done.returncode == 0, f"{what}: {done.stderr}\n{text}"
        results = np.load(folder / "out.npz")
        for k, (value, tolerance) in enumerate(expected):
            check_close(from_array(results[f"out_{k}"], value.dtype), value, tolerance,
                        f"{what}, result {k}\n{text}")


    # The passes that are on for a CPU alone.
    done = run("fx-compile", folder / "graph.mlir", "--stop-after=post-grad",
               "--fx-verify-each=numeric", "-o", folder / "out.mlir")
    assert done.returncode == 0, f"{done.stderr}\n{text}"


def check_stages(seed, folder):
    text, _, _ = make_graph(seed, differentiable=True)
    (folder / "graph.mlir").write_text(text)
    done = run("fx-opt", folder / "graph.mlir", "--pre-grad", "--build-joint-graph",
               "--joint-graph", "--min-cut-partition", "--post-grad", "--fx-verify-each=numeric",
               "-o", folder / "out.mlir")
    if "cannot differentiate" in done.stderr:
        return False
    assert done.returncode == 0, f"{done.stderr}\n{text}"
    assert "not compared" not in done.stderr, f"{done.stderr}\n{text}"
    return True


@pytest.mark.parametrize("seed", range(40))
def test_values(seed, tmp_path):
    check_values(seed, tmp_path)


@pytest.mark.parametrize("seed", range(40))
def test_stages(seed, tmp_path):
    assert check_stages(seed, tmp_path), "an op without a derivative"
