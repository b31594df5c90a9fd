"""Fixtures: the package with the C++ compiler, or with the reference one."""

import os
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "python"))
os.environ.setdefault("FX_MLIR_LIBRARY_DIR", os.path.join(ROOT, "build", "lib"))

import torch  # noqa: E402

import fx_mlir  # noqa: E402,F401


@pytest.fixture
def compiler():
    """The package with the C++ compiler."""
    from fx_mlir import _library

    _library.library()


@pytest.fixture
def reference(monkeypatch):
    """The package on top of a compiler that runs graphs by ATen."""
    import reference_compiler
    from fx_mlir import _call, _library

    monkeypatch.setattr(_library, "compile_graph", reference_compiler.compile_graph)
    monkeypatch.setattr(_library, "check_graph", reference_compiler.check_graph)
    monkeypatch.setattr(_library, "runtime_functions", reference_compiler.runtime_functions)
    monkeypatch.setattr(reference_compiler, "compiled", 0)
    _call.call_module.cache_clear()
    yield reference_compiler
    _call.call_module.cache_clear()


@pytest.fixture(autouse=True)
def fresh_dynamo(monkeypatch):
    import fx_mlir

    # Tests are of the compiler, not of what an earlier run left on disk.
    monkeypatch.setattr(fx_mlir.config, "cache", False)
    torch._dynamo.reset()
    torch.manual_seed(0)
    yield
    torch._dynamo.reset()
