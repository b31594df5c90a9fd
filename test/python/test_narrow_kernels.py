"""Kernels with narrow operands: convolutions and products of bf16, f16 against
float64, with gradients, and products of 8-bit integers, which are exact."""

import pytest
import torch
import torch.nn.functional as F


def relative_error(got, want):
    if want.numel() == 0:
        assert got.shape == want.shape
        return 0.0
    scale = want.abs().max().clamp(min=1e-30)
    return ((got.double() - want).abs().max() / scale).item()


def check(function, *arguments):
    """As exact as eager mode, forward and backward."""
    def run(f, values):
        values = [v.detach().clone().requires_grad_() for v in values]
        out = f(*values)
        torch.manual_seed(1)
        upstream = torch.randn(out.shape).to(arguments[0].dtype).to(out.dtype)
        return [out.detach(), *torch.autograd.grad(out, values, upstream)]

    want = run(function, [x.double() for x in arguments])
    eager = run(function, arguments)
    torch._dynamo.reset()
    compiled = torch.compile(function, backend="fx_mlir", fullgraph=True)
    step = 2.0 ** -8 if arguments[0].dtype == torch.bfloat16 else 2.0 ** -11
    for got, plain, exact in zip(run(compiled, arguments), eager, want):
        assert got.dtype == plain.dtype
        assert relative_error(got, exact) <= max(
            step, 1.5 * relative_error(plain, exact))
    torch._dynamo.reset()
    with torch.no_grad():
        got = torch.compile(function, backend="fx_mlir")(*arguments)
    assert relative_error(got, want[0]) <= max(
        step, 1.5 * relative_error(eager[0], want[0]))


def tensors(dtype, *shapes):
    torch.manual_seed(0)
    return [torch.randn(*shape).to(dtype) for shape in shapes]


# input, weight, window
SETTINGS = {
    "plain": ((2, 5, 9, 11), (7, 5, 3, 3), dict(padding=1)),
    "one": ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    "strided": ((2, 6, 13, 9), (8, 6, 3, 3), dict(stride=2, padding=1)),
    "dilated": ((1, 3, 17, 17), (5, 3, 3, 3), dict(dilation=2, stride=(1, 2))),
    "large kernel": ((2, 3, 23, 23), (8, 3, 7, 7), dict(stride=2, padding=3)),
    "grouped": ((2, 6, 10, 10), (9, 2, 3, 3), dict(groups=3, padding=1)),
    "depthwise": ((2, 6, 10, 10), (6, 1, 3, 3), dict(groups=6, padding=1)),
    "multiplier": ((2, 4, 10, 7), (8, 1, 3, 3), dict(groups=4, stride=2)),
    "pointwise": ((2, 33, 17, 17), (20, 33, 1, 1), {}),
    "pointwise strided": ((2, 8, 9, 9), (12, 8, 1, 1), dict(stride=2)),
    "wide": ((1, 40, 6, 64), (20, 40, 3, 3), dict(padding=1)),
}
DTYPES = [torch.bfloat16, torch.float16]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SETTINGS)
def test_conv2d(compiler, name, dtype):
    x, w, window = SETTINGS[name]
    check(lambda x, w, b: F.relu(F.conv2d(x, w, b, **window)),
          *tensors(dtype, x, w, w[:1]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_conv1d(compiler, dtype):
    check(lambda x, w: F.conv1d(x, w, stride=2, padding=2, groups=2),
          *tensors(dtype, (3, 4, 31), (6, 2, 5)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_transposed(compiler, dtype):
    check(lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1,
                                             output_padding=1),
          *tensors(dtype, (2, 6, 7, 5), (6, 4, 3, 3), (4,)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_strided_operand(compiler, dtype):
    check(lambda x, w: F.conv2d(x[:, ::2].transpose(2, 3), w),
          *tensors(dtype, (2, 6, 9, 8), (4, 3, 3, 3)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_unrounded_sum_goes_on(compiler, dtype):
    """A second use of the result, and one that broadcasts into it."""
    def function(x, w, s):
        y = F.conv2d(x, w, padding=1)
        return F.silu(y) * s + y

    check(function, *tensors(dtype, (2, 4, 12, 12), (6, 4, 3, 3), (6, 1, 1)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch,m,n,k", [
    (1, 1, 1, 1), (3, 13, 17, 7), (2, 64, 64, 1100), (4, 100, 33, 64),
    (1, 300, 70, 2100), (2, 5, 7, 0)])
def test_products(compiler, batch, m, n, k, dtype):
    def function(a, b, c):
        return torch.tanh(a @ b) + c

    check(function, *tensors(dtype, (batch, m, k), (batch, k, n), (n,)))


@pytest.mark.parametrize("freezing", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("m,n,k", [
    (1, 1, 1), (3, 70, 5), (20, 40, 65), (60, 33, 601), (100, 70, 1025),
    (700, 37, 31)])
def test_infinities_and_nan(compiler, m, n, k, dtype, freezing):
    """They reach the sums that they are terms of, and no others: nothing is
    multiplied by the zeros behind an odd number of steps."""
    a, weight = tensors(dtype, (m, k), (n, k))
    a[m // 2, k - 1] = float("inf")
    a[0, 0] = float("nan")
    weight[n - 1, k - 1] = float("-inf")
    exact = a.double() @ weight.double().t()
    torch._dynamo.reset()
    with torch.no_grad():
        function = torch.compile(lambda a, w: F.linear(a, w),
                                 backend="fx_mlir",
                                 options={"freezing": freezing})
        for _ in range(2):
            got = function(a, weight).double()
            assert torch.equal(got.isnan(), exact.isnan())
            assert torch.equal(got.isinf(), exact.isinf())
            assert torch.equal(got[got.isinf()], exact[exact.isinf()])


@pytest.mark.parametrize("dtype", DTYPES)
def test_heads(compiler, dtype):
    """Rows, columns and batches of a product that are not neighbours."""
    def function(q, k):
        q = q.view(2, 9, 3, 8).transpose(1, 2)
        k = k.view(2, 11, 3, 8).transpose(1, 2)
        scores = q @ k.transpose(-1, -2) * 0.3
        return torch.relu(scores.permute(0, 2, 1, 3))

    check(function, *tensors(dtype, (2, 9, 24), (2, 11, 24)))


def integers(dtype, *shape):
    info = torch.iinfo(dtype)
    return torch.randint(info.min, info.max + 1, shape, dtype=dtype)


@pytest.mark.parametrize("m,n,k", [
    (1, 1, 1), (5, 7, 3), (33, 65, 130), (64, 48, 512), (0, 5, 7), (5, 7, 0),
    (4, 300, 2500)])
@pytest.mark.parametrize("unsigned", [False, True])
def test_int_mm(compiler, m, n, k, unsigned):
    torch.manual_seed(0)
    a = integers(torch.uint8 if unsigned else torch.int8, m, k)
    weight = integers(torch.int8, n, k)

    def function(a, weight):
        product = torch._int_mm(a, weight.t())
        return product, torch.relu(product.float() * 0.25)

    want = a.int() @ weight.int().t()
    torch._dynamo.reset()
    product, scaled = torch.compile(function, backend="fx_mlir",
                                    fullgraph=True)(a, weight)
    assert torch.equal(product, want)
    assert torch.equal(scaled, torch.relu(want.float() * 0.25))
    torch._dynamo.reset()
    hidden = torch.compile(lambda a, w: function(a, w)[1], backend="fx_mlir")
    assert torch.equal(hidden(a, weight), torch.relu(want.float() * 0.25))
