"""The run-time library's templates over awkward shapes, against eager PyTorch:
sizes of 1, primes, tails of vectors and tiles, empty tensors, strided and
broadcast operands, infinities and NaN. docs/CPU.md lists them all."""

import math

import pytest
import torch
import torch.nn.functional as F

from template_checks import check, rand, with_values

CONVOLUTIONS = {
    # input, weight, options
    "line": ((2, 5, 37), (7, 5, 3), dict(padding=1)),
    "line strided": ((3, 4, 101), (6, 2, 5), dict(stride=3, groups=2)),
    "line of one": ((1, 1, 1), (1, 1, 1), {}),
    "plane": ((2, 5, 13, 17), (7, 5, 3, 3), dict(padding=1)),
    "plane pointwise": ((2, 13, 7, 5), (11, 13, 1, 1), {}),
    "plane pointwise strided": ((2, 13, 7, 5), (11, 13, 1, 1), dict(stride=2)),
    "plane dilated": ((1, 3, 19, 23), (5, 3, 3, 3), dict(dilation=(2, 3), padding=2)),
    "plane grouped": ((2, 6, 11, 13), (9, 2, 3, 5), dict(groups=3, padding=(1, 2))),
    "plane depthwise": ((2, 7, 11, 34), (7, 1, 3, 3), dict(groups=7, padding=1)),
    "plane multiplier": ((2, 5, 11, 13), (15, 1, 5, 3),
                         dict(groups=5, stride=(2, 1), padding=2)),
    "plane Winograd": ((2, 17, 29, 31), (19, 17, 3, 3), dict(padding=1)),
    "plane without images": ((0, 3, 8, 8), (4, 3, 3, 3), {}),
    "volume": ((2, 3, 5, 7, 11), (5, 3, 3, 3, 3), dict(padding=1)),
    "volume in place": ((1, 5, 4, 6, 32), (7, 5, 3, 3, 3), dict(padding=1)),
    "volume pointwise": ((2, 7, 3, 5, 11), (5, 7, 1, 1, 1), {}),
    "volume strided": ((1, 4, 7, 9, 11), (6, 4, 3, 3, 3), dict(stride=2, padding=1)),
    "volume uneven": ((2, 4, 5, 6, 7), (6, 2, 1, 3, 2),
                      dict(stride=(2, 1, 3), padding=(0, 1, 1),
                           dilation=(1, 2, 1), groups=2)),
    "volume depthwise": ((2, 5, 5, 7, 19), (5, 1, 3, 3, 3), dict(groups=5, padding=1)),
    "volume Winograd": ((2, 17, 5, 13, 15), (19, 17, 3, 3, 3), dict(padding=1)),
    "volume Winograd uneven": ((1, 18, 7, 20, 22), (16, 18, 2, 3, 3),
                               dict(stride=(2, 1, 1), padding=(1, 0, 2),
                                    dilation=(3, 1, 1))),
    "volume of planes": ((2, 3, 1, 9, 9), (4, 3, 1, 3, 3), {}),
    "volume without images": ((0, 3, 4, 4, 4), (4, 3, 3, 3, 3), {}),
}
TRANSPOSED = {
    "line": ((2, 5, 13), (5, 3, 4), dict(stride=3, padding=1)),
    "plane": ((2, 5, 7, 9), (5, 7, 3, 3), dict(padding=1)),
    "plane strided": ((2, 4, 7, 5), (4, 3, 3, 3),
                      dict(stride=2, padding=1, output_padding=1)),
    "plane grouped": ((1, 6, 5, 7), (6, 2, 2, 2), dict(stride=2, groups=3)),
    "volume": ((2, 4, 3, 5, 7), (4, 5, 3, 3, 3), dict(padding=1)),
    "volume strided": ((1, 4, 3, 5, 4), (4, 3, 2, 3, 2),
                       dict(stride=(2, 1, 2), groups=2)),
}


