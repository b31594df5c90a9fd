"""Operators that the importer writes as formulas, against eager PyTorch.

With "fx" the importer sees the operators of the program and the compiler
differentiates the formulas; with "aot" it sees what PyTorch's own joint graph
leaves of them.
"""

import pytest
import special_cases
import torch
from composite_cases import CASES as COMMON_CASES
from composite_cases import WITHOUT_JOINT_GRAPH

pytestmark = pytest.mark.usefixtures("compiler")

TOLERANCES = {
    torch.float64: dict(rtol=1e-6, atol=1e-7), torch.float32: dict(rtol=2e-5, atol=2e-5),
    torch.bfloat16: dict(rtol=2e-2, atol=2e-2),
}


def fresh(x):
    takes_gradient = x.is_floating_point() and not hasattr(x, "is_constant")
    return x.detach().clone().requires_grad_(takes_gradient)


def run(function, inputs):
    inputs = [fresh(x) for x in inputs]
    outputs = function(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    torch.manual_seed(1)
    loss = sum((y * torch.randn_like(y)).sum() for y in outputs if y.requires_grad)
    if isinstance(loss, torch.Tensor):
        loss.backward()
    return outputs, [x.grad for x in inputs]


def compare(got, want, what):
    # No gradient is the same as a gradient of zeros.
    if got is None or want is None:
        assert all(x is None or not x.any() for x in (got, want)), what
        return
    assert got.dtype == want.dtype and got.shape == want.shape, what
    torch.testing.assert_close(got.detach(), want.detach(), equal_nan=True,
                               **TOLERANCES.get(want.dtype, dict(rtol=0, atol=0)),
                               msg=lambda text: f"{what}: {text}")


CASES = {**COMMON_CASES, **special_cases.CASES}
RUNS = [(name, autodiff) for name in CASES for autodiff in ("fx", "aot")
        if autodiff == "fx" or name not in WITHOUT_JOINT_GRAPH]


@pytest.mark.parametrize("name,autodiff", RUNS)
def test_equals_eager(name, autodiff):
    function, inputs = CASES[name]
    compiled = torch.compile(function, backend="fx_mlir", fullgraph=True, dynamic=False,
                             options={"autodiff": autodiff, "opt_level": 0,
                                      "fallback": False})
    outputs, gradients = run(compiled, inputs)
    expected, slopes = run(function, inputs)
    for i, (a, b) in enumerate(zip(outputs, expected, strict=True)):
        compare(a, b, f"result {i}")
    for i, (a, b) in enumerate(zip(gradients, slopes, strict=True)):
        compare(a, b, f"gradient of operand {i}")
