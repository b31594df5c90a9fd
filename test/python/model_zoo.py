"""Models with recorded results: import, text and bytecode, Python, eager.

`python3 model_zoo.py` prints a table of all models of the zoo, level by level.
"""

import json
import pathlib
import sys

import numpy as np
import torch
from fx_graphs import ROOT, load_fx_diff, run, to_python


def find_zoo():
    for parent in (ROOT.parent, ROOT.parent.parent):
        folder = parent / "shared" / "zoo" / "models"
        if folder.exists():
            return folder
    return None


ZOO = find_zoo()
LEVELS = ("fwd", "core", "train", "joint")


def files(folder):
    """(model, level) of each archive of a folder like the zoo's."""
    if folder is None or not folder.exists():
        return []
    return [(path.parent.name, path.stem) for path in sorted(folder.glob("*/*.pt2"))
            if path.stem in LEVELS]


def import_program(path):
    return run("fx-translate", "--import-pt2", str(path))


def check_round_trip(text, folder):
    """Text and bytecode give the same module again, names and all."""
    file, bytecode = folder / "module.mlir", folder / "module.mlirbc"
    file.write_text(text)
    assert run("fx-opt", str(file), "-mlir-print-debuginfo") == text
    run("fx-opt", str(file), "--emit-bytecode", "-o", str(bytecode))
    assert run("fx-opt", str(bytecode), "-mlir-print-debuginfo") == text


def load_array(folder, entry):
    array = torch.from_numpy(np.load(folder / entry["file"]))
    if entry["dtype"] == "torch.bfloat16":
        array = array.view(torch.bfloat16)
    return array.reshape(entry["shape"])


def load_bits(path, like):
    """An array whose type is not recorded; bf16 is stored as its bits."""
    array = torch.from_numpy(np.load(path))
    if like.dtype == torch.bfloat16 and array.dtype == torch.int16:
        array = array.view(torch.bfloat16)
    return array.reshape(like.shape)


def load_weights(path):
    """Parameters, buffers and constants by name. torch.export.load would need
    the classes that the program's inputs and outputs are made of."""
    return load_fx_diff().load_weights(path)


def make_arguments(path, signature, entries):
    """What the exported function takes: weights by name, recorded inputs."""
    weights = load_weights(path)
    inputs = iter([load_array(path.parent, entry) for entry in entries])
    arguments = []
    for argument in signature["arguments"]:
        if argument["role"] == "tangent":
            value = torch.ones(argument["shape"], dtype=argument["dtype"])
        elif argument["name"] in weights:
            value = weights[argument["name"]]
        else:
            value = next(inputs)
        arguments.append(value)
    assert next(inputs, None) is None, "not all recorded inputs are arguments"
    return arguments


def close(actual, expected, what, loose=1):
    """Reductions and fused ops round in other orders than when recorded."""
    if not isinstance(actual, torch.Tensor):
        actual = torch.tensor(actual)
    assert actual.dtype == expected.dtype, f"{what}: {actual.dtype}"
    low = {torch.bfloat16: 2e-2, torch.float16: 2e-3}
    rtol = loose * low.get(actual.dtype, 2e-5 if actual.is_floating_point() else 0)
    scale = 1.0
    if actual.is_floating_point() and actual.numel():
        scale = max(expected.nan_to_num(0, 0, 0).abs().max().item(), 1e-3)
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=rtol * scale, equal_nan=True,
                               msg=lambda m: f"{what}: {m}")


def check_results(path, level, signature, results, meta):
    """Results of an exported function against the recorded ones."""
    folder = path.parent
    by_role = {}
    for value, entry in zip(results, signature["results"], strict=True):
        by_role.setdefault(entry["role"], []).append((entry["name"], value))
    outputs = by_role.get("output", []) + by_role.get("loss", [])
    if level in ("fwd", "core"):
        recorded = [entry for entry in meta["out"] if "file" in entry]
        # Constants may be results of the function, or not.
        values = [value for _, value in outputs]
        if len(values) != len(recorded):
            values = [v for v, entry in zip(values, [e for e in meta["out"]
                                                     if e.get("const", 0) is not None])
                      if "file" in entry]
        assert len(values) == len(recorded)
        for value, entry in zip(values, recorded):
            close(value, load_array(folder, entry), entry["file"])
        return
    assert len(outputs) == 1
    close(outputs[0][1], load_bits(folder / "loss.npy", outputs[0][1]), "loss", 10)
    if level != "joint":
        return
    gradients = dict(by_role.get("gradient", []))
    for name, file in meta["grads"].items():
        if name in gradients:
            close(gradients[name], load_bits(folder / file, gradients[name]), name, 100)
    assert gradients.keys() <= meta["grads"].keys()
    assert gradients, "a joint graph without gradients"


def check_export(path, text, folder):
    level = path.stem
    meta = json.loads((path.parent / "meta.json").read_text())
    module = to_python(text, folder / f"{path.parent.name}_{level}.py")
    function, = module.SIGNATURES
    signature = module.SIGNATURES[function]
    entries = meta["in"] if level in ("fwd", "core") else meta["train_in"]
    arguments = make_arguments(path, signature, entries)
    torch.manual_seed(7)
    results = getattr(module, function)(*arguments)
    check_results(path, level, signature, results, meta)


def main():
    """Prints a table; exits with the number of cells that are not `equal`."""
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ZOO
    import tempfile

    rows, failures = {}, []
    for model, level in files(folder):
        path = folder / model / f"{level}.pt2"
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            reached = "not imported"
            try:
                text = import_program(path)
                reached = "imported"
                check_round_trip(text, scratch)
                reached = "round trip"
                check_export(path, text, scratch)
                reached = "equal"
            except Exception as error:  # Reported in the table.
                failures.append(f"{model}/{level} ({reached}): {str(error)[-600:]}")
        rows.setdefault(model, {})[level] = reached
    print("| model | " + " | ".join(LEVELS) + " |")
    print("|---" * (1 + len(LEVELS)) + "|")
    for model, cells in rows.items():
        print(f"| {model} | " + " | ".join(cells.get(level, "–") for level in LEVELS) + " |")
    for failure in failures:
        print(failure, file=sys.stderr)
    return min(len(failures), 100)


if __name__ == "__main__":
    sys.exit(main())
