"""The main job on one model: a GPT's training step from .pt2 to gradients.

Runs the project's tools as a user would and prints what each stage did.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / "build" / "bin"

STAGES = [
    ("pre-grad", ["--pre-grad"]),
    ("autodiff", ["--build-joint-graph"]),
    ("joint-graph", ["--joint-graph"]),
    (
        "partition",
        ["--min-cut-partition=report={report}",
         "--remarks-filter-passed=fx-partition"],
    ),
    ("post-grad", ["--post-grad"]),
]


def run(tool, *args):
    """Runs a tool and gives what it wrote to stderr: its remarks."""
    command = [str(BIN / tool), *map(str, args)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{result.stderr}")
    return result.stderr


def count_ops(path):
    """Ops of the fx dialect in each function of a module."""
    counts, function = Counter(), None
    for line in path.read_text().splitlines():
        if match := re.search(r"func\.func .*?@(\w+)", line):
            function = match[1]
        elif re.search(r'(^|= )"?fx\.\w', line.strip()):
            counts[function] += 1
    return counts


def show_stages(model, folder):
    print(f"\nStages of {model.parent.name}: fx ops after each")
    path = folder / "import.mlir"
    run("fx-translate", "--import-pt2", "--loss=auto", model, "-o", path)
    report = folder / "report.json"
    previous = count_ops(path)
    print(f"  {'import':12} {describe(previous)}")
    for name, flags in STAGES:
        following = folder / f"{name}.mlir"
        flags = [flag.format(report=report) for flag in flags]
        output = run(
            "fx-opt", *flags, path, "--mlir-print-debuginfo", "-o", following
        )
        if name == "partition":
            remarks = output
        print(f"  {name:12} {describe(count_ops(following))}")
        path = following
    return json.loads(report.read_text()), remarks


def describe(counts):
    return ", ".join(f"@{name} {count}" for name, count in counts.items())


def show_saved(report, remarks):
    saved = re.findall(
        r'(\S+:\d+):\d+: remark:.*? saved .*?Reason="([^"]*)", '
        r'Remark="saves ([^"]*)", bytes=(\d+)',
        remarks,
    )
    print(
        f"\nSaved between forward and backward: {len(report['saved'])} values, "
        f"{report['saved_bytes']:,} bytes; {len(report['recomputed'])} nodes "
        f"are computed again (minimum cut {report['flow_value']:,})"
    )
    print(f"  {'value':30} {'bytes':>7}  {'line':16} why")
    for line, reason, name, size in dict.fromkeys(saved):
        line = "" if line.startswith("<unknown>") else line
        print(f"  {name:30} {int(size):>7,}  {line:16} {reason}")


def relative_error(actual, expected):
    scale = np.abs(expected).max() or 1.0
    return float(np.abs(actual.astype(np.float64) - expected).max() / scale)


def run_step(model, recorded, folder):
    library = folder / "step.so"
    run("fx-compile", model, "--mode=training", "-o", library)
    outputs = folder / "outputs.npz"
    run("fx-run", library, "--inputs", recorded, "--outputs", outputs)
    size = library.stat().st_size
    print(f"\nCompiled to {library.name} ({size:,} bytes) and run")
    actual, expected = np.load(outputs), np.load(recorded)
    print(f"  loss {actual['loss']:.6f}, PyTorch {expected['loss']:.6f}")
    errors = {
        key: relative_error(actual[key], expected[key])
        for key in expected.files
        if key.startswith("grad_")
    }
    worst = max(errors, key=errors.get)
    print(
        f"  {len(errors)} gradients, largest relative error "
        f"{errors[worst]:.1e} ({worst})"
    )
    loss_error = abs(float(actual["loss"]) - float(expected["loss"]))
    if not max(errors[worst], loss_error) < 1e-4:
        sys.exit("the step differs from PyTorch's")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model",
        default="nanogpt_naive",
        help="a folder of test/Integration/Inputs",
    )
    parser.add_argument(
        "--keep", type=Path, help="keep the intermediate files here"
    )
    options = parser.parse_args()
    inputs = ROOT / "test" / "Integration" / "Inputs" / options.model
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report, remarks = show_stages(inputs / "train.pt2", folder)
        show_saved(report, remarks)
        run_step(inputs / "train.pt2", inputs / "train.npz", folder)


if __name__ == "__main__":
    main()
