"""Exported programs of many operators against eager PyTorch: the outputs and
the gradients. All operators of a family are one program."""

import re

import numpy as np
import pytest
import torch
from fx_graphs import run, tool
from structure_cases import FAMILIES

pytestmark = pytest.mark.skipif(tool("fx-run") is None, reason="needs fx-run")


def leaves(value):
    return [x for x in torch.utils._pytree.tree_leaves(value) if isinstance(x, torch.Tensor)]


class Cases(torch.nn.Module):
    """The outputs of all cases. Tensors are parameters or buffers."""

    def __init__(self, cases):
        super().__init__()
        self.cases = []
        for name, function, tensors in cases:
            if isinstance(function, torch.nn.Module):
                self.add_module(f"{name}_module", function)
            for k, x in enumerate(tensors):
                if x.is_floating_point():
                    self.register_parameter(f"{name}_{k}", torch.nn.Parameter(x.clone()))
                else:
                    self.register_buffer(f"{name}_{k}", x)
            self.cases.append((name, function, len(tensors)))

    def outputs(self):
        return [
            (name, leaves(function(*(getattr(self, f"{name}_{k}") for k in range(count)))))
            for name, function, count in self.cases
        ]

    def forward(self, zero):
        return [x if x.dtype == torch.bool else x + zero.to(x.dtype)
                for _, results in self.outputs() for x in results]


class Loss(Cases):
    """A sum of all outputs with weights that tell the elements apart."""

    def forward(self, zero):
        total = zero
        for _, results in self.outputs():
            for x in results:
                if x.requires_grad:
                    place = torch.arange(x.numel(), dtype=x.dtype).reshape(x.shape)
                    total = total + (x * torch.cos(place)).sum()
        return total


def execute(program, mode, folder):
    path = folder / f"{mode}.pt2"
    torch.export.save(program, path)
    text = run("fx-translate", "--import-pt2", str(path))
    assert set(re.findall('fx.call "([^"]*)"', text)) == set()
    np.savez(folder / "inputs.npz", in_0=np.float32(0))
    results = folder / f"{mode}.npz"
    run("fx-run", str(path), f"--mode={mode}", "--inputs", str(folder / "inputs.npz"),
        "--outputs", str(results))
    return np.load(results)


def compare(actual, expected, label):
    torch.testing.assert_close(
        torch.from_numpy(actual).reshape(expected.shape), expected, rtol=2e-5, atol=2e-5,
        equal_nan=True, msg=lambda m: f"{label}: {m}")


@pytest.mark.parametrize("family", FAMILIES)
def test_outputs(family, tmp_path):
    module = Cases(FAMILIES[family]).eval()
    zero = torch.tensor(0.0)
    with torch.no_grad():
        program = torch.export.export(module, (zero,))
        actual = execute(program, "inference", tmp_path)
        names = [name for name, results in module.outputs() for _ in results]
        for k, (name, expected) in enumerate(zip(names, module(zero))):
            compare(actual[f"out_{k}"], expected, name)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients(family, tmp_path):
    module = Loss(FAMILIES[family])
    zero = torch.tensor(0.0)
    actual = execute(torch.export.export(module, (zero,)), "training", tmp_path)
    module(zero).backward()
    for name, parameter in module.named_parameters():
        if f"grad_{name}" in actual:
            compare(actual[f"grad_{name}"], parameter.grad, name)
        else:  # Nothing depends on it, where PyTorch may give zeros.
            assert parameter.grad is None or not parameter.grad.any(), name
