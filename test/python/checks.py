"""Compares compiled programs with eager ones."""

import copy

import torch

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 2e-2}


def tensors_of(values):
    if isinstance(values, (list, tuple)):
        return [t for v in values for t in tensors_of(v)]
    return [values]


def assert_same(got, want, what):
    assert type(got) is type(want), what
    if not isinstance(want, torch.Tensor):
        assert got == want, what
        return
    assert got.dtype == want.dtype, what
    assert got.shape == want.shape, what
    assert got.requires_grad == want.requires_grad, what
    if want.numel() and not want.requires_grad:
        assert got.stride() == want.stride(), (what, got.stride(), want.stride())
    tolerance = TOLERANCE.get(want.dtype, 0)
    torch.testing.assert_close(got, want, rtol=tolerance, atol=tolerance,
                               msg=lambda text: f"{what}: {text}")


def clone(value):
    if not isinstance(value, torch.Tensor):
        return value
    base = value.detach()
    # The same strides, in a storage of its own.
    storage = torch.empty(max(base.untyped_storage().nbytes() // base.element_size(), 1),
                          dtype=base.dtype)
    fresh = storage.as_strided(base.shape, base.stride(), base.storage_offset())
    if 0 in base.stride():
        storage.copy_(base.as_strided(storage.shape, (1,), 0))
    else:
        fresh.copy_(base)
    return fresh.requires_grad_(value.requires_grad)


def loss_of(outputs):
    parts = [o for o in tensors_of(outputs)
             if isinstance(o, torch.Tensor) and o.requires_grad]
    return sum((o * o).sum() for o in parts) if parts else None


def check_against_eager(case, **compile_options):
    """Runs a case compiled and eagerly; outputs, gradients, state are equal."""
    function, module, inputs = case.make()
    twin = copy.deepcopy(module)
    compiled = torch.compile(function, backend="fx_mlir", fullgraph=True, dynamic=case.dynamic,
                             **compile_options)
    modes = [True, False] if case.train else [False]
    for training in modes:
        module.train(training)
        twin.train(training)
        for step in range(case.calls):
            with torch.set_grad_enabled(training):
                mine, theirs = [clone(x) for x in inputs], [clone(x) for x in inputs]
                if not training:
                    mine = [x.detach() if isinstance(x, torch.Tensor) else x for x in mine]
                    theirs = [x.detach() if isinstance(x, torch.Tensor) else x for x in theirs]
                got, want = compiled(module, *mine), function(twin, *theirs)
            for i, (a, b) in enumerate(zip(tensors_of(got), tensors_of(want), strict=True)):
                assert_same(a, b, f"output {i}")
            loss = loss_of(want)
            if training and loss is not None:
                loss_of(got).backward()
                loss.backward()
            for i, (a, b) in enumerate(zip(mine, theirs)):
                assert_same(a, b, f"input {i} afterwards")
                if isinstance(a, torch.Tensor) and b.grad is not None:
                    assert_same(a.grad, b.grad, f"gradient of input {i}")
            for (name, a), b in zip(module.named_parameters(), twin.parameters()):
                assert (a.grad is None) == (b.grad is None), name
                if a.grad is not None:
                    assert_same(a.grad, b.grad, f"gradient of {name}")
            for (name, a), b in zip(module.named_buffers(), twin.buffers()):
                assert_same(a, b, name)
