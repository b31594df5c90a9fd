"""The run-time library's templates over awkward shapes, against eager PyTorch:
sizes of 1, primes, tails of vectors and tiles, empty tensors, strided and
broadcast operands, infinities and NaN. docs/CPU.md lists them all."""

import pytest
import torch
import torch.nn.functional as F

import fx_mlir  # noqa: F401


def rand(*shape, grad=True):
    generator = torch.Generator().manual_seed(sum(shape) + len(shape))
    return torch.randn(*shape, generator=generator).requires_grad_(grad)


def leaf(tensor, dtype=None):
    """A leaf of autograd with the strides of `tensor`."""
    if not tensor.is_floating_point():
        return tensor
    return tensor.detach().to(dtype or tensor.dtype).requires_grad_(tensor.requires_grad)


def outputs(result):
    return [result] if isinstance(result, torch.Tensor) else list(result)


def gradients(results, inputs):
    results = [r for r in results if r.requires_grad]
    inputs = [x for x in inputs if x.requires_grad]
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
    for name, have, exact, eager in zip(
            [f"result {i}" for i in range(len(got))]
            + [f"gradient {i}" for i in range(len(inputs))],
            got + gradients(got, args), want + gradients(want, wide),
            plain + gradients(plain, inputs)):
        assert have.shape == eager.shape and have.dtype == eager.dtype, name
        assert have.stride() == eager.stride(), name
        if not have.is_floating_point():
            assert torch.equal(have, eager), name
            continue
        finite = exact[exact.isfinite()]
        scale = finite.abs().max().item() if finite.numel() else 1.0
        torch.testing.assert_close(have.double(), exact, rtol=tolerance,
                                   atol=tolerance * max(scale, 1e-3),
                                   equal_nan=True, msg=lambda m: f"{name}: {m}")


CONVOLUTIONS = {
    # input, weight, options
    "line": ((2, 5, 37), (7, 5, 3), dict(padding=1)),
    "line strided": ((3, 4, 101), (6, 2, 5), dict(stride=3, groups=2)),
    "line of one": ((1, 1, 1), (1, 1, 1), {}),
    "plane": ((2, 5, 13, 17), (7, 5, 3, 3), dict(padding=1)),
    "plane pointwise": ((2, 13, 7, 5), (11, 13, 1, 1), {}),
    "plane pointwise strided": ((2, 13, 7, 5), (11, 13, 1, 1), dict(stride=2)),
    "plane dilated": ((1, 3, 19, 23), (5, 3, 3, 3), dict(dilation=(2, 3), padding=2)),
    "plane grouped": ((2, 6, 11, 13), (9, 2, 3, 5), dict(groups=3, padding=(1, 2))),
    "plane depthwise": ((2, 7, 11, 34), (7, 1, 3, 3), dict(groups=7, padding=1)),
    "plane multiplier": ((2, 5, 11, 13), (15, 1, 5, 3),
                         dict(groups=5, stride=(2, 1), padding=2)),
    "plane Winograd": ((2, 17, 29, 31), (19, 17, 3, 3), dict(padding=1)),
    "plane without images": ((0, 3, 8, 8), (4, 3, 3, 3), {}),
    "volume": ((2, 3, 5, 7, 11), (5, 3, 3, 3, 3), dict(padding=1)),
    "volume in place": ((1, 5, 4, 6, 32), (7, 5, 3, 3, 3), dict(padding=1)),
    "volume pointwise": ((2, 7, 3, 5, 11), (5, 7, 1, 1, 1), {}),
    "volume strided": ((1, 4, 7, 9, 11), (6, 4, 3, 3, 3), dict(stride=2, padding=1)),
    "volume uneven": ((2, 4, 5, 6, 7), (6, 2, 1, 3, 2),
                      dict(stride=(2, 1, 3), padding=(0, 1, 1),
                           dilation=(1, 2, 1), groups=2)),
    "volume depthwise": ((2, 5, 5, 7, 19), (5, 1, 3, 3, 3), dict(groups=5, padding=1)),
    "volume of planes": ((2, 3, 1, 9, 9), (4, 3, 1, 3, 3), {}),
    "volume without images": ((0, 3, 4, 4, 4), (4, 3, 3, 3, 3), {}),
}
TRANSPOSED = {
    "line": ((2, 5, 13), (5, 3, 4), dict(stride=3, padding=1)),
    "plane": ((2, 5, 7, 9), (5, 7, 3, 3), dict(padding=1)),
    "plane strided": ((2, 4, 7, 5), (4, 3, 3, 3),
                      dict(stride=2, padding=1, output_padding=1)),
    "plane grouped": ((1, 6, 5, 7), (6, 2, 2, 2), dict(stride=2, groups=3)),
    "volume": ((2, 4, 3, 5, 7), (4, 5, 3, 3, 3), dict(padding=1)),
    "volume strided": ((1, 4, 3, 5, 4), (4, 3, 2, 3, 2),
                       dict(stride=(2, 1, 2), groups=2)),
}


def convolve(transposed, rank, options):
    name = f"conv_transpose{rank}d" if transposed else f"conv{rank}d"
    operator = getattr(F, name)
    return lambda x, w, b: operator(x, w, b, **options)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name):
    xs, ws, options = CONVOLUTIONS[name]
    check(convolve(False, len(xs) - 2, options), rand(*xs), rand(*ws), rand(ws[0]))


@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed_convolution(name):
    xs, ws, options = TRANSPOSED[name]
    check(convolve(True, len(xs) - 2, options), rand(*xs), rand(*ws),
          rand(ws[1] * options.get("groups", 1)))


def channels_last(tensor):
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return tensor.detach().contiguous(memory_format=formats[tensor.dim()]) \
        .requires_grad_(tensor.requires_grad)


@pytest.mark.parametrize("name", [
    "plane", "plane pointwise", "plane grouped", "plane depthwise", "plane Winograd",
    "volume", "volume strided", "volume depthwise"])
def test_channels_last(name):
    """Two convolutions and what is between them, with such weights and images;
    the gradients' strides are those of eager mode, too."""
    xs, ws, options = CONVOLUTIONS[name]
    convolution = convolve(False, len(xs) - 2, options)
    second = rand(3, ws[0], *[1] * (len(xs) - 2))

    def chain(x, w, b, v):
        return convolve(False, len(xs) - 2, {})(
            F.relu(convolution(x, w, b) * 2), v, None)

    check(chain, channels_last(rand(*xs)), channels_last(rand(*ws)), rand(ws[0]),
          channels_last(second))
    # Many channels are parts of the sum; few positions use weights as they are.
    wide = channels_last(rand(6, 131, 3, 3))
    check(lambda x, w: F.conv2d(x, w, padding=1), channels_last(rand(1, 131, 5, 7)),
          wide)
