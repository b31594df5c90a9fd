"""Results with one to four threads, over the kinds of kernels."""

import pytest
import torch
import torch.nn.functional as F

import fx_mlir  # noqa: F401

COUNTS = (1, 2, 3, 4)


def rand(*shape, seed=0, grad=False, dtype=torch.float32):
    gen = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=gen).to(dtype).requires_grad_(grad)


def ints(high, *shape):
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(1))


def conv(**options):
    return lambda x, w: F.conv2d(x, w, **options)


# name -> (function, inputs). Gradients are computed where inputs ask for them.
CASES = {
    "pointwise": (lambda x, y: torch.tanh(x) * y + 1,
                  lambda: [rand(600, 1001), rand(600, 1001, seed=1)]),
    "softmax": (lambda x: torch.softmax(x, -1),
                lambda: [rand(301, 1003, grad=True)]),
    "layer norm": (lambda x, w, b: F.layer_norm(x, (515,), w, b),
                   lambda: [rand(701, 515, grad=True), rand(515, grad=True),
                            rand(515, grad=True)]),
    "batch norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
                   lambda: [rand(8, 5, 67, 71, grad=True), rand(5, grad=True),
                            rand(5, grad=True)]),
    "parts of rows": (lambda x, y: (torch.cat([x, y * 2], 1), torch.roll(x, 5, 1),
                                    F.pad(y, (3, 2))),
                      lambda: [rand(2001, 67), rand(2001, 61)]),
    # Few rows, which threads share.
    "sum of all": (lambda x: x.sum(), lambda: [rand(1031, 517)]),
    "mean of squares": (lambda x: (x * x).mean(),
                        lambda: [rand(1031, 517, grad=True)]),
    "sum and value": (lambda x, y: (torch.exp(x), torch.exp(x).sum() + y),
                      lambda: [rand(700, 517), rand(1)]),
    "var of all": (lambda x: x.var(), lambda: [rand(400003)]),
    "three rows": (lambda x, y: (x * y).relu(),
                   lambda: [rand(3, 100003), rand(3, 1)]),
    "over the norm": (lambda x: x / x.norm(), lambda: [rand(300, 1001)]),
    "softmax of one row": (lambda x: torch.softmax(x, 0), lambda: [rand(500009)]),
    "logsumexp of three rows": (lambda x: torch.logsumexp(x, 1),
                                lambda: [rand(3, 200003)]),
    "narrow columns": (lambda x: (x.sum(0), x.amax(0)),
                       lambda: [rand(30011, 5)]),
    "masked columns": (lambda x, y: (x + y, (x + y).mean(0)),
                       lambda: [rand(20011, 37), rand(20011, 37)]),
    "largest": (lambda x: (x.amax(), x.argmax()), lambda: [rand(777, 1003)]),
    "equal largest": (lambda x: x.argmax(),
                      lambda: [(rand(777, 1003) > 0).float()]),
    "any and all": (lambda x: ((x > 9).any(), (x > -9).all()),
                    lambda: [rand(777, 1003)]),
    "integers": (lambda x: (x.sum(), x.amin()), lambda: [ints(1000, 500000)]),
    "product": (lambda x: x.prod(), lambda: [1 + rand(600000) / 1e4]),
    "bfloat16": (lambda x: (x.sum(0), x.float().sum()),
                 lambda: [rand(900, 517, dtype=torch.bfloat16)]),
    "float64": (lambda x: x.sum(), lambda: [rand(400003, dtype=torch.float64)]),
    # Places that are data.
    "embedding": (lambda i, w: F.embedding(i, w),
                  lambda: [ints(1000, 64, 70), rand(1000, 33, grad=True)]),
    "narrow embedding": (lambda i, w: F.embedding(i, w),
                         lambda: [ints(1000, 64, 70), rand(1000, 64, grad=True)]),
    "index_put": (lambda x, i, v: x.index_put((i,), v, accumulate=True),
                  lambda: [rand(1000, 129), ints(1000, 5000), rand(5000, 129)]),
    "scatter_add": (lambda x, i, s: x.scatter_add(1, i, s),
                    lambda: [rand(300, 300), ints(300, 300, 211), rand(300, 211)]),
    "histogram": (lambda i, s: torch.zeros(1000).index_add(0, i, s),
                  lambda: [ints(1000, 200000), rand(200000)]),
    "gather": (lambda x, i: x.gather(0, i),
               lambda: [rand(500, 301), ints(500, 400, 301)]),
    # Order and running sums.
    "sort": (lambda x: torch.sort(x, 1), lambda: [rand(500, 101)]),
    "topk": (lambda x: torch.topk(x, 7), lambda: [rand(500, 301)]),
    "cumsum of rows": (lambda x: torch.cumsum(x, 1), lambda: [rand(402, 501)]),
    "cumsum of columns": (lambda x: torch.cumsum(x, 0), lambda: [rand(401, 502)]),
    "cumsum, middle": (lambda x: torch.cumsum(x, 1), lambda: [rand(7, 201, 303)]),
    "cummax": (lambda x: torch.cummax(x, 1), lambda: [rand(401, 501)]),
    # Windows and products.
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2, 1),
                   lambda: [rand(4, 13, 57, 55, grad=True)]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 2, 1),
                   lambda: [rand(4, 13, 57, 55, grad=True)]),
    "linear": (lambda x, w, b: F.gelu(F.linear(x, w, b)),
               lambda: [rand(257, 301, grad=True), rand(203, 301, grad=True),
                        rand(203, grad=True)]),
    "long inner": (lambda x, y: x @ y, lambda: [rand(17, 9001), rand(9001, 19)]),
    "one row": (lambda x, y: x @ y, lambda: [rand(1, 1001), rand(1001, 1003)]),
    "batches": (lambda x, y: x @ y,
                lambda: [rand(7, 65, 67, grad=True), rand(7, 67, 69, grad=True)]),
    "3x3 convolution": (conv(padding=1),
                        lambda: [rand(3, 32, 29, 31, grad=True),
                                 rand(33, 32, 3, 3, grad=True)]),
    "1x1 convolution": (conv(), lambda: [rand(3, 33, 29, 31, grad=True),
                                         rand(37, 33, 1, 1, grad=True)]),
    "strided convolution": (conv(stride=2, padding=3),
                            lambda: [rand(3, 3, 65, 67, grad=True),
                                     rand(31, 3, 7, 7, grad=True)]),
    "grouped convolution": (conv(groups=4, padding=1),
                            lambda: [rand(3, 32, 29, 31, grad=True),
                                     rand(32, 8, 3, 3, grad=True)]),
    "depthwise convolution": (conv(groups=33, padding=1),
                              lambda: [rand(3, 33, 39, 41, grad=True),
                                       rand(33, 1, 3, 3, grad=True)]),
    "attention": (lambda q, k, v: F.scaled_dot_product_attention(
        q, k, v, is_causal=True),
        lambda: [rand(2, 3, 151, 32, seed=s, grad=True) for s in range(3)]),
    "dropout": (lambda x: F.dropout(x, 0.3), lambda: [rand(500, 1001, grad=True)]),
}


