"""Elementary functions of f32 against float64: at most 2 units in the last
place, and right for infinities, NaN and zeros of both signs."""

import pytest
import torch

pytestmark = pytest.mark.usefixtures("compiler")

SPECIAL = torch.tensor([0.0, -0.0, float("inf"), float("-inf"), float("nan")])


def samples(low, high):
    """Floats of all sizes between two bounds, dense around the usual ones."""
    every = torch.arange(0, 0x7F800000, 4093, dtype=torch.int64).to(torch.int32).view(torch.float32)
    x = torch.cat([every, -every, torch.linspace(-12, 12, 500_001), torch.linspace(-110, 110, 200_003)])
    return torch.cat([x[(x >= low) & (x <= high)], SPECIAL])


def units(got, want):
    """Distances in units in the last place of the right result."""
    rounded = want.to(torch.float32)
    above = torch.nextafter(rounded.abs(), torch.tensor(float("inf")))
    unit = (above.double() - rounded.abs().double()).clamp_min(2.0**-149)
    distance = (got.double() - want).abs() / unit
    exact = (got == rounded) | (got.isnan() & rounded.isnan())
    distance = torch.where(rounded.isfinite(), distance, torch.inf)
    return torch.where(exact, 0.0, distance).nan_to_num(torch.inf, posinf=torch.inf)


INFINITE = float("inf")
# Where sines are asked of arguments beyond 2^40, floats are periods apart.
RANGES = {
    "exp": (-INFINITE, INFINITE), "exp2": (-126, INFINITE), "expm1": (-INFINITE, INFINITE),
    "log": (-INFINITE, INFINITE), "log2": (-INFINITE, INFINITE), "log1p": (-INFINITE, INFINITE),
    "sin": (-2.0**40, 2.0**40), "cos": (-2.0**40, 2.0**40), "tanh": (-INFINITE, INFINITE),
    "erf": (-INFINITE, INFINITE), "atan": (-INFINITE, INFINITE), "rsqrt": (2.0**-126, INFINITE),
}


@pytest.mark.parametrize("name", RANGES)
def test_two_units_in_the_last_place(name):
    function = getattr(torch, name)
    torch._dynamo.reset()
    x = samples(*RANGES[name])
    got = torch.compile(function, backend="fx_mlir", dynamic=False)(x)
    distance = units(got, function(x.double()))
    worst = distance.argmax()
    assert distance[worst] <= 2, (
        f"{name}({x[worst].item()!r}) = {got[worst].item()!r}: {distance[worst].item():.2f} units")
    zeros = function(SPECIAL[:2])
    assert torch.equal(got[-5:-3].signbit(), zeros.signbit())


def test_powers():
    gen = torch.Generator().manual_seed(0)
    x = torch.cat([torch.rand(300_000, generator=gen) * 10, torch.randn(300_000, generator=gen).exp()])
    y = torch.randn(600_000, generator=gen) * 12
    corners = torch.tensor([0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 3.0, -3.0, float("inf"), float("-inf"), float("nan")])
    grid = torch.cartesian_prod(corners, corners)
    x, y = torch.cat([x, grid[:, 0]]), torch.cat([y, grid[:, 1]])
    torch._dynamo.reset()
    got = torch.compile(torch.pow, backend="fx_mlir", dynamic=False)(x, y)
    distance = units(got, torch.pow(x.double(), y.double()))
    worst = distance.argmax()
    assert distance[worst] <= 2, f"{x[worst].item()!r} ** {y[worst].item()!r} = {got[worst].item()!r}"
