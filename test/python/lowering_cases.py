"""The cases of test_lowering.py, by family."""

import torch
import torch.nn.functional as F

from lowering_harness import Case

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
INTS = [torch.int64, torch.int32, torch.uint8]
nan, inf = float("nan"), float("inf")


def floats(*shape, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def ints(*shape, low=-9, high=10, dtype=torch.int64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    if dtype == torch.uint8:
        low, high = 0, 250
    return torch.randint(low, high, shape, generator=generator).to(dtype)


def special(dtype=torch.float32):
    return torch.tensor([nan, inf, -inf, 0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5,
                         1.0, -1.0, 3.7, -3.7, 100.0, -100.0], dtype=dtype)


def case(op, args, expected, attrs="", **rest):
    if not isinstance(expected, (tuple, list)):
        expected = (expected,)
    return Case(op, args, tuple(e.contiguous() for e in expected), attrs, **rest)


def unary():
    functions = {
        "neg": torch.neg, "abs": torch.abs, "sign": torch.sign,
        "relu": torch.relu, "floor": torch.floor, "ceil": torch.ceil,
        "round": torch.round, "trunc": torch.trunc, "exp": torch.exp,
        "exp2": torch.exp2, "expm1": torch.expm1, "log": torch.log,
        "log1p": torch.log1p, "log2": torch.log2, "sqrt": torch.sqrt,
        "rsqrt": torch.rsqrt, "reciprocal": torch.reciprocal,
        "sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh,
        "sigmoid": torch.sigmoid, "erf": torch.erf, "silu": F.silu,
        "hardswish": F.hardswish, "hardsigmoid": F.hardsigmoid,
        "isnan": torch.isnan, "isinf": torch.isinf,
        "logical_not": torch.logical_not,
    }
    for op, function in functions.items():
        for dtype in FLOATS:
            x = special(dtype)
            if op in ("sin", "cos", "exp", "exp2", "expm1"):
                x = x.clamp(-20, 20)
            yield case(op, [x], function(x), tolerance=4)
        if op in ("silu", "hardswish", "hardsigmoid"):
            continue
        for dtype in INTS:
            x = ints(7, dtype=dtype, high=6)
            yield case(op, [x], function(x), tolerance=4)
    for op in ("neg",):
        yield case(op, [floats(3, 4)], torch.neg(floats(3, 4)), dynamic=True)
    x = floats(3, 4)
    yield case("exp", [x], x.exp(), dynamic=True)
    yield case("exp", [floats()], floats().exp())
    yield case("exp", [floats(0, 3)], floats(0, 3).exp())
    flags = torch.tensor([True, False, True])
    yield case("bitwise_not", [flags], ~flags)
    yield case("bitwise_not", [ints(5)], ~ints(5))
    yield case("logical_not", [flags], ~flags)
    yield case("exp", [flags], flags.exp())
    yield case("abs", [ints(5, dtype=torch.int32)], ints(5, dtype=torch.int32).abs())
    for dtype in FLOATS:
        x = special(dtype)
        # Eager's vectorised gelu of infinity is NaN in some builds.
        y = x.clamp(-200, 200)
        for mode in ("none", "tanh"):
            yield case("gelu", [y], F.gelu(y, approximate=mode),
                       f'approximate = "{mode}"', tolerance=4)
        yield case("leaky_relu", [x], F.leaky_relu(x, 0.2),
                   "negative_slope = 2.0e-1 : f64")
        yield case("hardtanh", [x], F.hardtanh(x, -0.75, 2.0),
                   "min_val = -0.75 : f64, max_val = 2.0 : f64")
        for op in ("alias", "detach", "clone", "contiguous"):
            yield case(op, [x], x)


def binary():
    functions = {
        "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div,
        "maximum": torch.maximum, "minimum": torch.minimum,
        "remainder": torch.remainder, "fmod": torch.fmod, "atan2": torch.atan2,
        "eq": torch.eq, "ne": torch.ne, "lt": torch.lt, "le": torch.le,
        "gt": torch.gt, "ge": torch.ge, "logical_and": torch.logical_and,
        "logical_or": torch.logical_or, "logical_xor": torch.logical_xor,
        "pow": torch.pow,
    }
    left = [nan, inf, -inf, 0.0, -0.0, 2.5, -2.5, 7.0, -7.0, 1.0, 5.0, -5.0]
    right = [1.0, nan, 2.0, -0.0, 0.0, 2.0, 2.0, -3.0, 3.0, 1.0, inf, -2.0]
    for op, function in functions.items():
        for dtype in FLOATS:
            a, b = (torch.tensor(v, dtype=dtype) for v in (left, right))
            yield case(op, [a, b], function(a, b), tolerance=4)
        for dtype in INTS:
            a = ints(12, dtype=dtype)
            b = ints(12, dtype=dtype, seed=1)
            b = torch.where(b == 0, torch.ones_like(b), b)
            if op == "pow":
                a, b = a % 5, b.abs() % 7
            yield case(op, [a, b], function(a, b), tolerance=4)
    x = special()
    scalars = {
        "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div,
        "remainder": torch.remainder, "fmod": torch.fmod, "eq": torch.eq,
        "lt": torch.lt, "ge": torch.ge, "pow": torch.pow,
    }
    for op, function in scalars.items():
        for dtype in FLOATS + [torch.int64]:
            x = special(dtype) if dtype.is_floating_point else ints(9)
            for value in (0.1, 2, -3.5):
                if op == "pow" and value == -3.5 and not dtype.is_floating_point:
                    continue
                yield case(op, [x, value], function(x, value), tolerance=4)
    # f16 scalars are rounded for comparisons.
    x = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float16)
    for op in ("eq", "gt", "le"):
        yield case(op, [x, 0.1], functions[op](x, 0.1))
    for exponent in (0.0, 1.0, 2.0, 3.0, 0.5, -0.5, -1.0, -2.0, 4.0, 1.7, 2):
        x = special()
        yield case("pow", [x, exponent], torch.pow(x, exponent), tolerance=4)
    for exponent in (0, 1, 2, 3, 5):
        yield case("pow", [ints(9), exponent], ints(9).pow(exponent))
    base, power = ints(30, low=-3, high=4), ints(30, low=0, high=5, seed=3)
    yield case("pow", [base, power], base.pow(power))
    yield case("pow", [2.0, floats(5)], torch.pow(2.0, floats(5)), tolerance=4)
    yield case("rsub", [floats(5), 3.0], torch.rsub(floats(5), 3.0))
    yield case("rsub", [floats(5), floats(5, seed=1)],
               torch.rsub(floats(5), floats(5, seed=1), alpha=2),
               "alpha = 2.0 : f64")
    for dtype in (torch.float32, torch.bfloat16, torch.int64):
        a = floats(4, dtype=dtype) if dtype.is_floating_point else ints(4)
        b = a + 1
        yield case("add", [a, b], torch.add(a, b, alpha=3), "alpha = 3.0 : f64")
        yield case("sub", [a, b], torch.sub(a, b, alpha=2), "alpha = 2.0 : f64")
    flags = torch.tensor([True, False, True, False])
    other = torch.tensor([True, True, False, False])
    for op, function in (("add", torch.add), ("mul", torch.mul),
                         ("bitwise_and", torch.bitwise_and),
                         ("bitwise_or", torch.bitwise_or),
                         ("bitwise_xor", torch.bitwise_xor),
                         ("eq", torch.eq), ("lt", torch.lt),
                         ("maximum", torch.maximum), ("div", torch.div)):
        yield case(op, [flags, other], function(flags, other))
    for op, function in (("bitwise_and", torch.bitwise_and),
                         ("bitwise_or", torch.bitwise_or),
                         ("bitwise_xor", torch.bitwise_xor)):
        a, b = ints(6), ints(6, seed=1)
        yield case(op, [a, b], function(a, b))
        yield case(op, [a, 6], function(a, 6))
    for mode in ("floor", "trunc"):
        attrs = f'rounding_mode = "{mode}"'
        for dtype in FLOATS:
            a, b = (torch.tensor(v, dtype=dtype) for v in (left, right))
            yield case("div_rounded", [a, b],
                       torch.div(a, b, rounding_mode=mode), attrs)
        for dtype in INTS:
            a, b = ints(20, dtype=dtype), ints(20, dtype=dtype, seed=5)
            b = torch.where(b == 0, torch.ones_like(b), b)
            yield case("div_rounded", [a, b],
                       torch.div(a, b, rounding_mode=mode), attrs)
        yield case("div_rounded", [ints(9), 4],
                   torch.div(ints(9), 4, rounding_mode=mode), attrs)
    # Broadcasting, promotion, rank 0, size 0.
    pairs = [((3, 4), (4,)), ((3, 1), (1, 4)), ((2, 3, 4), (3, 1)), ((), (3,)),
             ((0, 3), (1, 3)), ((1,), (1,)), ((), ()), ((1, 1), (5, 1))]
    for a, b in pairs:
        x, y = floats(*a), floats(*b, seed=1)
        yield case("add", [x, y], x + y)
        yield case("mul", [x, y], x * y, dynamic=True)
    kinds = [torch.float16, torch.bfloat16, torch.float32, torch.float64,
             torch.int64, torch.int32, torch.uint8, torch.bool]
    for i, a in enumerate(kinds):
        for b in kinds[i + 1:]:
            x, y = torch.tensor([1, 0, 3]).to(a), torch.tensor([2, 1, 1]).to(b)
            yield case("add", [x, y], x + y)
    yield case("mul", [floats(3, dtype=torch.float16), floats()],
               floats(3, dtype=torch.float16) * floats())
    yield case("add", [ints(3), floats()], ints(3) + floats())


def several():
    for dtype in FLOATS:
        a, b, c = (floats(5, dtype=dtype, seed=i) for i in range(3))
        yield case("addcmul", [a, b, c], torch.addcmul(a, b, c, value=0.5),
                   "value = 0.5 : f64", tolerance=3)
        yield case("addcdiv", [a, b, c], torch.addcdiv(a, b, c, value=-2.0),
                   "value = -2.0 : f64", tolerance=10)
        yield case("lerp", [a, b, 0.3], torch.lerp(a, b, 0.3), tolerance=2)
        yield case("lerp", [a, b, c], torch.lerp(a, b, c), tolerance=2)
        x = special(dtype)
        for low, high in ((-1.0, 1.0), (0.0, None), (None, 2.0), (2.0, 1.0)):
            text, args = "fx.clamp {0}", [x]
            for key, bound in (("min", low), ("max", high)):
                if bound is not None:
                    text += f" {key} {{{len(args)}}}"
                    args.append(bound)
            yield case("clamp", args, torch.clamp(x, low, high),
                       text=text + " : ({ins}) -> {out}")
        yield case("clamp_min", [x, 0.5], torch.clamp_min(x, 0.5))
        yield case("clamp_max", [x, 0.5], torch.clamp_max(x, 0.5))
        bound = torch.full((), nan, dtype=dtype)
        yield case("clamp_min", [x, bound], torch.clamp_min(x, bound))
        flags = x > 0
        y = floats(16, dtype=dtype)
        yield case("where", [flags, x, y], torch.where(flags, x, y))
        yield case("where", [flags, x, 0.5], torch.where(flags, x, 0.5))
        yield case("masked_fill", [x, flags, -inf], x.masked_fill(flags, -inf))
        yield case("masked_fill", [x, flags, 3], x.masked_fill(flags, 3))
        for to in FLOATS + INTS + [torch.bool, torch.int8, torch.int16]:
            z = special(dtype)
            if not to.is_floating_point and to != torch.bool:
                z = torch.tensor([0.0, -0.0, 0.5, -0.5, 1.9, -1.9, 100.0, 3.5],
                                 dtype=dtype)
            name = {torch.uint8: "ui8"}.get(to)
            from lowering_harness import MLIR_TYPES
            yield case("convert_element_type", [z], z.to(to),
                       f"dtype = {name or MLIR_TYPES[to]}")
    a, b, c = floats(5), floats(5, seed=1), floats(5, seed=2)
    yield case("fma", [a, b, c], (a.double() * b.double() + c.double()).float())
    for source in INTS + [torch.bool]:
        z = ints(6, dtype=source)
        for to in [torch.float32, torch.float16, torch.bfloat16, torch.float64,
                   torch.int64, torch.int32, torch.uint8, torch.bool]:
            from lowering_harness import MLIR_TYPES
            yield case("convert_element_type", [z], z.to(to),
                       f"dtype = {MLIR_TYPES[to]}")
    x = ints(5)
    yield case("clamp_min", [x, 2], x.clamp_min(2))
    yield case("clamp_min", [ints(5, dtype=torch.uint8), 100],
               ints(5, dtype=torch.uint8).clamp_min(100))
    flags = torch.tensor([[True], [False], [True]])
    yield case("where", [flags, floats(3, 4), floats(4)],
               torch.where(flags, floats(3, 4), floats(4)))
    yield case("where", [flags, floats(3, 4), floats(4)],
               torch.where(flags, floats(3, 4), floats(4)), dynamic=True)
    yield case("where", [flags, ints(3, 1), 2.5],
               torch.where(flags, ints(3, 1), 2.5))
    yield case("masked_fill", [floats(3, 4), flags, floats()],
               floats(3, 4).masked_fill(flags, floats()))
    yield case("copy", [floats(3, 4), ints(4)], floats(3, 4).copy_(ints(4)))
    yield case("copy", [ints(3, 4), floats(4)], ints(3, 4).copy_(floats(4)))


def reductions():
    shapes = [((3, 4, 5), [1]), ((3, 4, 5), []), ((3, 4, 5), [0, 2]),
              ((3, 4, 5), [-1]), ((1, 4), [0]), ((), []), ((0, 4), [0]),
              ((0, 4), [1])]
    for shape, dim in shapes:
        for keepdim in (False, True):
            attrs = f"dim = array<i64: {', '.join(map(str, dim))}>" \
                if dim else "dim = array<i64>"
            attrs += f", keepdim = {str(keepdim).lower()}"
            dims = dim or list(range(len(shape)))
            for dtype in (torch.float32, torch.bfloat16, torch.int32):
                x = (floats(*shape, dtype=dtype) if dtype.is_floating_point
                     else ints(*shape, dtype=dtype))
                dynamic = dtype == torch.float32 and keepdim
                expected = x.sum(dims, keepdim=keepdim) if shape else x.sum()
                yield case("sum", [x], expected, attrs, tolerance=4,
                           dynamic=dynamic)
                expected = ((x != 0).any(dims, keepdim=keepdim) if shape else x != 0)
                yield case("any", [x], expected, attrs)
                expected = ((x != 0).all(dims, keepdim=keepdim) if shape else x != 0)
                yield case("all", [x], expected, attrs)
                if dtype.is_floating_point:
                    expected = x.mean(dims, keepdim=keepdim) if shape else x.mean()
                    yield case("mean", [x], expected, attrs, tolerance=4,
                               dynamic=dynamic)
                    if shape:
                        var, mean = torch.var_mean(x, dims, correction=1,
                                                   keepdim=keepdim)
                        yield case("var_mean", [x], (var, mean), attrs,
                                   tolerance=8, dynamic=dynamic)
                        yield case("var", [x],
                                   torch.var(x, dims, correction=0,
                                             keepdim=keepdim),
                                   attrs + ", correction = 0.0 : f64",
                                   tolerance=8)
                if all(shape[d] for d in dims):
                    yield case("amax", [x], x.amax(dims, keepdim=keepdim), attrs)
                    yield case("amin", [x], x.amin(dims, keepdim=keepdim), attrs)
                if dtype == torch.float32:
                    yield case("logsumexp", [x],
                               torch.logsumexp(x, dims, keepdim=keepdim), attrs,
                               tolerance=4)
    for dtype in FLOATS + INTS + [torch.bool]:
        x = floats(4, 3, dtype=dtype) if dtype.is_floating_point else \
            ints(4, 3, dtype=dtype)
        yield case("sum", [x], x.sum(), "dim = array<i64>", tolerance=4)
        yield case("prod", [x], x.prod(1), "dim = array<i64: 1>", tolerance=4)
        yield case("amax", [x], x.amax(0), "dim = array<i64: 0>")
        yield case("amin", [x], x.amin(0), "dim = array<i64: 0>")
        yield case("cumsum", [x], x.cumsum(0), "dim = 0 : i64", tolerance=4)
        yield case("cumsum", [x], x.cumsum(1), "dim = -1 : i64", tolerance=4,
                   dynamic=True)
        if dtype != torch.bool:
            yield case("argmax", [x], x.argmax(1), "dim = 1 : i64")
            yield case("argmin", [x], x.argmin())
            yield case("max_dim", [x], x.max(0, keepdim=True),
                       "dim = 0 : i64, keepdim = true")
            yield case("min_dim", [x], x.min(1), "dim = 1 : i64")
    x = torch.tensor([[1.0, nan, 3.0, nan], [-inf, -inf, -inf, -inf],
                      [2.0, 5.0, 5.0, 1.0]])
    for dynamic in (False, True):
        yield case("argmax", [x], x.argmax(1), "dim = 1 : i64", dynamic=dynamic)
        yield case("argmin", [x], x.argmin(1, keepdim=True),
                   "dim = 1 : i64, keepdim = true", dynamic=dynamic)
        yield case("argmax", [x], x.argmax(), dynamic=dynamic)
        yield case("max_dim", [x], x.max(1), "dim = 1 : i64", dynamic=dynamic)
        yield case("amax", [x], x.amax(1), "dim = array<i64: 1>", dynamic=dynamic)
    yield case("sum", [floats(3, dtype=torch.float16)],
               floats(3, dtype=torch.float16).sum(dtype=torch.float32),
               "dim = array<i64>, dtype = f32")
    yield case("sum", [ints(3)], ints(3).sum(dtype=torch.float32),
               "dim = array<i64>, dtype = f32")
    yield case("mean", [ints(3)], ints(3).float().mean(),
               "dim = array<i64>, dtype = f32")
    yield case("sum", [torch.full((5000,), 0.01, dtype=torch.float16)],
               torch.full((5000,), 0.01, dtype=torch.float16).sum(),
               "dim = array<i64>")
    yield case("cumsum", [floats()], floats().cumsum(0), "dim = 0 : i64")
    yield case("argmax", [floats()], floats().argmax())
    yield case("max_dim", [floats()], floats().max(0), "dim = 0 : i64")
    for dtype in FLOATS:
        x = 3 * floats(3, 5, dtype=dtype)
        yield case("softmax", [x], x.softmax(1), "dim = 1 : i64", tolerance=2)
        yield case("softmax", [x], x.softmax(0), "dim = -2 : i64", tolerance=2)
        yield case("log_softmax", [x], x.log_softmax(-1), "dim = -1 : i64",
                   tolerance=2, dynamic=True)
    x = floats(3, 5, dtype=torch.float16)
    yield case("softmax", [x], x.softmax(1, dtype=torch.float32),
               "dim = 1 : i64, dtype = f32", tolerance=2)
    x = torch.tensor([[0.0, -inf, 1.0], [1e4, -1e4, 0.0]])
    yield case("softmax", [x], x.softmax(1), "dim = 1 : i64", tolerance=2)
    x = torch.full((2, 3), -inf)
    yield case("logsumexp", [x], x.logsumexp(1), "dim = array<i64: 1>")


def contractions():
    for dtype in FLOATS + [torch.int64]:
        make = floats if dtype.is_floating_point else ints
        a, b = make(4, 7, dtype=dtype), make(7, 5, dtype=dtype, seed=1)
        yield case("mm", [a, b], a @ b, tolerance=4)
        yield case("mm", [a, b], a @ b, tolerance=4, dynamic=True)
        a, b = make(3, 4, 7, dtype=dtype), make(3, 7, 5, dtype=dtype, seed=1)
        yield case("bmm", [a, b], a @ b, tolerance=4)
    for dtype in FLOATS:
        a, b = floats(4, 7, dtype=dtype), floats(7, 5, dtype=dtype, seed=1)
        for shape in ((5,), (4, 5), (4, 1), ()):
            c = floats(*shape, dtype=dtype, seed=2)
            yield case("addmm", [c, a, b], torch.addmm(c, a, b), tolerance=8)
        c = floats(5, dtype=dtype, seed=2)
        yield case("addmm", [c, a, b], torch.addmm(c, a, b, beta=0.5, alpha=2),
                   "beta = 0.5 : f64, alpha = 2.0 : f64", tolerance=8)
        c = torch.full((5,), nan, dtype=dtype)
        yield case("addmm", [c, a, b], torch.addmm(c, a, b, beta=0),
                   "beta = 0.0 : f64", tolerance=8)
        a, b = floats(3, 4, 7, dtype=dtype), floats(3, 7, 5, dtype=dtype, seed=1)
        c = floats(3, 4, 5, dtype=dtype, seed=2)
        yield case("baddbmm", [c, a, b], torch.baddbmm(c, a, b, alpha=0.5),
                   "alpha = 0.5 : f64", tolerance=8)
    yield case("mm", [floats(3, 0), floats(0, 4)], torch.zeros(3, 4))
    yield case("mm", [floats(0, 3), floats(3, 4)], torch.zeros(0, 4))


def all_cases():
    from lowering_view_cases import view_cases
    from lowering_window_cases import window_cases
    families = [unary, binary, several, reductions, contractions, view_cases,
                window_cases]
    return [case for family in families for case in family()]