def convolve(transposed, rank, options):
    name = f"conv_transpose{rank}d" if transposed else f"conv{rank}d"
    operator = getattr(F, name)
    return lambda x, w, b: operator(x, w, b, **options)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name):
    xs, ws, options = CONVOLUTIONS[name]
    check(convolve(False, len(xs) - 2, options), rand(*xs), rand(*ws), rand(ws[0]))


@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed_convolution(name):
    xs, ws, options = TRANSPOSED[name]
    check(convolve(True, len(xs) - 2, options), rand(*xs), rand(*ws),
          rand(ws[1] * options.get("groups", 1)))


def channels_last(tensor):
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return tensor.detach().contiguous(memory_format=formats[tensor.dim()]) \
        .requires_grad_(tensor.requires_grad)


@pytest.mark.parametrize("name", [
    "plane", "plane pointwise", "plane grouped", "plane depthwise", "plane Winograd",
    "volume", "volume strided", "volume depthwise", "volume Winograd"])
def test_channels_last(name):
    """Two convolutions and what is between them, with such weights and images;
    the gradients' strides are those of eager mode, too."""
    xs, ws, options = CONVOLUTIONS[name]
    convolution = convolve(False, len(xs) - 2, options)
    second = rand(3, ws[0], *[1] * (len(xs) - 2))

    def chain(x, w, b, v):
        return convolve(False, len(xs) - 2, {})(
            F.relu(convolution(x, w, b) * 2), v, None)

    check(chain, channels_last(rand(*xs)), channels_last(rand(*ws)), rand(ws[0]),
          channels_last(second))
    # Many channels are parts of the sum; few positions use weights as they are.
    wide = channels_last(rand(6, 131, 3, 3))
    check(lambda x, w: F.conv2d(x, w, padding=1), channels_last(rand(1, 131, 5, 7)),
          wide)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_convolution_of_infinities(rank):
    """What is not finite reaches what it is multiplied into, and nothing else."""
    x = with_values(rand(2, 3, *[9] * rank), math.inf, math.nan, -math.inf)
    check(convolve(False, rank, dict(padding=1)), x, rand(5, 3, *[3] * rank), None)


PRODUCTS = [(1, 1, 1), (1, 7, 1), (1, 64, 33), (13, 17, 19), (97, 31, 101),
            (33, 1, 5), (128, 257, 63), (5, 0, 7), (0, 4, 3), (4, 3, 0)]


@pytest.mark.parametrize("m,k,n", PRODUCTS)
def test_product(m, k, n):
    check(lambda a, b, c: (a @ b, torch.addmm(c, a, b).relu(), F.linear(a, b.t(), c)),
          rand(m, k), rand(k, n), rand(n))


@pytest.mark.parametrize("m,k,n", [(13, 17, 19), (1, 33, 7), (65, 8, 35)])
def test_product_of_views(m, k, n):
    check(lambda a, b: (a.t() @ b, a.t()[:, ::2] @ b[::2]), rand(k, m), rand(k, n))
    check(lambda a, b: a[:, 1:-1].expand(m, k) @ b, rand(m, 3), rand(k, n))
    check(lambda a, b: torch.addmm(b, a, a.t(), beta=0.5, alpha=-2), rand(m, k),
          rand(m, 1))


@pytest.mark.parametrize("batch", [0, 1, 3, 7])
def test_batched_product(batch):
    check(lambda a, b: (torch.bmm(a, b), torch.bmm(a, a.mT).relu()),
          rand(batch, 13, 5), rand(batch, 5, 37))
    check(lambda a, b, c: (a @ b, torch.baddbmm(c, a, b.expand(batch, 5, 37))),
          rand(batch, 13, 5), rand(5, 37), rand(1, 37))


def test_product_of_infinities():
    a = with_values(rand(13, 17), math.inf, math.nan)
    check(lambda a, b: (a @ b, b.t() @ a.t()), a, rand(17, 19))


@pytest.mark.parametrize("m,k,n", [(1, 1, 1), (13, 17, 19), (65, 130, 33), (3, 0, 5),
                                   (2, 1000, 1)])
