"""Operators that are functions of other operators, beside Inductor's table.

Random numbers come from `rand` and `randn`, which the compiler draws itself:
on the CPU Inductor leaves these operators to ATen.
"""

import torch

aten = torch.ops.aten
prims = torch.ops.prims


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


# Beyond this window Inductor keeps ATen's operator.
_MAX_WINDOW = 25


def _max_pool2d_with_indices(x, kernel_size, stride=(), padding=0, dilation=1,
                             ceil_mode=False):
    # As Inductor's function, which needs most of Inductor in the process: its
    # import takes longer than many graphs. An index is an offset in its window.
    kernel, step, pad, dilate = (
        [value[0], value[-1]] if isinstance(value, (list, tuple))
        else [value, value]
        for value in (kernel_size, stride or kernel_size, padding, dilation))
    if kernel[0] * kernel[1] > _MAX_WINDOW:
        return NotImplemented
    values, offsets = prims._low_memory_max_pool_with_offsets(
        x, kernel, step, pad, dilate, ceil_mode)
    indices = prims._low_memory_max_pool_offsets_to_indices(
        offsets, kernel, x.shape[-2:], step, pad, dilate)
    return values, indices


OWN_DECOMPOSITIONS = {
    aten.max_pool2d_with_indices.default: _max_pool2d_with_indices,
    aten.bernoulli.p: _bernoulli,
    aten.uniform.default: _uniform,
    aten.normal_functional.default: _normal_functional,
    torch.ops.prims.normal.default: _normal,
    aten.randint.low: _randint,
}

# The compiler has formulas that hold for more arguments than these functions,
# or that copy whole parts where these look up each place.
NOT_DECOMPOSED = (
    aten.roll.default,
    aten.reflection_pad1d.default,
    aten.reflection_pad2d.default,
    aten.reflection_pad3d.default,
    aten.replication_pad1d.default,
    aten.replication_pad2d.default,
    aten.replication_pad3d.default,
    aten.take.default,
    aten.max_pool3d_with_indices.default,
    aten.adaptive_max_pool2d.default,
    aten.adaptive_max_pool3d.default,
)

# The compiler has these formulas too, and takes a small part of the time that
# tracing a function needs: where sizes are known and all tensors are f32 or
# all f64. With mixed types (autocast) PyTorch does not tell results' types.
_NORMS = (
    aten._native_batch_norm_legit_functional.default,
    aten._native_batch_norm_legit_no_training.default,
    aten.native_batch_norm_backward.default,
    aten.native_layer_norm.default,
    aten.native_layer_norm_backward.default,
    aten.native_group_norm.default,
    aten.native_group_norm_backward.default,
)


def _is_simple(args):
    tensors = [a for a in args if isinstance(a, torch.Tensor)]
    return (len({t.dtype for t in tensors}) == 1
            and tensors[0].dtype in (torch.float32, torch.float64)
            and all(isinstance(size, int) for t in tensors for size in t.shape))


def _unless_simple(decomposition):
    def decompose(*args, **kwargs):
        if not kwargs and _is_simple(args):
            return NotImplemented
        return decomposition(*args, **kwargs)

    return decompose


def select(table):
    """The decompositions of a graph, from Inductor's."""
    table = {**table, **OWN_DECOMPOSITIONS}
    for op in NOT_DECOMPOSED:
        table.pop(op, None)
    for op in _NORMS:
        table[op] = _unless_simple(table[op])
    return table
