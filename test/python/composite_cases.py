"""Operators that the importer writes as formulas: functions and their inputs.

A case is (function, inputs). Floating-point inputs that are not marked as
constant take part in gradients.
"""

import math

import torch
import torch.nn.functional as F

nan, inf = float("nan"), float("inf")
aten = torch.ops.aten


def randn(*shape, seed=0, scale=1.0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed + 7 * len(shape))
    return (torch.randn(shape, generator=generator) * scale).to(dtype)


def uniform(*shape, low=0.05, high=0.95, seed=0):
    generator = torch.Generator().manual_seed(seed + 3)
    return torch.rand(shape, generator=generator) * (high - low) + low


def ints(*shape, low=-9, high=10, seed=0, dtype=torch.int64):
    generator = torch.Generator().manual_seed(seed + 5)
    return torch.randint(low, high, shape, generator=generator).to(dtype)


def constant(x):
    """An input without a gradient."""
    x.is_constant = True
    return x


# Values where branches of the formulas meet or overflow.
WIDE = torch.tensor([-200.0, -90.0, -50.0, -21.0, -10.0, -3.0, -1.0, -0.51, -1e-3,
                     1e-3, 0.3, 0.51, 1.0, 3.0, 10.0, 21.0, 50.0, 90.0, 200.0])
SPECIAL = torch.tensor([nan, inf, -inf, 0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1.0,
                        -1.0, 3.7, -3.7, 100.0, -100.0])
UNIT = torch.tensor([-0.999, -0.9, -0.71, -0.5, -0.1, -1e-4, 1e-4, 0.1, 0.5, 0.71,
                     0.9, 0.999])

CASES = {}


def add(name, function, *inputs):
    assert name not in CASES, name
    CASES[name] = (function, inputs)


def activations():
    functions = {
        "softplus": F.softplus,
        "softplus_beta": lambda x: F.softplus(x, beta=2.5, threshold=4),
        "mish": F.mish, "elu": F.elu, "elu_alpha": lambda x: F.elu(x, 0.3),
        "selu": F.selu, "celu": lambda x: F.celu(x, 1.7),
        "logsigmoid": F.logsigmoid, "hardshrink": F.hardshrink,
        "softshrink": lambda x: F.softshrink(x, 0.4), "tanhshrink": F.tanhshrink,
        "threshold": lambda x: F.threshold(x, 0.4, -3.0),
        "rrelu": lambda x: F.rrelu(x, 0.1, 0.3, training=False),
        "hardtanh": F.hardtanh, "hardsigmoid": F.hardsigmoid,
        "hardswish": F.hardswish, "relu6": F.relu6, "softsign": F.softsign,
        "silu": F.silu, "gelu": F.gelu,
    }
    for name, function in functions.items():
        add(name, function, WIDE.clone())
        add(f"{name}_bf16", function, randn(3, 5, dtype=torch.bfloat16))
    add("prelu", F.prelu, randn(2, 3, 4), randn(3, seed=1))
    add("prelu_one", F.prelu, randn(2, 3, 4), randn(1, seed=1))
    add("glu", F.glu, randn(3, 6))
    add("glu_dim", lambda x: F.glu(x, 0), randn(4, 3))
    add("logit", torch.logit, uniform(7))
    add("logit_eps", lambda x: torch.logit(x, 0.2), uniform(17))
    add("elu_in_place", lambda x: F.elu(x * 2, inplace=True), randn(5))


