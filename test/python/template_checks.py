"""Compiled functions against eager mode in float64, with gradients."""

import torch

import fx_mlir  # noqa: F401


def rand(*shape, grad=True):
    generator = torch.Generator().manual_seed(sum(shape) + len(shape))
    return torch.randn(*shape, generator=generator).requires_grad_(grad)


def with_values(tensor, *values):
    """Some elements replaced by `values`, here and there."""
    flat = tensor.detach().clone().flatten()
    step = max(1, flat.numel() // (len(values) + 1))
    for i, value in enumerate(values):
        flat[(i + 1) * step % flat.numel()] = value
    return flat.reshape(tensor.shape)


def leaf(tensor, dtype=None):
    """A leaf of autograd with the strides of `tensor`."""
    if tensor is None or not tensor.is_floating_point():
        return tensor
    return tensor.detach().to(dtype or tensor.dtype).requires_grad_(
        tensor.requires_grad)


def outputs(result):
    return [result] if isinstance(result, torch.Tensor) else list(result)


def gradients(results, inputs):
    results = [r for r in results if r.requires_grad]
    inputs = [x for x in inputs if x is not None and x.requires_grad]
    if not results or not inputs:
        return []
    weights = [torch.linspace(-1, 1, max(r.numel(), 1), dtype=r.dtype)[:r.numel()]
               .reshape(r.shape) for r in results]
    return list(torch.autograd.grad(results, inputs, weights))


def check(function, *inputs, tolerance=2e-5):
    """Results and gradients, compared with those of float64; shapes, strides and
    types with those of eager mode."""
    compiled = torch.compile(function, backend="fx_mlir", dynamic=False,
                             fullgraph=True)
    args = [leaf(x) for x in inputs]
    got = outputs(compiled(*args))
    plain = outputs(function(*inputs))
    wide = [leaf(x, torch.float64) for x in inputs]
    want = outputs(function(*wide))
    names = ([f"result {i}" for i in range(len(got))]
             + [f"gradient {i}" for i in range(len(inputs))])
    for name, have, exact, eager in zip(
            names, got + gradients(got, args), want + gradients(want, wide),
            plain + gradients(plain, inputs)):
        assert have.shape == eager.shape and have.dtype == eager.dtype, name
        assert have.stride() == eager.stride(), name
        if not have.is_floating_point():
            assert torch.equal(have, eager), name
            continue
        finite = exact[exact.isfinite()]
        scale = finite.abs().max().item() if finite.numel() else 1.0
        torch.testing.assert_close(
            have.double(), exact.double(), rtol=tolerance,
            atol=tolerance * max(scale, 0.1), equal_nan=True,
            msg=lambda text: f"{name}: {text}")  # noqa: B023
