"""Passes and patterns of the user's in torch.compile; the code of docs/Hooks.md."""

import os
import pathlib
import re

import pytest
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "hooks"


def test_the_code_of_the_page(compiler, monkeypatch):
    code = "".join(re.findall(r"```python\n(.*?)```",
                              (ROOT / "docs" / "Hooks.md").read_text(), re.S))
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


def negate_relu(graph):
    """relu -> neg, in a graph of Dynamo's or of ATen's."""
    names = {torch.relu: torch.neg, torch.ops.aten.relu.default: torch.ops.aten.neg.default}
    for node in list(graph.nodes):
        if node.target in names:
            with graph.inserting_before(node):
                new = graph.call_function(names[node.target], node.args)
            node.replace_all_uses_with(new)
            graph.erase_node(node)


def relu_twice(x):
    return torch.relu(x) * 2


@pytest.mark.parametrize("hook", ["pre_grad_custom", "joint_custom_pre"])
@pytest.mark.parametrize("autodiff", ["aot", "fx"])
def test_a_function_changes_the_graph(compiler, hook, autodiff):
    """A wrong rule shows that it was applied, to inference and to training."""
    compiled = torch.compile(relu_twice, backend="fx_mlir", options={
        hook: negate_relu, "fallback": False, "autodiff": autodiff})
    x = torch.randn(5)
    torch.testing.assert_close(compiled(x), -2 * x)
    y = torch.randn(5, requires_grad=True)
    out = compiled(y)
    torch.testing.assert_close(out, -2 * y)
    out.sum().backward()
    # The joint graph has the derivative of relu already, from relu's result.
    expected = -2 * torch.ones(5) if hook == "pre_grad_custom" else 2.0 * (-y > 0)
    torch.testing.assert_close(y.grad, expected)


@pytest.mark.parametrize("hook", ["joint_custom_post", "post_grad_custom_pre"])
def test_later_hooks_take_text(compiler, hook):
    with pytest.raises(RuntimeError, match=f"type of option '{hook}'.*expected str"):
        compile_with({hook: negate_relu})


def test_an_error_of_a_function_is_shown(compiler):
    def fail(graph):
        raise ValueError("no such node")

    with pytest.raises(Exception, match="no such node"):
        torch.compile(relu_twice, backend="fx_mlir", options={
            "joint_custom_pre": fail})(torch.ones(3))


def test_a_function_that_makes_another_kind_of_node(compiler):
    def use_method(graph):
        (x,) = [n for n in graph.nodes if n.op == "placeholder"]
        (relu,) = [n for n in graph.nodes if n.target is torch.ops.aten.relu.default]
        with graph.inserting_before(relu):
            relu.replace_input_with(x, graph.call_method("abs", (x,)))

    with pytest.raises(Exception, match="a call_method"):
        torch.compile(relu_twice, backend="fx_mlir", options={
            "joint_custom_pre": use_method})(torch.ones(3))