def test_integer_product(m, k, n):
    generator = torch.Generator().manual_seed(m)
    a = torch.randint(-128, 128, (m, k), dtype=torch.int8, generator=generator)
    b = torch.randint(-128, 128, (k, n), dtype=torch.int8, generator=generator)
    u = torch.randint(0, 256, (m, k), dtype=torch.uint8, generator=generator)
    check(lambda a, b, u: (a.int() @ b.int(), u.int() @ b.int(),
                           (u.int() @ b.int()).float() * 0.5), a, b, u)


ATTENTION = {
    # batch, heads, key heads, queries, keys, head size
    "one": (1, 1, 1, 1, 1, 1),
    "primes": (2, 3, 3, 17, 13, 5),
    "one query": (2, 2, 2, 1, 131, 16),
    "one key": (1, 2, 2, 19, 1, 8),
    "tails": (1, 2, 2, 67, 129, 33),
    "groups": (2, 6, 2, 11, 23, 8),
    "long": (1, 1, 1, 257, 515, 64),
    "without images": (0, 2, 2, 5, 5, 8),
}


@pytest.mark.parametrize("name", ATTENTION)
def test_attention(name):
    batch, heads, key_heads, queries, keys, size = ATTENTION[name]
    attend = F.scaled_dot_product_attention
    q = rand(batch, heads, queries, size)
    k, v = rand(batch, key_heads, keys, size), rand(batch, key_heads, keys, size)
    mask = rand(queries, keys, grad=False)
    shared = heads != key_heads
    check(lambda q, k, v: attend(q, k, v, enable_gqa=shared), q, k, v)
    check(lambda q, k, v: attend(q, k, v, is_causal=True, enable_gqa=shared), q, k, v)
    check(lambda q, k, v, m: attend(q, k, v, attn_mask=m, enable_gqa=shared),
          q, k, v, mask)


def test_attention_of_views():
    """Heads beside each other, keys that all heads share, a mask of booleans."""
    attend = F.scaled_dot_product_attention
    x, keep = rand(2, 19, 3 * 4 * 8), torch.ones(19, 19, dtype=torch.bool).tril(-1)
    keep[:, 0] = True

    def heads(x, keep):
        q, k, v = x.unflatten(-1, (3, 4, 8)).permute(2, 0, 3, 1, 4)
        return (attend(q, k, v, attn_mask=keep),
                attend(q, k[:, :1].expand(2, 4, 19, 8), v))

    check(heads, x, keep)


ROWS = [(1, 1), (3, 7), (5, 33), (2, 1000), (7, 4097), (0, 5), (2, 3, 17), (1, 8193)]


@pytest.mark.parametrize("shape", ROWS, ids=str)
def test_rows(shape):
    """Softmax and normalisation along the last dimension."""
    n = shape[-1]
    check(lambda x: (F.softmax(x, -1), F.log_softmax(x * 3, -1)), rand(*shape))
    if shape[0]:
        check(lambda x, w, b: F.layer_norm(x, (n,), w, b), rand(*shape), rand(n),
              rand(n), tolerance=1e-4)
        check(lambda x, w: F.rms_norm(x, (n,), w, 1e-5), rand(*shape), rand(n),
              tolerance=1e-4)


@pytest.mark.parametrize("shape", [(7, 1), (33, 5), (2, 17, 3), (1000, 3), (5, 0)],
                         ids=str)
def test_columns(shape):
    """The same along the first dimension, of strided and broadcast operands."""
    check(lambda x: (F.softmax(x, 0), F.log_softmax(x, 0)), rand(*shape))
    check(lambda x: F.softmax(x.transpose(0, -1), -1), rand(*shape))
    check(lambda x: F.softmax(x[:1].expand(shape) * 2, -1), rand(*shape))


def test_rows_of_infinities():
    x = with_values(rand(5, 37, grad=False), math.inf, -math.inf, math.nan)
    masked = torch.full((3, 37), -math.inf)
    masked[1, 5] = 2.0
    check(lambda x, m: (F.softmax(x, -1), F.log_softmax(x, -1), F.softmax(m, -1),
                        F.layer_norm(x, (37,))), x, masked, tolerance=1e-4)


