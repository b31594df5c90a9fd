"""Graphs whose derivatives are compared with PyTorch's autograd."""

from fx_graphs import Graph, segments

CASES = {}


def case(build):
    CASES[build.__name__] = build
    return build


def unary(mnemonic, kind="normal", **attributes):
    def build(g):
        x = g.arg([3, 4], kind)
        g.ret(g.op(mnemonic, [x], [3, 4], **attributes))

    suffix = "".join("_" + str(v).strip('"') for v in attributes.values())
    CASES[(mnemonic + suffix).replace(".", "_").replace("-", "m")] = build


def binary(mnemonic, kind="normal", **attributes):
    for label, a, b, out in [
        ("same", [3, 4], [3, 4], [3, 4]),
        ("row", [3, 4], [4], [3, 4]),
        ("column", [3, 1], [2, 1, 4], [2, 3, 4]),
        ("zero_rank", [3, 4], [], [3, 4]),
    ]:

        def build(g, a=a, b=b, out=out):
            x, y = g.arg(a, kind), g.arg(b, kind)
            g.ret(g.op(mnemonic, [x, y], out, **attributes))

        CASES[f"{mnemonic}_{label}"] = build


for name in "neg abs sign relu floor ceil round trunc exp exp2 expm1 sin cos tanh sigmoid erf silu".split():
    unary(name)
for name in "log log1p log2 sqrt rsqrt reciprocal".split():
    unary(name, "positive")
for name in "hardswish hardsigmoid".split():
    unary(name, "large")
unary("gelu", approximate='"none"')
unary("gelu", approximate='"tanh"')
unary("hardtanh", "large", min_val=-1.5, max_val=2.0)
unary("leaky_relu", negative_slope=0.2)

for name in "add sub rsub".split():
    binary(name, alpha=2.0)
for name in "mul div atan2".split():
    binary(name)
for name in "pow remainder fmod".split():
    binary(name, "positive")
for name in "maximum minimum".split():
    binary(name, "ties")
for name in "addcmul addcdiv".split():

    def add_product(g, name=name):
        x, y, z = g.arg([3, 4]), g.arg([4]), g.arg([3, 1], "positive")
        g.ret(g.op(name, [x, y, z], [3, 4], value=0.5))

    CASES[name] = add_product


@case
def scalars(g):
    x = g.arg([3, 4], "positive")
    y = g.op("mul", [x, g.f(0.3)], [3, 4])
    y = g.op("add", [y, g.i(2)], [3, 4], alpha=3.0)
    y = g.op("div", [g.f(1.5), y], [3, 4])
    y = g.op("rsub", [y, g.f(4)], [3, 4], alpha=1.0)
    z = g.op("pow", [x, g.f(2.5)], [3, 4])
    w = g.op("pow", [x, g.i(2)], [3, 4])
    v = g.op("pow", [g.f(1.7), x], [3, 4])
    u = g.op("pow", [x, g.i(0)], [3, 4])
    for other in (z, w, v, u):
        y = g.op("add", [y, other], [3, 4], alpha=1.0)
    g.ret(y)


@case
def mixed_types(g):
    x, b, i = g.arg([3, 4]), g.arg([4], "bool", "i1"), g.ints([3, 1], 5)
    h = g.arg([3, 4], dtype="f16", grad=False)
    y = g.op("mul", [b, x], [3, 4])
    y = g.op("sub", [y, i], [3, 4], alpha=1.0)
    y = g.op("mul", [h, y], [3, 4])
    y = g.op("convert_element_type", [y], ([3, 4], "f32"), dtype="f32")
    g.ret(y)


@case
def where_broadcast(g):
    c, x, y = g.arg([4], "bool", "i1"), g.arg([3, 1]), g.arg([2, 1, 4])
    z = g.op("where", [c, x, y], [2, 3, 4])
    g.ret(g.op("where", [c, z, g.f(1)], [2, 3, 4]))


@case
def masked_fill(g):
    x, m = g.arg([3, 4]), g.arg([4], "bool", "i1")
    y = g.op("masked_fill", [x, m, g.f(-1)], [3, 4])
    v = g.arg([])
    g.ret(g.op("masked_fill", [y, m, v], [3, 4]))


