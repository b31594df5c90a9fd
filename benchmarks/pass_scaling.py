"""Time of the joint and post-grad passes over the size of the graph.

    python benchmarks/pass_scaling.py [--bin build/bin] [SIZE…]

For about each number of nodes (1000, 10000 and 100000): a training step of a GPT
that is so deep, and graphs of shapes at which a pass that looks at all users of
a value, or at all values before an op, would take quadratic time. Seconds of
all passes of --joint-graph and --post-grad together, as fx-compile runs them
(no verifier between), with attention fused too; the least of three runs.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

from deep_gpt import write_gpt

RUNS = 3
NODES_PER_LAYER = 140
T = "tensor<8x8xf32>"


def function(lines, results):
    types = ", ".join([T] * len(results))
    body = "\n".join(f"  {line}" for line in lines)
    return (f"func.func @main(%x: {T}, %y: {T}) -> ({types}) {{\n"
            "  %zero = arith.constant 0.0 : f64\n"
            f"{body}\n  return {', '.join(results)} : {types}\n}}\n")


def star(size):
    """Every op reads one value."""
    lines, last = [], "%y"
    for i in range(size // 4):
        lines += [f"%v{i} = fx.view %x sizes = [64] : {T} -> tensor<64xf32>",
                  f"%w{i} = fx.view %v{i} sizes = [8, 8] : tensor<64xf32> -> {T}",
                  f"%m{i} = fx.mm %w{i}, %x : ({T}, {T}) -> {T}",
                  f"%a{i} = fx.add %m{i}, {last} : ({T}, {T}) -> {T}"]
        last = f"%a{i}"
    return function(lines, [last])


def chain(size):
    """Views, conversions and permutes that cancel out."""
    lines, last = [], "%x"
    wide = "tensor<8x8xf64>"
    for i in range(size // 5):
        lines += [f"%p{i} = fx.permute {last} dims = [1, 0] : {T} -> {T}",
                  f"%q{i} = fx.permute %p{i} dims = [1, 0] : {T} -> {T}",
                  f"%c{i} = fx.convert_element_type %q{i} {{dtype = f64}} : ({T}) -> {wide}",
                  f"%d{i} = fx.convert_element_type %c{i} {{dtype = f32}} : ({wide}) -> {T}",
                  f"%n{i} = fx.neg %d{i} : ({T}) -> {T}"]
        last = f"%n{i}"
    return function(lines, [last])


def late(size):
    """Values made at the beginning and used at the end in reverse order."""
    half = size // 2
    lines = [f"%s{i} = fx.mul %x, %y : ({T}, {T}) -> {T}" for i in range(half)]
    last = "%y"
    for i in reversed(range(half)):
        lines.append(f"%a{i} = fx.add {last}, %s{i} : ({T}, {T}) -> {T}")
        last = f"%a{i}"
    return function(lines, [last])


def joined(size):
    """One cat of all values, taken apart again."""
    half = size // 2
    wide = f"tensor<{8 * half}x8xf32>"
    lines = [f"%s{i} = fx.neg %x : ({T}) -> {T}" for i in range(half)]
    lines.append("%cat = fx.cat " + ", ".join(f"%s{i}" for i in range(half))
                 + f" {{dim = 0 : i64}} : ({', '.join([T] * half)}) -> {wide}")
    last = "%y"
    for i in range(half):
        lines += [f"%b{i} = arith.constant {8 * i} : i64", f"%e{i} = arith.constant {8 * i + 8} : i64",
                  f"%t{i} = fx.slice %cat from %b{i} to %e{i} {{dim = 0 : i64}} : {wide} -> {T}"]
        if i % 64 == 0:
            lines.append(f"%a{i} = fx.add {last}, %t{i} : ({T}, {T}) -> {T}")
            last = f"%a{i}"
    return function(lines, [last])


SHAPES = [star, chain, late, joined]


def run(tool, *arguments, text=None):
    done = subprocess.run([tool, *arguments], input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stderr


def measure(tool, path, training):
    """Nodes and the seconds of the passes, the slowest pass."""
    flags = ["--joint-graph=enable=fx-fuse-attention",
             "--post-grad" + ("" if training else "=inference")]
    best, slowest = float("inf"), ""
    for _ in range(RUNS):
        report = run(tool, path, *flags, "--verify-each=0", "--mlir-timing",
                     "--mlir-timing-display=list", "--mlir-disable-threading", "-o", "/dev/null")
        lines = [(float(seconds), name) for seconds, name in
                 re.findall(r"([\d.]+) +\([ \d.]+%\) +(\w+)$", report, re.M)]
        seconds = {name: value for value, name in lines}
        # With what lies between the passes: short ones are shown as 0.0000.
        total = seconds["Total"] - seconds["Parser"] - seconds["Output"]
        if total < best:
            best = total
            slowest = max(line for line in lines if line[1].endswith("Pass"))
    return best, slowest


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int)
    parser.add_argument("--bin", default="build/bin", type=pathlib.Path)
    options = parser.parse_args()
    tool = str(options.bin / "fx-opt")
    print("| graph | nodes | s | µs a node | the slowest pass |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/graph.mlir"
        for size in options.sizes or [1000, 10000, 100000]:
            joint = f"{folder}/joint.mlirbc"
            pathlib.Path(path).write_text(write_gpt(max(1, size // NODES_PER_LAYER)))
            run(tool, "--pre-grad", "--build-joint-graph", path, "--emit-bytecode", "-o", joint)
            report("GPT, training", size, *measure(tool, joint, True))
            for shape in SHAPES:
                pathlib.Path(path).write_text(shape(size))
                report(shape.__doc__.rstrip("."), size, *measure(tool, path, False))


def report(title, size, seconds, slowest):
    print(f"| {title} | {size} | {seconds:.3f} | {seconds / size * 1e6:.1f} | "
          f"{slowest[1].removesuffix('Pass')} {slowest[0]:.3f} |", flush=True)


if __name__ == "__main__":
    main()