@pytest.mark.parametrize("shape", [(2, 1, 1), (3, 5, 7), (4, 7, 5, 3), (2, 3, 2, 3, 5)],
                         ids=str)
def test_batch_norm(shape):
    channels = shape[1]
    check(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
          rand(*shape), rand(channels), rand(channels), tolerance=1e-4)
    mean, variance = rand(channels, grad=False), rand(channels, grad=False).square()
    check(lambda x, w, b, m, v: F.batch_norm(x, m, v, w, b), rand(*shape),
          rand(channels), rand(channels), mean, variance, tolerance=1e-4)


@pytest.mark.parametrize("rows,columns,count", [(1, 1, 1), (13, 7, 37), (101, 33, 1000),
                                                (5, 4, 0)])
def test_gather_and_scatter(rows, columns, count):
    generator = torch.Generator().manual_seed(rows)
    index = torch.randint(0, rows, (count,), generator=generator)
    places = torch.randint(0, rows, (count, columns), generator=generator)
    check(lambda x, i: (x[i], F.embedding(i, x), x.t()[:, i], x[-1 - i]),
          rand(rows, columns), index)
    check(lambda x, i: x.gather(0, i), rand(rows, columns), places)
    check(lambda x, v, i, p: (x.index_put((i,), v, accumulate=True),
                              x.index_add(0, i, v), x.scatter_add(0, p, v),
                              x.scatter_reduce(0, p, v, "amax")),
          rand(rows, columns), rand(count, columns), index, places)


@pytest.mark.parametrize("shape", [(1,), (17,), (1000, 3), (5, 129), (3, 0), (2, 7, 33)],
                         ids=str)
def test_running(shape):
    check(lambda x: (x.cumsum(0), x.cumsum(-1), x.flip(0).cumsum(0)), rand(*shape),
          tolerance=1e-4)
    whole = (torch.arange(math.prod(shape)).reshape(shape) * 7919 % 101) - 50
    check(lambda x: (x.cumsum(-1), *torch.cummax(x.float(), 0)), whole)


def test_running_of_infinities():
    x = with_values(rand(3, 70, grad=False), math.inf, math.nan)
    check(lambda x: (x.cumsum(-1), torch.cummax(x, -1)[0], torch.cummin(x, -1)[0]), x)


@pytest.mark.parametrize("shape", [(1,), (17,), (5, 129), (1000, 3), (2, 7, 33), (0, 3)],
                         ids=str)
