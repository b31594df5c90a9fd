"""The peak of a partition, replayed from the recorded graph and two orders.

usage: replay.py FOLDER SCRATCH [NAME…]

Partitions recorded joint graphs and compares the peaks that the reports claim
with a replay in Python that knows nothing of the C++ model: sizes and operands
come from the recorded graph, the orders from the report. The peaks of
functorch's own partitions are also compared with figures found by another
program.
"""

import json
import math
import pathlib
import subprocess
import sys

ITEM_SIZES = {
    "float64": 8,
    "int64": 8,
    "float32": 4,
    "int32": 4,
    "bool": 1,
    "uint8": 1,
    "int8": 1,
    "float16": 2,
    "bfloat16": 2,
}
VIEWS = {
    "aten._unsafe_view.default",
    "aten.reshape.default",
    "aten.alias.default",
    "aten.detach.default",
    "aten.split.Tensor",
    "aten.split_with_sizes.default",
    "aten.unbind.int",
}
OPTIONS = [
    "memory-budget=1.0",
    "memory-budget=0.75",
    "memory-budget=0.5",
    "memory-budget=0.25",
    "memory-budget=0.0",
    "mode=aggressive",
    "peak-budget=1TiB",
]
# Megabytes at the budgets 1, 0.75, 0.5, 0.25 and 0, and aggressive.
FIGURES = {
    "gpt2_like": [59.9, 46.8, 37.7, 33.6, 84.9, 44.5],
    "transformer_block": [71.3, 67.2, 58.7, 71.3, 73.4, 67.2],
    "resnet18": [53.3, 53.3, 54.8, 54.8, 54.9, 54.8],
    "unet_small": [19.7, 16.8, 18.0, 18.5, 22.3, 18.0],
    "mlp_dropout": [23.1, 23.1, 23.1, 23.1, 23.2, 23.1],
    "cross_entropy_32k": [196.6, 196.6, 196.6, 196.6, 196.6, 196.6],
    "mlp": [35.7, 35.7, 35.7, 35.7, 35.7, 35.7],
    "dlrm_like": [29.0, 29.0, 29.0, 29.0, 29.0, 29.0],
    "gelu_bias_residual": [134.2, 134.2, 134.2, 134.2, 134.2, 134.2],
}


def find_nodes(argument, found):
    """The names that an encoded argument refers to."""
    if isinstance(argument, dict):
        if set(argument) == {"node"}:
            found.append(argument["node"])
        else:
            for value in argument.values():
                find_nodes(value, found)
    elif isinstance(argument, list):
        for value in argument:
            find_nodes(value, found)
    return found


def get_bytes(value):
    if isinstance(value, list):
        return sum(get_bytes(item) for item in value)
    if isinstance(value, dict) and "shape" in value:
        return math.prod(value["shape"]) * ITEM_SIZES[value["dtype"]]
    return 0


class Graph:
    def __init__(self, oracle, key="joint_after_dce_cse"):
        graph = oracle[key]
        self.nodes = {node["name"]: node for node in graph["nodes"]}
        self.operands = {
            name: find_nodes([node.get("args", []), node.get("kwargs", {})], [])
            for name, node in self.nodes.items()
        }
        # Merged nodes have no entry of their own in node_info: by operator.
        self.views = VIEWS | {
            node["target"]
            for name, node in self.nodes.items()
            if "view" in oracle["node_info"].get(name, {}).get("flags", [])
        }
        count = oracle["num_fwd_outputs"]
        self.outputs = [
            find_nodes(part, [])
            for part in (graph["outputs"][:count], graph["outputs"][count:])
        ]

    def is_view(self, name):
        return self.nodes[name]["target"] in self.views

    def is_element(self, name):
        return self.nodes[name].get("target") == "operator.getitem"


def replay_default(oracle):
    """The peak of PyTorch's default partition, which knows no repeated calls."""
    graph = Graph(oracle, "joint")
    answer = oracle["answers"]["default"]

    def calls(names):
        return [
            name
            for name in names
            if name in graph.nodes and graph.nodes[name]["op"] == "call_function"
        ]

    saved = set(answer["saved"])
    report = {
        "saved": [{"name": name} for name in answer["saved"]],
        "forward_order": calls(answer["fw_order"]),
        "backward_order": [n for n in calls(answer["bw_order"]) if n not in saved],
    }
    return replay(graph, report)


