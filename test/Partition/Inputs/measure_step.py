"""Memory that a compiled training step takes.

usage: measure_step.py MODEL SCRATCH OPTION…

For each options of the partition prints the peak of its model, in which nothing
is fused, the bytes of the compiled step's plan, and what the run-time library
asked for while fx-run ran it, on one thread.
"""

import ctypes
import json
import pathlib
import re
import subprocess
import sys

import numpy as np


def make_inputs(library, path):
    """Arrays for all arguments but seeds."""
    code = ctypes.CDLL(str(library))
    code.fx_model_describe.restype = ctypes.c_char_p
    functions = json.loads(code.fx_model_describe())["functions"]
    step = next(f for f in functions if f["name"] == "step")
    rng = np.random.default_rng(0)
    arrays = {}
    for argument in step["arguments"]:
        shape, dtype = argument["shape"], argument["dtype"]
        if argument["role"] == "seed":
            continue
        if dtype.startswith("float"):
            arrays[argument["name"]] = (0.1 * rng.random(shape)).astype(dtype)
        else:
            dtype = "int16" if dtype == "bfloat16" else dtype
            arrays[argument["name"]] = np.zeros(shape, dtype)
    np.savez(path, **arrays)


def measure(model, scratch, option):
    library, report = scratch / "step.so", scratch / "report.json"
    inputs = scratch / "inputs.npz"
    partition = f"--partition={option} report={report}"
    subprocess.run(
        ["fx-compile", model, "--mode=training", partition, "-o", library],
        check=True,
    )
    make_inputs(library, inputs)
    command = ["fx-run", library, "--memory", "--threads=1", "--inputs", inputs]
    text = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    planned, measured = map(
        int, re.search(r"planned (\d+) bytes.* measured (\d+) bytes", text).groups()
    )
    resident = float(re.search(r"resident ([\d.]+) MB", text)[1])
    return json.loads(report.read_text()), planned, measured, resident


def main(model, scratch, *options):
    scratch = pathlib.Path(scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    for option in options:
        if option == "peak-budget=smallest":
            option = f"peak-budget={smallest}"
        content, planned, measured, resident = measure(model, scratch, option)
        smallest = content.get("smallest_bytes")
        print(
            f"{option}: model {content['peak_bytes']}, planned {planned}, "
            f"measured {measured}, resident {resident} MB"
        )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
