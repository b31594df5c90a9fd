#!/usr/bin/env python3
"""Writes docs/Ops.md: the ops of the dialect with their ATen overloads.

    gen-op-docs.py [--check]     # --check: exit status 1 if the file is old

The source is the definitions in include/fx/IR, read by llvm-tblgen.
"""

import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "Ops.md"
FAMILIES = {
    "PointwiseUnary": "Pointwise functions of one tensor",
    "PointwiseBinary": "Pointwise functions of several tensors",
    "Comparison": "Comparisons, logic and selection",
    "View": "Views and rearrangements",
    "Creation": "New tensors",
    "Reduction": "Reductions and scans",
    "Contraction": "Products",
    "Convolution": "Convolutions and pooling",
    "Normalization": "Normalisation, attention, losses",
    "Indexing": "Indexing",
    "Random": "Random numbers",
    "Symbolic": "Sizes",
    "ControlFlow": "Control flow",
    "Call": "Everything else",
}
HEADER = """# The ops

Written by `tools/gen-op-docs.py` from the definitions in `include/fx/IR`. The
first overload is the one that export writes; an overload's arguments are those
that the op keeps, with fixed ones as `name=value`. Operators that are not here
are formulas of these ops (`lib/Import/Composites*.cpp`) or `fx.call`.
"""


def find_tablegen():
    for name in ("llvm-tblgen-22", "llvm-tblgen"):
        if shutil.which(name):
            return name
    return "/usr/lib/llvm-22/bin/llvm-tblgen"


def read_ops(family):
    """(name, overloads, summary) of each op, in the order of the file."""
    source = ROOT / "include" / "fx" / "IR" / f"{family}Ops.td"
    includes = [f"-I{ROOT / 'include'}", "-I/usr/lib/llvm-22/include"]
    records = json.loads(subprocess.run(
        [find_tablegen(), "--dump-json", *includes, str(source)],
        check=True, capture_output=True, text=True).stdout)
    text = source.read_text()
    names = [n for n in records["!instanceof"]["FX_Op"] if f"def {n} " in text]
    for name in sorted(names, key=lambda n: text.index(f"def {n} ")):
        op = records[name]
        overloads = [o for o in op["bindingText"].split(";") if o]
        yield op["opName"], overloads, op["summary"]


def make_page():
    lines = [HEADER]
    for family, title in FAMILIES.items():
        lines += [f"## {title}", "", "| op | what it is | ATen |", "|---|---|---|"]
        for name, overloads, summary in read_ops(family):
            cells = "<br>".join(f"`{o.removeprefix('aten.')}`" for o in overloads)
            summary = summary.replace("|", "\\|")
            lines.append(f"| `fx.{name}` | {summary} | {cells} |")
        lines.append("")
    return "\n".join(lines)


def main():
    page = make_page()
    if "--check" in sys.argv[1:]:
        if PAGE.read_text() != page:
            sys.exit("docs/Ops.md is old: run tools/gen-op-docs.py")
        return
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