def leaves(value):
    if isinstance(value, torch.Tensor):
        return [value]
    return [leaf for part in value for leaf in leaves(part)]


def run(fn, inputs):
    torch.manual_seed(7)
    results = leaves(fn(*inputs))
    wanted = [x for x in inputs if x.requires_grad]
    if wanted:
        loss = sum((r.float() * r).sum() for r in results if r.requires_grad)
        results += torch.autograd.grad(loss, wanted)
    return [r.detach() for r in results]


@pytest.fixture
def threads():
    count = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(count)


def check(fn, compiled, inputs, threads, is_random=False):
    expected = None if is_random else run(fn, inputs)
    first = None
    for count in COUNTS:
        threads(count)
        results = run(compiled, inputs)
        for _ in range(2):
            for a, b in zip(results, run(compiled, inputs), strict=True):
                assert torch.equal(a, b), f"{count} threads, two runs"
        first = first or results
        for a, b in zip(results, first, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
    for a, b in zip(first, expected or first, strict=True):
        narrow = b.dtype is torch.bfloat16
        torch.testing.assert_close(a, b, rtol=3e-2 if narrow else 2e-3,
                                   atol=3e-2 if narrow else 2e-3)


@pytest.mark.parametrize("name", CASES)
def test_kernels(name, compiler, threads):
    fn, make = CASES[name]
    torch._dynamo.reset()
    compiled = torch.compile(fn, backend="fx_mlir",
                             options={"fallback": False})
    check(fn, compiled, make(), threads, is_random=name == "dropout")


def test_dynamic_sizes(compiler, threads):
    """Rows that threads share are cut where the size is known."""
    fn = lambda x: ((x * x).sum(), x / x.sum(), x.max())  # noqa: E731
    for size in (5, 1000, 300007):
        torch._dynamo.reset()
        compiled = torch.compile(fn, backend="fx_mlir", dynamic=True)
        check(fn, compiled, [rand(size) + 1], threads)


def test_frozen_weights(compiler, threads):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(16, 32, 3, padding=1), torch.nn.ReLU(),
        torch.nn.Conv2d(32, 16, 1), torch.nn.Flatten(),
        torch.nn.Linear(16 * 28 * 28, 33)).eval()
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="fx_mlir",
                             options={"freezing": True})
    with torch.no_grad():
        check(model, compiled, [rand(5, 16, 28, 28)], threads)
