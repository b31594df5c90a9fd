"""Partitions recorded joint graphs and compares every step with PyTorch's.

usage: oracle.py ORACLE-FOLDER SCRATCH-FOLDER [NAME…]
"""

import json
import pathlib
import subprocess
import sys

# Options of the pass, and where PyTorch's answer is.
RUNS = {
    "mode=default": ("min_cut",),
    "mode=aggressive": ("min_cut_aggressive",),
    **{
        f"memory-budget={budget}": ("budget", budget)
        for budget in ("0.0", "0.25", "0.5", "0.75", "1.0")
    },
}


class Comparison:
    def __init__(self):
        self.differences = []

    def equal(self, what, ours, theirs):
        if ours == theirs:
            return
        if isinstance(ours, list) and isinstance(theirs, list):
            first = next(
                (i for i, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]),
                min(len(ours), len(theirs)),
            )
            ours, theirs = ours[first : first + 3], theirs[first : first + 3]
            what += f"[{first}:]"
        self.differences.append(f"{what}: {ours}, PyTorch has {theirs}")


def import_graph(graph):
    """The text of the graph's module."""
    command = ["fx-translate", "--import-fx-json", graph]
    return subprocess.run(command, capture_output=True, check=True).stdout


def partition(module, report, option):
    """Runs the partition; returns its report."""
    command = [
        "fx-opt",
        f"-fx-partition=report={report} report-network {option}",
        "-fx-verify-partition",
        "-o",
        report.with_suffix(".mlir"),
    ]
    subprocess.run(command, input=module, capture_output=True, check=True)
    return json.loads(report.read_text())


def compare_network(oracle, report, comparison):
    """Classification, weights and cut of the default mode."""
    ours = {node["name"]: node for node in report["nodes"]}
    answer = oracle["answers"]["solve_min_cut"]
    network = answer["network"]
    for name, info in oracle["node_info"].items():
        node = ours.get(name)
        if node is None:
            continue
        comparison.equal(f"{name}.flags", sorted(node["flags"]), sorted(info["flags"]))
        for key in ("fw_order", "dist_from_bw", "bytes", "flops"):
            comparison.equal(f"{name}.{key}", node.get(key), info[key])
        comparison.equal(
            f"{name}.capacity", node.get("capacity"), network["node_capacity"].get(name)
        )
        comparison.equal(
            f"{name}.banned", "banned" in node, f"{name}_in" in network["source"]
        )
    comparison.equal("sink", sorted(report["sink"]), sorted(network["sink"]))
    comparison.equal("data_edges", report["data_edges"], network["data_edges"])
    comparison.equal("flow_value", report["flow_value"], answer["cut_value"])
    comparison.equal("cut_nodes", report["cut_nodes"], answer["cut_nodes"])


def compare_without_draws(report, answer, comparison):
    """Where PyTorch draws the seeds again in the backward, which then has other
    random numbers than the forward: here they are saved."""

    def is_draw(name):
        return name.startswith(("inductor_seeds", "inductor_lookup_seed"))

    saved = [entry["name"] for entry in report["saved"]]
    comparison.equal("saved", [n for n in saved if not is_draw(n)], answer["saved"])
    comparison.equal(
        "recomputed seeds",
        [name for name in report["recomputed"] if name.startswith("inductor_seeds")],
        [],
    )


def compare(oracle, report, option):
    comparison = Comparison()
    nodes = oracle["joint_after_dce_cse"]["nodes"]
    comparison.equal(
        "nodes", [n["name"] for n in report["nodes"]], [n["name"] for n in nodes]
    )
    if option == "mode=default":
        compare_network(oracle, report, comparison)
    answer = oracle["answers"]
    for key in RUNS[option]:
        answer = answer[key]
    if any(name.startswith("inductor_seeds") for name in answer["recomputed"]):
        compare_without_draws(report, answer, comparison)
        return comparison.differences
    saved = [entry["name"] for entry in report["saved"]]
    comparison.equal("saved", saved, answer["saved"])
    if "saved_detail" in answer:
        comparison.equal("saved", report["saved"], answer["saved_detail"])
    comparison.equal("saved_bytes", report["saved_bytes"], answer["saved_bytes"])
    if answer["cut_values"]:
        comparison.equal("flow_value", report["flow_value"], answer["cut_values"][-1])
    comparison.equal(
        "recomputed", sorted(report["recomputed"]), sorted(answer["recomputed"])
    )
    if "fw_order" not in answer:
        return comparison.differences
    calls = {n["name"] for n in nodes if n["op"] == "call_function"}
    comparison.equal(
        "forward_order",
        report["forward_order"],
        [name for name in answer["fw_order"] if name in calls],
    )
    comparison.equal(
        "backward_order",
        report["backward_order"],
        [n for n in answer["bw_order"] if n in calls and n not in answer["saved"]],
    )
    return comparison.differences


def main(folder, scratch, *names):
    scratch = pathlib.Path(scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    graphs = sorted(pathlib.Path(folder).glob("*.json"))
    graphs = [g for g in graphs if not names or g.stem in names]
    equal = {option: 0 for option in RUNS}
    for graph in graphs:
        oracle = json.loads(graph.read_text())
        module = None
        for number, option in enumerate(RUNS):
            try:
                module = module or import_graph(graph)
                report = partition(module, scratch / f"{graph.stem}.{number}.json", option)
            except subprocess.CalledProcessError as error:
                differences = [f"{error}", error.stderr.decode()]
            else:
                differences = compare(oracle, report, option)
            equal[option] += not differences
            for difference in differences[:10]:
                print(f"{graph.stem} {option} {difference}")
    for option, count in equal.items():
        print(f"{option}: {count} of {len(graphs)} equal")
    return not graphs or any(count != len(graphs) for count in equal.values())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
