#!/usr/bin/env python3
"""Imports all files of a model zoo: import_all.py SHARED_FOLDER."""

import glob
import os
import subprocess
import sys

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
        if run.returncode != 0:
            failures += 1
            print(path, run.returncode, run.stderr[:500], sep="\n")
    print(f"{len(files)} files, {failures} failures")
    return failures != 0 or not files


if __name__ == "__main__":
    sys.exit(main())
