"""The package around the compiler: the compiler here runs graphs by ATen."""

import pytest
import torch

from cases import CASES
from checks import check_against_eager


@pytest.mark.parametrize("name", CASES)
def test_equals_eager(reference, name):
    check_against_eager(CASES[name])


def _no_extension():
    raise ImportError("no extension module, for the test")


@pytest.mark.parametrize("name", CASES)
def test_calls_in_python_equal_eager(reference, monkeypatch, name):
    from fx_mlir import _call

    monkeypatch.setattr(_call, "_import_extension", _no_extension)
    check_against_eager(CASES[name])


def test_the_extension_module_fits(reference):
    from fx_mlir import _call

    assert _call.call_module().__name__ == "fx_mlir._runtime"


def test_dropout_follows_the_generator(reference):
    compiled = torch.compile(
        lambda x: torch.nn.functional.dropout(x, 0.5), backend="fx_mlir", fullgraph=True)
    x = torch.ones(1000)
    torch.manual_seed(3)
    first, second = compiled(x), compiled(x)
    torch.manual_seed(3)
    assert torch.equal(compiled(x), first)
    assert not torch.equal(first, second)
    assert 0.4 < (first == 0).float().mean() < 0.6
    assert set(first.unique().tolist()) == {0.0, 2.0}


def test_dropout_gradient_uses_the_mask(reference):
    compiled = torch.compile(
        lambda x: torch.nn.functional.dropout(x, 0.5), backend="fx_mlir", fullgraph=True)
    x = torch.ones(1000, requires_grad=True)
    y = compiled(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())


def test_thread_count_is_passed_on(reference):
    compiled = torch.compile(lambda x: x + 1, backend="fx_mlir")
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            compiled(torch.ones(3))
            assert reference._state["threads"] == threads
    finally:
        torch.set_num_threads(before)


def test_new_batch_size_with_dynamic_shapes(reference):
    module = torch.nn.Linear(4, 3)
    compiled = torch.compile(module, backend="fx_mlir", dynamic=True)
    for batch in (2, 5, 9):
        x = torch.randn(batch, 4)
        torch.testing.assert_close(compiled(x), module(x))
        compiled(x).sum().backward()
    assert reference.compiled == 1


def test_errors_of_compiled_code_are_raised(reference):
    compiled = torch.compile(lambda x, i: x[i], backend="fx_mlir")
    with pytest.raises(RuntimeError, match="fx_mlir.*IndexError"):
        compiled(torch.ones(3), torch.tensor([7]))


def test_fallback_runs_what_cannot_be_compiled(reference, monkeypatch):
    from fx_mlir import _library

    def refuse(text, options):
        raise RuntimeError("no lowering for 'aten.exp.default'")

    monkeypatch.setattr(_library, "compile_graph", refuse)
    x = torch.randn(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="aten.exp.default"):
        torch.compile(lambda x: x.exp(), backend="fx_mlir", options={"fallback": False})(x)
    torch._dynamo.reset()
    compiled = torch.compile(lambda x: x.exp(), backend="fx_mlir")
    y = compiled(x)
    y.sum().backward()
    assert torch.equal(y, x.exp()) and torch.equal(x.grad, x.detach().exp())


def test_compile_takes_a_graph(reference):
    import fx_mlir

    gm = torch.fx.symbolic_trace(lambda x: (x + 1,))
    (y,) = fx_mlir.compile(gm, [torch.ones(2)])(torch.ones(2))
    assert torch.equal(y, torch.full((2,), 2.0))


def test_a_graph_without_calls_is_not_compiled(reference, monkeypatch):
    """Its arguments come back, without code; one with a call has code."""
    import fx_mlir
    from fx_mlir import _compile_fx

    compiled = []
    compile_graph = _compile_fx._compile_graph
    monkeypatch.setattr(_compile_fx, "_compile_graph",
                        lambda *a, **k: compiled.append(a) or compile_graph(*a, **k))
    x, y = torch.randn(3), torch.randn(2)

    def build(results):
        graph = torch.fx.Graph()
        arguments = [graph.placeholder(name) for name in ("x", "y")]
        for node, value in zip(arguments, (x, y)):
            node.meta["example_value"] = value
        graph.output(results(graph, arguments))
        return torch.fx.GraphModule(torch.nn.Module(), graph)

    swapped = fx_mlir.compile(build(lambda graph, a: (a[1], a[0])), [x, y])
    for have, want in zip(swapped(x, y), (y, x)):
        assert torch.equal(have, want)
    assert not compiled
    called = fx_mlir.compile(
        build(lambda graph, a: (graph.call_function(torch.sin, (a[0],)),)), [x, y])
    torch.testing.assert_close(called(x, y)[0], x.sin())
    assert len(compiled) == 1
