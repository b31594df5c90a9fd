"""bfloat16 versions of models under torch.compile: eager, Inductor and fx_mlir.

All in one process, interleaved, CPU time of one thread, minimum of the rounds.
The error is that of the output, or of the worst gradient, against float64,
relative in the 2-norm. Needs the workloads of the CPU benchmark. Prints a table
in Markdown, and writes the figures to a file with --json. A backend may have an
option: --modes infer --backends inductor,inductor:freezing,fx_mlir:freezing.

    PYTHONPATH=python FX_MLIR_LIBRARY_DIR=build/lib \\
      python benchmarks/bf16_models.py --workloads ../shared/bench \\
      --json /tmp/bf16.json
"""

import argparse
import copy
import json
import math
import sys
import time


def narrow(x):
    import torch

    return x.bfloat16() if x.is_floating_point() else x


def relative_error(got, want):
    return max(((x.double() - y.double()).norm() / y.double().norm()).item()
               for x, y in zip(got, want))


class Case:
    """A model in one type, for one mode."""

    def __init__(self, workload, model, inputs, train):
        self.workload, self.model, self.train = workload, model, train
        self.inputs = inputs
        model.train(train)

    def compiled(self, backend):
        import torch

        if self.train:
            step = lambda *xs: self.workload.loss(self.model(*xs))
        else:
            step = lambda *xs: self.model(*xs)
        torch._dynamo.reset()
        if backend == "eager":
            return step
        name, _, option = backend.partition(":")
        return torch.compile(step, backend=name,
                             options={option: True} if option else None)

    def run(self, function):
        import torch

        if not self.train:
            with torch.no_grad():
                out = function(*self.inputs)
            return list(out) if isinstance(out, (tuple, list)) else [out]
        loss = function(*self.inputs)
        leaves = list(self.model.parameters())
        return [loss.detach(), *torch.autograd.grad(loss, leaves)]


def measure(name, mode, backends, rounds):
    """Milliseconds and error of each backend."""
    from workloads import WORKLOADS

    workload = WORKLOADS[name]
    model, inputs, _ = workload.make()
    train = mode == "train"
    exact = Case(workload, copy.deepcopy(model).double(),
                 [x.double() if x.is_floating_point() else x for x in inputs],
                 train)
    want = exact.run(exact.compiled("eager"))
    case = Case(workload, model.bfloat16(), [narrow(x) for x in inputs], train)
    functions = {}
    row = {"model": name, "mode": mode, "ms": {}, "error": {}}
    state = copy.deepcopy(case.model.state_dict())
    for backend in backends:
        case.model.load_state_dict(state)
        functions[backend] = case.compiled(backend)
        row["error"][backend] = relative_error(case.run(functions[backend]),
                                               want)
        row["ms"][backend] = float("inf")
    for _ in range(rounds):
        for backend, function in functions.items():
            start = time.thread_time()
            case.run(function)
            row["ms"][backend] = min(row["ms"][backend],
                                     1e3 * (time.thread_time() - start))
    return row


def render(rows, backends):
    """A table of times, ratios to the last backend, and errors."""
    ours, others = backends[-1], backends[:-1]
    cells = ["model", "mode"] + [f"{b}, ms" for b in backends]
    cells += [f"over {b}" for b in others] + [f"error, {b}" for b in backends]
    lines = ["| " + " | ".join(cells) + " |", "|---" * len(cells) + "|"]
    ratios = {}
    for row in rows:
        cells = [row["model"], row["mode"]]
        cells += [f"{row['ms'][b]:.2f}" for b in backends]
        for b in others:
            ratio = row["ms"][b] / row["ms"][ours]
            ratios.setdefault((row["mode"], b), []).append(ratio)
            cells.append(f"{ratio:.2f}")
        cells += [f"{row['error'][b]:.1e}" for b in backends]
        lines.append("| " + " | ".join(cells) + " |")
    for mode in dict.fromkeys(row["mode"] for row in rows):
        means = [math.exp(sum(map(math.log, ratios[mode, b])) /
                          len(ratios[mode, b])) for b in others]
        cells = ["geometric mean", mode] + [""] * len(backends)
        cells += [f"{mean:.2f}" for mean in means] + [""] * len(backends)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workloads", default="../shared/bench")
    parser.add_argument("--only", default="mlp,gpt2_like,resnet18")
    parser.add_argument("--modes", default="infer,train")
    parser.add_argument("--backends", default="eager,inductor,fx_mlir")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json")
    options = parser.parse_args()
    sys.path.insert(0, options.workloads)

    import torch

    import fx_mlir  # noqa: F401

    torch.set_num_threads(1)
    backends = options.backends.split(",")
    rows = []
    for name in options.only.split(","):
        for mode in options.modes.split(","):
            rows.append(measure(name, mode, backends, options.rounds))
            print(name, mode, rows[-1]["ms"], file=sys.stderr, flush=True)
            if options.json:
                with open(options.json, "w") as file:
                    json.dump({"backends": backends, "rows": rows}, file,
                              indent=1)
    print(render(rows, backends))


if __name__ == "__main__":
    main()
