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


for reduce in ("amax", "amin"):
    for own in (True, False):
        for x, i, y in ((special(40, 60), ints(60, 40, 200), special(40, 200)),
                        (ints(99, 40, 60), ints(60, 33, 200), ints(99, 40, 220) - 50)):
            case(f"scatter_reduce {reduce} {own} {x.dtype}",
                 lambda x, i, y, r=reduce, o=own: x.scatter_reduce(1, i, y, r, include_self=o), x, i, y, exact=True)

ORDERED = [special(7, 13), special(3, 200), floats(5, 1000).round(decimals=2), special(1, 9), floats(4, 0),
           floats(0, 20), special(5, 100, 3), ints(50, 6, 300), ints(1000, 40, 33).to(torch.int32) - 500,
           ints(200, 9, 60).to(torch.int8), ints(200, 9, 60).to(torch.uint8), special(9, 120).double(),
           special(9, 120).to(torch.bfloat16), special(9, 120).to(torch.float16), ints(2, 9, 70) > 0,
           -ints(2**62, 5, 90), special(150), floats(20000)]
for n, x in enumerate(ORDERED):
    for dim in range(x.dim()):
        for descending in (False, True):
            case(f"sort {n} {dim} {descending}",
                 lambda x, d=dim, r=descending: torch.sort(x, dim=d, stable=True, descending=r), x, exact=True)
            case(f"argsort {n} {dim} {descending}",
                 lambda x, d=dim, r=descending: torch.argsort(x, dim=d, stable=True, descending=r), x, exact=True)
        if x.dtype != torch.bool and x.shape[dim]:
            for name in ("cummax", "cummin"):
                case(f"{name} {n} {dim}", lambda x, d=dim, f=getattr(torch, name): f(x, d), x, exact=True)
        # Which of equal elements is taken, PyTorch does not say: the values.
        for k in {0, 1, 3, x.shape[dim] // 8, x.shape[dim]}:
            if k <= x.shape[dim] and x.dtype != torch.bool:
                case(f"topk {n} {dim} {k}", lambda x, d=dim, k=k: torch.topk(x, k, dim=d).values, x, exact=True)
                case(f"topk smallest {n} {dim} {k}",
                     lambda x, d=dim, k=k: torch.topk(x, k, dim=d, largest=False).values, x, exact=True)
case("topk indices", lambda x: torch.topk(x, 7), floats(5, 1000))
case("topk all equal", lambda x: torch.topk(x, 5).values, torch.zeros(3, 500), exact=True)
case("sort strided", lambda x: torch.sort(x.t(), stable=True), special(33, 50), exact=True)
case("sort of a sum", lambda x, y: torch.sort(x + y, stable=True)[0] * 2, floats(6, 70), floats(6, 70), exact=True)
case("median", lambda x: x.median(1), floats(6, 71), exact=True)
case("kthvalue", lambda x: x.kthvalue(9, 1), floats(6, 71), exact=True)

for shape in ((1,), (7,), (3, 17), (5, 64), (2, 3, 33), (4, 0)):
    x = floats(*shape)
    for dims in ((-1,), (0,), tuple(range(len(shape)))):
        case(f"flip {shape} {dims}", lambda x, d=dims: torch.flip(x, d), x, exact=True)
case("flip and add", lambda x, y: x.flip(-1) + y, floats(7, 100), floats(7, 100), exact=True)
case("flip bool", lambda x: x.flip(-1), floats(7, 100) > 0, exact=True)
case("flip bfloat16", lambda x: x.flip(-1) * 2, floats(7, 101, dtype=torch.bfloat16), exact=True)
case("sum of flipped", lambda x: x.flip(-1).sum(-1), floats(7, 1001))

for mode in ("sum", "mean"):
    for bags, count, columns in ((1, 1, 1), (5, 0, 3), (7, 30, 17), (40, 333, 64)):
        at = torch.cat([torch.zeros(1, dtype=torch.int64), ints(count + 1, bags - 1).sort()[0]])
        case(f"embedding_bag {mode} {bags} {count} {columns}",
             lambda w, i, o, m=mode: torch.nn.functional.embedding_bag(i, w, o, mode=m),
             floats(50, columns), ints(50, count), at)


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
