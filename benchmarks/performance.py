"""Speed, compile time and cost of a call beside Inductor and eager mode.

Runs the benchmark of whole models twice, with the C library's default
allocation and without page faults (all memory stays in the process), measures
the cost of a call, and writes the tables of docs/Performance.md.

    PYTHONPATH=python FX_MLIR_LIBRARY_DIR=build/lib \\
      python3 benchmarks/performance.py --bench ../shared/bench/bench_cpu.py \\
      --out /tmp/performance > docs/Performance.md

A run that was interrupted goes on where it stopped. `--render` only writes the
tables from what is there.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time

NO_FAULTS = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
}
BACKENDS = ["eager", "inductor", "fx_mlir"]
TITLES = {"infer": "Inference", "train": "Training step"}


def run_models(bench, out, threads, only):
    for suffix, settings in (("", {}), ("-nofaults", NO_FAULTS)):
        command = [sys.executable, bench, "--backends", ",".join(BACKENDS),
                   "--import", "fx_mlir", "--threads", str(threads),
                   "--timeout", "1500", "--out", out + suffix]
        if only:
            command += ["--only", only]
        subprocess.run(command, check=True, stdout=sys.stderr,
                       env={**os.environ, **settings})


def measure_calls(rounds=8, calls=2000):
    """CPU microseconds of one call of a graph with one operator."""
    import torch

    import fx_mlir  # noqa: F401 (registers the backend)

    torch.set_num_threads(1)
    x = torch.randn(8)
    w = torch.randn(8, requires_grad=True)
    functions = {}
    for backend in BACKENDS:
        torch._dynamo.reset()
        forward = torch.compile(lambda x: x + 1, backend=backend)
        training = torch.compile(lambda x, w: x * w, backend=backend)

        def step(training=training):
            w.grad = None
            training(x, w).sum().backward()

        functions[backend, "forward"] = lambda forward=forward: forward(x)
        functions[backend, "training step"] = step
    best = {}
    for _ in range(rounds):
        for name, function in functions.items():
            for _ in range(20):
                function()
            start = time.process_time()
            for _ in range(calls):
                function()
            elapsed = (time.process_time() - start) / calls
            best[name] = min(best.get(name, elapsed), elapsed)
    return {f"{backend} {kind}": 1e6 * seconds
            for (backend, kind), seconds in best.items()}


def geomean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def read(path):
    with open(path) as file:
        return json.load(file)


def backends_of(document, mode):
    """Workload -> measurements of each backend that has a time."""
    return {
        result["workload"]: result["modes"][mode]["backends"]
        for result in document["results"]
        if all("cpu_min_ms" in result["modes"][mode]["backends"].get(b, {})
               for b in BACKENDS)
    }


def ratio(measured, slow, fast):
    return measured[slow]["cpu_min_ms"] / measured[fast]["cpu_min_ms"]


def render_speed(mode, default, nofaults):
    lines = [f"## {TITLES[mode]}", "",
             "| workload | Inductor over eager | fx_mlir over eager | fx_mlir "
             "over Inductor | the same without page faults | error eager | "
             "Inductor | fx_mlir |", "|" + "---|" * 8]
    columns = [[], [], [], []]
    other = backends_of(nofaults, mode)
    # Eager mode draws other numbers for dropout.
    random = {r["workload"] for r in default["results"]
              if "rng" in r["tags"] and mode == "train"}
    for name, measured in backends_of(default, mode).items():
        values = [ratio(measured, "eager", "inductor"),
                  ratio(measured, "eager", "fx_mlir"),
                  ratio(measured, "inductor", "fx_mlir"),
                  ratio(other[name], "inductor", "fx_mlir")
                  if name in other else None]
        for column, value in zip(columns, values, strict=True):
            if value is not None:
                column.append(value)
        errors = [None if name in random else measured[b]["relerr_vs_fp64"]
                  for b in BACKENDS]
        lines.append(f"| {name} | " + " | ".join(
            "not measured" if v is None else f"{v:.2f}" for v in values)
            + " | " + " | ".join(
                "random" if e is None else f"{e:.1e}" for e in errors) + " |")
    lines.append("| geometric mean | " + " | ".join(
        f"{geomean(c):.2f}" if c else "not measured" for c in columns)
        + " | | | |")
    return lines + [""]


def render_compile_time(default):
    lines = ["## Compile time", "",
             "Wall seconds of the first call, with empty caches.", "",
             "| workload | inference: Inductor | fx_mlir | training: Inductor "
             "| fx_mlir |", "|" + "---|" * 5]
    infer, train = backends_of(default, "infer"), backends_of(default, "train")
    cold = {key: [] for key in ("infer", "train")}
    for name in train:
        cells = []
        for mode, measured in (("infer", infer), ("train", train)):
            seconds = [measured[name][b]["first_call_s"]
                       for b in ("inductor", "fx_mlir")]
            cold[mode].append(seconds)
            cells += [f"{s:.2f}" for s in seconds]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    means = [geomean([pair[i] for pair in cold[mode]])
             for mode in ("infer", "train") for i in (0, 1)]
    lines.append("| geometric mean | "
                 + " | ".join(f"{m:.2f}" for m in means) + " |")
    lines += ["", f"fx_mlir compiles {means[0] / means[1]:.1f} times faster for "
              f"inference, {means[2] / means[3]:.1f} times for training.", ""]
    return lines


def render_calls(calls):
    lines = ["## Cost of a call", "",
             "CPU microseconds of a call of a graph with one operator on eight "
             "numbers, Dynamo's guards included (`eager` is Dynamo with "
             "nothing behind it).", "",
             "| | eager | Inductor | fx_mlir | fx_mlir over Inductor |",
             "|---|---|---|---|---|"]
    for kind in ("forward", "training step"):
        values = [calls[f"{backend} {kind}"] for backend in BACKENDS]
        lines.append(f"| {kind} | " + " | ".join(f"{v:.1f}" for v in values)
                     + f" | {values[2] / values[1]:.2f} |")
    return lines + [""]


def render(out):
    default, nofaults = read(out + ".json"), read(out + "-nofaults.json")
    lines = ["# Performance on a CPU", "",
             "Written by `benchmarks/performance.py`; its first lines are the "
             "command.", "One thread, ratios of CPU time (least of the rounds, "
             "backends interleaved in", "one process; larger is faster), error: "
             "largest relative error against float64.",
             f"PyTorch {default['torch']}, {default['cpu']}, "
             f"{default['updated'][:10]}.", ""]
    for mode in TITLES:
        lines += render_speed(mode, default, nofaults)
    lines += render_compile_time(default)
    lines += render_calls(read(out + "-calls.json"))
    notes = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                         "performance_notes.md")
    with open(notes) as file:
        return "\n".join(lines) + "\n" + file.read()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default="../shared/bench/bench_cpu.py",
                        help="the benchmark of whole models")
    parser.add_argument("--out", default="performance",
                        help="prefix of the files with measurements")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="workloads, with commas")
    parser.add_argument("--render", action="store_true",
                        help="measure nothing")
    options = parser.parse_args()
    if not options.render:
        if not os.path.exists(options.bench):
            parser.error(f"{options.bench} does not exist; --bench names the "
                         "benchmark of whole models")
        run_models(options.bench, options.out, options.threads, options.only)
    calls = options.out + "-calls.json"
    if not options.render and not os.path.exists(calls):
        with open(calls, "w") as file:
            json.dump(measure_calls(), file)
    sys.stdout.write(render(options.out))


if __name__ == "__main__":
    main()
