#!/usr/bin/env python3
"""Writes docs/Passes.md: the passes, and Inductor's with what stands for them.

    gen-pass-docs.py [--check]     # --check: exit status 1 if the file is old

The passes are read from include/fx/*/Passes.td by llvm-tblgen, whether they are
on from the code of the stages, tests by their names. tools/pass_checklist.py
only says what belongs together; what it names must be there.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

from pass_checklist import ROWS

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "Passes.md"
# Passes that stages add where a user asks for it.
USER_PASSES = {"ApplyPatternsPass": "in hooks"}
HEADER = """# The passes

Written by `tools/gen-pass-docs.py` from the definitions in `include/fx`, the code
of the stages and `tools/pass_checklist.py`. A pass is run alone by its flag; its
options are in `fx-opt --help`.
"""
# Options of stages that depend on what is compiled.
CONDITIONS = {"isGPU": "on for nvptx", "isInference": "on for inference",
              "fuseAttention": "on for cpu"}

CHECKLIST = """## Inductor's passes

The passes of Inductor that are on by default and fire on common (A) or rarer (B)
models. Of {total} rows {done} are done, {empty} have nothing to do here, and {open}
are not done.

| stage | Inductor | | here | default | tests | |
|---|---|---|---|---|---|---|
"""


def find_tablegen():
    for name in ("llvm-tblgen-22", "llvm-tblgen"):
        if shutil.which(name):
            return name
    return "/usr/lib/llvm-22/bin/llvm-tblgen"


def read_passes():
    """{flag: (folder, class, summary)} in the order of the files."""
    passes = {}
    for source in sorted((ROOT / "include" / "fx").rglob("Passes.td")):
        records = json.loads(subprocess.run(
            [find_tablegen(), "--dump-json", f"-I{ROOT / 'include'}",
             "-I/usr/lib/llvm-22/include", str(source)],
            check=True, capture_output=True, text=True).stdout)
        text = source.read_text()
        names = [n for n in records["!instanceof"]["PassBase"]
                 if re.search(rf"def {n}\b", text)]
        folder = source.parent.relative_to(ROOT / "include" / "fx")
        for name in sorted(names, key=lambda n: re.search(rf"def {n}\b", text).start()):
            record = records[name]
            passes[record["argument"]] = (folder, name, record["summary"])
    return passes


def find_tests(folder, flag):
    """The test that carries the name of a pass; those that begin with it."""
    name = flag.removeprefix("fx-")
    places = [ROOT / "test" / folder, ROOT / "test" / folder.parts[0]]
    found = {path for place in places if place.is_dir()
             for path in place.glob(f"{name}*") if path.is_file()}
    exact = {path for path in found if path.stem == name}
    return sorted(str(path.relative_to(ROOT)) for path in exact or found)


def read_defaults():
    """{class: text} of the passes that the stages add."""
    pipelines = (ROOT / "lib" / "Compiler" / "Pipelines.cpp").read_text()
    defaults = {}
    for stage in ("PreGrad", "JointGraph", "PostGrad"):
        header = (ROOT / "include" / "fx" / stage / f"{stage}.h").read_text()
        values = dict(re.findall(r"bool (\w+) = (\w+);", header))
        values.update(re.findall(r"options\.(\w+) = (\w+);", pipelines))
        source = (ROOT / "lib" / stage / f"{stage}.cpp").read_text()
        for name, rest in re.findall(
                r"passes\.add\(create(\w+)\((?:\{[^}]*\})?\)([^;]*)\);", source):
            option = re.search(r"options\.(\w+)", rest)
            value = values[option[1]] if option else "true"
            defaults[name] = CONDITIONS.get(option and option[1]) or {
                "true": "on", "false": "off"}[value]
        for name in re.findall(r"passes\.addOption\(create(\w+)\(", source):
            defaults[name] = "off"
    for name in re.findall(r"create(\w+Pass)\(", "".join(
            path.read_text() for folder in ("Compiler", "Target")
            for path in (ROOT / "lib" / folder).rglob("*.cpp"))):
        defaults.setdefault(name, "on")
    # What one target's pipeline alone adds.
    added = {target: {name for path in (ROOT / "lib" / "Target" / target).glob("*.cpp")
                      for name in re.findall(r"create(\w+Pass)\(", path.read_text())}
             for target in ("CPU", "NVPTX")}
    for name in added["NVPTX"] - added["CPU"]:
        defaults[name] = "on for nvptx"
    return {**defaults, **USER_PASSES}


def link(path):
    if not (ROOT / path).exists():
        sys.exit(f"{path} is not there")
    return f"[{pathlib.Path(path).name}](../{path})"


def make_row(row, passes, defaults):
    stage, title, kind, flags, places, tests, note = row
    here, states, linked = [], [], list(tests)
    for flag in flags:
        folder, name, _ = passes[flag]
        own = find_tests(folder, flag)
        if not own and not tests:
            sys.exit(f"{flag} has no test")
        linked += [] if tests else own
        here.append(f"`{flag}`")
        states.append(defaults.get(name, "on request"))
    here += [link(place) for place in places if place != "-"]
    if not here:
        here = ["nothing to do" if places else "**not done**"]
    elif not states:
        states = ["on"]
    cells = [stage, title, kind, ", ".join(here), ", ".join(dict.fromkeys(states)),
             ", ".join(link(test) for test in dict.fromkeys(linked)), note]
    return "| " + " | ".join(cells) + " |"


def make_page():
    passes, defaults = read_passes(), read_defaults()
    lines = [HEADER]
    folders = dict.fromkeys(folder for folder, _, _ in passes.values())
    for folder in folders:
        lines += [f"## {folder}", "", "| pass | what it does | default | tests |",
                  "|---|---|---|---|"]
        for flag, (where, name, summary) in passes.items():
            if where == folder:
                tests = ", ".join(map(link, find_tests(folder, flag)))
                lines.append(f"| `{flag}` | {summary} | "
                             f"{defaults.get(name, 'on request')} | {tests} |")
        lines.append("")
    empty = sum(row[4] == ["-"] for row in ROWS)
    not_done = sum(not row[3] and not row[4] for row in ROWS)
    lines.append(CHECKLIST.format(
        total=len(ROWS), empty=empty, open=not_done,
        done=len(ROWS) - empty - not_done).rstrip("\n"))
    lines += [make_row(row, passes, defaults) for row in ROWS]
    return "\n".join(lines) + "\n"


def main():
    page = make_page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != page:
            sys.exit("docs/Passes.md is old: run tools/gen-pass-docs.py")
    else:
        PAGE.write_text(page)


main()
