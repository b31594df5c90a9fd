"""Cases as in composite_cases.py: Bessel functions, Chebyshev polynomials,
pooling, histograms, and other formulas that OpInfo asked for."""

import torch
import torch.nn.functional as F
from composite_cases import WIDE, constant, ints, randn, uniform

inf, nan = float("inf"), float("nan")
aten = torch.ops.aten
CASES = {}


def add(name, function, *inputs):
    assert name not in CASES, name
    CASES[name] = (function, inputs)


def special_functions():
    # On both sides of the bounds between expansions, and at poles. (At -2.09
    # PyTorch's Airy function has a gap of 2e-6.)
    x = torch.tensor([-30.0, -8.1, -7.9, -1.9, -0.3, 0.0, 1e-4, 0.3, 1.9, 2.1,
                      5.0, 7.9, 8.1, 30.0, 60.0, nan], dtype=torch.float64)
    special = torch.special
    functions = {
        "bessel_j0": special.bessel_j0, "bessel_j1": special.bessel_j1,
        "bessel_y0": special.bessel_y0, "bessel_y1": special.bessel_y1,
        "spherical_j0": special.spherical_bessel_j0,
        "modified_i0": special.modified_bessel_i0,
        "modified_i1": special.modified_bessel_i1,
        "modified_k0": special.modified_bessel_k0,
        "modified_k1": special.modified_bessel_k1,
        "scaled_k0": special.scaled_modified_bessel_k0,
        "scaled_k1": special.scaled_modified_bessel_k1,
        "airy": special.airy_ai,
    }
    for name, function in functions.items():
        add(name, function, constant(x))
        add(f"{name}_f32", function, constant(x.float()))
    for name in ("i0", "i0e", "i1", "i1e"):
        # PyTorch's derivative of i1 divides by x.
        add(name, getattr(special, name), WIDE[6:13])
    p = torch.tensor([-1.0, 0.0, 1e-30, 1e-5, 0.1, 0.5, 0.6, 0.999, 1.0, 2.0])
    add("ndtri", special.ndtri, constant(p))
    add("ndtri_gradient", special.ndtri, uniform(9))
    s = torch.tensor([1.0, 0.5, 1.01, 2.0, 3.0, 7.5, 30.0])
    q = torch.tensor([0.2, 1.0, 3.0, 20.0, -0.5, -7.25, -3.0])
    add("zeta", special.zeta, constant(s.unsqueeze(1)), constant(q))
    for n in (2, 3, 7):
        add(f"polygamma{n}", lambda x, n=n: torch.polygamma(n, x), constant(q))
    add("frexp", torch.frexp, constant(torch.tensor(
        [0.0, -0.0, 1.0, 0.9999999, 2.0, -3.7, 1e-40, 3e38, inf, -inf])))
    y = torch.tensor([0.0, -0.0, 1.0, -1.0, inf, -inf, nan])
    add("atan2_special", torch.atan2, constant(y.unsqueeze(1)), constant(y))
    add("atan2_int", torch.atan2, ints(4, low=-1, high=2), ints(4, low=-1, high=2))


def polynomials():
    x = torch.tensor([-3.0, -1.0, -0.999, -0.4, 0.0, 0.4, 0.999, 1.0, 1.5, 4.0])
    n = torch.tensor([-1.0, 0.0, 1.0, 2.0, 5.0, 6.0, 9.0, 12.0])
    for letter in "tuvw":
        for name in (f"chebyshev_polynomial_{letter}",
                     f"shifted_chebyshev_polynomial_{letter}"):
            function = getattr(torch.special, name)
            add(name, function, constant(x.double().unsqueeze(1)),
                constant(n.double()))
            add(f"{name}_degree", lambda x, f=function: f(x, 4), constant(x))


def pooling():
    volume = randn(2, 3, 5, 6, 7)
    add("max_pool3d", lambda x: F.max_pool3d(x, 3, 2, 1), volume)
    add("max_pool3d_indices", lambda x: F.max_pool3d(
        x, (2, 3, 2), (1, 2, 3), dilation=(1, 1, 2), ceil_mode=True,
        return_indices=True), volume)
    add("avg_pool3d", lambda x: F.avg_pool3d(x, 3, 2, 1), volume)
    add("avg_pool3d_ends", lambda x: F.avg_pool3d(
        x, (2, 3, 4), (2, 2, 3), (1, 1, 2), ceil_mode=True,
        count_include_pad=False), volume[0])
    add("avg_pool3d_divisor", lambda x: F.avg_pool3d(
        x, 2, divisor_override=3), volume)
    # The quotient of integers is rounded once.
    add("avg_pool3d_int", lambda x: F.avg_pool3d(x, 2), ints(2, 3, 4, 4, 4))
    add("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(
        x, (4, 3), return_indices=True), volume[0])
    add("adaptive_max_pool1d", lambda x: F.adaptive_max_pool1d(x, 3),
        randn(2, 3, 8))
    add("adaptive_max_pool3d", lambda x: F.adaptive_max_pool3d(
        x, (2, 4, 5), return_indices=True), volume)
    add("adaptive_avg_pool3d", lambda x: F.adaptive_avg_pool3d(x, (2, 4, 5)),
        volume)
    # Of several NaN the last one is taken.
    holes = randn(1, 1, 6, 6)
    holes[0, 0, 1:3, 2:5] = nan
    add("adaptive_max_pool_nan", lambda x: F.adaptive_max_pool2d(
        x, 2, return_indices=True)[1], constant(holes))
    add("fractional_max_pool2d", lambda x, u: aten.fractional_max_pool2d(
        x, [2, 3], [3, 2], u), randn(2, 3, 7, 8),
        constant(uniform(2, 3, 2)))
    add("fractional_max_pool3d", lambda x, u: aten.fractional_max_pool3d(
        x, [2, 2, 3], [3, 2, 2], u), volume, constant(uniform(2, 3, 3)))
    add("empty_batch", lambda x: F.max_pool3d(x, 2), randn(0, 3, 4, 4, 4))


def indexing():
    add("histc", lambda x: torch.histc(x, 7, -2, 2), constant(randn(50)))
    add("histc_range", lambda x: torch.histc(x, 5), constant(randn(50)))
    add("histc_point", lambda x: torch.histc(x, 4), constant(torch.ones(3)))
    x = ints(3, 4, low=-1, high=2)
    for size in (2, 20):
        add(f"nonzero_static{size}",
            lambda x, n=size: torch.nonzero_static(x, size=n, fill_value=-7), x)
    add("unsafe_masked_index", lambda x, m, i: aten._unsafe_masked_index(
        x, m, [None, i], 5.0), constant(randn(3, 4)),
        torch.tensor([True, False, True]), torch.tensor([1, 99, 3]))
    same = torch.tensor([1, 1, 1])
    for kind in ("amax", "amin", "prod"):
        for own in (True, False):
            # All go to one place, the own element counts or not.
            add(f"scatter_{kind}_{own}", lambda x, i, s, k=kind, o=own:
                x.scatter_reduce(0, i, s, k, include_self=o),
                randn(4), same, randn(3, seed=1))
            add(f"index_{kind}_{own}", lambda x, i, s, k=kind, o=own:
                x.index_reduce(1, i, s, k, include_self=o),
                constant(randn(2, 4)), same, constant(randn(2, 3, seed=1)))
    add("scatter_scalar", lambda x, i, s: x.scatter_reduce(0, i, s, "amax"),
        torch.tensor(1.0), torch.tensor(0), torch.tensor(2.0))
    add("take_scalar", torch.take, randn(3, 4), torch.tensor(5))


special_functions()
polynomials()
pooling()
indexing()
