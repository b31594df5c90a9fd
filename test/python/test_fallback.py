"""Graphs with operators that the compiler does not have."""

import copy

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

import fx_mlir
from cases import Case, apply, leaf
from checks import check_against_eager, clone

pytestmark = pytest.mark.usefixtures("compiler")


OPAQUE = "fx_mlir_test.opaque.default"


@pytest.fixture
def counters():
    fx_mlir.counters.reset()
    yield fx_mlir.counters
    fx_mlir.counters.reset()


@torch.library.custom_op("fx_mlir_test::opaque", mutates_args=())
def opaque(x: torch.Tensor) -> torch.Tensor:
    """An operator that no compiler knows."""
    return x * 2 + 1


@opaque.register_fake
def _(x):
    return torch.empty_like(x)


opaque.register_autograd(lambda ctx, grad: grad * 2)


@torch.library.custom_op("fx_mlir_test::add_to", mutates_args=("x",))
def add_to(x: torch.Tensor, y: torch.Tensor) -> None:
    x.add_(y)


class LSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(4, 6)

    def forward(self, x):
        h, c = x.new_zeros(x.shape[1], 6), x.new_zeros(x.shape[1], 6)
        out = []
        for step in x:
            h, c = self.cell(step, (h, c))
            out.append(h)
        return opaque(torch.stack(out)), c


