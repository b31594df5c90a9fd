"""torch.compile(backend="fx_mlir") with the C++ compiler."""

import pytest
import torch
import torch.nn.functional as F

from cases import CASES
from checks import check_against_eager

pytestmark = pytest.mark.usefixtures("compiler")


@pytest.mark.parametrize("name", CASES)
def test_equals_eager(name):
    check_against_eager(CASES[name])


def test_a_dynamic_image_is_refused_clearly():
    """A gradient of a convolution needs sizes of the image that are known."""
    with pytest.raises(RuntimeError, match="convolution.*unknown size.*cases.py"):
        check_against_eager(CASES["conv_bn_dynamic"], options={"fallback": False})


@pytest.mark.parametrize("name", ["mlp", "attention", "transposed_output", "conv_bn"])
def test_own_gradients_equal_eager(name):
    check_against_eager(CASES[name], options={"autodiff": "fx"})


def test_dropout_follows_the_generator():
    compiled = torch.compile(lambda x: F.dropout(x, 0.25), backend="fx_mlir", fullgraph=True)
    x = torch.ones(4000, requires_grad=True)
    torch.manual_seed(5)
    first, second = compiled(x), compiled(x)
    torch.manual_seed(5)
    again = compiled(x)
    assert torch.equal(again, first) and not torch.equal(first, second)
    assert 0.22 < (first == 0).float().mean() < 0.28
    again.sum().backward()
    assert torch.equal(x.grad, again.detach())


def test_dropouts_of_one_graph_differ():
    compiled = torch.compile(lambda x: (F.dropout(x, 0.5), F.dropout(x, 0.5)), backend="fx_mlir",
                             fullgraph=True)
    a, b = compiled(torch.ones(1000))
    assert not torch.equal(a, b)


def test_thread_count_does_not_change_results():
    compiled = torch.compile(lambda x, w: (x @ w).softmax(-1).sum(0), backend="fx_mlir")
    x, w = torch.randn(64, 128), torch.randn(128, 32)
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(compiled(x, w))
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(*results)


def test_new_batch_sizes_use_one_compilation(monkeypatch):
    from fx_mlir import _library

    compile_graph, count = _library.compile_graph, []

    def counting(text, options):
        count.append(1)
        return compile_graph(text, options)

    monkeypatch.setattr(_library, "compile_graph", counting)
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
    compiled = torch.compile(module, backend="fx_mlir", dynamic=True)
    for batch in (2, 5, 9):
        x = torch.randn(batch, 4)
        torch.testing.assert_close(compiled(x), module(x))
    assert len(count) == 1


def test_gradients_accumulate():
    x = torch.randn(5, requires_grad=True)
    compiled = torch.compile(lambda x: (x * x).sum(), backend="fx_mlir")
    for _ in range(2):
        compiled(x).backward()
    torch.testing.assert_close(x.grad, 4 * x.detach())


def test_a_backward_that_only_passes_tangents_on():
    a, b = torch.randn(4, requires_grad=True), torch.randn(2, 4, requires_grad=True)
    y = torch.compile(lambda a, b: a[None] + b.neg().neg(), backend="fx_mlir")(a, b)
    tangent = torch.randn(2, 4)
    torch.testing.assert_close(torch.autograd.grad(y, [a, b], tangent), (tangent.sum(0), tangent))
    torch._dynamo.reset()
    a = torch.randn(2, 4, requires_grad=True)
    y = torch.compile(torch.add, backend="fx_mlir")(a, b)
    assert all(torch.equal(g, tangent) for g in torch.autograd.grad(y, [a, b], tangent))


def test_saved_parameters_are_not_copied():
    """What the backward needs of the inputs is passed, not written again."""
    w = torch.randn(16, 8, requires_grad=True)
    compiled = torch.compile(lambda x, w: F.linear(x, w).relu(), backend="fx_mlir")
    y = compiled(torch.randn(4, 8), w)
    saved = {t.untyped_storage().data_ptr() for t in y.grad_fn.saved_tensors}
    assert all(t.data_ptr() == w.data_ptr() for t in y.grad_fn.saved_tensors
               if t.numel() == w.numel())
    assert len(saved) == len(y.grad_fn.saved_tensors)


def test_an_operator_without_lowering_is_named():
    def f(x):
        return torch.linalg.qr(x)[0] + 1

    with pytest.raises(RuntimeError, match="linalg_qr.*test_compile.py"):
        torch.compile(f, backend="fx_mlir", options={"fallback": False})(torch.randn(3, 3))


def test_a_complex_result_is_refused_clearly():
    with pytest.raises(RuntimeError, match="_to_copy.*test_compile.py.*complex64|"
                       "convert_element_type.*test_compile.py.*complex64"):
        torch.compile(lambda x: x.to(torch.complex64), backend="fx_mlir",
                      options={"fallback": False})(torch.randn(3))


def test_the_least_integer_divided_by_minus_one():
    def f(a, b):
        return a // b, a % b, torch.fmod(a, b), a // -1

    for dtype in (torch.int64, torch.int32, torch.int8):
        a = torch.tensor([torch.iinfo(dtype).min, -7, 7, 0], dtype=dtype)
        b = torch.tensor([-1, -1, -1, 2], dtype=dtype)
        for got, want in zip(torch.compile(f, backend="fx_mlir")(a, b), f(a, b), strict=True):
            assert torch.equal(got, want)


@pytest.mark.parametrize("shape, dims", [
    ((64, 8, 60, 50), (0, 2, 3)),
    ((500, 8, 500), (0, 2)),
    ((40, 8, 3136), (0, 2)),
    ((200_000,), (0,)),
])
def test_sums_of_many_numbers_are_accurate(shape, dims):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    compiled = torch.compile(
        lambda x: (x.sum(dims), (x * x).sum(dims)), backend="fx_mlir")
    wide = x.double()
    for result, exact in zip(
            compiled(x), (wide.sum(dims), (wide * wide).sum(dims)),
            strict=True):
        error = ((result - exact).abs() / exact).max().item()
        assert error < 1.5e-7, f"relative error {error}"


def test_logarithms_of_denormal_numbers():
    def f(x):
        return x.log(), x.log2()

    x = torch.tensor([1e-45, 1e-40, 1e-38, 1.2e-38, 0.0, -1e-40, 3.0, float("nan")] * 3)
    for got, want in zip(torch.compile(f, backend="fx_mlir")(x), f(x), strict=True):
        torch.testing.assert_close(got, want, equal_nan=True)


def test_indices_of_max_pool3d():
    def f(x):
        return (*F.max_pool3d(x, 2, padding=1, return_indices=True),
                *F.max_pool3d(x, (1, 2, 3), stride=(2, 1, 2), return_indices=True))

    x = torch.randn(2, 3, 4, 5, 6)
    for got, want in zip(torch.compile(f, backend="fx_mlir")(x), f(x), strict=True):
        assert torch.equal(got, want)


def test_graphs_can_be_dumped(tmp_path):
    compiled = torch.compile(lambda x: x + 1, backend="fx_mlir",
                             options={"dump_dir": str(tmp_path)})
    compiled(torch.ones(3))
    assert b"aten.add.Tensor" in (tmp_path / "graph_0.json").read_bytes()
