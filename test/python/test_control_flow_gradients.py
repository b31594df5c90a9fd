"""Gradients through cond, while_loop, scan and map, against plain Python loops."""

import numpy as np
import pytest
import torch
import torch.nn as nn
from fx_graphs import run, tool
from torch._higher_order_ops import map as map_slices
from torch._higher_order_ops import scan, while_loop

pytestmark = pytest.mark.skipif(tool("fx-run") is None, reason="needs the tools")


def draw(*sizes):
    return torch.randn(sizes, generator=torch.Generator().manual_seed(sum(sizes)))


class Branches(nn.Module):
    """A weight in both branches, one in a single branch, two results."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.scale = nn.Parameter(draw(4))

    def then(self, x, scale):
        y = torch.tanh(self.first(x)) * scale
        return y, y.sum()

    def otherwise(self, x, scale):
        y = self.second(x * scale).softmax(-1)
        return y, y.amax()

    def forward(self, x, p):
        a, b = torch.cond(p, self.then, self.otherwise, (x * 2, self.scale))
        return (a * b).sum()

    def plain(self, x, p):
        a, b = (self.then if p else self.otherwise)(x * 2, self.scale)
        return (a * b).sum()


class Counted(nn.Module):
    """The counter is used inside; a value changes places with another."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.start = nn.Parameter(draw(2, 4))

    def step(self, i, x, y):
        return i + 2, torch.tanh(self.linear(y)) + i, x.clone()

    def forward(self, x):
        zero = torch.zeros((), dtype=torch.int64)
        _, a, b = while_loop(lambda i, x, y: i <= 6, self.step, (zero, x, self.start * 1))
        return (a * b.sin()).sum()

    def plain(self, x):
        i, a, b = 0, x, self.start
        while i <= 6:
            i, a, b = self.step(i, a, b)
        return (a * b.sin()).sum()


class Bounded(nn.Module):
    """Ends by the values of a tensor, at the latest after nine rounds."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.start = nn.Parameter(draw(2, 4))

    def go(self, i, x):
        return (i > 0) & (x.detach().norm() < 30)

    def step(self, i, x):
        return i - 1, torch.tanh(self.linear(x)) + x * 2

    def forward(self, x):
        nine = torch.full((), 9, dtype=torch.int64)
        return while_loop(self.go, self.step, (nine, x * self.start))[1].sin().sum()

    def plain(self, x):
        i, x = 9, x * self.start
        while i > 0 and x.detach().norm() < 30:
            i, x = self.step(i, x)
        return x.sin().sum()


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(draw(3))

    def forward(self, x):
        def step(i, y):
            return i + 1, torch.cond(
                y.sum() > 0, lambda y, w: y.sin() - w, lambda y, w: y * w, (y, self.weight))

        zero = torch.zeros((), dtype=torch.int64)
        return while_loop(lambda i, y: i < 5, step, (zero, x * self.weight))[1].square().sum()

    def plain(self, x):
        y = x * self.weight
        for _ in range(5):
            y = y.sin() - self.weight if y.sum() > 0 else y * self.weight
        return y.square().sum()


class Recurrence(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(4, 4)
        self.start, self.unused = nn.Parameter(draw(2, 4)), nn.Parameter(draw(2))

    def step(self, h, x):
        h = torch.tanh(self.cell(h) + x)
        return h.clone(), h * x

    def forward(self, x):
        h, ys = scan(self.step, self.start * 1, x)
        return (h * ys).sum()

    def plain(self, x):
        h, ys = self.start, []
        for part in x:
            h, y = self.step(h, part)
            ys.append(y)
        return (h * torch.stack(ys)).sum()


class Linear(Recurrence):
    """Nothing of what is carried is needed for the gradient."""

    def step(self, h, x):
        return h + x, x * 2


class Reverse(Recurrence):
    def step(self, h, x):
        return torch.tanh(h + x), h * x

    def forward(self, x):
        h, ys = scan(self.step, self.start * 1, x, reverse=True)
        return (h * ys).sum()

    def plain(self, x):
        h, ys = self.start, []
        for part in x.flip(0):
            h, y = self.step(h, part)
            ys.append(y)
        return (h * torch.stack(ys[::-1])).sum()


class Map(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.weight, self.slices = nn.Parameter(draw(3)), nn.Parameter(draw(5, 2, 4))

    def forward(self, x):
        ys = map_slices(lambda a, w: self.linear(a).sin() * w, x * self.slices, self.weight)
        return ys.square().sum()

    def plain(self, x):
        ys = [self.linear(a).sin() * self.weight for a in x * self.slices]
        return torch.stack(ys).square().sum()


CASES = {
    "then": (Branches, (draw(3, 4), torch.tensor(True))),
    "otherwise": (Branches, (draw(3, 4), torch.tensor(False))),
    "counted": (Counted, (draw(2, 4),)),
    "bounded": (Bounded, (draw(2, 4),)),
    "nested": (Nested, (draw(3),)),
    "scan": (Recurrence, (draw(5, 2, 4),)),
    "linear": (Linear, (draw(5, 2, 4),)),
    "reverse": (Reverse, (draw(5, 2, 4),)),
    "map": (Map, (draw(5, 2, 4),)),
}


@pytest.mark.parametrize("name", CASES)
def test_gradients(name, tmp_path):
    make, call = CASES[name]
    torch.manual_seed(0)
    model = make()
    path = tmp_path / "model.pt2"
    with torch.no_grad():
        program = torch.export.export(model, call)
    torch.export.save(program, path)
    arguments = {spec.arg.name for spec in program.graph_signature.input_specs
                 if spec.kind == torch.export.graph_signature.InputKind.USER_INPUT}
    inputs = [node.name for node in program.graph.nodes if node.name in arguments]
    np.savez(tmp_path / "in.npz",
             **{key: value.numpy() for key, value in zip(inputs, call, strict=True)})
    run("fx-run", str(path), "--mode=training", "--inputs", str(tmp_path / "in.npz"),
        "--outputs", str(tmp_path / "out.npz"))
    results = np.load(tmp_path / "out.npz")

    loss = model.plain(*call)
    loss.backward()
    torch.testing.assert_close(torch.from_numpy(results["loss"]), loss.detach())
    for key, parameter in model.named_parameters():
        if f"grad_{key}" not in results.files:
            assert parameter.grad is None
        else:
            # Zeros for the weights of the branch that was not taken.
            expected = torch.zeros(parameter.shape) if parameter.grad is None else parameter.grad
            torch.testing.assert_close(torch.from_numpy(results[f"grad_{key}"]), expected,
                                       msg=lambda m: f"{key}: {m}")