@case
def clamp_scalars(g):
    x = g.arg([3, 4])
    a = g.op("clamp", [x, g.f(-0.5), g.f(0.5)], [3, 4],
             operandSegmentSizes=segments(1, 1, 1))
    b = g.op("clamp", [x, g.f(0.1)], [3, 4], operandSegmentSizes=segments(1, 0, 1))
    c = g.op("clamp_min", [x, g.f(0)], [3, 4])
    g.ret(a, b, c, g.op("clamp_max", [x, g.f(0)], [3, 4]))


@case
def clamp_tensors(g):
    x, low, high = g.arg([3, 4], "large"), g.arg([4]), g.arg([3, 1])
    a = g.op("clamp", [x, low, high], [3, 4], operandSegmentSizes=segments(1, 1, 1))
    b = g.op("clamp", [x, low], [3, 4], operandSegmentSizes=segments(1, 1, 0))
    g.ret(a, b)


@case
def lerp(g):
    x, y, w = g.arg([3, 4]), g.arg([4]), g.arg([3, 1], "large")
    a = g.op("lerp", [x, y, w], [3, 4])
    b = g.op("lerp", [x, y, g.f(0.3)], [3, 4])
    g.ret(a, b, g.op("lerp", [x, y, g.f(0.7)], [3, 4]))


@case
def uses_and_copies(g):
    x = g.arg([3, 4])
    y = g.op("clone", [g.op("alias", [x], [3, 4])], [3, 4])
    d = g.op("detach", [y], [3, 4])
    z = g.op("mul", [y, d], [3, 4])
    z = g.op("mul", [z, x], [3, 4])
    c = g.op("copy", [x, g.arg([4], grad=False)], [3, 4])
    c = g.op("detach", [c], [3, 4])
    g.ret(g.op("contiguous", [z], [3, 4]), g.op("mul", [c, x], [3, 4]))


# Views.


@case
def views(g):
    x = g.arg([2, 3, 4])
    y = g.op("view", [x], [6, 4], static_size=[6, -1])
    y = g.op("transpose", [y], [4, 6], dim0=0, dim1=-1)
    y = g.op("unsqueeze", [y], [4, 6, 1], dim=-1)
    y = g.op("expand", [y], [4, 6, 5], static_size=[-1, 6, 5])
    y = g.op("permute", [y], [5, 4, 6], dims=[-1, 0, 1])
    y = g.op("flatten", [y], [5, 24], start_dim=1, end_dim=-1)
    y = g.op("t", [y], [24, 5])
    g.ret(g.op("mul", [y, y], [24, 5]))


@case
def squeezes(g):
    x = g.arg([2, 1, 3, 1])
    a = g.op("squeeze", [x], [2, 3])
    b = g.op("squeeze", [x], [2, 3, 1], dim=[1, 2])
    g.ret(g.op("exp", [a], [2, 3]), g.op("sin", [b], [2, 3, 1]))


@case
def repeats(g):
    x = g.arg([2, 3])
    a = g.op("repeat", [x], [2, 4, 3], static_size=[2, 2, 1])
    b = g.op("repeat_interleave", [x], [2, 6], repeats=2, dim=-1)
    c = g.op("repeat_interleave", [x], [12], repeats=2)
    g.ret(g.op("exp", [a], [2, 4, 3]), b, g.op("exp", [c], [12]))


@case
def slices(g):
    x = g.arg([5, 6])
    seg = segments(1, 1, 1)
    a = g.op("slice", [x, g.i(1), g.i(4)], [3, 6], dim=0, step=1, operandSegmentSizes=seg)
    b = g.op("slice", [x, g.i(-5), g.i(100)], [5, 3], dim=1, step=2, operandSegmentSizes=seg)
    c = g.op("select", [x, g.i(-2)], [6], dim=0)
    d = g.op("flip", [x], [5, 6], dims=[0, 1])
    g.ret(g.op("exp", [a], [3, 6]), g.op("mul", [b, b], [5, 3]), c, g.op("mul", [d, x], [5, 6]))


@case
def scatter_slices(g):
    x, s, r = g.arg([5, 6]), g.arg([5, 2]), g.arg([5])
    y = g.op("slice_scatter", [x, s, g.i(1), g.i(3)], [5, 6], dim=1, step=1,
             operandSegmentSizes=segments(1, 1, 1, 1))
    y = g.op("select_scatter", [y, r, g.i(4)], [5, 6], dim=1)
    g.ret(g.op("mul", [y, y], [5, 6]))


