"""Runs the code of docs/Hooks.md in a copy of examples/hooks.

    run-hooks-page.py PAGE EXAMPLES FOLDER

Prints each shell command and what it printed; the first failure ends it. A
block of a file that the text before it links must be what the file has. Python
is left to pytest.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys


def main():
    page, examples, folder = map(pathlib.Path, sys.argv[1:])
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(examples, folder)
    text = page.read_text()
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    (shown,) = (body for kind, body in blocks if not kind)
    if shown not in (examples / "relu.pdll").read_text():
        sys.exit("the patterns on the page are not those of relu.pdll")
    commands = [line for kind, body in blocks if kind == "sh"
                for line in body.splitlines()]
    for command in commands:
        print("$", command, flush=True)
        run = subprocess.run(command, shell=True, cwd=folder, env=os.environ)
        if run.returncode:
            sys.exit(f"exit status {run.returncode}: {command}")


main()
