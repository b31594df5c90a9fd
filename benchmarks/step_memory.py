"""Peak memory of a training step: eager mode, Inductor, fx_mlir.

Each workload of the benchmark of whole models runs in a process of its own with
each backend. After two steps caches are given back (gc, malloc_trim,
fx_mlir.empty_cache); the figure is the largest resident set of the next two
steps above that, in MB: results, saved values, gradients, workspace, and what
the allocators keep in between.

    PYTHONPATH=python FX_MLIR_LIBRARY_DIR=build/lib \\
      python3 benchmarks/step_memory.py --bench ../shared/bench --out memory.json

Writes JSON, and a table to the standard output.
"""

import argparse
import json
import os
import subprocess
import sys

BACKENDS = ["eager", "inductor", "fx_mlir"]


def read_status(key):
    """A figure of /proc/self/status in bytes."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {key}")


def give_back(backend):
    import ctypes
    import gc

    gc.collect()
    if backend == "fx_mlir":
        import fx_mlir
        fx_mlir.empty_cache()
    ctypes.CDLL(None).malloc_trim(0)


def measure(workload, backend, threads):
    """Bytes above the process without caches, in this process."""
    import torch
    from workloads import WORKLOADS

    if backend == "fx_mlir":
        import fx_mlir  # noqa: F401 (registers the backend)
    torch.set_num_threads(threads)
    work = WORKLOADS[workload]
    model, inputs, with_grad = work.make()
    model.train()
    inputs = [x.clone().requires_grad_() if i in with_grad else x
              for i, x in enumerate(inputs)]
    leaves = list(model.parameters()) + [x for x in inputs if x.requires_grad]

    def loss(*inputs):
        return work.loss(model(*inputs))

    if backend != "eager":
        loss = torch.compile(loss, backend=backend)

    def step():
        for leaf in leaves:
            leaf.grad = None
        loss(*inputs).backward()

    step()
    step()
    for leaf in leaves:
        leaf.grad = None
    give_back(backend)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # The largest resident set starts anew.
    before = read_status("VmRSS")
    step()
    step()
    return read_status("VmHWM") - before


def run(options, workload, backend):
    command = [sys.executable, os.path.abspath(__file__), "--bench",
               options.bench, "--threads", str(options.threads),
               "--measure", workload, backend]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if result.returncode:
        sys.exit(f"{workload} with {backend} failed")
    return json.loads(result.stdout.splitlines()[-1])


def render(results):
    lines = ["| workload | " + " | ".join(BACKENDS)
             + " | fx_mlir over Inductor |", "|" + "---|" * 5]
    for workload, values in results.items():
        cells = [f"{values[backend] / 1e6:.1f}" for backend in BACKENDS]
        ratio = values["fx_mlir"] / values["inductor"]
        lines.append(f"| {workload} | " + " | ".join(cells)
                     + f" | {ratio:.2f} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default="../shared/bench",
                        help="the folder with workloads.py")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="workloads, with commas")
    parser.add_argument("--out", help="the file for the figures")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path.insert(0, options.bench)
    if options.measure:
        print(json.dumps(measure(*options.measure, options.threads)))
        return
    from workloads import ORDER

    only = [name for name in options.only.split(",") if name]
    results = {}
    for workload in ORDER:
        if only and workload not in only:
            continue
        results[workload] = {
            backend: run(options, workload, backend) for backend in BACKENDS}
        print(workload, results[workload], file=sys.stderr, flush=True)
    if options.out:
        with open(options.out, "w") as file:
            json.dump(results, file)
    sys.stdout.write(render(results))


if __name__ == "__main__":
    main()
