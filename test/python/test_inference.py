"""Inference graphs that AOTAutograd does not trace."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checks import assert_same


@pytest.fixture
def roads(monkeypatch):
    """For each compiled graph whether it was traced without AOTAutograd."""
    from fx_mlir import _inference

    taken = []
    trace = _inference.trace

    def note(*args):
        traced = trace(*args)
        taken.append(traced is not None)
        return traced

    monkeypatch.setattr(_inference, "trace", note)
    return taken


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.batch_norm = nn.BatchNorm2d(8)
        self.group_norm = nn.GroupNorm(2, 8)
        self.linear = nn.Linear(8, 8)

    def forward(self, x):
        x = F.gelu(self.batch_norm(self.conv(x)))
        x = self.linear(self.group_norm(x).flatten(2).transpose(1, 2))
        return F.scaled_dot_product_attention(x, x, x)


def mixed(x):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return x[0] @ x[1].transpose(1, 2)


def check(function, *inputs, mode=torch.no_grad):
    with mode():
        expected = function(*inputs)
        compiled = torch.compile(function, backend="fx_mlir", fullgraph=True)
        for _ in range(2):
            assert_same(compiled(*inputs), expected, "output")


IMAGE = torch.randn(2, 3, 6, 6)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_graph_of_pure_operators(compiler, roads, mode):
    check(Block().eval(), IMAGE, mode=mode)
    assert roads == [True]


@pytest.mark.parametrize("function", [
    mixed,
    lambda x: x.sort(dim=1).values.contiguous(),
    lambda x: F.dropout(x, 0.0) + 1,
    lambda x: x.detach() * 2,
], ids=["autocast", "sort", "dropout", "detach"])
def test_other_pure_graphs(compiler, roads, function):
    check(function, IMAGE, mode=torch.enable_grad)
    assert roads == [True]


@pytest.mark.parametrize("function", [
    lambda x: F.relu(x * 2, inplace=True),
    lambda x: F.relu(x * 2, True) + 1,
    lambda x: (x * 2).mul_(3),
    lambda x: x[1:],
    lambda x: x + torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    lambda x: F.embedding(torch.tensor([0, 1]), x[0, 0] + 1, max_norm=1.0),
], ids=["inplace", "inplace_by_position", "method", "view", "constant",
        "renormalised"])
def test_graphs_for_aot_autograd(compiler, roads, function):
    check(function, IMAGE)
    assert not any(roads)


def test_gradients_and_varying_sizes(compiler, roads):
    w = torch.randn(6, requires_grad=True)
    f = torch.compile(lambda x: x * w, backend="fx_mlir", fullgraph=True)
    f(IMAGE).sum().backward()
    assert w.grad is not None
    g = torch.compile(lambda x: x * 2, backend="fx_mlir", dynamic=True)
    assert_same(g(IMAGE), IMAGE * 2, "output")
    assert roads == [False, False]


def test_statistics_are_written(compiler, roads):
    # The operator that writes them does not say so in its schema.
    mean, variance = torch.zeros(3), torch.ones(3)
    expected = mean.clone(), variance.clone()
    f = torch.compile(
        lambda x, m, v: F.batch_norm(x, m, v, training=True),
        backend="fx_mlir", fullgraph=True)
    with torch.no_grad():
        y = f(IMAGE, mean, variance)
        z = F.batch_norm(IMAGE, *expected, training=True)
    assert_same(y, z, "output")
    assert_same(mean, expected[0], "mean")
    assert_same(variance, expected[1], "variance")
    assert roads == [False]


def test_compiled_autograd(compiler, roads, caplog):
    # Its graphs take lists, and are modules around graphs.
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh())
    twin = copy.deepcopy(model)
    f = torch.compile(model, backend="fx_mlir")
    with torch._dynamo.config.patch(compiled_autograd=True):
        torch.compile(lambda x: f(x).sum().backward(),
                      backend="fx_mlir")(IMAGE)
    twin(IMAGE).sum().backward()
    assert_same(model[0].weight.grad, twin[0].weight.grad, "gradient")
    assert not [r for r in caplog.records if r.levelname == "WARNING"
                and "fx_mlir" in r.message]


def test_a_parameter_is_written_between_calls(compiler, roads):
    model = nn.Linear(3, 3).eval()
    f = torch.compile(model, backend="fx_mlir")
    x = torch.randn(4, 3)
    with torch.no_grad():
        before = f(x)
        model.weight.mul_(2)
        assert_same(f(x), model(x), "output")
        assert not torch.equal(f(x), before)
    # With gradients the graph is another one.
    f(x).sum().backward()
    assert model.weight.grad is not None
    assert roads == [True, False]


def test_operators_are_those_that_aot_autograd_traces(compiler):
    from fx_mlir import _inference
    from fx_mlir import _torch_compat as compat

    graphs = []

    def describe(gm):
        return [(n.op, str(n.target) if n.op == "call_function" else "",
                 [(v.shape, v.stride(), v.dtype)
                  for v in [n.meta.get("val")] if isinstance(v, torch.Tensor)])
                for n in gm.graph.nodes]

    def backend(gm, inputs):
        direct = _inference.trace(copy.deepcopy(gm), inputs)

        def compile(traced, _):
            graphs.append((describe(direct), describe(traced)))
            return traced.forward

        return compat.aot_compile(gm, inputs, fw_compiler=compile,
                                  bw_compiler=compile,
                                  inference_compiler=compile)

    with torch.no_grad():
        torch.compile(Block().eval(), backend=backend)(IMAGE)
        torch.compile(mixed, backend=backend)(IMAGE)
    assert len(graphs) == 2
    for direct, traced in graphs:
        assert direct == traced


def test_guards_are_timed_by_dynamo_for_others(compiler):
    from torch._dynamo import guards

    timed = guards.profile_guard_manager
    torch.compile(lambda x: x + 1, backend="fx_mlir")(IMAGE)
    assert guards.profile_guard_manager is timed
