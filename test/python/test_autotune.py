"""Operators of PyTorch's are candidates, and timings are kept."""

import json
import os

import pytest
import torch
from torch import nn

from checks import assert_same


@pytest.fixture
def timings(monkeypatch, tmp_path):
    """Replaces the clock: microseconds of (ours, ATen's) for each operator.
    Returns them and the calls that were timed."""
    import fx_mlir
    from fx_mlir import _autotune

    monkeypatch.setattr(fx_mlir.config, "cache", True)
    monkeypatch.setattr(_autotune.compat, "cache_dir", lambda: str(tmp_path))
    _autotune._table_at.cache_clear()
    measure = _autotune._measure
    given, timed = {}, []

    def note(node, compile):
        timed.append(str(node.target))
        real = measure(node, compile)
        assert len(real) == 2 and min(real) > 0
        return given.get(str(node.target), [100.0, 100.0])

    monkeypatch.setattr(_autotune, "_measure", note)
    yield given, timed
    _autotune._table_at.cache_clear()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.linear = nn.Linear(4, 5)

    def forward(self, x):
        x = torch.relu(self.conv(x)).flatten(2).transpose(1, 2)
        return self.linear(x).softmax(-1).sort(-1).values.contiguous()


X = torch.randn(2, 3, 8, 8)


def explain(model, **options):
    import fx_mlir

    with torch.no_grad():
        return fx_mlir.explain(model, X, options={"autotune": True, **options})


def test_the_faster_one_is_taken(compiler, timings):
    given, timed = timings
    model = Net().eval()
    given["aten.convolution.default"] = [500.0, 100.0]
    # A call costs more than this would gain.
    given["aten.sort.default"] = [20.0, 10.0]
    report = explain(model)
    assert [f.op for f in report.fallen_back] == ["aten.convolution.default"]
    assert "took 100 us, ours 500" in report.fallen_back[0].reason
    assert sorted(timed) == ["aten.convolution.default", "aten.mm.default",
                             "aten.sort.default"]
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="fx_mlir", mode="max-autotune")
    with torch.no_grad():
        assert_same(compiled(X), model(X), "output")
    # Once more, and nothing is timed again.
    assert len(timed) == 3


def test_without_the_option_nothing_is_timed(compiler, timings):
    _, timed = timings
    with torch.no_grad():
        torch.compile(Net().eval(), backend="fx_mlir")(X)
    assert timed == []


def test_training_is_not_split(compiler, timings):
    given, timed = timings
    given["aten.convolution.default"] = [500.0, 1.0]
    f = torch.compile(Net(), backend="fx_mlir", options={"autotune": True})
    f(X).sum().backward()
    assert timed == []


def test_timings_are_kept_for_other_processes(compiler, timings, tmp_path):
    from fx_mlir import _autotune

    _, timed = timings
    explain(Net().eval())
    (path,) = (tmp_path / "fx_mlir_autotune").iterdir()
    rows = json.loads(path.read_text())
    assert len(rows) == 3
    assert all(row == [100.0, 100.0] for row in rows.values())
    # As another process: only the file knows.
    _autotune._table_at.cache_clear()
    explain(Net().eval())
    assert len(timed) == 3
    # A damaged file counts for nothing, and is replaced.
    _autotune._table_at.cache_clear()
    path.write_text("{\"aten")
    explain(Net().eval())
    assert len(timed) == 6
    assert json.loads(path.read_text()) == rows
    assert os.listdir(tmp_path / "fx_mlir_autotune") == [path.name]


def test_timings_are_not_kept_without_a_cache(compiler, timings, tmp_path):
    explain(Net().eval(), cache=False)
    assert not (tmp_path / "fx_mlir_autotune").exists()


def test_numbers_of_the_clock_are_plausible(compiler):
    from fx_mlir import _autotune

    a = torch.randn(64, 64)
    short, long = _autotune._time(lambda: a + 1, lambda: [a @ a] * 3 and
                                  [a @ a for _ in range(50)])
    assert 0 < short < long
