"""Speed, compile time and cost of a call beside Inductor and eager mode.

Runs the benchmark of whole models twice, with the C library's default
allocation and without page faults (all memory stays in the process, weights that
may change and frozen ones), measures the cost of a call (call_overhead.py) and
the memory of a training step (step_memory.py), and writes the tables of
docs/Performance.md.

    PYTHONPATH=python FX_MLIR_LIBRARY_DIR=build/lib \\
      python3 benchmarks/performance.py --bench ../shared/bench/bench_cpu.py \\
      --out /tmp/performance > docs/Performance.md

With `--threads 2` only the models are measured, with that many threads, into a
file beside the others; the page has a table of their wall times then.

A run that was interrupted goes on where it stopped. `--render` only writes the
tables from what is there.
"""

import argparse
import glob
import json
import math
import os
import subprocess
import sys

import step_memory

NO_FAULTS = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
}
BACKENDS = ["eager", "inductor", "fx_mlir"]
FROZEN = ["inductor@freezing=True", "fx_mlir@freezing=True"]
TITLES = {"infer": "Inference", "train": "Training step"}
COUNTS = {2: "Two", 4: "Four", 8: "Eight"}


def run_models(bench, out, threads, only):
    runs = [("", {}), ("-nofaults", NO_FAULTS)]
    if threads > 1:
        runs = [(f"-threads{threads}", {})]
    for suffix, settings in runs:
        backends = BACKENDS + (FROZEN if settings else [])
        command = [sys.executable, bench, "--backends", ",".join(backends),
                   "--import", "fx_mlir", "--threads", str(threads),
                   "--timeout", "1500", "--out", out + suffix]
        if only:
            command += ["--only", only]
        subprocess.run(command, check=True, stdout=sys.stderr,
                       env={**os.environ, **settings})


def measure_rest(options):
    """What is measured by scripts of its own and is not there yet."""
    calls = options.out + "-calls.json"
    if not os.path.exists(calls):
        import call_overhead
        times = {}
        for (call, backend), value in call_overhead.measure(10, 2000).items():
            times.setdefault(call, {})[backend] = value
        with open(calls, "w") as file:
            json.dump(times, file)
    memory = options.out + "-memory.json"
    if not os.path.exists(memory):
        subprocess.run(
            [sys.executable, step_memory.__file__, "--bench",
             os.path.dirname(options.bench), "--only", options.only, "--out",
             memory], check=True, stdout=sys.stderr)


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


def ratio(measured, slow, fast, time="cpu_min_ms"):
    return measured[slow][time] / measured[fast][time]


def render_speed(mode, default, nofaults):
    lines = [f"## {TITLES[mode]}", "",
             "| workload | Inductor over eager | fx_mlir over eager | fx_mlir "
             "over Inductor | the same without page faults | "
             + ("frozen weights | " if mode == "infer" else "")
             + "error eager | Inductor | fx_mlir |",
             "|" + "---|" * (9 if mode == "infer" else 8)]
    columns = [[] for _ in range(5 if mode == "infer" else 4)]
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
        if mode == "infer":
            values.append(ratio(other[name], "inductor", FROZEN[1])
                          if name in other else None)
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


def render_threads(document, threads):
    """Of several threads the time on the clock counts."""
    lines = [f"## {COUNTS.get(threads, threads)} threads", "",
             "Ratios of wall time, least of the rounds; default allocation.", "",
             "| workload | inference: Inductor over eager | fx_mlir over eager "
             "| fx_mlir over Inductor | training: Inductor over eager | fx_mlir "
             "over eager | fx_mlir over Inductor |", "|" + "---|" * 7]
    pairs = [("eager", "inductor"), ("eager", "fx_mlir"),
             ("inductor", "fx_mlir")]
    infer, train = (backends_of(document, mode) for mode in TITLES)
    columns = [[] for _ in range(2 * len(pairs))]
    for name in infer:
        if name not in train:
            continue
        values = [ratio(measured[name], *pair, time="min_ms")
                  for measured in (infer, train) for pair in pairs]
        for column, value in zip(columns, values, strict=True):
            column.append(value)
        lines.append(f"| {name} | " + " | ".join(f"{v:.2f}" for v in values)
                     + " |")
    lines.append("| geometric mean | "
                 + " | ".join(f"{geomean(c):.2f}" for c in columns) + " |")
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
    """`calls` is call -> backend -> microseconds."""
    backends = ["nothing", *BACKENDS]
    lines = ["## Cost of a call", "",
             "CPU microseconds of a call of a graph with one operator on a few "
             "numbers, Dynamo's guards included (`nothing` is a backend that "
             "returns a constant; it has no gradients).", "",
             "| | " + " | ".join(backends) + " | fx_mlir over Inductor |",
             "|" + "---|" * 6]
    for call, times in calls.items():
        cells = [f"{times[b]:.1f}" if b in times else "-" for b in backends]
        lines.append(f"| `{call}` | " + " | ".join(cells)
                     + f" | {times['fx_mlir'] / times['inductor']:.2f} |")
    return lines + [""]


def render_memory(memory):
    return ["## Memory of a training step", "",
            "MB, the largest resident set of two steps above the process with "
            "empty caches; each in a process of its own.", "",
            *step_memory.render(memory).splitlines(), ""]


def render(out):
    default, nofaults = read(out + ".json"), read(out + "-nofaults.json")
    lines = ["# Performance on a CPU", "",
             "Written by `benchmarks/performance.py`; its first lines are the "
             "command.", "One thread where nothing else is said, ratios of CPU "
             "time (least of the rounds,", "backends interleaved in one process; "
             "larger is faster), error: largest relative", "error against "
             "float64.",
             f"PyTorch {default['torch']}, {default['cpu']}, "
             f"{default['updated'][:10]}.", ""]
    for mode in TITLES:
        lines += render_speed(mode, default, nofaults)
    for path in sorted(glob.glob(glob.escape(out) + "-threads*.json")):
        lines += render_threads(read(path), int(path[len(out + "-threads"):-5]))
    lines += render_compile_time(default)
    lines += render_calls(read(out + "-calls.json"))
    lines += render_memory(read(out + "-memory.json"))
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
        if options.threads == 1:
            measure_rest(options)
    sys.stdout.write(render(options.out))


if __name__ == "__main__":
    main()