class SortedBatchNorm(nn.Module):
    """Mutates buffers, with an operator that falls back before."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x):
        return self.bn(opaque(self.conv(x))).relu()


def in_place_on_view(m, x):
    y = x * 2
    y[1:].mul_(3)
    values = opaque(y)
    values[:, 0] = 1
    return y, values


def mutate_and_view(m, x):
    """A view of an input that is written to, and operators around it."""
    column = x[:, 0]
    x.mul_(2)
    return opaque(column) + x.sum(1), x.t()


def views_everywhere(m, x):
    y = opaque(x * 2)
    z = y.exp()
    return z, z.t(), z[:, 1:], y.t()


def custom_mutation(m, x):
    y = x * 2
    add_to(y, x)
    return y * 3


def with_cond(m, x):
    return torch.cond(x.sum() > 0, lambda x: x.sin() * 2, lambda x: x.cos() - 1, (x * 3,)) + 1


def with_while(m, x):
    from torch._higher_order_ops.while_loop import while_loop

    n = torch.tensor(0)
    return while_loop(lambda n, x: n < 3, lambda n, x: (n + 1, x * 1.5), (n, x + 1))[1] * 2


FALLBACK_CASES = {
    "topk": (Case(lambda: (
        lambda m, x: x.exp().topk(3, -1), nn.Identity(), [leaf(4, 7)])), None),
    "between": (Case(lambda: (
        lambda m, x: opaque(x.sin() * 2).cos() + x, nn.Identity(),
        [leaf(4, 7)])), "opaque"),
    "two_levels": (Case(lambda: (
        lambda m, x: opaque(opaque(x + 1) * x) * 2, nn.Identity(),
        [leaf(4, 7)])), "opaque"),
    "sort": (Case(lambda: (
        lambda m, x: torch.sort(x.sin(), dim=0, descending=True), nn.Identity(),
        [leaf(4, 7)])), None),
    "views_of_a_piece": (Case(lambda: (
        lambda m, x: (lambda y: opaque(y[0]) + opaque(y[1]) * y.t()[:, 1])(x * 2),
        nn.Identity(), [leaf(2, 5)])), "opaque"),
    "strides_of_memory": (Case(lambda: (
        lambda m, x: (x * 2)[1:].as_strided((2, 3), (4, 1), 2) + 1, nn.Identity(),
        [leaf(4, 5)])), None),
    "strides_of_an_input": (Case(lambda: (
        lambda m, x: x.as_strided((2, 3), (16, 1), 17) * 2, nn.Identity(),
        [torch.randn(6, 8)[::2, 1:4]]), train=False), None),
    "qr": (Case(lambda: (
        lambda m, x: torch.linalg.qr(x @ x.t() + 1)[1].relu(), nn.Identity(), [leaf(3, 3)])),
        "linalg_qr"),
    "complex": (Case(lambda: (
        lambda m, x: torch.fft.rfft(x * 2).abs() + 1, nn.Identity(), [leaf(4, 8)])), "fft"),
    "complex_input": (Case(lambda: (
        lambda m, x: (x * x).real + 1, nn.Identity(),
        [torch.randn(3, 4, dtype=torch.complex64)])), "complex64"),
    "complex_conjugate": (Case(lambda: (
        lambda m, x: (x.conj().imag * 2, x.conj()), nn.Identity(),
        [torch.randn(3, 4, dtype=torch.complex64)]), train=False), "complex64"),
    "custom_op": (Case(lambda: (
        lambda m, x: opaque(x.exp()) + x, nn.Identity(), [leaf(3, 4)]), train=False),
        "opaque"),
    "custom_op_gradient": (Case(lambda: (
        lambda m, x: opaque(x.exp()).sum(1) * 2, nn.Identity(),
        [torch.arange(12.0).reshape(3, 4).requires_grad_()])), "opaque"),
    "custom_mutation": (Case(lambda: (
        custom_mutation, nn.Identity(), [torch.randn(3, 4)]), train=False),
        "auto_functionalized"),
    "lstm_cell": (Case(lambda: (apply, LSTM(), [torch.randn(5, 2, 4)])), "opaque"),
    "batch_norm": (Case(lambda: (
        apply, SortedBatchNorm(), [torch.randn(2, 3, 6, 6)]), calls=2), "opaque"),
    "in_place_on_view": (Case(lambda: (in_place_on_view, nn.Identity(), [leaf(3, 4)])),
                         "opaque"),
    "mutate_and_view": (Case(lambda: (
        mutate_and_view, nn.Identity(), [torch.randn(3, 4)]), train=False, calls=2),
        "opaque"),
    "views_everywhere": (Case(lambda: (views_everywhere, nn.Identity(), [leaf(3, 4)])),
                         "opaque"),
    "views_everywhere_dynamic": (Case(lambda: (
        views_everywhere, nn.Identity(), [leaf(3, 4)]), dynamic=True), "has gaps"),
    "int_and_bool": (Case(lambda: (
        lambda m, x: (torch.bincount(x.abs(), minlength=9)[:4] + 1, (x > 2) & (x < 5),
                      torch.sort(x)[1] * 2), nn.Identity(),
        [torch.tensor([1, 3, 3, -4, 8])]), train=False), None),
    "small_integers": (Case(lambda: (
        lambda m, x: (opaque(x) + x, x.to(torch.int16) * 300), nn.Identity(),
        [torch.tensor([250, 7, 255], dtype=torch.uint8)]), train=False), "opaque"),
    "unusual_integers": (Case(lambda: (
        lambda m, x: x.view(torch.int32) + 1, nn.Identity(),
        [torch.tensor([1, 2], dtype=torch.uint32)]), train=False), "uint32"),
    "float8": (Case(lambda: (
        lambda m, x: x.to(torch.float8_e4m3fn).to(torch.float32) * 2, nn.Identity(),
        [torch.randn(3, 4)]), train=False), "float8"),
    "dynamic_batch": (Case(lambda: (
        lambda m, x: opaque(F.gelu(x)).sum(0) / x.shape[0], nn.Identity(),
        [leaf(5, 4)]), dynamic=True), "opaque"),
    "dynamic_image": (Case(lambda: (
        lambda m, x: F.conv2d(x, torch.ones(2, 3, 3, 3), padding=1).relu(), nn.Identity(),
        [leaf(2, 3, 6, 6)]), dynamic=True), None),
    "size_afterwards": (Case(lambda: (
        lambda m, x: opaque(x[1:] * 2) * x.shape[0] + x[1:].shape[0], nn.Identity(),
        [leaf(5, 4)]), dynamic=True), "opaque"),
    "cond": (Case(lambda: (with_cond, nn.Identity(), [leaf(3, 4)])), "cond"),
    "while_loop": (Case(lambda: (with_while, nn.Identity(), [torch.randn(3, 4)]), train=False),
                   "while_loop"),
}


@pytest.mark.parametrize("name", FALLBACK_CASES)
def test_equals_eager(name, counters):
    """Cases without a name are those that the compiler may learn."""
    case, what = FALLBACK_CASES[name]
    check_against_eager(case)
    assert counters.graphs
    if what:
        assert counters.fallen_back


@pytest.mark.parametrize("name", [n for n, (_, what) in FALLBACK_CASES.items() if what])
def test_without_fallback_the_operator_is_named(name):
    case, what = FALLBACK_CASES[name]
    function, module, inputs = case.make()
    compiled = torch.compile(function, backend="fx_mlir", fullgraph=True, dynamic=case.dynamic,
                             options={"fallback": False})
    with pytest.raises(RuntimeError, match=what):
        compiled(module, *[clone(x) for x in inputs])


def test_the_rest_stays_compiled(counters):
    compiled = torch.compile(
        lambda x: opaque(x.sin() * 2).cos() + 1, backend="fx_mlir", fullgraph=True)
    compiled(torch.randn(3, 4))
    assert counters.fallen_back == {OPAQUE: 1}
    assert counters.native == 4


def test_branches_are_compiled(counters):
    def f(x):
        return torch.cond(x.sum() > 0, lambda x: opaque(x.sin() * 2), lambda x: x.cos() - 1, (x,))

    compiled = torch.compile(f, backend="fx_mlir", fullgraph=True)
    for x in (torch.ones(4), -torch.ones(4)):
        torch.testing.assert_close(compiled(x), f(x))
    assert counters.fallen_back == {"higher_order.cond": 1, OPAQUE: 1}
    # sum and gt; sin and mul; cos and sub.
    assert counters.native == 6


@pytest.mark.parametrize("packed", [False, True])
def test_quantised_regions_are_part_of_the_graph(packed, counters):
    """Their scheme is for a compiler to choose; one that does not is right."""
    from torch._higher_order_ops import InvokeQuant, invoke_quant

    weight = torch.randn(4, 4)

    def region(x, y):
        return (x @ weight * y, x + y)

    def f(x, y):
        call = InvokeQuant(codegen_low_precision=False) if packed else invoke_quant
        a, b = call(region, x, y, scheme="nf4")
        return a.sin() * b

    compiled = torch.compile(f, backend="fx_mlir", fullgraph=True, options={"fallback": False})
    y = torch.randn(3, 4)
    for requires_grad in (False, True):
        x = torch.randn(3, 4, requires_grad=requires_grad)
        a, b = region(x, y)
        expected, actual = a.sin() * b, compiled(x, y)
        torch.testing.assert_close(actual, expected)
        if requires_grad:
            torch.testing.assert_close(torch.autograd.grad(actual.sum(), x),
                                       torch.autograd.grad(expected.sum(), x))
    assert not counters.fallen_back


def test_all_refusals_are_found_at_once(monkeypatch):
    from fx_mlir import _library

    checks, check_graph = [], _library.check_graph
    monkeypatch.setattr(_library, "check_graph",
                        lambda *args: checks.append(1) or check_graph(*args))
    compiled = torch.compile(
        lambda x: (opaque(x + 1), torch.linalg.qr(x)[1], torch.linalg.svdvals(x)),
        backend="fx_mlir", fullgraph=True)
    compiled(torch.randn(3, 3))
    # The second finds that nothing is left.
    assert len(checks) == 2


def test_a_number_of_the_data_is_an_input(counters):
    def f(x):
        return (x[x.nonzero()[:, 0]] * 2).sum(0)

    x = torch.tensor([0.0, 2.0, 3.0])
    with torch._dynamo.config.patch(capture_dynamic_output_shape_ops=True):
        compiled = torch.compile(f, backend="fx_mlir", fullgraph=True)
        for value in (x, torch.ones(3)):
            torch.testing.assert_close(compiled(value), f(value))
    assert counters.graphs == 1


def test_a_read_value_is_a_number(counters):
    def f(x):
        return x * x.max().item()

    with torch._dynamo.config.patch(capture_scalar_outputs=True):
        compiled = torch.compile(f, backend="fx_mlir", fullgraph=True)
        for x in (torch.randn(4), torch.randn(4)):
            torch.testing.assert_close(compiled(x), f(x))
    assert counters.graphs == 1


def test_new_sizes_use_one_compilation(counters):
    compiled = torch.compile(lambda x: opaque(x.exp()) * x.shape[0], backend="fx_mlir",
                             fullgraph=True, dynamic=True)
    for batch in (2, 5, 9):
        x = torch.randn(batch, 4)
        torch.testing.assert_close(compiled(x), opaque(x.exp()) * batch)
    assert counters.graphs == 1


def test_a_view_that_is_returned_is_a_view():
    compiled = torch.compile(lambda x: (x.t(), opaque(x)), backend="fx_mlir",
                             fullgraph=True)
    x = torch.randn(3, 4)
    view, _ = compiled(x)
    assert view.data_ptr() == x.data_ptr()
    view.zero_()
    assert not x.any()


def test_random_numbers_of_operators_are_eagers(counters):
    def f(x):
        a = torch.poisson(x.exp())
        b = torch.bernoulli(opaque(x).sigmoid())
        return a, b, torch.poisson(x.cos().abs() * 3)

    x = torch.randn(40)
    compiled = torch.compile(f, backend="fx_mlir", fullgraph=True)
    torch.manual_seed(3)
    got = compiled(x)
    torch.manual_seed(3)
    want = f(x)
    # bernoulli is compiled to numbers of its own, the generator goes on.
    assert torch.equal(got[0], want[0])
    assert set(got[1].unique().tolist()) <= {0.0, 1.0}


def test_a_piece_that_cannot_be_compiled_falls_back(monkeypatch, counters):
    from fx_mlir import _library

    compile_graph = _library.compile_graph

    def refuse_cosine(text, options):
        if b"aten.cos" in text:
            raise RuntimeError("no code today")
        return compile_graph(text, options)

    monkeypatch.setattr(_library, "compile_graph", refuse_cosine)
    compiled = torch.compile(lambda x: opaque(x.sin()).cos(), backend="fx_mlir")
    x = torch.randn(5)
    torch.testing.assert_close(compiled(x), opaque(x.sin()).cos())
    assert counters.fallen_back == {OPAQUE: 1, "aten.cos.default": 1}
    assert counters.native == 1


def test_a_graph_that_cannot_be_split_falls_back(monkeypatch, counters, caplog):
    from fx_mlir import _split

    def broken(self, phase):
        raise KeyError("val")

    monkeypatch.setattr(_split.Split, "piece", broken)
    compiled = torch.compile(lambda x: opaque(x.sin()) + 1, backend="fx_mlir")
    x = torch.randn(5)
    torch.testing.assert_close(compiled(x), opaque(x.sin()) + 1)
    assert counters.native == 0 and sum(counters.fallen_back.values()) == 3
    assert "KeyError" in caplog.text


def test_explain_of_inference(capsys):
    def f(x):
        return opaque(x.sin() * 2) + 1

    report = fx_mlir.explain(f, torch.randn(3, 4))
    assert len(report.graphs) == 1 and report.graphs[0].kind == "inference"
    assert report.native == 3
    (fallen,) = report.fallen_back
    assert fallen.op == OPAQUE and "no such operator" in fallen.reason
    assert fallen.node and "test_fallback.py" in fallen.line
    assert report.graphs[0].pieces == 2 and report.kernels >= 2
    assert {"import", "lowering", "llvm"} <= report.stages.keys()
    assert all(time >= 0 for time in report.stages.values())
    text = capsys.readouterr().out
    assert "1 x fx_mlir_test.opaque.default" in text and "test_fallback.py" in text


def test_explain_of_training():
    model = nn.Sequential(nn.Linear(8, 16), nn.Sigmoid(), nn.Linear(16, 4))
    report = fx_mlir.explain(model, torch.randn(5, 8), training=True)
    assert [g.kind for g in report.graphs] == ["training"]
    assert not report.fallen_back and report.native > 5
    # The sigmoid's values, in f32.
    assert report.saved_bytes >= 5 * 16 * 4
    assert model[0].weight.grad is not None


def test_explain_of_training_with_fallback():
    model = nn.Linear(8, 16)
    report = fx_mlir.explain(lambda x: opaque(model(x).sigmoid()), torch.randn(5, 8),
                             training=True)
    assert [g.kind for g in report.graphs] == ["forward", "backward"]
    assert OPAQUE in {f.op for f in report.graphs[0].fallen_back}
    assert report.saved_bytes >= 5 * 16 * 4
    assert report.native > 3


def test_explain_wants_a_gradient():
    with pytest.raises(ValueError, match="gradient"):
        fx_mlir.explain(lambda x: x + 1, torch.ones(3), training=True)


@pytest.mark.parametrize("autocast", [False, True])
def test_batch_norm_stays_native(counters, autocast):
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5))
    other = copy.deepcopy(model)
    x = torch.randn(4, 3, 8, 8)
    f = torch.compile(model, backend="fx_mlir")
    with torch.autocast("cpu", enabled=autocast):
        y, z = f(x), other(x)
    gradient = torch.randn_like(z)
    y.backward(gradient)
    z.backward(gradient)
    tolerance = 0.05 if autocast else 1e-4
    for p, q in zip(model[1].parameters(), other[1].parameters()):
        torch.testing.assert_close(p.grad, q.grad, atol=tolerance * 50,
                                   rtol=tolerance)
    torch.testing.assert_close(model[0].weight.grad, other[0].weight.grad,
                               atol=tolerance * 20, rtol=tolerance)
    for p, q in zip(model.buffers(), other.buffers()):
        torch.testing.assert_close(p, q)
    assert not counters.fallen_back
