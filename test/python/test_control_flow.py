"""cond, while_loop, scan and map: exported, imported, as Python, and compiled."""

import re

import numpy as np
import pytest
import torch
import torch.nn as nn
import model_zoo
from fx_graphs import run, to_python, tool
from torch._higher_order_ops import map as map_slices
from torch._higher_order_ops import scan, while_loop

pytestmark = pytest.mark.skipif(tool("fx-run") is None, reason="needs the tools")


class While(nn.Module):
    """The number of rounds depends on an input; one tensor is used twice."""

    def forward(self, x, n):
        def go(i, y):
            return i < n.sum()

        def step(i, y):
            return i + 1, torch.sin(y) + x

        return while_loop(go, step, (torch.zeros((), dtype=torch.int64), x))


class Swap(nn.Module):
    """Carried values change places: no buffer may be overwritten too early."""

    def forward(self, x, y):
        def go(i, x, y):
            return i < 3

        def step(i, x, y):
            return i + 1, y * 2, x.clone()

        return while_loop(go, step, (torch.zeros((), dtype=torch.int64), x, y))


class Nested(nn.Module):
    def forward(self, x):
        def go(i, y):
            return i < 3

        def step(i, y):
            return i + 1, torch.cond(y.sum() > 0, lambda y: y - 1, lambda y: y * 2, (y,))

        return while_loop(go, step, (torch.zeros((), dtype=torch.int64), x))


class Branches(nn.Module):
    """Weights in both branches, two results, work before and after."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x, p):
        x = x * 2

        def then(x):
            y = torch.relu(self.first(x))
            return y, y.sum()

        def otherwise(x):
            y = self.second(x).softmax(-1)
            return y, y.amax()

        a, b = torch.cond(p, then, otherwise, (x,))
        return a + b, b.exp()


class Recurrence(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(4, 4)

    def forward(self, h, x):
        def step(h, x):
            h = torch.tanh(self.cell(h) + x)
            return h.clone(), h * x

        return scan(step, h, x)


class Reverse(nn.Module):
    def forward(self, h, x):
        return scan(lambda h, x: (torch.tanh(h + x), h * x), h, x, reverse=True, dim=1)


class Map(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x, w):
        return map_slices(lambda a, w: self.linear(a) + w, x, w)


class NoGrad(nn.Module):
    def forward(self, x):
        with torch.no_grad():
            y = x.sin()
        return x + y


class Autocast(nn.Module):
    """Converted before: linear and matmul; not: what follows a switch-off."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = self.linear(x)
            y = (y @ y.T).softmax(-1) + y.sum()
            loss = nn.functional.mse_loss(y, x[:, :1])
            with torch.autocast("cpu", enabled=False):
                z = x @ x.T
        return y, loss, z


@torch.compiler.nested_compile_region
def repeated(x, w):
    return torch.sin(x) * w, x + 1


class Repeated(nn.Module):
    def forward(self, x, w):
        a, b = repeated(*repeated(x, w))
        return a + b


def draw(*sizes):
    return torch.randn(sizes, generator=torch.Generator().manual_seed(sum(sizes)))


CASES = {
    "while": (While, [(draw(3), torch.tensor([1, 2])), (draw(3), torch.tensor([0, 0]))]),
    "swap": (Swap, [(draw(3), draw(4)[1:])]),
    "nested": (Nested, [(draw(3),), (draw(3) - 9,)]),
    "branches": (Branches, [(draw(3, 4), torch.tensor(True)), (draw(3, 4), torch.tensor(False))]),
    "scan": (Recurrence, [(draw(2, 4), draw(5, 2, 4))]),
    "reverse": (Reverse, [(draw(4), draw(4, 5))]),
    "map": (Map, [(draw(5, 2, 4), draw(3))]),
    "no-grad": (NoGrad, [(draw(3),)]),
    "autocast": (Autocast, [(draw(3, 4),)]),
    "repeated": (Repeated, [(draw(3), draw(2 + 1))]),
}


def compare(actual, expected):
    assert len(actual) == len(expected)
    for have, want in zip(actual, expected):
        have = torch.as_tensor(have)
        if want.dtype == torch.bfloat16 and have.dtype == torch.int16:
            have = have.view(torch.bfloat16)  # As .npz files have it.
        torch.testing.assert_close(have, want)


@pytest.mark.parametrize("name", CASES)
def test_forward(name, tmp_path):
    make, calls = CASES[name]
    torch.manual_seed(0)
    model = make()
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(model, calls[0]), path)
    text = model_zoo.import_program(path)
    model_zoo.check_round_trip(text, tmp_path)
    module = to_python(text, tmp_path / "exported.py")
    weights = model_zoo.load_weights(path)
    arguments = module.SIGNATURES["main"]["arguments"]
    inputs = [a["name"] for a in arguments if a["role"] == "input"]
    for call in calls:
        expected, _ = torch.utils._pytree.tree_flatten(model(*call))
        expected = [value.detach() for value in expected]
        named = dict(zip(inputs, call, strict=True))
        with torch.no_grad():
            compare(module.main(*[{**weights, **named}[a["name"]] for a in arguments]), expected)

        np.savez(tmp_path / "in.npz", **{key: value.numpy() for key, value in named.items()})
        run("fx-run", str(path), "--inputs", str(tmp_path / "in.npz"),
            "--outputs", str(tmp_path / "out.npz"))
        results = np.load(tmp_path / "out.npz")
        compare([torch.from_numpy(results[key]) for key in results.files], expected)


class GrowingSize(nn.Module):
    def forward(self, x):
        return torch.cond(x.shape[0] > 3, lambda x: x + 1, lambda x: x * 2, (x,))


def test_dynamic_size_is_refused(tmp_path):
    """A clear error instead of a wrong size."""
    path = tmp_path / "model.pt2"
    program = torch.export.export(
        GrowingSize(), (draw(5, 2),), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, path)
    text = model_zoo.import_program(path)
    module = to_python(text, tmp_path / "exported.py")
    compare(module.main(draw(2, 2)), [draw(2, 2) * 2])
    compare(module.main(draw(4, 2)), [draw(4, 2) + 1])
    with pytest.raises(AssertionError) as error:
        run("fx-compile", str(path), "-o", str(tmp_path / "model.so"))
    assert re.search(r"cond.*dynamic sizes that cannot be computed before it runs",
                     str(error.value))
