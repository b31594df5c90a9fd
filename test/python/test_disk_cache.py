"""Compiled code on disk."""

import os
import subprocess
import sys

import pytest
import torch

import fx_mlir


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(fx_mlir.config, "cache", True)
    return tmp_path / "fx_mlir"


def model(x, w):
    return torch.tanh(x @ w).sum()


def stages_of_a_run(**options):
    """Names of the stages that compiled, of a training step that is checked."""
    torch._dynamo.reset()
    x, w = torch.randn(8, 16), torch.randn(16, 4, requires_grad=True)
    report = fx_mlir.explain(model, x, w, training=True, options=options)
    w.grad = None
    compiled = torch.compile(model, backend="fx_mlir", options=options)
    compiled(x, w).backward()
    gradient, w.grad = w.grad, None
    model(x, w).backward()
    torch.testing.assert_close(gradient, w.grad)
    return {name for graph in report.graphs for name in graph.stages}


def test_a_later_compilation_loads(folder):
    assert "llvm" in stages_of_a_run()
    files = sorted(folder.glob("llvmcache-*"))
    assert len(files) == 1
    assert stages_of_a_run() == {"cache"}
    assert sorted(folder.glob("llvmcache-*")) == files


@pytest.mark.parametrize("damage", ["empty", "short", "flipped", "foreign"])
def test_a_damaged_file_is_compiled_anew(folder, damage):
    stages_of_a_run()
    (file,) = folder.glob("llvmcache-*")
    whole = file.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    file.write_bytes({"empty": b"", "short": whole[:-7],
                      "flipped": bytes(changed), "foreign": b"x" * 500}[damage])
    assert "llvm" in stages_of_a_run()
    assert file.read_bytes() == whole
    assert stages_of_a_run() == {"cache"}


def test_options_are_part_of_the_key(folder):
    stages_of_a_run()
    assert "llvm" in stages_of_a_run(opt_level=1)
    assert "llvm" in stages_of_a_run(fuse=False)
    assert stages_of_a_run(opt_level=1) == {"cache"}
    assert "llvm" in stages_of_a_run(cache=False)
    assert "llvm" in stages_of_a_run(partition="mode=aggressive")
    assert "llvm" in stages_of_a_run(
        joint_custom_post="func.func(fx-eliminate-dead-code)")


def test_a_folder_that_cannot_be_written(folder):
    folder.write_text("a file")
    assert "llvm" in stages_of_a_run()
    assert "llvm" in stages_of_a_run()


def test_processes_share_the_folder(folder):
    program = (
        "import torch, fx_mlir\n"
        "f = torch.compile(lambda x: (x * 2).exp(), backend='fx_mlir')\n"
        "x = torch.arange(6.0)\n"
        "assert torch.allclose(f(x), (x * 2).exp())\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    runs = [subprocess.Popen([sys.executable, "-c", program], env=environment)
            for _ in range(3)]
    assert [run.wait() for run in runs] == [0, 0, 0]
    names = {path.name for path in folder.iterdir()}
    assert len(names - {"llvmcache.timestamp"}) == 1
