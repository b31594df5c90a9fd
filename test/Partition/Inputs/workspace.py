"""Memory that compiled functions take: what they save and their workspaces.

usage: workspace.py MODEL SCRATCH OPTION…

For each options of the partition prints the peak that it planned, in the model
in which nothing is fused, and what the compiled step has: the larger of both
functions' workspaces with what lives between them. Gradients and the other
results are the caller's.
"""

import json
import pathlib
import re
import subprocess
import sys


def get_workspaces(code):
    """The bytes that forward and backward ask the run-time library for."""
    sizes = []
    for body in re.split(r"^define ", code, flags=re.M)[1:]:
        found = re.findall(r"@fx_rt_workspace\(ptr [^,]*, i64 (\d+)\)", body)
        sizes += [max(map(int, found))] if found else []
    return sizes


def main(model, scratch, *options):
    scratch = pathlib.Path(scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    for option in options:
        report, code = scratch / "report.json", scratch / "code.ll"
        if option == "peak-budget=smallest":
            option = f"peak-budget={smallest}"
        subprocess.run(
            [
                *("fx-compile", model, "--mode=training", "--emit=llvm", "-o", code),
                f"--partition={option} report={report}",
            ],
            check=True,
        )
        content = json.loads(report.read_text())
        smallest = content.get("smallest_bytes")
        taken = content["saved_storage_bytes"] + max(get_workspaces(code.read_text()))
        print(f"{option}: planned {content['peak_bytes']}, taken {taken}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
