"""One model of the zoo through torch.compile against eager."""

import copy

import torch
from torch.utils import _pytree as pytree

from fx_mlir import _report

TOLERANCE = {torch.float64: 1e-6, torch.float32: 2e-4, torch.complex64: 2e-4,
             torch.bfloat16: 4e-2, torch.float16: 4e-3}


def assert_close(got, want, what):
    got, want = pytree.tree_leaves(got), pytree.tree_leaves(want)
    assert len(got) == len(want), what
    for i, (a, b) in enumerate(zip(got, want)):
        assert type(a) is type(b), f"{what} {i}"
        if not isinstance(b, torch.Tensor):
            assert a == b, f"{what} {i}"
            continue
        assert a.dtype == b.dtype and a.shape == b.shape, f"{what} {i}"
        tolerance = TOLERANCE.get(b.dtype, 0)
        # Sums in another order differ by the size of what is summed.
        scale = float(b.detach().abs().max()) if tolerance and b.numel() else 0
        torch.testing.assert_close(
            a, b, rtol=tolerance, atol=tolerance * max(scale, 1e-2) if tolerance else 0,
            equal_nan=True, msg=lambda text: f"{what} {i}: {text}")


def fresh(value, wants_grad):
    """A copy; with `wants_grad` gradients of floating-point tensors are
    computed."""
    def copy_tensor(x):
        if not isinstance(x, torch.Tensor):
            return x
        return x.clone().requires_grad_(wants_grad and x.is_floating_point())

    return pytree.tree_map(copy_tensor, value)


def run(function, inputs, training, wants_grad):
    """Output and the inputs afterwards."""
    inputs = [fresh(x, wants_grad) for x in inputs]
    torch.manual_seed(7)
    with torch.set_grad_enabled(training):
        output = function(*inputs)
        if training:
            output.backward()
    return output, inputs


def state(module):
    return {**{f"gradient of {n}": p.grad for n, p in module.named_parameters()},
            **{f"buffer {n}": b for n, b in module.named_buffers()}}


def compare(module, inputs, training):
    """Raises unless compiled code does what eager does; returns the reports
    of the graphs, None for what eager refuses."""
    torch._dynamo.reset()
    twin = copy.deepcopy(module)
    # A model without parameters has the gradients of its inputs.
    wants_grad = training and not list(module.parameters())
    try:
        want = run(twin, inputs, training, wants_grad)
    except RuntimeError:
        # What eager cannot do, as to differentiate some operators.
        return None
    reports = []
    _report._listeners.append(reports)
    try:
        compiled = torch.compile(module, backend="fx_mlir")
        got = run(compiled, inputs, training, wants_grad)
    finally:
        _report._listeners.remove(reports)
    assert_close(got[0], want[0], "output")
    assert_close(got[1], want[1], "input afterwards")
    for a, b in zip(pytree.tree_leaves(got[1]), pytree.tree_leaves(want[1])):
        if isinstance(b, torch.Tensor) and b.grad is not None:
            assert_close(a.grad, b.grad, "gradient of an input")
    mine, theirs = state(module), state(twin)
    for name, value in theirs.items():
        assert (mine[name] is None) == (value is None), name
        assert_close(mine[name], value, name)
    return reports


def check(zoo, name):
    """{what was run: reports}, with the names "inference" and "training"."""
    case = zoo.make(name)
    inputs = case.args + tuple(case.kwargs.values())
    module = zoo.TrainWrapper(case).model if not case.kwargs else _WithKeywords(case)
    results = {"inference": compare(copy.deepcopy(module).eval(), inputs, False)}
    if case.trainable:
        wrapper, inputs = zoo.train_case(case)
        wrapper.train()
        for m in wrapper.modules():
            # Compiled code draws other numbers.
            if isinstance(m, torch.nn.Dropout):
                m.p = 0.0
        results["training"] = compare(wrapper, inputs, True)
    return results


class _WithKeywords(torch.nn.Module):
    def __init__(self, case):
        super().__init__()
        self.module, self.names = case.module, list(case.kwargs)

    def forward(self, *inputs):
        count = len(inputs) - len(self.names)
        return self.module(*inputs[:count], **dict(zip(self.names, inputs[count:])))


def describe(reports):
    """Counts as one line."""
    if reports is None:
        return "refused by eager"
    if not reports:
        return "not captured"
    fallen = {}
    for f in (f for r in reports for f in r.fallen_back):
        fallen[f.op] = fallen.get(f.op, 0) + 1
    native = sum(r.native for r in reports)
    text = ", ".join(f"{count} {op}" for op, count in sorted(fallen.items()))
    return f"{native} native, {sum(fallen.values())} fallen back" + (
        f" ({text})" if text else "")
