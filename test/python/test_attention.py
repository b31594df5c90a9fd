"""Attention as one kernel: shapes, layouts, masks and types against float64."""

import pytest
import torch
import torch.nn.functional as F

sdpa = F.scaled_dot_product_attention


def tensors(*shapes, dtype=torch.float32, gradient=True):
    torch.manual_seed(0)
    return [torch.randn(*shape, dtype=dtype, requires_grad=gradient)
            for shape in shapes]


def run(function, arguments):
    """The output and the gradients of all arguments that need one."""
    out = function(*arguments)
    leaves = [x for x in arguments if x.requires_grad]
    torch.manual_seed(1)
    upstream = torch.randn(out.shape).to(out.dtype)
    return [out.detach(), *torch.autograd.grad(out, leaves, upstream)]


def widened(x):
    if not x.is_floating_point():
        return x
    return x.detach().double().requires_grad_(x.requires_grad)


def worst(got, want):
    """Differences relative to the largest value, or to terms that cancel."""
    if want.numel() == 0:
        assert got.shape == want.shape
        return 0.0
    scale = want.abs().max().clamp(min=1.0)
    return ((got.double() - want).abs().max() / scale).item()


def check(function, *arguments, tolerance=2e-6):
    want = run(function, [widened(x) for x in arguments])
    eager = run(function, arguments)
    torch._dynamo.reset()
    compiled = torch.compile(function, backend="fx_mlir", fullgraph=True)
    for got, plain, exact in zip(run(compiled, arguments), eager, want):
        assert worst(got, exact) <= max(tolerance, 3 * worst(plain, exact))
    torch._dynamo.reset()
    with torch.no_grad():
        got = torch.compile(function, backend="fx_mlir")(*arguments)
    assert worst(got, want[0]) <= max(tolerance, 3 * worst(eager[0], want[0]))


SHAPES = [(1, 1, 1, 1, 1), (2, 3, 7, 5, 17), (1, 2, 128, 128, 64),
          (2, 1, 61, 257, 33), (3, 1, 64, 1, 8), (1, 2, 1, 300, 40)]


@pytest.mark.parametrize("batch,heads,queries,keys,size", SHAPES)
def test_shapes(compiler, batch, heads, queries, keys, size):
    q, k, v = tensors((batch, heads, queries, size), (batch, heads, keys, size),
                      (batch, heads, keys, size))
    check(lambda q, k, v: sdpa(q, k, v), q, k, v)
    check(lambda q, k, v: sdpa(q, k, v, is_causal=True, scale=0.3), q, k, v)


MASKS = {
    "added": lambda: torch.randn(9, 21),
    "repeated": lambda: torch.randn(2, 1, 1, 21),
    "heads": lambda: torch.randn(3, 9, 21),
    "bool": lambda: torch.rand(2, 3, 9, 21) > 0.3,
    # Rows without any key that counts.
    "empty rows": lambda: (torch.arange(9) % 3 > 0)[:, None].expand(9, 21),
    "minus infinity": lambda: torch.where(
        torch.rand(9, 21) > 0.5, 0.0, -torch.inf),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks(compiler, name):
    q, k, v = tensors((2, 3, 9, 16), (2, 3, 21, 16), (2, 3, 21, 16))
    mask = MASKS[name]()
    check(lambda q, k, v, m: sdpa(q, k, v, attn_mask=m), q, k, v, mask)


def test_mask_with_gradient(compiler):
    q, k, v, mask = tensors((2, 3, 9, 8), (2, 3, 9, 8), (2, 3, 9, 8), (9, 9))
    check(lambda q, k, v, m: sdpa(q, k, v, attn_mask=m), q, k, v, mask)


def test_grouped_queries(compiler):
    q, k, v = tensors((2, 6, 33, 24), (2, 2, 40, 24), (2, 2, 40, 24))
    check(lambda q, k, v: sdpa(q, k, v, enable_gqa=True), q, k, v)


def test_heads_of_one_projection(compiler):
    (x,) = tensors((2, 50, 96))

    def block(x):
        q, k, v = (part.view(2, 50, 4, 8).transpose(1, 2)
                   for part in x.split(32, dim=2))
        y = sdpa(q, k, v, is_causal=True)
        return y.transpose(1, 2).reshape(2, 50, 32)

    check(block, x)


def test_transposed_operands(compiler):
    q, k, v = tensors((5, 16, 20), (5, 16, 20), (5, 16, 20))
    check(lambda *x: sdpa(*(t.transpose(1, 2) for t in x)), q, k, v)


@pytest.mark.parametrize("shape", [(2, 3, 0, 5), (2, 3, 6, 0), (0, 3, 6, 6)])
def test_empty(compiler, shape):
    batch, heads, queries, keys = shape
    q, k, v = tensors((batch, heads, queries, 8), (batch, heads, keys, 8),
                      (batch, heads, keys, 8))
    check(lambda q, k, v: sdpa(q, k, v), q, k, v)


def test_value_of_another_size(compiler):
    q, k, v = tensors((1, 3, 4, 5), (1, 3, 2, 5), (1, 3, 2, 7))
    check(lambda q, k, v: sdpa(q, k, v), q, k, v)


@pytest.mark.parametrize("dtype,tolerance", [(torch.bfloat16, 8e-3),
                                             (torch.float16, 1e-3)])
def test_narrow_types(compiler, dtype, tolerance):
    q, k, v = tensors((2, 6, 33, 24), (2, 2, 40, 24), (2, 2, 40, 24),
                      dtype=dtype)
    check(lambda q, k, v: sdpa(q, k, v, enable_gqa=True), q, k, v,
          tolerance=tolerance)
    mask = torch.randn(33, 40).to(dtype)
    check(lambda q, k, v, m: sdpa(q, k, v, attn_mask=m, enable_gqa=True),
          q, k, v, mask, tolerance=tolerance)


def test_dynamic_sizes(compiler):
    """One piece of code for every batch and length."""
    torch._dynamo.reset()

    def block(x):
        q, k, v = x.unflatten(2, (3, 4, 8)).permute(2, 0, 3, 1, 4)
        y = sdpa(q, k, v, is_causal=True)
        return y.transpose(1, 2).flatten(2)

    compiled = torch.compile(block, backend="fx_mlir", dynamic=True,
                             fullgraph=True)
    for batch, tokens in [(2, 5), (3, 70), (4, 129)]:
        (x,) = tensors((batch, tokens, 96))
        want = run(block, [widened(x)])
        for got, exact in zip(run(compiled, [x]), want):
            assert worst(got, exact) < 2e-6
