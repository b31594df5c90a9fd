"""Reductions that pick an element: lanes and blocks are combined by the same
condition, so the first of equal elements and NaN must win as in eager mode."""

import pytest
import torch

import fx_mlir  # noqa: F401 (registers the backend)


def pick(x):
    return (torch.argmax(x, 1), torch.argmin(x, 1), torch.argmax(x),
            x.sum(1), *torch.max(x, 1), *torch.min(x, 0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16,
                                   torch.float64, torch.int64, torch.uint8])
@pytest.mark.parametrize("dynamic", [False, True])
def test_first_of_equal_elements(dtype, dynamic):
    compiled = torch.compile(pick, backend="fx_mlir", fullgraph=True,
                             dynamic=dynamic)
    for size in (1, 2, 17, 64, 65, 1000, 5000):
        x = torch.randint(0, 7, (9, size)).to(dtype)
        if dtype.is_floating_point and size > 3:
            x = x - 3
            x[2, size // 2] = x[5, 0] = x[5, -1] = float("nan")
            x[3, :] = float("-inf")
            x[4, -1] = float("inf")
        for result, expected in zip(compiled(x), pick(x), strict=True):
            torch.testing.assert_close(result, expected, equal_nan=True)
        torch._dynamo.reset()
