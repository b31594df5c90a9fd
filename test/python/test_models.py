"""Whole models: inference and training steps equal to eager, nothing left to
PyTorch's operators."""

import copy

import pytest
import torch

from models import MODELS


def close(got, want, what):
    torch.testing.assert_close(got, want, rtol=2e-4, atol=2e-5,
                               msg=lambda text: f"{what}: {text}")


def check_inference(name):
    model = MODELS[name]()
    module = model.module.eval()
    compiled = torch.compile(module, backend="fx_mlir", fullgraph=True, dynamic=model.dynamic)
    with torch.no_grad():
        for batch in model.batches:
            inputs = model.inputs(batch)
            close(compiled(*inputs), module(*inputs), f"output at batch {batch}")


def check_training(name, steps=2):
    model = MODELS[name]()
    module = model.module.train()
    twin = copy.deepcopy(module)

    def step_of(module):
        def step(inputs, targets):
            return model.loss(module(*inputs), *targets)

        return step

    compiled = torch.compile(step_of(module), backend="fx_mlir", fullgraph=True,
                             dynamic=model.dynamic)
    eager = step_of(twin)
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.01) for m in (module, twin)]
    for step in range(steps):
        for batch in model.batches:
            inputs, targets = model.inputs(batch), model.targets(batch)
            losses = compiled(inputs, targets), eager(inputs, targets)
            close(losses[0], losses[1], f"loss of step {step}")
            for optimizer, loss in zip(optimizers, losses):
                optimizer.zero_grad()
                loss.backward()
            for (key, a), b in zip(module.named_parameters(), twin.parameters()):
                assert (a.grad is None) == (b.grad is None), key
                if b.grad is not None:
                    scale = max(b.grad.abs().max().item(), 1e-3)
                    torch.testing.assert_close(
                        a.grad / scale, b.grad / scale, rtol=1e-3, atol=1e-3,
                        msg=lambda text: f"gradient of {key}: {text}")
            for optimizer in optimizers:
                optimizer.step()
    for (key, a), b in zip(module.named_buffers(), twin.buffers()):
        close(a, b, key)


@pytest.mark.parametrize("name", MODELS)
def test_inference(compiler, name):
    check_inference(name)


@pytest.mark.parametrize("name", MODELS)
def test_training(compiler, name):
    check_training(name)


@pytest.mark.parametrize("name", MODELS)
def test_inference_by_reference_compiler(reference, name):
    check_inference(name)


@pytest.mark.parametrize("name", MODELS)
def test_training_by_reference_compiler(reference, name):
    check_training(name)
