"""Compiles and runs functions of linalg ops, compares with NumPy.

usage: numeric.py GROUP…; a group is a prefix of names of the cases below.
Every case runs unfused, fused, with two threads, and for AVX2.
"""

import itertools
import os
import subprocess
import sys
import tempfile

import numpy as np

from linalg_builder import Builder, wide

rng = np.random.default_rng(1)
CASES = {}


def f32(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def case(function):
    CASES[function.__name__] = function
    return function


@case
def pointwise_broadcast(b):
    x, y, z = b.arg(f32(5, 7, 33)), b.arg(f32(33)), b.arg(f32(7, 1))
    return [b.tanh(b.mul(b.add(x, y), z)), b.relu(x)]


@case
def pointwise_scalars(b):
    return [b.add(b.arg(f32()), b.arg(f32()))]


@case
def pointwise_empty(b):
    x = b.arg(f32(0, 5))
    return [b.relu(x), b.reduce(x, [0]), b.reduce(x, [1])]


@case
def pointwise_unit_sizes(b):
    x = b.arg(f32(1, 1, 5))
    return [b.relu(x), b.reduce(x, [0]), b.reduce(x, [2]),
            b.reduce(x, [0, 1, 2])]


@case
def pointwise_powers(b):
    special = [0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, np.inf, -np.inf,
               np.nan, 1e-40, -1e-40, 3.4e38, 127, -127, 149.5, -149.5]
    pairs = np.array(list(itertools.product(special, special)), np.float32)

    def power(x, y):
        with np.errstate(all="ignore"):
            return np.power(x, y).astype(np.float32)

    return [b.binary("math.powf", b.arg(pairs[:, 0]), b.arg(pairs[:, 1]),
                     power)]


@case
def pointwise_large(b):
    x, y = b.arg(f32(300, 1001)), b.arg(f32(1001))
    return [b.exp(b.add(x, y)), b.reduce(b.tanh(x), [1])]


@case
def pointwise_results_shared(b):
    x = b.arg(f32(3, 4))
    y = b.relu(x)
    return [x, y, y, b.reshape(y, (12,), "[[0, 1]]", "collapse")]


@case
def pointwise_sine(b):
    # Relative errors count: close to multiples of pi, and for large values.
    x = np.concatenate([
        np.linspace(-60, 60, 5000), np.arange(1, 80) * (np.pi / 2),
        np.geomspace(1e-30, 1e10, 2001), -np.geomspace(1e-5, 1e5, 500),
    ]).astype(np.float32)
    results = []
    for op, function in ("math.sin", np.sin), ("math.cos", np.cos):
        right = function(x.astype(np.float64)).astype(np.float32)
        value = b.unary(op, b.arg(x), function)
        results += [value, b.div(value, b.arg(right))]
    return results


@case
def types_half(b):
    x = b.arg(f32(5, 70).astype(np.float16))
    w = b.pointwise([x], "%0 = arith.extf %x0 : f16 to f32\n"
                    "linalg.yield %0 : f32", wide(x), "f32")
    y = b.pointwise([w], "%1 = arith.addf %x0, %x0 : f32\n"
                    "%0 = arith.truncf %1 : f32 to f16\n"
                    "linalg.yield %0 : f16", 2 * wide(w), "f16")
    return [y, b.reduce(w, [1])]


@case
def types_integer(b):
    x = b.arg(rng.integers(-9, 9, (4, 19)))
    y = b.arg(rng.integers(1, 9, (19,)))
    quotient = b.binary("arith.floordivsi", x, y, np.floor_divide)
    less = b.pointwise([x, y], "%0 = arith.cmpi slt, %x0, %x1 : i64\n"
                       "linalg.yield %0 : i1", x[3] < y[3], "i1")
    least = b.pointwise(
        [less, x, y], "%0 = arith.select %x0, %x1, %x2 : i64\n"
        "linalg.yield %0 : i64", np.minimum(x[3], y[3]), "i64")
    return [quotient, less, least]


@case
def types_bool(b):
    x, y = b.arg(rng.random((4, 19)) < 0.5), b.arg(rng.random(19) < 0.5)
    both = b.binary("arith.andi", x, y, np.logical_and)
    some = b.generic([x], ["d0, d1"], "d0", "pr", (4,), "i1",
                     "%0 = arith.ori %x0, %acc : i1\nlinalg.yield %0 : i1",
                     x[3].any(1), "false")
    return [both, some]


@case
def types_double(b):
    x = b.arg(rng.standard_normal((7, 21)))
    return [b.tanh(b.exp(x))]


for count in (1, 2, 3):
    for axes in itertools.combinations(range(3), count):
        def reduction(b, axes=axes):
            x = b.arg(f32(9, 20, 35))
            return [b.reduce(x, axes), b.reduce(b.exp(x), axes, "max")]
        CASES["reduce_" + "".join(map(str, axes))] = reduction


@case
def reduce_large(b):
    x = b.arg(f32(640, 1000))
    return [b.reduce(x, [0, 1]), b.reduce(x, [0]), b.reduce(x, [1])]


@case
def reduce_siblings(b):
    x = b.arg(f32(40, 70))
    return [b.reduce(x, [1]), b.reduce(x, [1], "max"), b.relu(x),
            b.reduce(b.mul(x, x), [1])]


@case
def rows_softmax_last(b):
    return [b.softmax(b.arg(f32(6, 100)), 1)]


@case
def rows_softmax_middle(b):
    return [b.softmax(b.arg(f32(3, 10, 37)), 1)]


@case
def rows_softmax_dynamic_batch(b):
    b.dynamic = {7}
    return [b.softmax(b.arg(f32(7, 130)), 1)]


@case
def rows_softmax_dynamic_row(b):
    b.dynamic = {131}
    return [b.softmax(b.arg(f32(7, 131)), 1)]


@case
def rows_layer_norm(b):
    shape = (8, 12, 48)
    x = b.add(b.arg(f32(*shape)), b.arg(f32(*shape)))
    weight, bias = b.arg(f32(48)), b.arg(f32(48))
    mean = b.scale(b.reduce(x, [2]), 1 / 48)
    centred = b.sub(x, b.spread(mean, shape, [0, 1]))
    variance = b.scale(b.reduce(b.mul(centred, centred), [2]), 1 / 48)
    inverse = b.pointwise(
        [variance], "%c = arith.constant 1.0e-5 : f32\n"
        "%1 = arith.addf %x0, %c : f32\n%0 = math.rsqrt %1 : f32\n"
        "linalg.yield %0 : f32", 1 / np.sqrt(wide(variance) + 1e-5))
    y = b.mul(centred, b.spread(inverse, shape, [0, 1]))
    return [b.add(b.mul(y, weight), bias), x, mean, inverse]


@case
def rows_batch_norm(b):
    x = b.arg(f32(4, 6, 5, 7))
    square = b.reduce(b.mul(x, x), [0, 2, 3])
    mean = b.scale(b.reduce(x, [0, 2, 3]), 1 / 140)
    return [b.relu(b.sub(x, b.spread(mean, x[1], [1]))), mean, square]


@case
def maps_transpose(b):
    x, y = b.arg(f32(6, 20, 17)), b.arg(f32(17, 6, 20))
    return [b.add(b.transpose(x, (2, 0, 1)), y),
            b.transpose(b.relu(x), (1, 0, 2))]


@case
def maps_add_own_transpose(b):
    y = b.relu(b.arg(f32(12, 12)))
    return [b.add(y, b.transpose(y, (1, 0)))]


@case
def maps_split_heads(b):
    h = b.add(b.arg(f32(2, 5, 12)), b.arg(f32(12)))
    h = b.reshape(h, (2, 5, 3, 4), "[[0], [1], [2, 3]]", "expand")
    h = b.reshape(b.transpose(h, (0, 2, 1, 3)), (6, 5, 4),
                  "[[0, 1], [2], [3]]", "collapse")
    return [b.relu(h)]


@case
def maps_join_heads(b):
    x, y = b.arg(f32(6, 5, 4)), b.arg(f32(10, 12))
    h = b.reshape(x, (2, 3, 5, 4), "[[0, 1], [2], [3]]", "expand")
    h = b.reshape(b.transpose(h, (0, 2, 1, 3)), (10, 12),
                  "[[0, 1], [2, 3]]", "collapse")
    return [b.add(b.relu(h), y)]


@case
def maps_collapse_dynamic(b):
    b.dynamic = {5}
    y = b.add(b.arg(f32(5, 3, 4)), b.arg(f32(4)))
    c = b.reshape(y, (5, 12), "[[0], [1, 2]]", "collapse")
    return [b.relu(c), b.reduce(c, [1])]


@case
def maps_slice(b):
    x = b.arg(f32(6, 48))
    left = b.slice(x, (0, 0), (6, 16), (1, 1))
    right = b.slice(x, (0, 16), (6, 16), (1, 1))
    return [b.mul(left, right), b.relu(b.slice(x, (1, 3), (3, 9), (2, 5)))]


@case
def maps_embedding(b):
    table, index = b.arg(f32(11, 20)), b.arg(rng.integers(0, 11, (3, 5)))
    rows = b.generic(
        [index], ["d0, d1"], "d0, d1, d2", "ppp", (3, 5, 20), "f32",
        "%i = arith.index_cast %x0 : i64 to index\n"
        "%j = linalg.index 2 : index\n"
        "%0 = tensor.extract %a0[%i, %j] : tensor<11x20xf32>\n"
        "linalg.yield %0 : f32", table[3][index[3]])
    return [b.add(rows, b.arg(f32(5, 20)))]


@case
def maps_window(b):
    x = b.relu(b.arg(f32(2, 3, 8, 10)))
    return [b.generic(
        [x, b.empty((2, 2))], ["d0, d1, d2*2+d4, d3*2+d5", "d4, d5"],
        "d0, d1, d2, d3", "pppprr", (2, 3, 4, 5), "f32",
        "%0 = arith.maximumf %x0, %acc : f32\nlinalg.yield %0 : f32",
        wide(x).reshape(2, 3, 4, 2, 5, 2).max((3, 5)), "0xFF800000")]


@case
def join_concatenate(b):
    x, y = b.arg(f32(300, 400)), b.arg(f32(300, 333))
    into = b.empty((300, 733))
    return [b.insert(y, b.insert(b.tanh(x), into, [0, 0]), [0, 400])]


@case
def join_slices_of_zeros(b):
    x = b.insert(b.exp(b.arg(f32(5, 7))), b.fill((5, 20), "f32", "0.0"),
                 [0, 2])
    y = b.insert(b.arg(f32(5, 9)), b.fill((5, 20), "f32", "0.0"), [0, 11])
    return [b.add(x, y)]


@case
def join_into_tensor(b):
    return [b.insert(b.arg(f32(5, 4)), b.arg(f32(5, 20)), [0, 3])]


@case
def join_pad(b):
    return [b.relu(b.pad(b.exp(b.arg(f32(3, 5, 6))), (0, 1, 2), (0, 0, 3)))]


@case
def matmul_plain(b):
    return [b.matmul(b.arg(f32(33, 40)), b.arg(f32(40, 50)))]


@case
def matmul_epilogue(b):
    x, w, bias = b.arg(f32(33, 40)), b.arg(f32(50, 40)), b.arg(f32(50))
    h = b.add(b.matmul(x, b.transpose(w, (1, 0))), bias)
    return [b.add(b.tanh(h), b.arg(f32(33, 50))), h]


@case
def matmul_dynamic(b):
    b.dynamic = {31}
    y = b.matmul(b.arg(f32(31, 40)), b.arg(f32(40, 50)))
    return [b.relu(b.add(y, b.arg(f32(50))))]


@case
def matmul_batched(b):
    q, k, mask = b.arg(f32(6, 9, 8)), b.arg(f32(6, 13, 8)), b.arg(f32(9, 13))
    scores = b.matmul(q, b.transpose(k, (0, 2, 1)))
    return [b.softmax(b.add(scores, mask), 2)]


@case
def matmul_single_row_and_column(b):
    x, w, v = b.arg(f32(1, 12)), b.arg(f32(12, 20)), b.arg(f32(20, 1))
    h = b.relu(b.matmul(x, w))
    return [h, b.relu(b.matmul(h, v))]


@case
def matmul_gated(b):
    x, w, v = b.arg(f32(20, 12)), b.arg(f32(12, 20)), b.arg(f32(12, 20))
    return [b.mul(b.tanh(b.matmul(x, w)), b.matmul(x, v))]


@case
def conv_bias_relu(b):
    y = b.conv(b.arg(f32(2, 5, 9, 11)), b.arg(f32(7, 5, 3, 3)), padding=1)
    bias = b.spread(b.arg(f32(7)), y[1], [1])
    return [b.relu(b.add(y, bias))]


@case
def conv_stride(b):
    return [b.conv(b.arg(f32(2, 5, 9, 11)), b.arg(f32(7, 5, 3, 3)), 2, 1)]


@case
def conv_dilation(b):
    return [b.conv(b.arg(f32(2, 5, 9, 11)), b.arg(f32(7, 5, 3, 3)), 1, 2, 2)]


@case
def conv_pointwise_residual(b):
    y = b.conv(b.arg(f32(2, 5, 9, 11)), b.arg(f32(7, 5, 1, 1)))
    return [b.relu(b.add(y, b.arg(f32(*y[1])))), y]


def check(name, folder):
    builder = Builder(name)
    outputs = CASES[name](builder)
    source = os.path.join(folder, name + ".mlir")
    inputs = os.path.join(folder, "in.npz")
    results = os.path.join(folder, "out.npz")
    with open(source, "w") as file:
        file.write(builder.text(outputs))
    np.savez(inputs, *[v[3] for v in builder.args])
    # Rounding grows with the number of elements that are summed.
    size = max([v[3].size for v in builder.args])
    for options in ([], ["--no-fuse", "--separate-buffers"],
                    ["--num-threads", "2", "--separate-buffers"],
                    ["--mcpu", "x86-64-v3", "--separate-buffers"],
                    ["--mcpu", "x86-64"]):
        environment = dict(os.environ)
        if "--separate-buffers" in options:
            # An access beyond a buffer stops the program.
            environment["FX_RT_GUARD_PAGES"] = "1"
        subprocess.run(["fx-cpu-run", source, "--inputs", inputs,
                        "--outputs", results, *options], check=True,
                       env=environment)
        got = np.load(results)
        tolerance = 4e-6 * (1 + 0.05 * size ** 0.5)
        if "f16" in [v[2] for v in outputs]:
            tolerance = 1e-3
        if "--no-fuse" in options:
            tolerance *= 4  # one accumulator for each sum
        for i, value in enumerate(outputs):
            have, want = got[f"r{i}"], np.asarray(wide(value))
            assert have.shape == want.shape, (name, have.shape, want.shape)
            np.testing.assert_allclose(
                have.astype(want.dtype), want, rtol=tolerance,
                atol=tolerance, err_msg=f"{name} {options}, result {i}")


with tempfile.TemporaryDirectory() as work:
    for prefix in sys.argv[1:]:
        names = [name for name in CASES if name.startswith(prefix)]
        assert names, prefix
        for name in names:
            check(name, work)
        print(f"{prefix}: {len(names)} cases")