def elementary():
    unary = {
        "tan": (torch.tan, randn(9)), "sinh": (torch.sinh, WIDE.clamp(-80, 80)),
        "cosh": (torch.cosh, WIDE.clamp(-80, 80)), "asin": (torch.asin, UNIT),
        "acos": (torch.acos, UNIT), "atan": (torch.atan, WIDE),
        "asinh": (torch.asinh, torch.cat([WIDE, torch.tensor([1e12, -1e12])])),
        "acosh": (torch.acosh, uniform(9, low=1.01, high=50)),
        "atanh": (torch.atanh, UNIT), "log10": (torch.log10, WIDE.abs()),
        "sinc": (torch.sinc, torch.tensor([-0.9, -0.3, 0.0, 0.2, 0.7, 3.1])),
        "frac": (lambda x: 2 * torch.frac(x), WIDE), "square": (torch.square, WIDE),
        "deg2rad": (torch.deg2rad, WIDE), "rad2deg": (torch.rad2deg, WIDE),
        "erfc": (torch.erfc, torch.cat([UNIT, 4 * UNIT])),
        "erfinv": (torch.erfinv, UNIT),
        "lgamma": (torch.lgamma, torch.tensor([-3.7, -1.2, -0.4, 1e-3, 0.6, 1.0,
                                               1.5, 2.0, 7.5, 12.0, 300.0])),
        "digamma": (torch.digamma, torch.tensor([-3.7, -1.2, -0.4, 0.1, 0.6, 1.0,
                                                 1.5, 2.0, 7.5, 12.0, 300.0])),
        "trigamma": (lambda x: torch.polygamma(1, x),
                     constant(torch.tensor([-3.7, -0.4, 0.1, 0.6, 1.5, 12.0, 300.0]))),
        "mvlgamma": (lambda x: torch.mvlgamma(x, 3), uniform(5, low=1.2, high=9)),
        "entr": (torch.special.entr, uniform(6)),
        "ndtr": (torch.special.ndtr, 3 * UNIT),
        "log_ndtr": (torch.special.log_ndtr, 6 * UNIT),
        "erfcx": (torch.special.erfcx, 5 * UNIT),
        "expm1": (torch.expm1, UNIT), "log1p": (torch.log1p, UNIT),
        "sgn": (torch.sgn, WIDE), "positive": (lambda x: 2 * torch.positive(x), WIDE),
        "nan_to_num": (torch.nan_to_num, SPECIAL),
        "nan_to_num_values": (lambda x: torch.nan_to_num(x, 1.0, 2.0, -3.0), SPECIAL),
        "round_decimals": (lambda x: torch.round(x, decimals=1), randn(9)),
        "round_tens": (lambda x: torch.round(x, decimals=-1), WIDE),
        "angle": (torch.angle, constant(SPECIAL.clone())),
        "fix": (torch.fix, WIDE),
    }
    for name, (function, x) in unary.items():
        x = x.clone() if not hasattr(x, "is_constant") else x
        add(name, function, x)
        if name not in ("nan_to_num", "nan_to_num_values", "angle", "mvlgamma", "acosh",
                        "lgamma", "digamma", "trigamma", "log_ndtr", "erfcx"):
            add(f"{name}_bf16", function, constant(uniform(5).bfloat16()))
    for name in ("sinh", "erfc", "lgamma", "log10", "atan", "sinc", "tan"):
        add(f"{name}_i64", unary[name][0], ints(6, low=1, high=9))
        add(f"{name}_special", unary[name][0], constant(SPECIAL.clone()))
    for name in ("asinh", "digamma", "erfinv", "acosh", "atanh", "asin", "acos", "cosh"):
        add(f"{name}_special", unary[name][0], constant(SPECIAL.clone()))


