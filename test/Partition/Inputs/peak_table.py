"""Peaks of functorch's partitions and of ours, on recorded joint graphs.

usage: peak_table.py [--markdown] FOLDER SCRATCH [NAME…]

For each graph one search, and what it must give: a front on which a larger
peak is cheaper; at the operations that functorch recomputes never a larger
peak; a smaller one where the bound is 10 % lower or where functorch takes more
memory for a smaller budget. What a share of the peak of PyTorch's default
partition may cost is checked for graphs that have TARGETS.
"""

import argparse
import json
import pathlib
import subprocess
import sys

from replay import replay_default

# Of the peak of PyTorch's default partition: percent of recomputed operations.
TARGETS = {"gpt2_like": {0.75: 0.0, 0.6: 9.0, 0.5: 15.0}}


def search(graph, scratch):
    """The report of a search over all partitions of a graph."""
    module = subprocess.run(
        ["fx-translate", "--import-fx-json", graph], capture_output=True, check=True
    ).stdout
    report = scratch / f"{graph.stem}.search.json"
    subprocess.run(
        [
            "fx-opt",
            f"-fx-partition=peak-budget=1024TiB report={report}",
            "-fx-verify-partition",
            "-o",
            report.with_suffix(".mlir"),
        ],
        input=module,
        capture_output=True,
        check=True,
    )
    return json.loads(report.read_text())


def smallest_peak(report, flops):
    """Of the partitions that recompute no more than so many operations."""
    return min(
        point["peak_bytes"]
        for point in report["front"]
        if point["recomputed_flops"] <= flops
    )


def fewest_flops(report, peak):
    """Of the partitions within a peak."""
    return min(
        point["recomputed_flops"]
        for point in report["front"]
        if point["peak_bytes"] <= peak
    )


def is_monotone(answers, answer):
    """Whether no larger budget takes less memory."""
    return all(
        other["peak_bytes"] >= answer["peak_bytes"]
        for other in answers
        if other["mode"] == "default"
        and other["memory_budget"] > answer["memory_budget"]
    )


def check(report):
    problems = []
    front = report["front"]
    for left, right in zip(front, front[1:]):
        if right["recomputed_flops"] > left["recomputed_flops"]:
            problems.append(f"a larger peak costs more: {left}, {right}")
    for point in front:
        if point["peak_bytes"] < report["floor_bytes"]:
            problems.append(f"a point is below the floor: {point}")
    answers = report["functorch"]
    for answer in answers:
        theirs, bound = answer["peak_bytes"], answer["lower_bound_bytes"]
        ours = smallest_peak(report, answer["recomputed_flops"])
        what = f"{answer['mode']} {answer['memory_budget']}: {ours} against {theirs}"
        if ours > theirs:
            problems.append(f"{what} is larger")
        if ours < bound:
            problems.append(f"{what} is below the bound {bound}")
        can_be_less = 10 * bound < 9 * theirs or not is_monotone(answers, answer)
        if can_be_less and bound < theirs and ours == theirs:
            problems.append(f"{what} is no smaller, the bound is {bound}")
    return problems


def check_targets(graph, report):
    problems = []
    targets = TARGETS.get(graph.stem)
    if not targets:
        return problems
    default = replay_default(json.loads(graph.read_text()))
    for share, most in targets.items():
        flops = fewest_flops(report, int(share * default))
        percent = 100 * flops / report["total_flops"]
        if percent > most:
            problems.append(f"{share} of {default} takes {percent:.2f} %")
    return problems


def print_rows(name, report):
    total = max(report["total_flops"], 1)

    def percent(flops):
        return f"{100 * flops / total:.2f}"

    for answer in report["functorch"]:
        budget = answer["memory_budget"]
        mode = answer["mode"] if answer["mode"] != "default" else f"{budget:g}"
        flops = answer["recomputed_flops"]
        cells = [
            name,
            mode,
            f"{answer['peak_bytes'] / 1e6:.2f}",
            percent(flops),
            f"{smallest_peak(report, flops) / 1e6:.2f}",
            f"{answer['lower_bound_bytes'] / 1e6:.2f}",
            percent(fewest_flops(report, answer["peak_bytes"])),
        ]
        print("| " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("scratch", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    options.scratch.mkdir(parents=True, exist_ok=True)
    graphs = sorted(options.folder.glob("*.json"))
    graphs = [g for g in graphs if not options.names or g.stem in options.names]
    failed = not graphs
    for graph in graphs:
        report = search(graph, options.scratch)
        if options.markdown:
            print_rows(graph.stem, report)
        for problem in check(report) + check_targets(graph, report):
            failed = True
            print(f"{graph.stem}: {problem}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
