"""Loss and gradients of whole models against the recorded ones.

Needs ../shared/zoo; each model goes the whole way: archive, decomposition,
joint graph, Python.
"""

import json

import pytest
import torch
import model_zoo
from fx_graphs import run, to_python
from test_autodiff import CORE, JOINT



def has_gradients(model):
    return bool(json.loads((model_zoo.ZOO / model / "meta.json").read_text())["grads"])


# torch.export traces through an autograd.Function's forward and drops its
# backward: the file does not say what the recorded gradients came from.
MODELS = [
    model
    for model, level in model_zoo.files(model_zoo.ZOO)
    if level == "train" and has_gradients(model) and model != "custom_autograd_fn"
]
# bf16 rounds after every op in eager PyTorch, not after each of ours.
TOLERANCE = {torch.bfloat16: (5e-2, 3e-2), torch.float16: (1e-2, 5e-3)}

pytestmark = pytest.mark.skipif(not MODELS, reason="needs the model zoo beside the project")


@pytest.mark.parametrize("level", ["autodiff", "core"])
@pytest.mark.parametrize("name", MODELS)
def test_model(name, level, tmp_path):
    path = model_zoo.ZOO / name / "train.pt2"
    folder = path.parent
    meta = json.loads((folder / "meta.json").read_text())
    text = run("fx-translate", "--import-pt2", str(path))
    text = run("fx-opt", f"--pass-pipeline={JOINT}", "-mlir-print-debuginfo", text=text)
    if level == "core":
        text = run("fx-opt", f"--pass-pipeline={CORE}", "-mlir-print-debuginfo", text=text)
    module = to_python(text, tmp_path / f"{name}.py")
    signature = module.SIGNATURES["main"]
    torch.manual_seed(7)
    results = module.main(*model_zoo.make_arguments(path, signature, meta["train_in"]))

    loss = [v for v, r in zip(results, signature["results"]) if r["role"] in ("loss", "output")]
    gradients = {
        r["name"]: v for v, r in zip(results, signature["results"]) if r["role"] == "gradient"
    }
    model_zoo.close(loss[0], model_zoo.load_bits(folder / "loss.npy", loss[0]), "loss", 10)
    # A tied weight goes by either of its names.
    weights = model_zoo.load_weights(path)
    named = {}
    for key, value in gradients.items():
        if key not in meta["grads"]:
            key = next(k for k in meta["grads"] if torch.equal(weights[k], weights[key]))
        named[key] = value
    assert set(named) == set(meta["grads"])
    for key, file in meta["grads"].items():
        expected = model_zoo.load_bits(folder / file, named[key])
        rtol, share = TOLERANCE.get(named[key].dtype, (2e-3, 2e-4))
        scale = expected.abs().max().item() + 1e-6
        torch.testing.assert_close(
            named[key], expected, rtol=rtol, atol=share * scale + 1e-7, msg=lambda m: f"{key}: {m}"
        )