def binary():
    x, y = randn(4, 5), randn(5, seed=1)
    a, b = torch.meshgrid(SPECIAL, SPECIAL, indexing="ij")
    functions = {
        "logaddexp": torch.logaddexp, "logaddexp2": torch.logaddexp2,
        "hypot": torch.hypot, "copysign": torch.copysign, "fmax": torch.fmax,
        "fmin": torch.fmin, "atan2": torch.atan2,
        "float_power": lambda x, y: torch.float_power(x.abs() + 0.1, y),
        "fmod": lambda x, y: torch.fmod(x, y.abs() + 0.1),
        "remainder": lambda x, y: torch.remainder(x, y.abs() + 0.1),
        "isclose": lambda x, y: torch.isclose(x, y, 0.5, 0.1),
        "greater": torch.greater, "less_equal": torch.less_equal,
        "not_equal": torch.not_equal, "true_divide": torch.true_divide,
        "xlogy": lambda x, y: torch.xlogy(x, y.abs()),
        "xlog1py": lambda x, y: torch.special.xlog1py(x, y.abs()),
        "addcmul": lambda x, y: torch.addcmul(x, x, y, value=0.3),
        "addcdiv": lambda x, y: torch.addcdiv(x, x, y.abs() + 1, value=0.3),
        "lerp": lambda x, y: torch.lerp(x, y, 0.3),
        "lerp_tensor": lambda x, y: torch.lerp(x, y.expand_as(x), x),
    }
    for name, function in functions.items():
        add(name, function, x.clone(), y.clone())
        add(f"{name}_bf16", function, constant(x.bfloat16()), constant(y.bfloat16()))
    for name in ("logaddexp", "logaddexp2", "copysign", "fmax", "fmin"):
        add(f"{name}_special", functions[name], constant(a.contiguous()),
            constant(b.contiguous()))
    add("floor_divide", torch.floor_divide, constant(x.clone()), constant(y.clone()))
    add("isclose_nan", lambda x, y: torch.isclose(x, y, equal_nan=True),
        constant(a.contiguous()), constant(b.contiguous()))
    add("isclose_i64", lambda x, y: torch.isclose(x, y, 0.1, 1.0), ints(30), ints(30, seed=1))
    add("xlogy_zero", torch.xlogy, constant(torch.tensor([0.0, 0.0, 0.0, 1.0, nan, 0.0])),
        constant(torch.tensor([0.0, nan, inf, 0.0, 1.0, -2.0])))
    add("xlogy_number", lambda x: torch.xlogy(2.5, x), uniform(4))
    add("xlogy_by_number", lambda x: torch.xlogy(x, 2.5), uniform(4))
    add("hypot_large", torch.hypot, constant(torch.tensor([3e30, 0.0, 1e-30, inf])),
        constant(torch.tensor([4e30, 0.0, 1e-30, 1.0])))
    add("copysign_number", lambda x: torch.copysign(x, -0.0), randn(4))
    add("copysign_i64", torch.copysign, ints(5), ints(5, seed=3))
    add("ldexp", lambda x, n: torch.ldexp(x, n), randn(5), ints(5, low=0))
    add("heaviside", torch.heaviside, constant(SPECIAL.clone()), constant(torch.tensor(0.3)))
    add("float_power_i64", lambda x: torch.float_power(x, 2.5), ints(6, low=1))
    add("remainder_of_number", lambda x: torch.remainder(7, x), ints(6, low=1))
    add("floor_divide_number", lambda x: x.floor_divide(2), ints(9))
    for name in ("isfinite", "isposinf", "isneginf", "isreal", "signbit"):
        function = getattr(torch, name)
        add(name, function, constant(SPECIAL.clone()))
        if name in ("isfinite", "signbit"):
            add(f"{name}_i64", function, ints(5))
    for dtype in (torch.int64, torch.int32, torch.uint8):
        low = 0 if dtype == torch.uint8 else -90
        x, n = ints(9, low=low, high=99, dtype=dtype), ints(9, low=0, high=8, dtype=dtype)
        label = str(dtype).split(".")[1]
        add(f"lshift_{label}", lambda x, n: x << n, x, n)
        add(f"rshift_{label}", lambda x, n: x >> n, x, n)
        add(f"rshift_number_{label}", lambda x: (x >> 3, x >> 63), x)
        add(f"lshift_number_{label}", lambda x: x << 3, x)
        add(f"xor_{label}", lambda x, n: x ^ n, x, n)
        add(f"xor_number_{label}", lambda x: x ^ 5, x)
    add("shift_of_number", lambda n: (torch.bitwise_left_shift(3, n),
                                      torch.bitwise_right_shift(-300, n)), ints(5, low=0))
    add("bitwise_numbers", lambda n: (torch.bitwise_and(12, n), torch.bitwise_or(12, n),
                                      torch.bitwise_xor(12, n)), ints(5))
    add("xor_bool", lambda a, b: a ^ b, randn(9) > 0, randn(9, seed=4) > 0)


