"""What a call of a compiled graph costs, beside Inductor and Dynamo alone.

    PYTHONPATH=python FX_MLIR_LIBRARY_DIR=build/lib \\
      python3 benchmarks/call_overhead.py

Graphs of one operator on a few numbers, so nothing but the host's work is
measured: thread CPU time, one thread, the minimum of interleaved rounds. A
backend that returns a constant (`nothing`) shows what Dynamo takes; it has no
gradients.
"""

import argparse
import time

import torch

import fx_mlir  # noqa: F401 (registers the backend)


def nothing(gm, example_inputs):
    outputs = [torch.empty(4, 4)]
    return lambda *inputs: outputs


BACKENDS = {"nothing": nothing, "eager": "eager", "aot_eager": "aot_eager",
            "inductor": "inductor", "fx_mlir": "fx_mlir"}


def calls_of(backend):
    """Name -> what is timed, for one backend."""
    def compiled(source):
        # Each time a new code object: Dynamo looks through all that was
        # compiled for one.
        return torch.compile(eval(source), backend=backend)

    x = torch.randn(8)
    w = torch.randn(8, requires_grad=True)
    y = torch.randn(4, 4, requires_grad=True)
    gradient = torch.ones(4, 4)
    add = compiled("lambda x: x + 1")
    sin = compiled("lambda y: y.sin()")
    sin_grad = compiled("lambda y: y.sin()")
    mul = compiled("lambda x, w: x * w")

    def no_grad():
        with torch.no_grad():
            sin(y)

    def step():
        w.grad = None
        mul(x, w).sum().backward()

    calls = {"x + 1": lambda: add(x), "sin(y), no_grad": no_grad,
             "sin(y), y requires a gradient": lambda: sin_grad(y)}
    if backend is not nothing:
        calls["the same and autograd.grad"] = (
            lambda: torch.autograd.grad(sin_grad(y), y, gradient))
        calls["(x * w).sum().backward()"] = step
    return calls


def measure(rounds, count):
    """(call, backend) -> microseconds."""
    torch.set_num_threads(1)
    timed = {(call, name): function for name, backend in BACKENDS.items()
             for call, function in calls_of(backend).items()}
    best = {}
    for _ in range(rounds):
        for key, function in timed.items():
            for _ in range(20):
                function()
            start = time.thread_time()
            for _ in range(count):
                function()
            elapsed = 1e6 * (time.thread_time() - start) / count
            best[key] = min(best.get(key, elapsed), elapsed)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--calls", type=int, default=2000)
    options = parser.parse_args()
    best = measure(options.rounds, options.calls)
    print(f"| call | {' | '.join(BACKENDS)} | of Inductor |")
    print("|---|" + "---|" * (len(BACKENDS) + 1))
    for call in dict.fromkeys(call for call, _ in best):
        times = [f"{best[call, name]:.1f}" if (call, name) in best else "-"
                 for name in BACKENDS]
        ratio = best[call, "fx_mlir"] / best[call, "inductor"]
        print(f"| {call} | {' | '.join(times)} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
