"""The option `freezing`: what code prepares of parameters is kept."""

import gc
import weakref

import pytest
import torch
from torch import nn

pytestmark = pytest.mark.usefixtures("compiler")


class Net(nn.Module):
    """A convolution in Winograd's tiles, one with packed weights, a linear."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 16, 5, 2, 2), nn.ReLU(),
            nn.Conv2d(16, 20, 3, padding=1), nn.BatchNorm2d(20), nn.ReLU(),
            nn.Conv2d(20, 20, 3, padding=1, groups=2))
        self.head = nn.Linear(20 * 16, 70)

    def forward(self, x):
        y = self.body(x)
        return self.head(y.unflatten(2, (4, 4)).mean((3, 4)).flatten(1)
                         .repeat(1, 16)[:, :320])


def compile_frozen(model):
    return torch.compile(model, backend="fx_mlir", fullgraph=True,
                         options={"freezing": True, "fallback": False})


def check(compiled, model, x):
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), model(x), rtol=1e-4, atol=1e-5)


def test_equals_eager():
    model = Net().eval()
    compiled = compile_frozen(model)
    for _ in range(3):
        check(compiled, model, torch.randn(9, 3, 32, 32))


def test_written_parameters_are_prepared_anew():
    model = Net().eval()
    compiled = compile_frozen(model)
    x = torch.randn(9, 3, 32, 32)
    check(compiled, model, x)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(-0.5)
    check(compiled, model, x)
    # Of values that PyTorch does not see being written the old ones count.
    with torch.no_grad():
        before = compiled(x)
        for parameter in model.parameters():
            parameter.data.mul_(2)
        assert not torch.allclose(model(x), before)


def test_modules_that_share_a_graph():
    models = [nn.Linear(64, 96) for _ in range(3)]

    def call(linear, x):
        return torch.relu(linear(x))

    compiled = compile_frozen(call)
    x = torch.randn(100, 64)
    with torch.no_grad():
        for model in models + models:
            torch.testing.assert_close(compiled(model, x), call(model, x))


def test_frees_parameters_with_the_code():
    model = nn.Linear(64, 96)
    compiled = compile_frozen(model)
    with torch.no_grad():
        compiled(torch.randn(100, 64))
    weight = weakref.ref(model.weight)
    torch._dynamo.reset()
    del model, compiled
    gc.collect()
    assert weight() is None


def test_mutated_buffers_are_not_frozen():
    model = nn.Sequential(nn.Linear(64, 96), nn.BatchNorm1d(96))
    reference = nn.Sequential(nn.Linear(64, 96), nn.BatchNorm1d(96))
    reference.load_state_dict(model.state_dict())
    compiled = compile_frozen(model)
    for _ in range(3):
        x = torch.randn(100, 64)
        check(compiled, reference, x)
    for ours, theirs in zip(model.buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_training_is_not_frozen():
    model = nn.Linear(64, 96)
    compiled = compile_frozen(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(3):
        x = torch.randn(100, 64)
        torch.testing.assert_close(compiled(x), model(x))
        compiled(x).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_weights(dtype):
    """As exact as eager mode, before and after the weights change."""
    model = Net().eval()
    narrow = Net().eval()
    narrow.load_state_dict(model.state_dict())
    narrow.to(dtype)
    compiled = compile_frozen(narrow)
    x = torch.randn(40, 3, 32, 32).to(dtype)

    def error(result, exact):
        return (result.double() - exact).norm() / exact.norm()

    with torch.no_grad():
        for _ in range(2):
            exact = Net().eval().double()
            exact.load_state_dict(narrow.state_dict())
            want = exact(x.double())
            for _ in range(2):
                assert error(compiled(x), want) <= 1.2 * error(narrow(x), want)
            for parameter in narrow.parameters():
                parameter.mul_(-0.5)


@pytest.mark.parametrize("batch", [1, 2, 9, 100])
def test_rounded_results_and_a_single_column(batch):
    """Sums that only the epilogue sees; a column, where the sides of the
    product change places."""
    models = [nn.Linear(64, 96), nn.Linear(512, 1),
              nn.Conv2d(16, 20, 3, padding=1)]

    def call(x, y, z):
        first, second, third = models
        return first(x).bfloat16(), second(y), third(z).bfloat16()

    compiled = compile_frozen(call)
    with torch.no_grad():
        for _ in range(2):
            inputs = (torch.randn(batch, 64), torch.randn(batch, 512),
                      torch.randn(batch, 16, 16, 16))
            for ours, theirs in zip(compiled(*inputs), call(*inputs),
                                    strict=True):
                torch.testing.assert_close(ours, theirs)