def losses():
    x, y = randn(4, 5), randn(4, 5, seed=1)
    p, q = uniform(4, 5), uniform(4, 5, seed=1)
    positive = uniform(5, seed=2)
    signs = constant(torch.where(randn(4) > 0, 1.0, -1.0))
    label = ints(4, low=0, high=5)
    label[1] = -100
    for reduction in ("none", "mean", "sum"):
        def with_reduction(function, reduction=reduction, **options):
            return lambda *a: function(*a, reduction=reduction, **options)
        pairs = {
            "l1": (with_reduction(F.l1_loss), x, y),
            "mse": (with_reduction(F.mse_loss), x, y),
            "smooth_l1": (with_reduction(F.smooth_l1_loss, beta=0.5), x, y),
            "huber": (with_reduction(F.huber_loss, delta=0.7), x, y),
            "kl_div": (with_reduction(F.kl_div), x, p),
            "kl_div_log": (with_reduction(F.kl_div, log_target=True), x, y),
            "bce": (with_reduction(F.binary_cross_entropy), p, q),
            "bce_logits": (with_reduction(F.binary_cross_entropy_with_logits), 30 * x, q),
            "bce_logits_weights": (
                lambda x, q, w, v, r=reduction: F.binary_cross_entropy_with_logits(
                    x, q, weight=w, pos_weight=v, reduction=r),
                x, q, constant(p), constant(positive)),
            "bce_weight": (
                lambda p, q, w, r=reduction: F.binary_cross_entropy(p, q, w, reduction=r),
                p, constant(q), constant(positive)),
            "nll": (with_reduction(F.nll_loss), x, label),
            "nll_weight": (
                lambda x, t, w, r=reduction: F.nll_loss(x, t, w, reduction=r),
                x, label, constant(positive)),
            "nll_2d": (with_reduction(F.nll_loss), randn(2, 3, 2, 2),
                       ints(2, 2, 2, low=0, high=3)),
            "nll_ignore": (with_reduction(F.nll_loss, ignore_index=2), x,
                           ints(4, low=0, high=5, seed=3)),
            "multi_margin": (with_reduction(F.multi_margin_loss), x,
                             ints(4, low=0, high=5, seed=3)),
            "multi_margin_2": (with_reduction(F.multi_margin_loss, p=2, margin=0.7), x,
                               ints(4, low=0, high=5, seed=3)),
            "hinge_embedding": (with_reduction(F.hinge_embedding_loss), randn(4), signs),
            "margin_ranking": (with_reduction(F.margin_ranking_loss, margin=0.3), randn(4),
                               randn(4, seed=1), signs),
            "soft_margin": (with_reduction(F.soft_margin_loss), randn(4), signs),
            "poisson_nll": (with_reduction(F.poisson_nll_loss), x, constant(4 * p)),
            "poisson_nll_full": (with_reduction(F.poisson_nll_loss, log_input=False, full=True),
                                 p, constant(4 * q)),
            "triplet": (with_reduction(F.triplet_margin_loss), x, y, randn(4, 5, seed=2)),
            "triplet_swap": (with_reduction(F.triplet_margin_loss, swap=True, p=3.0), x, y,
                             randn(4, 5, seed=2)),
            "cosine_embedding": (with_reduction(F.cosine_embedding_loss, margin=0.1), x, y,
                                 signs),
            "cross_entropy": (with_reduction(F.cross_entropy), x, label),
        }
        for name, (function, *inputs) in pairs.items():
            add(f"{name}_{reduction}", function,
                *[i if hasattr(i, "is_constant") else i.clone() for i in inputs])
    add("bce_saturated", F.binary_cross_entropy, torch.tensor([0.0, 1.0, 0.0, 1.0]),
        constant(torch.tensor([0.0, 1.0, 1.0, 0.0])))
    add("smooth_l1_zero", lambda x, y: F.smooth_l1_loss(x, y, beta=0.0), x.clone(), y.clone())
    add("l1_bf16", F.l1_loss, x.bfloat16(), y.bfloat16())
    add("bce_logits_bf16", F.binary_cross_entropy_with_logits, x.bfloat16(),
        constant(p.bfloat16()))
    add("cosine_similarity", F.cosine_similarity, x.clone(), y.clone())
    add("cosine_similarity_zero", lambda x, y: F.cosine_similarity(x, y, 0),
        torch.tensor([[0.0, 1.0], [0.0, 2.0]]), randn(2, 2))
    for p in (0.5, 1.0, 2.0, 3.0, inf):
        add(f"pairwise_distance_{p}", lambda x, y, p=p: F.pairwise_distance(x, y, p), x.clone(),
            y.clone())
        add(f"dist_{p}", lambda x, y, p=p: torch.dist(x, y, p), x.clone(), y.clone())
    for p in (1.0, 2.0):
        add(f"cdist_{p}", lambda x, y, p=p: torch.cdist(x, y, p), x.clone(), y.clone())