@case
def joins(g):
    x, y = g.arg([2, 3]), g.arg([2, 1])
    a = g.op("cat", [x, y, x], [2, 7], dim=-1)
    b = g.op("stack", [x, x], [2, 2, 3], dim=1)
    g.ret(g.op("mul", [a, a], [2, 7]), g.op("sin", [b], [2, 2, 3]))


@case
def splits(g):
    x = g.arg([2, 7])
    a, b, c = g.op("split", [x], [2, 3], [2, 3], [2, 1], split_size=3, dim=1)
    d, e = g.op("split_with_sizes", [x], [2, 5], [2, 2], split_sizes=[5, 2], dim=-1)
    f, h = g.op("chunk", [x], [1, 7], [1, 7], chunks=2, dim=0)
    i, j = g.op("unbind", [x], [7], [7], dim=0)
    g.ret(g.op("mul", [a, b], [2, 3]), g.op("exp", [e], [2, 2]),
          g.op("mul", [f, h], [1, 7]), g.op("sin", [j], [7]))


@case
def pad_and_triangles(g):
    x = g.arg([4, 5])
    a = g.op("constant_pad_nd", [x, g.f(2)], [6, 6], pad=[2, -1, 0, 2])
    b = g.op("tril", [x], [4, 5], diagonal=-1)
    c = g.op("triu", [x], [4, 5], diagonal=1)
    g.ret(g.op("mul", [a, a], [6, 6]), g.op("mul", [b, x], [4, 5]), g.op("exp", [c], [4, 5]))


# Reductions.

for name in "sum mean amax amin logsumexp prod".split():
    for label, dims, keep, shape in [
        ("all", [], False, []),
        ("all_keep", [], True, [1, 1, 1]),
        ("last", [-1], False, [3, 4]),
        ("two", [0, 2], False, [4]),
        ("two_keep", [0, 2], True, [1, 4, 1]),
    ]:

        def reduce(g, name=name, dims=dims, keep=keep, shape=shape):
            x = g.arg([3, 4, 5], "ties" if name in ("amax", "amin") else "normal")
            y = g.op(name, [x], shape, dim=dims, keepdim=keep)
            g.ret(g.op("mul", [y, y], shape))

        if name == "prod" and (label == "all_keep" or label.startswith("two")):
            continue  # ATen's prod takes one dimension.
        CASES[f"{name}_{label}"] = reduce


@case
def prod_with_zeros(g):
    x = g.arg([8, 3], "ties")
    g.ret(g.op("prod", [x], [8], dim=[1]))


for correction in (0.0, 1.0):
    for label, dims, keep, shape in [("last", [1], False, [3, 5]), ("all", [], True, [1, 1, 1])]:

        def variance(g, dims=dims, keep=keep, shape=shape, correction=correction):
            x = g.arg([3, 4, 5])
            v, m = g.op("var_mean", [x], shape, shape, dim=dims, correction=correction, keepdim=keep)
            w = g.op("var", [x], shape, dim=dims, correction=correction, keepdim=keep)
            g.ret(g.op("mul", [v, m], shape), g.op("sin", [w], shape))

        CASES[f"variance_{label}_{int(correction)}"] = variance


@case
def scans_and_choices(g):
    x = g.arg([3, 5])
    c = g.op("cumsum", [x], [3, 5], dim=1)
    m, i = g.op("max_dim", [x], [3], ([3], "i64"), dim=1, keepdim=False)
    n, j = g.op("min_dim", [x], [1, 5], ([1, 5], "i64"), dim=0, keepdim=True)
    g.ret(g.op("mul", [c, c], [3, 5]), g.op("exp", [m], [3]), n)


for name in "softmax log_softmax".split():
    for dim in (-1, 0):

        def soft(g, name=name, dim=dim):
            x, w = g.arg([3, 5]), g.arg([3, 5])
            g.ret(g.op("mul", [g.op(name, [x], [3, 5], dim=dim), w], [3, 5]))

        CASES[f"{name}_{'last' if dim else 'first'}"] = soft


# Products.


@case
def products(g):
    a, b, c = g.arg([3, 4]), g.arg([4, 5]), g.arg([5])
    m = g.op("mm", [a, b], [3, 5])
    n = g.op("addmm", [c, a, b], [3, 5], beta=0.5, alpha=2.0)
    g.ret(g.op("mul", [m, n], [3, 5]))


@case
def batched_products(g):
    a, b, c = g.arg([2, 3, 4]), g.arg([2, 4, 5]), g.arg([3, 1])
    m = g.op("bmm", [a, b], [2, 3, 5])
    n = g.op("baddbmm", [c, a, b], [2, 3, 5], beta=2.0, alpha=0.5)
    g.ret(g.op("mul", [m, n], [2, 3, 5]))


