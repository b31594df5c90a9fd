"""Whether a process that compiles again and again grows.

    PYTHONPATH=python FX_MLIR_LIBRARY_DIR=build/lib \\
      python3 benchmarks/compile_cycles.py --backends aot_eager,fx_mlir

Each cycle compiles a training step of a small model anew, with sizes of its
own, runs it twice and throws it away. The process's memory (resident, after
`malloc_trim`) is read every hundred cycles. PyTorch's compiler grows too: what
counts is the distance to `aot_eager`, which compiles nothing. Each backend runs
in a process of its own.
"""

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import tempfile

import torch
from torch import nn


def resident():
    """Bytes of memory that the process holds."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def cycle(backend, number):
    """Compiles, runs and forgets a model."""
    torch._dynamo.reset()
    width = 8 + number % 50
    model = nn.Sequential(nn.Linear(width, 16), nn.GELU(), nn.Linear(16, 4))

    def loss(x):
        return torch.softmax(model(x), 1).square().sum()

    compiled = torch.compile(loss, backend=backend)
    for _ in range(2):
        compiled(torch.randn(3, width)).backward()


def grow(backend, cycles, step=100):
    """Memory before, and after each `step` cycles."""
    import fx_mlir

    fx_mlir.config.cache = False
    sizes = []
    for number in range(cycles + step):
        cycle(backend, number)
        if (number + 1) % step == 0:
            sizes.append(resident())
    return sizes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backends", default="aot_eager,fx_mlir")
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(grow(options.worker, options.cycles)))
        return
    for backend in options.backends.split(","):
        with tempfile.TemporaryDirectory() as folder:
            answer = subprocess.run(
                [sys.executable, __file__, "--worker", backend,
                 "--cycles", str(options.cycles)],
                check=True, stdout=subprocess.PIPE, text=True,
                env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": folder})
        sizes = json.loads(answer.stdout.splitlines()[-1])
        grown = sizes[-1] - sizes[0]
        print(f"{backend}: {grown / 1e6:.1f} MB in {options.cycles} cycles, "
              f"{grown / options.cycles / 1e3:.1f} KB each "
              f"({', '.join(f'{s / 1e6:.1f}' for s in sizes)} MB)")


if __name__ == "__main__":
    main()
