"""Improved memory budgets against PyTorch's answers on recorded joint graphs.

usage: improved.py FOLDER SCRATCH [NAME…]

At each budget of each graph: no more bytes than PyTorch saves, but 8 for each
seed that it draws again, and no more operations than it recomputes.
"""

import json
import pathlib
import subprocess
import sys

from replay import partition


def main(folder, scratch, *names):
    scratch = pathlib.Path(scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    files = sorted(pathlib.Path(folder).glob("*.json"))
    files = [file for file in files if not names or file.stem in names]
    better = points = worse = 0
    for file in files:
        oracle = json.loads(file.read_text())
        nodes = {n["name"]: n for n in oracle["joint_after_dce_cse"]["nodes"]}
        module = subprocess.run(
            ["fx-translate", "--import-fx-json", file], capture_output=True, check=True
        ).stdout
        for budget, answer in sorted(oracle["answers"]["budget"].items()):
            report = partition(
                module,
                f"memory-budget={budget} budget-mode=improved",
                scratch / f"{file.stem}.{budget}.json",
            )
            seeds = sum(
                nodes[name]["val"]["shape"][0]
                for name in answer["recomputed"]
                if name.startswith("inductor_seeds")
            )
            ours = report["saved_storage_bytes"], report["recomputed_flops"]
            theirs = (
                answer["saved_activation_storage_bytes"] + 8 * seeds,
                answer["recomputed_flops"],
            )
            points += 1
            # Of several views of one storage, the recorded bytes have one.
            if [entry["name"] for entry in report["saved"]] == answer["saved"]:
                continue
            if ours[0] > theirs[0] or ours[1] > theirs[1]:
                worse += 1
                print(f"{file.stem} {budget}: {ours}, PyTorch {theirs}")
            elif ours != theirs:
                better += 1
    print(f"{points} points: {better} better, {worse} worse")
    return not files or worse != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