for label, a, b, out in [
    ("dot", [4], [4], []),
    ("vector_matrix", [4], [4, 5], [5]),
    ("matrix_vector", [3, 4], [4], [3]),
    ("batch_vector", [2, 3, 4], [4], [2, 3]),
    ("vector_batch", [4], [2, 4, 5], [2, 5]),
    ("batch_matrix", [2, 3, 4], [4, 5], [2, 3, 5]),
    ("matrix_batch", [3, 4], [2, 4, 5], [2, 3, 5]),
    ("batch_batch", [2, 3, 4], [2, 4, 5], [2, 3, 5]),
    ("broadcast", [2, 1, 3, 4], [6, 4, 5], [2, 6, 3, 5]),
    ("same_batches", [2, 6, 3, 4], [2, 6, 4, 5], [2, 6, 3, 5]),
]:

    def matmul(g, a=a, b=b, out=out):
        g.ret(g.op("matmul", [g.arg(a), g.arg(b)], out))

    CASES[f"matmul_{label}"] = matmul


for label, x, w, bias, out in [
    ("vector", [4], [5, 4], [5], [5]),
    ("matrix", [3, 4], [5, 4], [5], [3, 5]),
    ("batch", [2, 3, 4], [5, 4], [5], [2, 3, 5]),
    ("no_bias", [2, 3, 4], [5, 4], None, [2, 3, 5]),
    ("dot", [3, 4], [4], None, [3]),
]:

    def linear(g, x=x, w=w, bias=bias, out=out):
        operands = [g.arg(x), g.arg(w)] + ([g.arg(bias)] if bias is not None else [])
        g.ret(g.op("linear", operands, out))

    CASES[f"linear_{label}"] = linear


@case
def outer(g):
    g.ret(g.op("outer", [g.arg([3]), g.arg([4])], [3, 4]))


for label, mask, attributes in [
    ("plain", None, {}),
    ("causal", None, {"is_causal": True}),
    ("scale", None, {"scale": 0.7}),
    ("bool_mask", ([6, 6], "bool", "i1"), {}),
    ("float_mask", ([2, 1, 6, 6], "normal", None), {}),
]:

    def attention(g, mask=mask, attributes=attributes):
        operands = [g.arg([2, 3, 6, 4]) for _ in range(3)]
        if mask:
            shape, kind, dtype = mask
            operands.append(g.arg(shape, kind, dtype))
        g.ret(g.op("scaled_dot_product_attention", operands, [2, 3, 6, 4], **attributes))

    CASES[f"attention_{label}"] = attention


# Convolutions and pooling.

for label, x, w, out, attributes in [
    ("plain", [2, 3, 7, 6], [4, 3, 3, 3], [2, 4, 5, 4], {}),
    ("strided", [2, 3, 7, 6], [4, 3, 3, 2], [2, 4, 4, 4], dict(stride=[2], padding=[1])),
    ("dilated", [1, 2, 8, 8], [2, 2, 3, 3], [1, 2, 6, 4], dict(dilation=[1, 2])),
    ("grouped", [2, 4, 6, 6], [4, 2, 3, 3], [2, 4, 6, 6], dict(padding=[1, 1], groups=2)),
    ("depthwise", [2, 4, 6, 6], [4, 1, 3, 3], [2, 4, 6, 6], dict(padding=[1, 1], groups=4)),
    ("unbatched", [3, 7, 6], [4, 3, 3, 3], [4, 5, 4], {}),
]:

    def conv(g, x=x, w=w, out=out, attributes=attributes):
        window = dict(stride=[1, 1], padding=[0, 0], dilation=[1, 1], groups=1)
        window.update(attributes)
        g.ret(g.op("conv2d", [g.arg(x), g.arg(w), g.arg([w[0]])], out, **window))

    CASES[f"conv2d_{label}"] = conv


@case
def conv1d(g):
    g.ret(g.op("conv1d", [g.arg([2, 3, 9]), g.arg([4, 3, 3])], [2, 4, 5],
               stride=[2], padding=[1], dilation=[1], groups=1))


