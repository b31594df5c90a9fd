"""Whole training steps, before and after each pass from import to PostGrad."""

import model_zoo
import pytest
from fx_graphs import ROOT, load_fx_diff, tool

OWN = ROOT / "test" / "Integration" / "Inputs"
FLAGS = ["--pre-grad", "--build-joint-graph", "--joint-graph", "--min-cut-partition", "--post-grad"]
# Models whose labels and indices may be any of 0 and 1.
ZOO = (
    "mlp resnet18 llama_tiny dynamic_batch_mlp bf16_model inplace_mutation lstm_cell_loop "
    "ce_label_smoothing vit_tiny"
).split()

pytestmark = pytest.mark.skipif(tool("fx-opt") is None, reason="needs the tools")


def check(path):
    fx_diff = load_fx_diff()
    inputs = fx_diff.Inputs(fx_diff.load_weights(path))
    seen = []
    for name, worst, what, _ in fx_diff.diff(model_zoo.import_program(path), FLAGS, inputs):
        assert worst <= 1, f"{name}: {what}"
        seen.append(name)
    assert {"fx-build-joint-graph", "fx-partition"} <= set(seen)


@pytest.mark.parametrize("model", sorted(p.parent.name for p in OWN.glob("*/train.pt2")))
def test_own(model):
    check(OWN / model / "train.pt2")


@pytest.mark.skipif(model_zoo.ZOO is None, reason="needs the model zoo beside the project")
@pytest.mark.parametrize("model", ZOO)
def test_zoo(model):
    check(model_zoo.ZOO / model / "train.pt2")


BEFORE = """
func.func @main(%x: tensor<4xf32> {fx.name = "x"}) -> (tensor<4xf32> {fx.role = "output"}) {
  %0 = fx.sin %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""


def test_finds_a_difference():
    """A change of a value, of a type, and a result that is gone."""
    fx_diff = load_fx_diff()
    inputs = fx_diff.Inputs({})

    def values(text):
        python = fx_diff.run("fx-translate", "--fx-to-python", text=text).stdout
        return fx_diff.evaluate(python, inputs)

    before = values(BEFORE)
    assert fx_diff.compare(before, values(BEFORE), set()) == (0.0, "")
    worst, what = fx_diff.compare(before, values(BEFORE.replace("fx.sin", "fx.cos")), set())
    assert worst > 1 and what == "output 0"
    assert fx_diff.compare(before, {}, set())[0] == float("inf")


def test_splits_a_pipeline():
    text = "Pass Manager\nbuiltin.module(\n  func.func(\n    a{x=1 y={z}},\n    b\n  ),\n  c\n)\n"
    assert load_fx_diff().split_pipeline(text) == [
        ("a", "builtin.module(func.func(a{x=1 y={z}}))"),
        ("b", "builtin.module(func.func(b))"),
        ("c", "builtin.module(c)"),
    ]
