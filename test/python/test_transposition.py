"""Transpositions: blocks in registers, and what is left at the edges."""

import pytest
import torch

DTYPES = [torch.float32, torch.bfloat16, torch.float64, torch.int64,
          torch.int16, torch.uint8, torch.bool]
SHAPES = [(16, 16), (32, 48), (17, 16), (16, 17), (37, 129), (1, 40), (40, 1),
          (15, 15), (0, 16), (64, 3)]


def check(function, *inputs):
    with torch.no_grad():
        expected = function(*inputs)
        got = torch.compile(function, backend="fx_mlir", fullgraph=True,
                            dynamic=False)(*inputs)
    assert got.stride() == expected.stride()
    torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True)


def numbered(*shape, dtype=torch.float32):
    x = torch.arange(torch.Size(shape).numel()).reshape(shape) % 251
    return x % 3 == 0 if dtype == torch.bool else x.to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: str(d)[6:])
def test_matrices(compiler, dtype):
    for shape in SHAPES:
        torch._dynamo.reset()
        check(lambda x: x.t().contiguous(), numbered(*shape, dtype=dtype))


@pytest.mark.parametrize("order", [(0, 2, 3, 1), (0, 3, 1, 2), (3, 2, 1, 0),
                                   (2, 0, 3, 1)])
def test_four_dims(compiler, order):
    check(lambda x: x.permute(order).contiguous(), numbered(2, 19, 18, 33))


def test_with_other_operands(compiler):
    x, y = numbered(50, 70), numbered(70, 50)
    x[3, 5], x[49, 69], y[0, 49] = float("nan"), float("inf"), -float("inf")
    check(lambda x, y: x.t() * 2 + y, x, y)
    torch._dynamo.reset()
    check(lambda x, y: x.t() + y.t()[:50, :1].t() + x[:, :1].t(), x, y)
    torch._dynamo.reset()
    check(lambda x, y: torch.stack([x.t(), y], -1), x, y)


def test_a_slice(compiler):
    check(lambda x: x[3:, 5:53].t() + 1, numbered(70, 60))


def test_sizes_vary(compiler):
    f = torch.compile(lambda x: x.t() + 1, backend="fx_mlir", dynamic=True)
    for shape in [(40, 50), (16, 16), (33, 7), (7, 33)]:
        x = numbered(*shape)
        torch.testing.assert_close(f(x), x.t() + 1, rtol=0, atol=0)