@case
def transposed_convolution(g):
    operands = [g.arg([2, 3, 4, 4]), g.arg([3, 2, 3, 3]), g.arg([2])]
    g.ret(g.op("convolution", operands, [2, 2, 8, 8], stride=[2, 2], padding=[1, 1],
               dilation=[1, 1], transposed=True, output_padding=[1, 1], groups=1))


@case
def max_pools(g):
    x = g.arg([2, 3, 7, 7])
    window = dict(kernel_size=[3, 3], stride=[2, 2], padding=[1, 1], dilation=[1, 1], ceil_mode=False)
    a = g.op("max_pool2d", [x], [2, 3, 4, 4], **window)
    b, i = g.op("max_pool2d_with_indices", [x], [2, 3, 4, 4], ([2, 3, 4, 4], "i64"), **window)
    g.ret(g.op("mul", [a, b], [2, 3, 4, 4]))


@case
def avg_pools(g):
    x = g.arg([2, 3, 7, 7])
    a = g.op("avg_pool2d", [x], [2, 3, 4, 4], kernel_size=[3, 3], stride=[2, 2],
             padding=[1, 1], ceil_mode=False, count_include_pad=False)
    b = g.op("adaptive_avg_pool2d", [x], [2, 3, 1, 1], output_size=[1, 1])
    c = g.op("adaptive_avg_pool2d", [x], [2, 3, 3, 2], output_size=[3, 2])
    y = g.arg([2, 3, 6, 4])
    d = g.op("adaptive_avg_pool2d", [y], [2, 3, 3, 2], output_size=[3, 2])
    g.ret(g.op("exp", [a], [2, 3, 4, 4]), b, g.op("exp", [c], [2, 3, 3, 2]), g.op("exp", [d], [2, 3, 3, 2]))


# Normalisation and losses.


@case
def layer_norms(g):
    x, w, b = g.arg([2, 3, 4]), g.arg([3, 4]), g.arg([3, 4])
    y = g.op("layer_norm", [x, w, b], [2, 3, 4], normalized_shape=[3, 4], eps=1e-5,
             operandSegmentSizes=segments(1, 1, 1))
    z = g.op("layer_norm", [x], [2, 3, 4], normalized_shape=[4], eps=1e-3,
             operandSegmentSizes=segments(1, 0, 0))
    n, m, r = g.op("native_layer_norm", [x, w], [2, 3, 4], [2, 1, 1], [2, 1, 1],
                   normalized_shape=[3, 4], eps=1e-5, operandSegmentSizes=segments(1, 1, 0))
    m, r = (g.op("detach", [v], [2, 1, 1]) for v in (m, r))
    g.ret(g.op("mul", [y, z], [2, 3, 4]), n, m, r)


for training in (True, False):
    for running in (True, False):

        def batch_norm(g, training=training, running=running):
            x, w, b = g.arg([4, 3, 2, 2]), g.arg([3]), g.arg([3])
            operands, shapes = [x, w, b], [[4, 3, 2, 2]]
            if running:
                operands += [g.arg([3], grad=False), g.arg([3], "positive", grad=False)]
                shapes += [[3], [3]]
            results = g.op("batch_norm", operands, *shapes, training=training, momentum=0.1,
                           eps=1e-5, operandSegmentSizes=segments(1, 1, 1, running, running))
            results = results if running else [results]
            y = g.op("sin", [results[0]], [4, 3, 2, 2])
            g.ret(*results[1:], y, mutates=["a3", "a4"][: len(results) - 1])

        if training or running:
            CASES[f"batch_norm{'_train' if training else '_eval'}{'_running' if running else ''}"] = batch_norm


for reduction in (0, 1, 2):
    for label, scores, target, weight, attributes in [
        ("plain", [5, 4], [5], False, {}),
        ("ignored", [5, 4], [5], False, dict(ignore_index=1)),
        ("weighted", [5, 4], [5], True, dict(ignore_index=2)),
        ("smooth", [5, 4], [5], False, dict(label_smoothing=0.1, ignore_index=0)),
        ("smooth_weighted", [5, 4], [5], True, dict(label_smoothing=0.2)),
        ("spatial", [2, 4, 3], [2, 3], True, dict(label_smoothing=0.2)),
        ("single", [4], [], False, {}),
    ]:

        def cross_entropy(g, scores=scores, target=target, weight=weight, reduction=reduction, attributes=attributes):
            operands = [g.arg(scores), g.ints(target, 4)]
            if weight:
                operands.append(g.arg([4], "positive", grad=False))
            g.ret(g.op("cross_entropy_loss", operands, [] if reduction else target,
                       reduction=reduction, **attributes))

        CASES[f"cross_entropy_{label}_{reduction}"] = cross_entropy

    def probabilities(g, reduction=reduction):
        x, t = g.arg([5, 4, 3]), g.arg([5, 4, 3], "probability")
        w = g.arg([4], "positive", grad=False)
        g.ret(g.op("cross_entropy_loss", [x, t, w], [] if reduction else [5, 3],
                   reduction=reduction, label_smoothing=0.1))

    def mse(g, reduction=reduction):
        shape = [] if reduction else [3, 4]
        g.ret(g.op("mse_loss", [g.arg([3, 4]), g.arg([3, 4])], shape, reduction=reduction))

    CASES[f"cross_entropy_probabilities_{reduction}"] = probabilities
    CASES[f"mse_{reduction}"] = mse


