"""Operators that draw random numbers, as functions of `rand` and `randn`."""

import fx_mlir
import pytest
import torch
import torch.nn.functional as F

pytestmark = pytest.mark.usefixtures("compiler")

X = torch.zeros(2000)
CASES = {
    # Function, least and largest number, mean.
    "uniform": (lambda x: x.clone().uniform_(-3, 2), -3, 2, -0.5),
    "uniform_to": (lambda x: x.clone().uniform_(to=4), 0, 4, 2),
    "normal": (lambda x: torch.normal(x + 5, 2.0), -10, 20, 5),
    "normal_in_place": (lambda x: x.clone().normal_(1, 0.5), -5, 7, 1),
    "randint": (lambda x: torch.randint(3, 9, x.shape), 3, 8, 5.5),
    "randint_like": (lambda x: torch.randint_like(x, 5), 0, 4, 2),
    "bernoulli": (lambda x: x.clone().bernoulli_(0.25), 0, 1, 0.25),
    "dropout2d": (lambda x: F.dropout2d(x.view(1, -1, 1, 1) + 1, 0.5), 0, 2, 1),
}


@pytest.mark.parametrize("name", CASES)
def test_distribution(name):
    function, low, high, mean = CASES[name]
    compiled = torch.compile(function, backend="fx_mlir", fullgraph=True,
                             options={"fallback": False})
    torch.manual_seed(3)
    first, second = compiled(X), compiled(X)
    assert first.dtype == function(X).dtype
    assert not torch.equal(first, second)
    for y in (first, second):
        assert low <= y.min() and y.max() <= high
        spread = (high - low) / 2
        assert abs(y.double().mean() - mean) < 0.1 * spread
    torch.manual_seed(3)
    assert torch.equal(compiled(X), first)


def test_generator_falls_back():
    generator = torch.Generator().manual_seed(0)
    fx_mlir.counters.reset()
    compiled = torch.compile(
        lambda x: x + torch.ops.aten.uniform(x, 0.0, 1.0, generator=generator),
        backend="fx_mlir")
    y = compiled(X)
    assert y.min() >= 0 and y.max() < 1