def replay(graph, report):
    """The largest sum of live bytes over the calls of both functions."""
    born, died, sizes = [], [], []
    shown = {}
    step = 0

    def run(name):
        nonlocal step
        node = graph.nodes[name]
        if node["op"] != "call_function":
            shown[name] = []
            return
        operands = graph.operands[name]
        if graph.is_element(name) and not graph.is_view(operands[0]):
            shown[name] = [shown[operands[0]][node["args"][1]]]
            return
        if graph.is_element(name) or graph.is_view(name):
            shown[name] = list(shown.get(operands[0], [])) if operands else []
            return
        for operand in operands:
            for block in shown.get(operand, []):
                died[block] = step
        value = node.get("val")
        shown[name] = []
        for item in value if isinstance(value, list) else [value]:
            shown[name].append(len(sizes))
            sizes.append(get_bytes(item))
            born.append(step)
            died.append(step)
        step += 1

    for name in report["forward_order"]:
        run(name)
    kept = [block for name in graph.outputs[0] for block in shown.get(name, [])]
    saved = {e["name"]: shown.get(e["name"], []) for e in report["saved"]}
    shown = dict(saved)
    for name in report["backward_order"]:
        run(name)
        if name in saved:
            shown[name] = saved[name]
    kept += [block for name in graph.outputs[1] for block in shown.get(name, [])]
    for block in kept:
        died[block] = step - 1
    change = [0] * (step + 1)
    for first, last, size in zip(born, died, sizes):
        change[first] += size
        change[last + 1] -= size
    live = peak = 0
    for amount in change:
        live += amount
        peak = max(peak, live)
    return peak


def partition(module, option, report):
    subprocess.run(
        [
            "fx-opt",
            f"-fx-partition={option} report={report} report-network",
            "-fx-verify-partition",
            "-o",
            report.with_suffix(".mlir"),
        ],
        input=module,
        check=True,
    )
    return json.loads(report.read_text())


def main(folder, scratch, *names):
    scratch = pathlib.Path(scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    files = sorted(pathlib.Path(folder).glob("*.json"))
    files = [file for file in files if not names or file.stem in names]
    numbers = {"compared": 0, "different": 0, "copies": 0}
    for file in files:
        graph = Graph(json.loads(file.read_text()))
        module = subprocess.run(
            ["fx-translate", "--import-fx-json", file], capture_output=True, check=True
        ).stdout
        front = []
        for index, option in enumerate(OPTIONS):
            report = partition(module, option, scratch / f"{file.stem}.{index}.json")
            peaks = {"report": report["peak_bytes"], "replay": replay(graph, report)}
            if file.stem in FIGURES and index < len(FIGURES[file.stem]):
                peaks["figure"] = FIGURES[file.stem][index]
                peaks["rounded"] = round(report["peak_bytes"] / 1e6, 1)
            front = report.get("front", front)
            compare(numbers, file.stem, option, peaks)
        # Three budgets with recomputation between the smallest and all.
        for index in (0, len(front) // 3, 2 * len(front) // 3):
            budget = front[index]["peak_bytes"]
            option = f"peak-budget={budget}"
            report = partition(module, option, scratch / f"{file.stem}.p{index}.json")
            peaks = {"report": report["peak_bytes"], "replay": replay(graph, report)}
            compare(numbers, file.stem, option, peaks)
            order = report["backward_order"]
            numbers["copies"] += len(order) - len(set(order))
            if report["peak_bytes"] > budget:
                numbers["different"] += 1
                print(f"{file.stem} {option}: {report['peak_bytes']}")
    print(", ".join(f"{count} {what}" for what, count in numbers.items()))
    return not files or numbers["different"] != 0


def compare(numbers, name, option, peaks):
    numbers["compared"] += 1
    if peaks["report"] != peaks["replay"] or peaks.get("figure") != peaks.get("rounded"):
        numbers["different"] += 1
        print(f"{name} {option}: {peaks}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
