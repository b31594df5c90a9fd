"""Derivatives and decompositions against eager PyTorch.

Every case is a small forward graph. It is exported to Python as it is and run
with torch.autograd; its joint graph, at both levels of decomposition, must give
the same outputs and gradients.
"""

import pytest
import torch
from autodiff_cases import CASES
from fx_graphs import Graph, run, to_python


JOINT = (
    "builtin.module(func.func(fx-decompose{level=autodiff}),fx-build-joint-graph,"
    "func.func(fx-verify-autodiff))"
)
CORE = "builtin.module(func.func(fx-decompose{level=core}))"
TOLERANCE = {
    "f64": dict(rtol=1e-7, atol=1e-8),
    "f32": dict(rtol=2e-4, atol=2e-5),
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Forward, joint and core modules of all cases, for each dtype."""
    folder = tmp_path_factory.mktemp("autodiff")
    torch.manual_seed(0)
    result = {}
    for dtype in ("f32", "f64"):
        graphs = {}
        for name, build in CASES.items():
            graphs[name] = Graph(name, dtype)
            build(graphs[name])
        text = "".join(graph.text() for graph in graphs.values())
        joint = run("fx-opt", f"--pass-pipeline={JOINT}", text=text)
        core = run("fx-opt", f"--pass-pipeline={CORE}", text=joint)
        forward_core = run("fx-opt", f"--pass-pipeline={CORE}", text=text)
        result[dtype] = (
            graphs,
            to_python(text, folder / f"forward_{dtype}.py"),
            to_python(forward_core, folder / f"forward_core_{dtype}.py"),
            to_python(joint, folder / f"joint_{dtype}.py"),
            to_python(core, folder / f"core_{dtype}.py"),
        )
    return result


def expected_gradients(function, graph, tangents):
    """Outputs and, by argument name, gradients of eager PyTorch."""
    inputs = [x.clone() for x in graph.inputs]
    wanted = {}
    for index, argument in enumerate(graph.arguments):
        if "fx.requires_grad" in argument:
            inputs[index].requires_grad_()
            wanted[f"a{index}"] = inputs[index]
    outputs = function(*inputs)
    differentiable = [y for y in outputs if y.requires_grad]
    gradients = torch.autograd.grad(
        differentiable, list(wanted.values()), tangents, allow_unused=True
    )
    return outputs, dict(zip(wanted, gradients))


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("name", list(CASES))
def test_gradients(exported, name, dtype):
    graphs, forward, forward_core, joint, core = exported[dtype]
    graph, tolerance = graphs[name], TOLERANCE[dtype]
    torch.manual_seed(1)
    signature = joint.SIGNATURES[name]
    # Tangents belong to the outputs that eager PyTorch differentiates.
    probe = [x.clone() for x in graph.inputs]
    for index, argument in enumerate(graph.arguments):
        if "fx.requires_grad" in argument:
            probe[index].requires_grad_()
    probed = [y for y in getattr(forward, name)(*probe) if y.requires_grad]
    tangents = [torch.randn_like(y) for y in probed]
    count = sum(a["role"] == "tangent" for a in signature["arguments"])
    assert count == len(tangents)

    outputs, gradients = expected_gradients(getattr(forward, name), graph, tangents)
    for a, b in zip(getattr(forward_core, name)(*graph.inputs), outputs):
        torch.testing.assert_close(a, b.detach(), **tolerance)
    for module in (joint, core):
        results = getattr(module, name)(*graph.inputs, *tangents)
        for a, b in zip(results, outputs):
            torch.testing.assert_close(a, b.detach(), **tolerance)
        mine = {
            r["name"]: value
            for r, value in zip(signature["results"], results)
            if r["role"] == "gradient"
        }
        assert set(mine) == {k for k, v in gradients.items() if v is not None}
        for key, value in mine.items():
            torch.testing.assert_close(value, gradients[key], **tolerance, msg=lambda m: f"{key}: {m}")
