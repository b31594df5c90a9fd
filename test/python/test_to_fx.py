"""fx_mlir.to_fx: fx modules as GraphModules, at several stages."""

import pytest
import torch
import model_zoo
from fx_graphs import ROOT, run, tool, to_python

fx_mlir = pytest.importorskip("fx_mlir")

INPUTS = ROOT / "test" / "Import" / "Inputs"
pytestmark = pytest.mark.skipif(tool("fx-translate") is None, reason="needs the tools")
JOINT = "pre-grad,build-joint-graph"
SPLIT = JOINT + ",joint-graph,fx-partition"


def draw(signature):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(a["shape"], generator=generator).to(a["dtype"])
            for a in signature["arguments"]]


@pytest.mark.parametrize("name", ["mlp.pt2", "cond.pt2", "loop.pt2", "scan.pt2", "norm-train.pt2"])
def test_forward(name, tmp_path):
    module = fx_mlir.to_fx(INPUTS / name)
    assert isinstance(module, torch.fx.GraphModule)
    module.graph.lint()
    reference = to_python(model_zoo.import_program(INPUTS / name), tmp_path / "reference.py")
    arguments = draw(module.meta["signature"])
    torch.testing.assert_close(module(*arguments), reference.main(*arguments))


def test_stages():
    path = INPUTS / "mlp.pt2"
    joint = fx_mlir.to_fx(path, pipeline=JOINT)
    arguments = draw(joint.meta["signature"])
    expected = joint(*arguments)
    forward = fx_mlir.to_fx(path, "forward", SPLIT)
    backward = fx_mlir.to_fx(path, "backward", SPLIT)
    tangents = [v for v, a in zip(arguments, joint.meta["signature"]["arguments"])
                if a["role"] == "tangent"]
    results = forward(*arguments[:len(arguments) - len(tangents)])
    roles = [r["role"] for r in forward.meta["signature"]["results"]]
    saved = [v for v, role in zip(results, roles) if role == "saved"]
    outputs = [v for v, role in zip(results, roles) if role != "saved"]
    torch.testing.assert_close(outputs + list(backward(*saved, *tangents)), expected)


DROPOUT = """
func.func @main(%x: tensor<1000xf32>) -> tensor<1000xf32> {
  %seeds = fx.seeds {count = 1 : i64} : tensor<1xi64>
  %seed = fx.lookup_seed %seeds {index = 0 : i64} : (tensor<1xi64>) -> tensor<i64>
  %0 = fx.random %seed sizes = [1000] {mode = "rand"} : tensor<i64> -> tensor<1000xf32>
  %1 = fx.add %0, %x : (tensor<1000xf32>, tensor<1000xf32>) -> tensor<1000xf32>
  return %1 : tensor<1000xf32>
}
"""


def test_random_numbers_are_drawn_when_called():
    module = fx_mlir.to_fx(DROPOUT)
    x = torch.zeros(1000)
    first, second = module(x)[0], module(x)[0]
    assert not torch.equal(first, second)
    assert 0 <= first.min() and first.max() < 1 and abs(first.mean() - 0.5) < 0.05


def test_errors():
    with pytest.raises(RuntimeError, match="the functions 'forward', 'backward'; say which"):
        fx_mlir.to_fx(INPUTS / "mlp.pt2", pipeline=SPLIT)
    with pytest.raises(RuntimeError, match="the functions 'main'; 'other' is not one"):
        fx_mlir.to_fx(INPUTS / "mlp.pt2", "other")
    with pytest.raises(RuntimeError, match="pipeline 'no-such'.*no-such"):
        fx_mlir.to_fx(INPUTS / "mlp.pt2", pipeline="no-such")
    with pytest.raises(RuntimeError, match="expected"):
        fx_mlir.to_fx("func.func @main(\n")
    with pytest.raises(FileNotFoundError):
        fx_mlir.to_fx("missing.mlir")
