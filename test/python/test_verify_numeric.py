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
# The passes that are off by default, too, for both targets.
OFF = {"pre-grad": "enable=fx-fold-conv-batch-norm,fx-simplify-splits,fx-batch-linear",
       "joint-graph": "enable=fx-fuse-attention,fx-scale-softmax",
       "post-grad": "enable=fx-reorder-for-locality,fx-decompose-mm"}
STAGES = {"pre-grad": "PreGrad", "joint-graph": "JointGraph", "post-grad": "PostGrad"}
# What the stages are asked for: nothing, all for a CPU, all for a GPU.
WAYS = ("default", "all", "all-nvptx")
FOLDERS = [folder for folder in (ROOT / "test" / "Integration" / "Inputs", model_zoo.ZOO)
           if folder]
RUNS = [(folder, model, level, which) for folder in FOLDERS
        for model, level in model_zoo.files(folder) for which in WAYS]

pytestmark = pytest.mark.skipif(tool("fx-opt") is None, reason="needs fx-opt")


def get_flag(stage, which):
    if which == "default" or stage not in OFF:
        return f"--{stage}"
    target = "target=nvptx " if which == "all-nvptx" else ""
    return f"--{stage}={target}{OFF[stage]}"


def test_all_passes_run():
    """A pass that a stage has is one that the models' graphs go through."""
    for stage, folder in STAGES.items():
        text = (ROOT / "include" / "fx" / folder / "Passes.td").read_text()
        known = set(re.findall(r'Pass<"(fx-[\w-]+)"', text))
        done = subprocess.run([tool("fx-opt"), get_flag(stage, "all-nvptx"),
                               "--dump-pass-pipeline", "-o", "/dev/null"],
                              input="module {}", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        run = set(re.findall(r"fx-[\w-]+", done.stderr))
        # The stage's verifier is run on request.
        assert known - run == {f"fx-verify-{stage}"}


def verify(folder, model, level, which):
    """What each pass that changed something did: (compared, worst, not compared)."""
    text = model_zoo.import_program(folder / model / f"{level}.pt2")
    flags = [get_flag(stage, which) for stage in LEVELS[level]]
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
