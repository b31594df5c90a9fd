"""Compiles a training step with several options of the partition and runs it
with one and two threads: all results must be equal to the last bit.

usage: same_bits.py MODEL INPUTS SCRATCH OPTION…

INPUTS is an .npz, or `random` for random ones of the model's shapes.
"""

import json
import pathlib
import re
import subprocess
import sys

import numpy as np

DTYPES = {"f32": np.float32, "i64": np.int64}


def make_inputs(model, path):
    random = np.random.default_rng(0)
    arrays = {}
    for shape, dtype, name in re.findall(
        r'%\w+: tensor<([0-9x]*)x(\w+)> \{[^}]*fx.name = "(\w+)"', model.read_text()
    ):
        sizes = [int(size) for size in shape.split("x")]
        if dtype == "i64":
            arrays[name] = random.integers(0, 8, sizes)
        else:
            arrays[name] = (random.normal(size=sizes) / 16).astype(DTYPES[dtype])
    np.savez(path, **arrays)
    return path


def run(*command):
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True
    )
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")


def main(model, inputs, scratch, *options):
    model, scratch = pathlib.Path(model), pathlib.Path(scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    if inputs == "random":
        inputs = make_inputs(model, scratch / "inputs.npz")
    first, different = None, 0
    partitions = set()
    for option in options:
        report = scratch / "report.json"
        library = scratch / "model.so"
        if option == "peak-budget=smallest":
            option = f"peak-budget={smallest}"
        run(
            *("fx-compile", model, "--mode=training", "-o", library),
            f"--partition={option} report={report}",
        )
        content = json.loads(report.read_text())
        smallest = content.get("smallest_bytes")
        partitions.add(tuple(entry["name"] for entry in content["saved"]))
        for threads in (1, 2):
            outputs = scratch / "outputs.npz"
            run(
                *("fx-run", library, "--inputs", inputs, "--outputs", outputs),
                *("--threads", threads, "--seed", 7),
            )
            arrays = dict(np.load(outputs))
            first = first or arrays
            for name, array in arrays.items():
                if array.tobytes() != first[name].tobytes():
                    different += 1
                    print(f"{option}, {threads} threads: {name} differs")
    names = ", ".join(sorted(first))
    print(f"{len(partitions)} partitions of {len(options)}, equal bits: {names}")
    return different != 0 or not all(np.isfinite(a).all() for a in first.values())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