def norms():
    x = randn(3, 4, 5)
    add("vector_norm_0", lambda x: torch.linalg.vector_norm(x, 0, dim=1), constant(x.clone()))
    for p in (-inf, -1.5, 0.5, 1, 1.5, 2, 3, inf):
        add(f"vector_norm_{p}", lambda x, p=p: torch.linalg.vector_norm(x, p), x.clone())
        add(f"vector_norm_{p}_dim",
            lambda x, p=p: torch.linalg.vector_norm(x, p, dim=(0, -1), keepdim=True), x.clone())
    add("vector_norm_zero", torch.linalg.vector_norm, torch.zeros(4))
    add("vector_norm_dtype", lambda x: torch.linalg.vector_norm(x, dtype=torch.float64), x.clone())
    add("vector_norm_bf16", torch.linalg.vector_norm, x.bfloat16())
    add("norm", lambda x: x.norm(), x.clone())
    add("norm_dim", lambda x: torch.norm(x, 3, dim=1), x.clone())
    add("linalg_norm", torch.linalg.norm, x.clone())
    add("linalg_norm_dim", lambda x: torch.linalg.norm(x, 1, dim=1), x.clone())
    add("normalize", F.normalize, x.clone())
    add("renorm", lambda x: torch.renorm(x, 2, 0, 3.0), x.clone())
    add("weight_norm", lambda v, g: torch._weight_norm(v, g, 0), x.clone(), randn(3, 1, 1, seed=1))
    w, b = randn(4, seed=1), randn(4, seed=2)
    image = randn(2, 4, 3, 3)
    add("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), image.clone(), w, b)
    add("group_norm_plain", lambda x: F.group_norm(x, 4), x.clone())
    add("group_norm_bf16", lambda x: F.group_norm(x, 2), image.bfloat16())
    add("instance_norm", F.instance_norm, image.clone())
    add("instance_norm_affine", lambda x, w, b: F.instance_norm(x, weight=w, bias=b),
        image.clone(), w.clone(), b.clone())
    add("instance_norm_running",
        lambda x, m, v: F.instance_norm(x, m, v, use_input_stats=False), image.clone(),
        constant(w.clone()), constant(b.abs()))
    add("batch_norm_no_stats", lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        image.clone(), w.clone(), b.clone())
    add("rms_norm", lambda x, w: F.rms_norm(x, (5,), w), x.clone(), randn(5))
    add("rms_norm_eps", lambda x: F.rms_norm(x, (4, 5), eps=1e-3), x.clone())
    add("safe_softmax", lambda x: aten._safe_softmax(x, -1),
        constant(torch.tensor([[-inf, -inf], [0.0, -inf], [1.0, 2.0]])))


def statistics():
    x = randn(3, 4, 5)
    add("std", lambda x: x.std(), x.clone())
    add("std_dim", lambda x: x.std(1, unbiased=False, keepdim=True), x.clone())
    add("std_correction", lambda x: torch.std(x, (0, 2), correction=0.5), x.clone())
    add("std_constant", lambda x: x.std(0), torch.ones(4, 2))
    add("std_mean", lambda x: torch.std_mean(x, 1), x.clone())
    add("var", lambda x: x.var(), x.clone())
    add("var_mean", lambda x: torch.var_mean(x, 1), x.clone())
    add("var_mean_all", lambda x: torch.var_mean(x, unbiased=False), x.clone())
    add("var_bf16", lambda x: x.var(1), x.bfloat16())
    holes = constant(torch.tensor([[nan, 1.0, 2.0], [3.0, nan, nan], [1.0, 5.0, 4.0]]))
    add("nansum", lambda x: (x.nansum(), x.nansum(1)), holes)
    add("nanmean", lambda x: (x.nanmean(), x.nanmean(1, keepdim=True)), holes)
    add("count_nonzero", lambda x: (torch.count_nonzero(x), torch.count_nonzero(x, 1)),
        ints(4, 5, low=-1, high=2))
    add("aminmax", lambda x: tuple(torch.aminmax(x)), x.clone())
    add("aminmax_dim", lambda x: tuple(torch.aminmax(x, dim=1, keepdim=True)), x.clone())
    for dim in (0, -1):
        add(f"cumprod_{dim}", lambda x, dim=dim: x.cumprod(dim), x.clone())
        add(f"logcumsumexp_{dim}", lambda x, dim=dim: x.logcumsumexp(dim), x.clone())
        add(f"cummax_{dim}", lambda x, dim=dim: tuple(x.cummax(dim)), x.clone())
        add(f"cummin_{dim}", lambda x, dim=dim: tuple(x.cummin(dim)), x.clone())
        add(f"diff_{dim}", lambda x, dim=dim: torch.diff(x, 2, dim), x.clone())
        add(f"trapezoid_{dim}", lambda x, dim=dim: torch.trapezoid(x, dx=0.3, dim=dim), x.clone())
    add("cumprod_zeros", lambda x: x.cumprod(0), torch.tensor([2.0, 0.0, 3.0, 0.0, 4.0]))
    add("cumprod_i64", lambda x: x.cumprod(0), ints(7, low=1, high=4))
    add("cummax_ties", lambda x: tuple(x.cummax(0)), ints(9, low=0, high=3))
    add("cummax_nan", lambda x: tuple(x.cummax(0)), constant(SPECIAL.roll(3)))
    add("diff_ends", lambda x, y: torch.diff(x, prepend=y, append=y), randn(2, 3), randn(2, 1))
    add("diff_bool", torch.diff, randn(9) > 0)
    add("trapezoid_x", lambda y, x: torch.trapezoid(y, x), x.clone(), randn(5))
    add("cumulative_trapezoid", torch.cumulative_trapezoid, x.clone())
    add("median", lambda x: x.median(), x.clone())
    add("median_dim", lambda x: tuple(x.median(1)), x.clone())
    add("median_nan", lambda x: tuple(x.median(1, keepdim=True)), holes)
    add("nanmedian", lambda x: x.nanmedian(), holes)
    add("nanmedian_dim", lambda x: tuple(x.nanmedian(0)), holes)
    add("kthvalue", lambda x: tuple(x.kthvalue(2, 1)), x.clone())
    for mode in ("linear", "lower", "higher", "midpoint", "nearest"):
        add(f"quantile_{mode}", lambda x, m=mode: torch.quantile(x, 0.37, dim=1, interpolation=m),
            x.clone())
    v = randn(5, seed=2)
    add("dot", torch.dot, randn(5), v.clone())
    add("mv", torch.mv, randn(4, 5), v.clone())
    add("addmv", lambda a, m, v: torch.addmv(a, m, v, beta=0.5, alpha=2), randn(4), randn(4, 5),
        v.clone())
    add("addr", lambda a, u, v: torch.addr(a, u, v, beta=0.5), randn(4, 5), randn(4, seed=3),
        v.clone())
    add("ger", torch.ger, randn(4), v.clone())
    add("addbmm", lambda a, x, y: torch.addbmm(a, x, y, alpha=0.3), randn(4, 6), randn(3, 4, 5),
        randn(3, 5, 6))


def foreach():
    lists = [randn(3), randn(2, 2)], [randn(3, seed=1), randn(2, 2, seed=1)]
    x, y, u, v = (constant(t) for pair in lists for t in pair)

    def case(name, function):
        add(f"foreach_{name}", lambda x, y, u, v: tuple(function([x, y], [u, v])), x, y, u, v)

    case("add", lambda a, b: torch._foreach_add(a, b, alpha=0.5))
    case("add_number", lambda a, b: torch._foreach_add(a, 2.5))
    case("add_numbers", lambda a, b: torch._foreach_add(a, [2.5, -1]))
    case("mul", torch._foreach_mul)
    case("div_number", lambda a, b: torch._foreach_div(a, 3))
    case("sqrt", lambda a, b: torch._foreach_sqrt(torch._foreach_abs(a)))
    case("lerp", lambda a, b: torch._foreach_lerp(a, b, 0.1))
    case("addcmul", lambda a, b: torch._foreach_addcmul(a, a, b, value=0.1))
    case("addcdiv", lambda a, b: torch._foreach_addcdiv(a, b, torch._foreach_exp(a), [0.1, 2.0]))
    case("maximum", lambda a, b: torch._foreach_maximum(a, 0.25))
    case("norm", lambda a, b: torch._foreach_norm(a))
    case("in_place", lambda a, b: (torch._foreach_add_(c := torch._foreach_mul(a, 1.0), b), c)[1])


for family in (activations, elementary, binary, losses, norms, statistics, foreach):
    family()

# PyTorch's joint graph of group_norm has as_strided.
WITHOUT_JOINT_GRAPH = {"group_norm"}
