"""Loss and gradients of whole models against the recorded ones.

Needs ../shared/zoo; each model goes the whole way: archive, decomposition,
joint graph, Python.
"""

import json

import numpy as np
import pytest
import torch
from fx_graphs import ROOT, run, to_python
from test_autodiff import CORE, JOINT

ZOO = ROOT.parent / "shared" / "zoo" / "models"
if not ZOO.exists() and (ROOT.parent.parent / "shared" / "zoo").exists():
    ZOO = ROOT.parent.parent / "shared" / "zoo" / "models"
MODELS = (
    "mlp lenet resnet18 mobilenetv2 vit_tiny nanogpt_naive llama_tiny "
    "ce_label_smoothing dynamic_batch_mlp bf16_model fp16_fp64_mix inplace_mutation "
    "llama_dynamic_seq lstm_cell_loop t5_relbias"
).split()

pytestmark = pytest.mark.skipif(
    not ZOO.exists(), reason="needs the model zoo beside the project"
)


def load(folder, entry):
    array = torch.from_numpy(np.load(folder / entry["file"]))
    if entry["dtype"] in ("torch.bfloat16",):
        array = array.view(torch.bfloat16)
    return array


@pytest.mark.parametrize("level", ["autodiff", "core"])
@pytest.mark.parametrize("name", MODELS)
def test_model(name, level, tmp_path):
    folder = ZOO / name
    meta = json.loads((folder / "meta.json").read_text())
    program = torch.export.load(folder / "train.pt2")
    weights = dict(program.state_dict) | dict(program.constants)

    text = run("fx-translate", "--import-pt2", str(folder / "train.pt2"))
    text = run("fx-opt", f"--pass-pipeline={JOINT}", "-mlir-print-debuginfo", text=text)
    if level == "core":
        text = run("fx-opt", f"--pass-pipeline={CORE}", "-mlir-print-debuginfo", text=text)
    module = to_python(text, tmp_path / f"{name}.py")
    signature = module.SIGNATURES["main"]

    inputs = iter(load(folder, entry) for entry in meta["train_in"])
    arguments = []
    for argument in signature["arguments"]:
        if argument["role"] == "tangent":
            arguments.append(torch.ones(argument["shape"], dtype=argument["dtype"]))
        elif argument["name"] in weights:
            arguments.append(weights[argument["name"]].detach())
        else:
            arguments.append(next(inputs))
    results = module.main(*arguments)
    loss = [v for v, r in zip(results, signature["results"]) if r["role"] in ("loss", "output")]
    gradients = {
        r["name"]: v for v, r in zip(results, signature["results"]) if r["role"] == "gradient"
    }
    recorded = torch.from_numpy(np.load(folder / "loss.npy"))
    if recorded.dtype == torch.int16:
        recorded = recorded.view(torch.bfloat16)
    tolerance = 1e-2 if recorded.dtype == torch.bfloat16 else 1e-4
    torch.testing.assert_close(loss[0], recorded.reshape([]), rtol=tolerance, atol=1e-5)
    # A tied weight goes by either of its names.
    named = {}
    for key, value in gradients.items():
        if key not in meta["grads"]:
            key = next(k for k in meta["grads"] if torch.equal(weights[k], weights[key]))
        named[key] = value
    assert set(named) == set(meta["grads"])
    for key, file in meta["grads"].items():
        expected = torch.from_numpy(np.load(folder / file))
        if expected.dtype == torch.int16:  # The bits of bf16.
            expected = expected.view(torch.bfloat16)
        # bf16 rounds after every op in eager PyTorch, not after each of ours.
        rtol, share = (5e-2, 3e-2) if named[key].dtype == torch.bfloat16 else (2e-3, 2e-4)
        scale = expected.abs().max().item() + 1e-6
        torch.testing.assert_close(
            named[key], expected, rtol=rtol, atol=share * scale + 1e-7, msg=lambda m: f"{key}: {m}"
        )
