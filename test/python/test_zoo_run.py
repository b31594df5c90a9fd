"""Models of the zoo as machine code, without Python: fx-run's results against
what PyTorch recorded. `python3 test_zoo_run.py [FLAGS of fx-run]` prints a
table; `FX_RT_GUARD_PAGES=1 python3 test_zoo_run.py --separate-buffers` looks for
accesses beyond buffers. With `--shared-library` fx-compile makes a library first.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import torch
import model_zoo
from fx_graphs import tool

# What stand-alone code cannot do, by a part of the error.
REFUSED = {
    # The number of results depends on the values.
    ("unbacked_nonzero", "fwd"): "aten.nonzero.default",
    # Another type over the same bits.
    ("views_strided", "fwd"): "aten.view.dtype",
}
# torch.export drops the backward of an autograd.Function: the gradients of the
# file's graph are others.
LOSS_ONLY = {"custom_autograd_fn"}
MODELS = [(model, level) for model, level in model_zoo.files(model_zoo.ZOO) if level in ("fwd", "train")]

pytestmark = pytest.mark.skipif(
    not MODELS or tool("fx-run") is None, reason="needs the model zoo beside the project")


class Refused(Exception):
    pass


def run_tool(name, *arguments):
    done = subprocess.run([tool(name), *arguments], capture_output=True, text=True)
    if done.returncode == 1 and done.stderr.strip():
        raise Refused(done.stderr)
    assert done.returncode == 0, done.stderr


def fx_run(path, entries, training, folder, flags):
    """The results by name: out_<k>, or loss and grad_<parameter>."""
    arrays = {f"in_{k}": np.load(path.parent / entry["file"]).reshape(entry["shape"])
              for k, entry in enumerate(entries)}
    np.savez(folder / "in.npz", **arrays)
    flags = [*(["--mode=training"] if training else []), *flags]
    if "--shared-library" in flags:
        flags.remove("--shared-library")
        run_tool("fx-compile", str(path), *flags, "-o", str(folder / "model.so"))
        path, flags = folder / "model.so", []
    run_tool("fx-run", str(path), *flags, "--inputs", str(folder / "in.npz"), "--outputs", str(folder / "out.npz"))
    return np.load(folder / "out.npz")


def compare(array, recorded, dtype, what, loose):
    """bf16 is stored as its bits."""
    expected = torch.from_numpy(recorded)
    actual = torch.from_numpy(array).reshape(expected.shape)
    if dtype == "torch.bfloat16":
        expected, actual = expected.view(torch.bfloat16), actual.view(torch.bfloat16)
    model_zoo.close(actual, expected, what, loose)


def check_forward(path, meta, folder, flags):
    results = fx_run(path, meta["in"], False, folder, flags)
    outputs = [results[key] for key in results.files if key.startswith(("out_", "loss"))]
    # A number that the program returns is a result too; None is none.
    entries = [entry for entry in meta["out"] if entry.get("const", 0) is not None]
    for array, entry in zip(outputs, entries, strict=True):
        if "file" not in entry:
            assert array == entry["const"]
            continue
        recorded = np.load(path.parent / entry["file"]).reshape(entry["shape"])
        compare(array, recorded, entry["dtype"], entry["file"], 10)


def check_training(path, meta, folder, flags):
    results = fx_run(path, meta["train_in"], True, folder, flags)
    weights = model_zoo.load_weights(path)
    low = any(weight.dtype == torch.bfloat16 for weight in weights.values())
    compare(results["loss"], np.load(path.parent / "loss.npy"),
            "torch.bfloat16" if results["loss"].dtype == np.int16 else "", "loss", 10)
    if path.parent.name in LOSS_ONLY:
        return
    gradients = {key[5:]: results[key] for key in results.files if key.startswith("grad_")}
    for name, file in meta["grads"].items():
        # A tied weight goes by either of its names.
        if name not in gradients:
            name = next(n for n in gradients if torch.equal(weights[n], weights[name]))
        recorded = np.load(path.parent / file)
        dtype = "torch.bfloat16" if low and recorded.dtype == np.int16 else ""
        compare(gradients[name], recorded, dtype, name, 100)


def check(model, level, folder, *flags):
    path = model_zoo.ZOO / model / f"{level}.pt2"
    meta = json.loads((path.parent / "meta.json").read_text())
    if level == "fwd":
        check_forward(path, meta, folder, flags)
    elif meta["grads"]:
        check_training(path, meta, folder, flags)


@pytest.mark.parametrize("model, level", MODELS)
def test_model(model, level, tmp_path):
    if (model, level) not in REFUSED:
        check(model, level, tmp_path)
        return
    with pytest.raises(Refused, match=REFUSED[model, level]):
        check(model, level, tmp_path)


def main():
    failures = 0
    for model, level in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                check(model, level, pathlib.Path(folder), *sys.argv[1:])
                answer = "right"
            except Refused as error:
                answer = f"refused: {str(error).strip().splitlines()[0]}"
            except Exception as error:  # Reported in the table.
                answer = f"WRONG: {str(error)[-300:]}"
                failures += 1
        print(f"| {model} | {level} | {answer} |", flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(main())
