"""`--fx-verify-each=numeric`: no pass of the graph stages changes a number, forward
and gradients, on the project's models, on the zoo's where they are at hand, and on
the functions of the passes' own tests.

`python3 test_verify_numeric.py` prints which pass changed which models' graphs.
"""

import re
import shlex
import subprocess
import sys

import model_zoo
import pytest
from fx_graphs import ROOT, tool

# What a level's file needs before and after the joint-graph stage: `core` has
# the core ops, `joint` the gradients already.
LEVELS = {"fwd": ("pre-grad", "joint-graph", "post-grad"),
          "core": ("joint-graph", "post-grad"),
          "train": ("pre-grad", "build-joint-graph", "joint-graph", "min-cut-partition",
                    "post-grad"),
          "joint": ("joint-graph", "post-grad")}
# The passes that are off by default, too.
ENABLED = {"pre-grad": "enable=fx-fold-conv-batch-norm",
           "joint-graph": "target=nvptx enable=fx-fuse-attention,fx-scale-softmax",
           "post-grad": "target=nvptx enable=fx-reorder-for-locality"}
FOLDERS = [folder for folder in (ROOT / "test" / "Integration" / "Inputs", model_zoo.ZOO)
           if folder]
RUNS = [(folder, model, level, which) for folder in FOLDERS
        for model, level in model_zoo.files(folder) for which in ("default", "all")]

pytestmark = pytest.mark.skipif(tool("fx-opt") is None, reason="needs fx-opt")


def verify(folder, model, level, which):
    """What each pass that changed something did: (compared, worst, not compared)."""
    text = model_zoo.import_program(folder / model / f"{level}.pt2")
    flags = []
    for stage in LEVELS[level]:
        options = ENABLED.get(stage) if which == "all" else None
        flags.append(f"--{stage}={options}" if options else f"--{stage}")
    done = subprocess.run([tool("fx-opt"), *flags, "--fx-verify-each=numeric", "-o", "/dev/null"],
                          input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    passes = {}
    for line in done.stderr.splitlines():
        if match := re.fullmatch(r"  ([\w-]+): (.*)", line):
            compared = re.match(r"(\d+) times compared, at most (\S+) of", match[2])
            refused = re.search(r"not compared: (.*)", match[2])
            passes[match[1]] = (int(compared[1]) if compared else 0,
                                float(compared[2]) if compared else 0.0,
                                refused[1] if refused else "")
    return passes


@pytest.mark.parametrize("folder, model, level, which", RUNS,
                         ids=[f"{f.name}-{m}-{l}-{w}" for f, m, l, w in RUNS])
def test_model(folder, model, level, which):
    for name, (compared, _, refused) in verify(folder, model, level, which).items():
        assert not refused, f"{name}: {refused}"
        assert compared, name


def lit_runs():
    """fx-opt's flags in the tests of passes, where these are not about errors."""
    for stage in ("PreGrad", "JointGraph", "PostGrad", "Autodiff", "Partition"):
        for path in sorted((ROOT / "test" / stage).glob("*.mlir")):
            for flags in re.findall(r"^// RUN: fx-opt %s ([^|>%\\\n]*?) \|", path.read_text(), re.M):
                if "diagnostics" not in flags:
                    yield pytest.param(path, flags, id=f"{path.stem} {flags}")


@pytest.mark.parametrize("path, flags", list(lit_runs()))
def test_lit_file(path, flags):
    done = subprocess.run([tool("fx-opt"), str(path), *shlex.split(flags),
                           "--fx-verify-each=numeric", "-o", "/dev/null"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def main():
    table = {}
    for folder, model, level, which in RUNS:
        if folder != FOLDERS[-1]:
            continue
        for name, (_, worst, _) in verify(folder, model, level, which).items():
            models, ratio = table.setdefault(name, (set(), []))
            models.add(f"{model} {level}")
            ratio.append(worst)
    print("| pass | graphs changed | largest difference / tolerance | for example |")
    print("|---|---|---|---|")
    for name, (models, worst) in sorted(table.items()):
        examples = ", ".join(sorted(models)[:3])
        print(f"| `{name}` | {len(models)} | {max(worst):.2g} | {examples} |")


if __name__ == "__main__":
    sys.exit(main())
