"""Cases of convolution, pooling, indexing and random numbers."""

import math

import torch
import torch.nn.functional as F

from lowering_cases import FLOATS, case, floats, ints

aten = torch.ops.aten


def array(values):
    return f"array<i64: {', '.join(map(str, values))}>" if values else "array<i64>"


def flag(value):
    return "true" if value else "false"


def convolutions():
    # input, weight, stride, padding, dilation, transposed, output padding, groups
    settings = [
        ((2, 3, 8, 7), (4, 3, 3, 3), [1, 1], [1, 1], [1, 1], False, [0, 0], 1),
        ((2, 3, 9, 8), (4, 3, 3, 2), [2, 1], [1, 0], [1, 2], False, [0, 0], 1),
        ((1, 4, 8, 8), (6, 2, 3, 3), [2, 2], [1, 1], [1, 1], False, [0, 0], 2),
        ((2, 4, 6, 6), (4, 1, 3, 3), [1, 1], [1, 1], [1, 1], False, [0, 0], 4),
        ((1, 3, 8, 8), (4, 3, 1, 1), [2, 2], [0, 0], [1, 1], False, [0, 0], 1),
        ((1, 2, 11, 11), (3, 2, 3, 3), [3, 2], [2, 2], [2, 3], False, [0, 0], 1),
        ((1, 2, 9, 9), (3, 2, 7, 7), [4, 4], [3, 3], [1, 1], False, [0, 0], 1),
        ((2, 3, 10), (4, 3, 3), [2], [1], [1], False, [0], 1),
        ((1, 2, 5, 5, 5), (3, 2, 2, 2, 2), [1, 2, 1], [0, 1, 0], [1, 1, 2], False,
         [0, 0, 0], 1),
        ((2, 4, 5, 5), (4, 3, 3, 3), [2, 2], [1, 1], [1, 1], True, [1, 1], 1),
        ((2, 4, 5, 4), (4, 3, 3, 3), [1, 2], [0, 1], [2, 1], True, [0, 0], 2),
        ((1, 4, 7), (4, 3, 4), [3], [1], [2], True, [2], 1),
    ]
    for n, (xs, ws, stride, padding, dilation, transposed, extra, groups) in \
            enumerate(settings):
        attrs = (f"stride = {array(stride)}, padding = {array(padding)}, "
                 f"dilation = {array(dilation)}, transposed = {flag(transposed)}, "
                 f"output_padding = {array(extra)}, groups = {groups} : i64")
        for dtype in (FLOATS if n < 3 else [torch.float32]):
            x, w = floats(*xs, dtype=dtype), floats(*ws, dtype=dtype, seed=1)
            features = ws[1] * groups if transposed else ws[0]
            bias = floats(features, dtype=dtype, seed=2)
            window = (stride, padding, dilation, transposed, extra, groups)
            result = aten.convolution(x, w, None, *window)
            yield case("convolution", [x, w], result, attrs, tolerance=30)
            yield case("convolution", [x, w, bias],
                       aten.convolution(x, w, bias, *window), attrs, tolerance=30)
            gradient = floats(*result.shape, dtype=dtype, seed=3)
            gradients = aten.convolution_backward(
                gradient, x, w, [features], *window, [True, True, True])
            yield case("convolution_backward", [gradient, x, w], gradients,
                       attrs + f", bias_sizes = {array([features])}, "
                       "output_mask = array<i1: true, true, true>", tolerance=60)
            if n == 1:
                yield case("convolution_backward", [gradient, x, w],
                           gradients[1:2], attrs +
                           ", output_mask = array<i1: false, true, false>",
                           tolerance=60)
    x, w, bias = floats(3, 8, 7), floats(4, 3, 3, 3, seed=1), floats(4)
    yield case("conv2d", [x, w, bias], F.conv2d(x, w, bias, stride=2),
               "stride = array<i64: 2>, padding = array<i64: 0>, "
               "dilation = array<i64: 1>", tolerance=30)
    x, w = floats(2, 3, 8, 7), floats(4, 3, 3, 3, seed=1)
    result = aten.convolution(x, w, None, [2, 2], [1, 1], [1, 1], False, [0, 0], 1)
    text = ("fx.convolution {0}, {1} {{stride = array<i64: 2, 2>, padding = "
            "array<i64: 1, 1>, dilation = array<i64: 1, 1>, transposed = false, "
            "output_padding = array<i64: 0, 0>, groups = 1 : i64}} : "
            "(tensor<?x3x?x?xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x?x?xf32>")
    yield case("convolution", [x, w], result, text=text, tolerance=30,
               types=["tensor<?x3x?x?xf32>", "tensor<4x3x3x3xf32>"],
               result_types=["tensor<?x4x?x?xf32>"])