def test_order(shape):
    check(lambda x: (*x.sort(dim=-1, stable=True),
                     *x.sort(dim=0, descending=True, stable=True)),
          rand(*shape))
    if shape[-1]:
        check(lambda x: (*x.topk(shape[-1] // 2 + 1, -1),
                         x.topk(1, -1, largest=False)[0]), rand(*shape))
    few = (torch.arange(math.prod(shape)).reshape(shape) * 7919 % 5).float()
    check(lambda x: (*x.sort(dim=-1, stable=True),
                     x.argsort(dim=0, stable=True)), few)


def test_order_of_infinities():
    x = with_values(rand(3, 37, grad=False), math.inf, math.nan, -math.inf, math.nan)
    check(lambda x: (x.sort(-1)[0], x.sort(-1, descending=True)[0], x.topk(5)[0]), x)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("rows,columns,offsets", [
    (1, 1, [0]), (13, 7, [0, 0, 3, 11, 11, 17]), (101, 33, [0, 5]), (7, 3, [])])
def test_embedding_bag(mode, rows, columns, offsets):
    count = 19 if offsets else 0
    index = torch.arange(count) * 7919 % rows
    check(lambda w, i, o: F.embedding_bag(i, w, o, mode=mode), rand(rows, columns),
          index, torch.tensor(offsets, dtype=torch.int64))


POOLS = {
    "line": (1, (2, 3, 37), dict(kernel_size=3, stride=2, padding=1)),
    "plane": (2, (2, 3, 13, 17), dict(kernel_size=3, stride=2, padding=1)),
    "plane of one": (2, (1, 1, 1, 1), dict(kernel_size=1)),
    "plane ceiled": (2, (1, 5, 11, 12), dict(kernel_size=(2, 3), stride=(3, 2),
                                             ceil_mode=True)),
    "plane overlapping": (2, (2, 3, 9, 33), dict(kernel_size=5, stride=1, padding=2)),
    "plane without images": (2, (0, 3, 8, 8), dict(kernel_size=2)),
    "volume": (3, (1, 3, 5, 7, 9), dict(kernel_size=2, stride=2)),
}


@pytest.mark.parametrize("name", POOLS)
def test_pooling(name):
    rank, shape, options = POOLS[name]
    largest = getattr(F, f"max_pool{rank}d")
    average = getattr(F, f"avg_pool{rank}d")
    check(lambda x: (largest(x, **options), average(x, **options)), rand(*shape))
    if shape[0]:
        adaptive = getattr(F, f"adaptive_avg_pool{rank}d")
        check(lambda x: adaptive(x, 3), rand(*shape))
        x = with_values(rand(*shape, grad=False), math.nan, math.inf, -math.inf)
        check(lambda x: (largest(x, **options), average(x, **options)), x)


@pytest.mark.parametrize("count", [0, 1, 7, 33, 100003])
def test_dropout(count):
    """Kept elements are scaled, the others zero; a seed has one mask."""
    x = torch.ones(count, requires_grad=True)
    compiled = torch.compile(lambda x: F.dropout(x, 0.25), backend="fx_mlir",
                             dynamic=False)
    torch.manual_seed(5)
    first = compiled(x)
    first.sum().backward()
    torch.manual_seed(5)
    assert torch.equal(compiled(x), first) and torch.equal(x.grad, first)
    kept = first != 0
    assert torch.allclose(first[kept], torch.tensor(1 / 0.75))
    if count > 1000:
        assert abs(kept.float().mean().item() - 0.75) < 0.01


QUANTISED = [(1, 1, 1, 0), (5, 16, 8, 128), (33, 67, 19, 7), (130, 257, 65, 255),
             (0, 8, 3, 1), (2, 0, 3, 1)]


@pytest.mark.parametrize("m,k,n,zero", QUANTISED)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8])
def test_quantised_linear(m, k, n, zero, dtype):
    """At most one step of the result's scale from eager mode, which multiplies
    what it dequantises."""
    import torch.ao.quantization.fx._decomposed  # noqa: F401

    ops = torch.ops.quantized_decomposed
    least, most = (0, 255) if dtype == torch.uint8 else (-128, 127)
    zero += least

    def layer(x, w, scales, zeros, b):
        x = ops.dequantize_per_tensor.default(x, 0.02, zero, least, most, dtype)
        w = ops.dequantize_per_channel.default(w, scales, zeros, 0, -128, 127,
                                               torch.int8)
        y = F.linear(x.reshape(1, m, k), w, b).relu()
        return y, ops.quantize_per_tensor.default(y, 0.05, 3, 0, 255, torch.uint8)

    generator = torch.Generator().manual_seed(m)
    x = torch.randint(least, most + 1, (m, k), dtype=dtype, generator=generator)
    w = torch.randint(-128, 128, (n, k), dtype=torch.int8, generator=generator)
    zeros = torch.randint(-3, 4, (n,), generator=generator)
    arguments = (x, w, rand(n, grad=False).abs() * 0.01, zeros, rand(n, grad=False))
    compiled = torch.compile(layer, backend="fx_mlir", dynamic=False, fullgraph=True,
                             options={"fallback": False})
    have, steps = compiled(*arguments)
    want, eager = layer(*arguments)
    torch.testing.assert_close(have, want, rtol=1e-4, atol=1e-4)
    assert steps.dtype == torch.uint8
    assert (steps.int() - eager.int()).abs().max().item() <= 1 if m else steps.numel() == 0
