"""Passes and patterns of the user's in torch.compile; the code of docs/Hooks.md."""

import os
import pathlib
import re

import pytest
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "hooks"


def test_the_code_of_the_page(compiler, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```",
                         (ROOT / "docs" / "Hooks.md").read_text(), re.S)
    monkeypatch.chdir(EXAMPLES)
    exec(compile(code, "Hooks.md", "exec"), {})


HOOKS = ["pre_grad_custom", "joint_custom_pre", "joint_custom_post",
         "post_grad_custom_pre", "post_grad_custom_post"]


def compile_with(options):
    def f(x):
        return torch.relu(x) * 2

    options = {"fallback": False, **options}
    return torch.compile(f, backend="fx_mlir", options=options)(torch.ones(3))


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_runs_its_passes_and_patterns(compiler, hook, tmp_path):
    """That a hook is read is seen from its errors."""
    patterns = tmp_path / "wrong.mlir"
    patterns.write_text("pdl.pattern : benefit(1) {\n  nonsense\n}\n")
    with pytest.raises(Exception, match="no-such-pass"):
        compile_with({hook: "func.func(no-such-pass)"})
    with pytest.raises(Exception, match=re.escape("wrong.mlir:2")):
        compile_with({hook + "_patterns": str(patterns)})


def test_patterns_change_the_result(compiler, tmp_path):
    """A wrong rule shows that it was applied."""
    patterns = tmp_path / "relu.pdll"
    patterns.write_text("Pattern { let r = op<fx.relu>(x: Value); replace r with x; }")

    def f(x):
        return torch.relu(x) * 2

    x = -torch.ones(3)
    compiled = torch.compile(f, backend="fx_mlir", options={
        "joint_custom_pre_patterns": os.fspath(patterns), "fallback": False})
    torch.testing.assert_close(compiled(x), x * 2)
