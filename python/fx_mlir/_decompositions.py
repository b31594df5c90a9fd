"""Operators that are functions of other operators, beside Inductor's table.

Random numbers come from `rand` and `randn`, which the compiler draws itself:
on the CPU Inductor leaves these operators to ATen.
"""

import torch

aten = torch.ops.aten


def _bernoulli(self, p=0.5, *, generator=None):
    if generator is not None:
        return NotImplemented
    return (torch.rand_like(self, dtype=torch.float32) < p).to(self.dtype)


def _uniform(self, *limits, generator=None, **named):
    if generator is not None or not self.is_floating_point():
        return NotImplemented
    # One of the names is a keyword of Python.
    low = limits[0] if limits else named.get("from", 0.0)
    high = limits[1] if len(limits) > 1 else named.get("to", 1.0)
    return torch.rand_like(self) * (high - low) + low


def _normal_functional(self, mean=0.0, std=1.0, *, generator=None):
    if generator is not None or not self.is_floating_point():
        return NotImplemented
    return torch.randn_like(self) * std + mean


def _normal(shape, *, mean, std, dtype, device, requires_grad,
            generator=None):
    if generator is not None or not dtype.is_floating_point:
        return NotImplemented
    return torch.randn(shape, dtype=dtype, device=device) * std + mean


# An f32 in [0, 1) has this many values.
_MAX_RANGE = 1 << 24


def _randint(low, high, size, *, dtype=None, layout=None, device=None,
             pin_memory=None):
    if not (isinstance(low, int) and isinstance(high, int)
            and 0 < high - low <= _MAX_RANGE):
        return NotImplemented
    numbers = torch.rand(size, dtype=torch.float32, device=device)
    numbers = torch.floor(numbers * (high - low)).to(torch.int64) + low
    return numbers.to(dtype or torch.int64)


OWN_DECOMPOSITIONS = {
    aten.bernoulli.p: _bernoulli,
    aten.uniform.default: _uniform,
    aten.normal_functional.default: _normal_functional,
    torch.ops.prims.normal.default: _normal,
    aten.randint.low: _randint,
}

# The compiler has formulas that hold for more arguments than these functions.
NOT_DECOMPOSED = (
    aten.take.default,
    aten.max_pool3d_with_indices.default,
    aten.adaptive_max_pool2d.default,
    aten.adaptive_max_pool3d.default,
)