def offsets_of(indices, shape, kernel, stride, padding, dilation):
    """Where in its window each index of a pool's input plane is."""
    height, width = indices.shape[-2:]
    rows, columns = indices // shape[-1], indices % shape[-1]
    top = torch.arange(height)[:, None] * stride[0] - padding[0]
    left = torch.arange(width) * stride[1] - padding[1]
    return ((rows - top) // dilation[0] * kernel[1]
            + (columns - left) // dilation[1]).to(torch.int8)


def pools():
    settings = [((2, 3, 8, 8), [2, 2], [2, 2], [0, 0], [1, 1], False),
                ((1, 2, 9, 7), [3, 3], [2, 2], [1, 1], [1, 1], False),
                ((1, 2, 9, 8), [3, 2], [2, 3], [1, 0], [1, 1], True),
                ((2, 7, 7), [3, 3], [1, 2], [1, 1], [2, 1], False),
                ((1, 1, 6, 6), [3, 3], [], [0, 0], [1, 1], False)]
    for shape, kernel, stride, padding, dilation, ceil in settings:
        for dtype in (torch.float32, torch.bfloat16):
            x = floats(*shape, dtype=dtype)
            window = (kernel, stride, padding)
            plain = (f"kernel_size = {array(kernel)}, stride = {array(stride)}, "
                     f"padding = {array(padding)}, ceil_mode = {flag(ceil)}")
            attrs = plain + f", dilation = {array(dilation)}"
            result, indices = aten.max_pool2d_with_indices(
                x, *window, dilation, ceil)
            yield case("max_pool2d", [x], result, attrs)
            yield case("max_pool2d_with_indices", [x], (result, indices), attrs)
            gradient = floats(*result.shape, dtype=dtype, seed=1)
            expected = aten.max_pool2d_with_indices_backward(
                gradient, x, *window, dilation, ceil, indices)
            yield case("max_pool2d_with_indices_backward",
                       [gradient, x, indices], expected, attrs, tolerance=2)
            if dtype == torch.float32:
                offsets = offsets_of(indices, shape, kernel, stride or kernel,
                                     padding, dilation)
                yield case("low_memory_max_pool_with_offsets", [x],
                           (result, offsets), attrs)
                yield case("low_memory_max_pool_offsets_to_indices", [offsets],
                           indices,
                           f"kernel_size = {array(kernel)}, "
                           f"input_size = {array(shape[-2:])}, "
                           f"stride = {array(stride or kernel)}, "
                           f"padding = {array(padding)}, "
                           f"dilation = {array(dilation)}")
            if dilation != [1, 1]:
                continue
            for include, divisor in ((True, None), (False, None), (True, 5)):
                more = f", count_include_pad = {flag(include)}"
                if divisor:
                    more += f", divisor_override = {divisor} : i64"
                result = aten.avg_pool2d(x, *window, ceil, include, divisor)
                yield case("avg_pool2d", [x], result, plain + more, tolerance=2)
                gradient = floats(*result.shape, dtype=dtype, seed=1)
                expected = aten.avg_pool2d_backward(
                    gradient, x, *window, ceil, include, divisor)
                yield case("avg_pool2d_backward", [gradient, x], expected,
                           plain + more, tolerance=2)
    x = torch.full((1, 1, 4, 4), -math.inf)
    x[0, 0, 1, 1] = math.nan
    yield case("max_pool2d_with_indices", [x],
               F.max_pool2d(x, 3, 1, 1, return_indices=True),
               "kernel_size = array<i64: 3>, stride = array<i64: 1>, "
               "padding = array<i64: 1>, dilation = array<i64: 1>, "
               "ceil_mode = false")
    for size in ([1, 1], [3, 4], [7, 2], [9, 9]):
        for dtype in (torch.float32, torch.float16):
            x = floats(2, 3, 9, 8, dtype=dtype)
            yield case("adaptive_avg_pool2d", [x],
                       aten._adaptive_avg_pool2d(x, size),
                       f"output_size = {array(size)}", tolerance=4)


def indexing():
    w = floats(10, 4)
    for shape in ((), (3,), (2, 3), (0,)):
        for dtype in (torch.int64, torch.int32):
            i = ints(*shape, low=0, high=10, dtype=dtype)
            yield case("embedding", [w, i], F.embedding(i, w))
    yield case("embedding", [w, ints(5, low=0, high=10)],
               F.embedding(ints(5, low=0, high=10), w), dynamic=True)
    x = floats(4, 5, 3)
    for dim, shape in ((0, (2, 5, 3)), (1, (4, 7, 3)), (-1, (4, 5, 1)), (1, (3, 2, 2))):
        i = ints(*shape, low=0, high=x.shape[dim])
        yield case("gather", [x, i], x.gather(dim, i), f"dim = {dim} : i64")
    i = ints(4, 2, 3, low=0, high=5)
    yield case("gather", [x, i], x.gather(1, i), "dim = 1 : i64", dynamic=True)
    yield case("gather", [floats(), torch.tensor(0)], floats(), "dim = 0 : i64")
    for dim in (0, 1, 2):
        i = ints(6, low=0, high=x.shape[dim])
        yield case("index_select", [x, i], x.index_select(dim, i),
                   f"dim = {dim} : i64")
    yield case("index_select", [x, torch.tensor(2)],
               x.index_select(1, torch.tensor(2)), "dim = 1 : i64")
    for dtype in FLOATS + [torch.int64]:
        y = floats(4, 5, dtype=dtype) if dtype.is_floating_point else ints(4, 5)
        i = ints(3, 5, low=0, high=4)
        # Distinct places for scatter: the winner is unspecified in PyTorch.
        once = torch.stack([torch.randperm(4, generator=torch.Generator()
                                           .manual_seed(c))[:3]
                            for c in range(5)], 1)
        source = y[:3] * 2 + 1
        yield case("scatter", [y, once, source], y.scatter(0, once, source),
                   "dim = 0 : i64")
        yield case("scatter", [y, once, 2], y.scatter(0, once, 2), "dim = 0 : i64")
        yield case("scatter_add", [y, i, source], y.scatter_add(0, i, source),
                   "dim = 0 : i64", tolerance=4)
    yield case("scatter_add", [x[0], ints(5, 2, low=0, high=3), floats(5, 2)],
               x[0].scatter_add(1, ints(5, 2, low=0, high=3), floats(5, 2)),
               "dim = -1 : i64", dynamic=True)
    a, b = ints(2, 1, low=-4, high=4), ints(3, low=-3, high=3, seed=1)
    c = ints(3, low=-5, high=5, seed=2)
    accesses = [([0], [b]), ([1], [c]), ([0, 1], [a, c]), ([0, 2], [a, b]),
                ([1, 2], [c, b]), ([2], [b.reshape(3, 1)]), ([1], [torch.tensor(-1)])]
    for dims, indices in accesses:
        full = [None] * 3
        for dim, index in zip(dims, indices):
            full[dim] = index
        expected = aten.index(x, full)
        attrs = f"index_dims = {array(dims)}"
        for dynamic in (False, True):
            yield case("index", [x, *indices], expected, attrs, dynamic=dynamic)
        values = floats(*expected.shape, seed=7)
        yield case("index_put", [x, values, *indices],
                   aten.index_put(x, full, values, True),
                   attrs + ", accumulate = true", tolerance=4)
        one = floats(1, seed=8)
        yield case("index_put", [x, one, *indices], aten.index_put(x, full, one),
                   attrs)
        mask = floats(*expected.shape, seed=9) > 0
        yield case("masked_index_put_accumulate", [x, mask, values, *indices],
                   aten.index_put(x, full, torch.where(mask, values, 0.0), True),
                   attrs, tolerance=4)
    mask = floats(4, 5, seed=3) > 0
    yield case("index_put", [x, torch.tensor(2.5), mask],
               aten.index_put(x, [mask], torch.tensor(2.5)),
               "index_dims = array<i64: 0>")


def philox(seed, index):
    """One word of Philox4x32-10, as documented at fx.random."""
    low, high = (index // 4) & 0xffffffff, (index // 4) >> 32
    counter, key = [low, high, 0, 0], [seed & 0xffffffff, (seed >> 32) & 0xffffffff]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(p1 >> 32) ^ counter[1] ^ key[0], p1 & 0xffffffff,
                   (p0 >> 32) ^ counter[3] ^ key[1], p0 & 0xffffffff]
        key = [(key[0] + 0x9E3779B9) & 0xffffffff, (key[1] + 0xBB67AE85) & 0xffffffff]
    return counter[index % 4]


def uniform(seed, index):
    return (philox(seed, index) >> 8) / 16777216.0


def normal(seed, index):
    even = index & ~1
    radius = math.sqrt(-2 * math.log(1 - uniform(seed, even)))
    angle = 2 * math.pi * uniform(seed, even + 1)
    return radius * (math.sin(angle) if index % 2 else math.cos(angle))


def random():
    for seed, offset in ((0, 0), (0x123456789abcdef, 0), (42, 5)):
        for mode, function in (("rand", uniform), ("randn", normal)):
            expected = torch.tensor([function(seed, offset + i)
                                     for i in range(21)]).reshape(3, 7)
            yield case("random", [torch.tensor(seed)], expected, tolerance=4,
                       text=f"fx.random {{0}} sizes = [3, 7] {{{{mode = \"{mode}\", "
                            f"offset = {offset} : i64}}}} : {{t0}} -> {{out}}")
    seeds = torch.tensor([3, 5, 7])
    yield case("lookup_seed", [seeds], seeds[1], "index = 1 : i64")


def window_cases():
    for family in (convolutions, pools, indexing, random):
        yield from family()
