#!/usr/bin/env python3
"""Imports all files of a model zoo: import_all.py SHARED_FOLDER."""

import glob
import os
import subprocess
import sys

# What cannot be imported yet, with the reason in the error.
EXPECTED_ERRORS = {
    "cond_net": "this higher-order operator is not supported",
    "while_loop_net": "this higher-order operator is not supported",
}


def main():
    shared = sys.argv[1]
    failures = 0
    files = glob.glob(os.path.join(shared, "zoo/models/*/*.pt2"))
    files += glob.glob(os.path.join(shared, "oracle/joint/*.json"))
    for path in sorted(files):
        flag = "--import-pt2" if path.endswith(".pt2") else "--import-fx-json"
        run = subprocess.run(
            ["fx-translate", flag, path, "-o", os.devnull],
            capture_output=True,
            text=True,
        )
        expected = EXPECTED_ERRORS.get(os.path.basename(os.path.dirname(path)))
        if run.returncode < 0 or (run.returncode != 0) != (expected is not None):
            failures += 1
            print(path, run.returncode, run.stderr[:500], sep="\n")
        elif expected and expected not in run.stderr:
            failures += 1
            print(path, run.stderr[:500], sep="\n")
    print(f"{len(files)} files, {failures} failures")
    return failures != 0 or not files


if __name__ == "__main__":
    sys.exit(main())
