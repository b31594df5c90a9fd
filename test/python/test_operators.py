"""Kernels of indexing, order, windows and copies beside eager PyTorch, over
awkward shapes; results do not depend on the number of threads."""

import pytest
import torch

import fx_mlir

pytestmark = pytest.mark.usefixtures("compiler")

GENERATOR = torch.Generator().manual_seed(0)


def floats(*shape, dtype=torch.float32):
    return torch.randn(*shape, generator=GENERATOR).to(dtype)


def ints(high, *shape):
    return torch.randint(high, shape, generator=GENERATOR)


def special(*shape):
    """With infinities, NaN, zeros of both signs, and equal elements."""
    x = floats(*shape).round(decimals=1).flatten()
    for i, value in enumerate((float("inf"), float("-inf"), float("nan"), 0.0, -0.0)):
        x[i::11] = value
    return x.view(*shape)


CASES = {}


def case(name, fn, *inputs, exact=False):
    CASES[name] = (fn, inputs, exact)


def index_put(x, i, v):
    return x.index_put((i,), v)


def index_add(x, i, v):
    return x.index_put((i,), v, accumulate=True)


for rows, count, columns in ((1, 1, 1), (7, 13, 17), (100, 300, 64), (50, 400, 97),
                             (5, 0, 16), (30, 200, 256), (9, 40, 0)):
    at = ints(rows, count)
    shape = f"{rows} {count} {columns}"
    case(f"index_put accumulate {shape}", index_add, floats(rows, columns), at, floats(count, columns))
    case(f"index_put negative {shape}", index_add, floats(rows, columns), at - rows, floats(count, columns))
    case(f"scatter_add rows {shape}", lambda x, i, v: x.scatter_add(0, i[:, None].expand(-1, v.shape[1]), v),
         floats(rows, columns), at, floats(count, columns))
    case(f"scatter_add columns {shape}", lambda x, i, v: x.scatter_add(1, i, v),
         floats(count, rows), ints(rows, count, columns), floats(count, columns))
    case(f"scatter_add bfloat16 {shape}", lambda x, i, v: x.scatter_add(0, i, v),
         floats(rows, columns, dtype=torch.bfloat16), ints(rows, count, columns), floats(count, columns, dtype=torch.bfloat16))
    case(f"embedding gradient {shape}",
         lambda g, i, n=rows: torch.ops.aten.embedding_dense_backward(g, i, n, -1, False),
         floats(count, columns), at)
    # Of several values for one place PyTorch says nothing; here is one each.
    once = torch.randperm(rows, generator=GENERATOR)
    case(f"index_put {shape}", index_put, floats(rows, columns), once, floats(rows, columns), exact=True)
    case(f"scatter {shape}", lambda x, i, v: x.scatter(1, i, v), floats(columns, rows),
         once.expand(columns, rows).contiguous(), floats(columns, rows), exact=True)
    case(f"scatter bool {shape}", lambda x, i, v: x.scatter(1, i, v), floats(columns, rows) > 0,
         once.expand(columns, rows).contiguous(), floats(columns, rows) > 0, exact=True)
    case(f"scatter value int8 {shape}", lambda x, i: x.scatter(0, i, 3), ints(100, rows, columns).to(torch.int8),
         ints(rows, count, columns), exact=True)
case("scatter_add long sums", lambda x, i, v: x.scatter_add(0, i, v), torch.zeros(3), ints(3, 5000), floats(5000))
case("index_put middle", lambda x, i, v: torch.ops.aten.index_put(x, [None, None, i], v, True),
     floats(3, 4, 20, 33), ints(20, 57), floats(3, 4, 57, 33))
case("index_put two tensors", lambda x, i, j, v: x.index_put((i, j), v, accumulate=True),
     floats(13, 11, 40), ints(13, 300), ints(11, 300), floats(300, 40))
case("index_put outer and inner", lambda x, i, j, v: torch.ops.aten.index_put(x, [i, None, j], v, True),
     floats(13, 37, 11), ints(13, 200), ints(11, 200), floats(200, 37))
case("index_put one value", lambda x, i: x.index_put((i,), torch.tensor(2.5), accumulate=True), floats(19, 45), ints(19, 77))
case("index_put int64", lambda x, i, v: x.index_put((i,), v, accumulate=True), ints(9, 19, 45), ints(19, 77), ints(9, 77, 45), exact=True)
case("index_put strided", lambda x, i, v: x.t().index_put((i,), v.t(), accumulate=True), floats(45, 19), ints(19, 77), floats(45, 77))
case("index_put nan", index_add, special(31, 67), ints(31, 99), special(99, 67))
case("masked accumulate", lambda x, m, i, v: torch.ops.aten._unsafe_masked_index_put_accumulate(x, m, [i], v),
     floats(20, 33), floats(57, 33) > 0, ints(20, 57)[:, None].expand(57, 33).contiguous()[:, 0], floats(57, 33))


def results(value):
    return [value] if isinstance(value, torch.Tensor) else list(value)


@pytest.mark.parametrize("name", CASES)
def test_equals_eager(name):
    fn, inputs, exact = CASES[name]
    torch._dynamo.reset()
    fx_mlir.counters.reset()
    compiled = torch.compile(fn, backend="fx_mlir", dynamic=False)
    want = results(fn(*inputs))
    threads = torch.get_num_threads()
    got = []
    try:
        for n in (1, 2):
            torch.set_num_threads(n)
            got.append(results(compiled(*inputs)))
    finally:
        torch.set_num_threads(threads)
    assert not fx_mlir.counters.fallen_back, fx_mlir.counters.fallen_back
    for eager, one, two in zip(want, *got, strict=True):
        assert one.dtype == eager.dtype and one.shape == eager.shape
        if exact:
            torch.testing.assert_close(one, eager, rtol=0, atol=0, equal_nan=True)
        else:
            torch.testing.assert_close(one, eager, equal_nan=True)
        torch.testing.assert_close(one, two, rtol=0, atol=0, equal_nan=True)