# Indexing.


@case
def embedding(g):
    w, i = g.arg([6, 4]), g.ints([2, 5], 6)
    a = g.op("embedding", [w, i], [2, 5, 4], padding_idx=-1)
    b = g.op("embedding", [w, i], [2, 5, 4], padding_idx=3)
    g.ret(g.op("mul", [a, a], [2, 5, 4]), b)


@case
def gathers(g):
    x = g.arg([4, 5])
    a = g.op("gather", [x, g.ints([4, 1], 5)], [4, 1], dim=1)
    b = g.op("gather", [x, g.ints([3, 2], 4)], [3, 2], dim=0)
    c = g.op("index_select", [x, g.ints([6], 5)], [4, 6], dim=-1)
    g.ret(g.op("exp", [a], [4, 1]), g.op("exp", [b], [3, 2]), g.op("mul", [c, c], [4, 6]))


@case
def scatters(g):
    x, s = g.arg([4, 5]), g.arg([2, 4])
    a = g.op("scatter_add", [x, g.ints([2, 4], 4), s], [4, 5], dim=0)
    b = g.op("scatter", [x, g.ints([4, 1], 5), g.f(2)], [4, 5], dim=1)
    g.ret(g.op("mul", [a, a], [4, 5]), g.op("mul", [b, b], [4, 5]))


@case
def scatter_source(g):
    x, s = g.arg([1, 5]), g.arg([1, 5])
    y = g.op("scatter", [x, g.ints([1, 5], 1), s], [1, 5], dim=0)
    g.ret(g.op("mul", [y, y], [1, 5]))


@case
def index_and_put(g):
    x = g.arg([4, 5, 6])
    i, j = g.ints([3], 4), g.ints([3], 6)
    a = g.op("index", [x, i], [3, 5, 6], index_dims=[0])
    b = g.op("index", [x, i, j], [3, 5], index_dims=[0, 2])
    v = g.arg([5])
    c = g.op("index_put", [x, v, i, j], [4, 5, 6], index_dims=[0, 2], accumulate=True)
    one = g.ints([1], 4)
    d = g.op("index_put", [x, v, one, g.ints([1], 6)], [4, 5, 6], index_dims=[0, 2], accumulate=False)
    g.ret(g.op("exp", [a], [3, 5, 6]), g.op("mul", [b, b], [3, 5]),
          g.op("sin", [c], [4, 5, 6]), g.op("sin", [d], [4, 5, 6]))


# Unknown sizes.


@case
def unknown_sizes(g):
    x = g.arg([3, 4], shown=["?", 4])
    w, b = g.arg([5, 4]), g.arg([5])
    y = g.op("linear", [x, w, b], ["?", 5])
    y = g.op("layer_norm", [y], ["?", 5], normalized_shape=[5], eps=1e-5,
             operandSegmentSizes=segments(1, 0, 0))
    y = g.op("softmax", [y], ["?", 5], dim=0)
    v, m = g.op("var_mean", [y], [5], [5], dim=[0], correction=1.0, keepdim=False)
    y = g.op("mul", [y, y], ["?", 5])
    t = g.arg([3], "int:5", "i64", shown=["?"])
    loss = g.op("cross_entropy_loss", [y, t], [], reduction=1)
    g.ret(loss, v, m, g.op("mean", [y], [], dim=[]))


@case
def unknown_attention(g):
    q, k, v = (g.arg([2, 2, 3, 4], shown=["?", 2, "?", 4]) for _ in range(3))
    g.ret(g.op("scaled_dot_product_attention", [q, k, v], ["?", 2, "?", 4], is_causal=True))
