"""Compares the exact mode with PyTorch on the models of the specification.

usage: spec_models.py ORACLE-FOLDER SCRATCH [MODEL…]

Each model is compiled by torch.compile up to the point where PyTorch chooses
what to save; the joint graph that it chooses for is written in the format of
the recorded ones and given to fx-partition.
"""

import importlib.util
import json
import pathlib
import subprocess
import sys

FOLDER, SCRATCH, MODELS = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
SCRATCH.mkdir(parents=True, exist_ok=True)
# The probe reads the command line.
sys.argv = [sys.argv[0], "--out", str(SCRATCH / "probe")]
spec = importlib.util.spec_from_file_location(
    "inductor_probe", pathlib.Path(FOLDER) / "inductor_probe.py"
)
probe = importlib.util.module_from_spec(spec)
sys.modules["inductor_probe"] = probe
spec.loader.exec_module(probe)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "python"))
from fx_mlir._partition import encode_joint  # noqa: E402

BUDGETS = [1.0, 0.5, 0.0]


class Chosen(Exception):
    """Raised when PyTorch's answer is known."""


def partition(path, option):
    module = subprocess.run(
        ["fx-translate", "--import-fx-json", path], capture_output=True
    )
    if module.returncode != 0:
        return module.stderr.decode().splitlines()[0]
    report = path.with_suffix(".report.json")
    result = subprocess.run(
        [
            "fx-opt",
            f"-fx-partition=report={report} report-network {option}",
            *("-o", "/dev/null"),
        ],
        input=module.stdout,
        capture_output=True,
    )
    if result.returncode != 0:
        return result.stderr.decode().splitlines()[0]
    return json.loads(report.read_text())["cut_nodes"]


results = {}
arguments = {}


def choose(graph, info, memory_budget=1):
    path = SCRATCH / f"{probe.R['model']}.json"
    document = encode_joint(graph.owning_module, **arguments)
    path.write_text(json.dumps(document))
    aggressive = probe.fcfg.aggressive_recomputation
    for budget in BUDGETS:
        theirs = [n.name for n in probe.orig_scm(graph, info, budget)]
        mode = "aggressive" if aggressive else "default"
        ours = partition(path, f"mode={mode} memory-budget={budget}")
        results[probe.R["model"], budget] = (ours, theirs)
    raise Chosen


def remember(graph_module, joint_inputs, *args, **kwargs):
    arguments["num_fwd_outputs"] = kwargs["num_fwd_outputs"]
    arguments["static"] = kwargs.get("static_lifetime_input_indices") or []
    return probe.orig_part(graph_module, joint_inputs, *args, **kwargs)


def draws(names):
    return {name for name in names if "seed" in name}


def main():
    probe.P.choose_saved_values_set = choose
    probe.C.min_cut_rematerialization_partition = remember
    models = MODELS or [
        name
        for name in probe.M
        if ("infer" not in name and not name.startswith("q_")) or "train" in name
    ]
    equal, safer, unsplit = 0, 0, 0
    for model in models:
        probe.run(model)
        if "stub" in probe.R.get("exc", "stub"):
            # Nothing was differentiated.
            unsplit += 1
        elif not any(name == model for name, _ in results):
            print(f"{model}: PyTorch chose nothing: {probe.R.get('exc')}")
    for (model, budget), (ours, theirs) in results.items():
        if ours == theirs:
            equal += 1
        elif not isinstance(ours, str) and draws(ours) - draws(theirs):
            # PyTorch draws the numbers of its dropout again.
            safer += 1
        else:
            print(f"{model} at {budget}: {ours}, PyTorch {theirs}")
    names = {name for name, _ in results}
    print(f"{len(names)} models: {equal} equal, {safer} with saved seeds")
    return len(results) != equal + safer or len(names) + unsplit != len(models)


if __name__ == "__main__":
    sys.exit(main())
