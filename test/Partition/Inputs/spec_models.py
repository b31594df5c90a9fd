"""Compares the exact mode with PyTorch on the models of the specification.

usage: spec_models.py ORACLE-FOLDER SCRATCH [MODEL…]

Each model is compiled by torch.compile up to the point where PyTorch chooses
what to save; the joint graph that it chooses for is written in the format of
the recorded ones and given to fx-partition.
"""

import importlib.util
import json
import math
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

import torch  # noqa: E402
from torch.fx.experimental.symbolic_shapes import optimization_hint  # noqa: E402

SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)
BUDGETS = [1.0, 0.5, 0.0]


class Chosen(Exception):
    """Raised when PyTorch's answer is known."""


def size_of(dimension):
    if isinstance(dimension, torch.SymInt):
        return optimization_hint(dimension, fallback=4096)
    return dimension


def encode(value):
    """An argument or metadata in the format of the recorded graphs."""
    if isinstance(value, torch.fx.Node):
        return {"node": value.name}
    if isinstance(value, torch.Tensor):
        return {
            "shape": [size_of(d) for d in value.shape],
            "stride": [size_of(d) for d in value.stride()],
            "dtype": str(value.dtype).removeprefix("torch."),
            "device": "cpu",
            "offset": 0,
        }
    if isinstance(value, SYMBOLIC):
        return {"sym": str(value)}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, torch.dtype):
        return {"dtype": str(value).removeprefix("torch.")}
    if isinstance(value, torch.device):
        return {"device": str(value)}
    if isinstance(value, torch.layout):
        return {"layout": "strided"}
    if isinstance(value, torch.memory_format):
        return {"memory_format": str(value).removeprefix("torch.")}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def encode_target(target):
    if isinstance(target, str):
        return target
    if isinstance(target, torch._ops.OpOverload):
        return str(target)
    return f"operator.{target.__name__}"


def get_kind(name):
    for kind in ("tangents", "fwd_seed_offset", "bwd_seed_offset"):
        if kind in name:
            return kind.removesuffix("s")
    return "primal"


def encode_node(graph_module, node):
    entry = {"name": node.name, "op": node.op}
    if node.op == "placeholder":
        entry["kind"] = get_kind(node.name)
    else:
        entry["target"] = encode_target(node.target)
    if node.op == "get_attr":
        value = getattr(graph_module, node.target)
        entry["value"] = value.tolist()
        entry["val"] = encode(value)
    if node.op == "call_function":
        entry["args"] = encode(node.args)
        if node.kwargs:
            entry["kwargs"] = {k: encode(v) for k, v in node.kwargs.items()}
    if "val" in node.meta:
        entry["val"] = encode(node.meta["val"])
    if node.meta.get("recompute") is not None:
        entry["recompute"] = node.meta["recompute"].name
    for key in ("partitioner_tag", "ac_graph_id"):
        if key in node.meta:
            entry[key] = node.meta[key]
    return entry


def encode_graph(graph, num_outputs, static):
    *nodes, output = graph.nodes
    outputs = torch.utils._pytree.tree_leaves(output.args, lambda x: x is None)
    return {
        "format": "joint-graph-oracle-1",
        "num_fwd_outputs": num_outputs,
        "static_lifetime_input_indices": sorted(static),
        "joint": {
            "nodes": [encode_node(graph.owning_module, node) for node in nodes],
            "outputs": [encode(value) for value in outputs],
        },
    }


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
    document = encode_graph(graph, **arguments)
    path.write_text(json.dumps(document))
    aggressive = probe.fcfg.aggressive_recomputation
    for budget in BUDGETS:
        theirs = [n.name for n in probe.orig_scm(graph, info, budget)]
        mode = "aggressive" if aggressive else "default"
        ours = partition(path, f"mode={mode} memory-budget={budget}")
        results[probe.R["model"], budget] = (ours, theirs)
    raise Chosen


def remember(graph_module, joint_inputs, *args, **kwargs):
    arguments["num_outputs"] = kwargs["num_fwd_outputs"]
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
