"""Options, modes and errors that come before any compilation."""

import os
import subprocess
import sys

import pytest
import torch

from fx_mlir import _backend, _library, config


def compile_with(**kwargs):
    return torch.compile(lambda x: x + 1, backend="fx_mlir", **kwargs)(torch.ones(2))


def test_unknown_option_lists_the_known_ones():
    with pytest.raises(RuntimeError, match="Unexpected option 'speed'.*opt_level"):
        compile_with(options={"speed": 1})


@pytest.mark.parametrize("value", ["2", 2.0, True])
def test_wrong_type(value):
    with pytest.raises(RuntimeError, match="type of option 'opt_level'.*expected int"):
        compile_with(options={"opt_level": value})


def test_wrong_value():
    with pytest.raises(RuntimeError, match="value 7 of option 'opt_level'.*0, 1, 2, 3"):
        compile_with(options={"opt_level": 7})


def test_unknown_mode():
    with pytest.raises(RuntimeError, match="Unrecognized mode='fastest'.*default"):
        compile_with(mode="fastest")


def test_options_that_are_no_dictionary():
    with pytest.raises(RuntimeError, match="dictionary"):
        config.resolve(options="opt_level=1")


def test_dashes_are_underscores():
    assert config.resolve(options={"opt-level": 1}).opt_level == 1


def test_module_values_are_defaults(monkeypatch):
    monkeypatch.setattr(config, "opt_level", 1)
    assert config.resolve().opt_level == 1
    assert config.resolve(options={"opt_level": 3}).opt_level == 3
    assert config.resolve(mode="fast-compile").opt_level == 0


def test_windows_is_refused_first(monkeypatch):
    monkeypatch.setattr(_backend.sys, "platform", "win32")
    with pytest.raises(RuntimeError, match="Windows"):
        compile_with(options={"speed": 1})


def test_importing_the_backend_is_light():
    code = ("import sys, fx_mlir._backend; "
            "assert 'fx_mlir._compile_fx' not in sys.modules; "
            "assert 'torch._inductor.decomposition' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True, env={
        **os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(config.__file__))})


@pytest.fixture
def library_folder(tmp_path, monkeypatch):
    """An empty folder that the library is looked for in."""
    monkeypatch.setenv("FX_MLIR_LIBRARY_DIR", str(tmp_path))
    _library.library.cache_clear()
    yield tmp_path
    _library.library.cache_clear()


def test_missing_library_is_named(library_folder):
    with pytest.raises(RuntimeError, match="libFXMLIRC.so was not found"):
        _library.library()


def test_unloadable_library_names_the_package(library_folder):
    (library_folder / "libFXMLIRC.so").write_bytes(b"no library")
    with pytest.raises(RuntimeError, match="libmlir-22"):
        _library.library()


def test_a_pass_is_disabled_by_its_name(compiler):
    compile_with(options={"joint_disable": "fx-remove-noop-ops,fx-fold-uniform-values"})


@pytest.mark.parametrize("stage,name", [
    ("pre_grad", "fx-normalize-ops"), ("joint", "fx-remove-noop-ops"),
    ("post_grad", "fx-merge-views")])
def test_a_disabled_pass_must_be_one_of_the_stage(compiler, stage, name):
    with pytest.raises(Exception, match=f"no pass 'typo'.*{name}"):
        compile_with(options={f"{stage}_disable": "typo", "fallback": False})
    with pytest.raises(Exception, match=f"enable: .*no pass 'typo'.*{name}"):
        compile_with(options={f"{stage}_enable": "typo", "fallback": False})
