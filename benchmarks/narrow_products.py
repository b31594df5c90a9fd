"""Products of bfloat16 and of 8-bit integers under torch.compile against eager
mode (oneDNN). Both in this process, interleaved, CPU time of one thread, least
of the rounds. Prints a table in Markdown.

    PYTHONPATH=python FX_MLIR_LIBRARY_DIR=build/lib \\
      python benchmarks/narrow_products.py
"""

import argparse
import time

import torch

import fx_mlir  # noqa: F401 (registers the backend)

# batch, rows, columns, steps, whether the right side is transposed
BFLOAT16 = [
    (1, 1024, 1024, 1024, True), (1, 1024, 1024, 1024, False),
    (1, 256, 4096, 1024, True), (1, 512, 3072, 768, True),
    (96, 128, 128, 64, False), (96, 128, 64, 128, False),
    (12, 512, 512, 64, False), (12, 512, 64, 512, False),
]
INT8 = [(1, 1024, 1024, 1024, True), (1, 256, 1024, 2048, True),
        (1, 16, 1024, 1024, True), (1, 1024, 1024, 1024, False)]


def make(shape, transposed, dtype):
    batch, m, n, k = shape
    def tensor(*sizes):
        if dtype == torch.int8:
            return torch.randint(-128, 128, sizes, dtype=dtype)
        return torch.randn(sizes).to(dtype)

    a = tensor(batch, m, k)
    b = tensor(batch, n, k).transpose(1, 2) if transposed else tensor(batch, k, n)
    return (a[0], b[0]) if batch == 1 else (a, b)


def measure(functions, rounds):
    best = [float("inf")] * len(functions)
    for _ in range(rounds):
        for i, function in enumerate(functions):
            start = time.thread_time()
            function()
            best[i] = min(best[i], time.thread_time() - start)
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| product (batch x MxNxK) | eager, ms | fx_mlir, ms | over eager | Gop/s |")
    print("|---|---|---|---|---|")
    for dtype, product, shapes in (
            (torch.bfloat16, torch.matmul, BFLOAT16),
            (torch.int8, torch._int_mm, INT8)):
        for *shape, transposed in shapes:
            batch, m, n, k = shape
            a, b = make(shape, transposed, dtype)
            torch._dynamo.reset()
            with torch.no_grad():
                compiled = torch.compile(lambda a, b: product(a, b),
                                         backend="fx_mlir")
                compiled(a, b)
                eager, ours = measure([lambda: product(a, b),
                                       lambda: compiled(a, b)], options.rounds)
            name = f"{dtype}".removeprefix("torch.")
            name += f" {batch} x {m}x{n}x{k}" + (" `b.t()`" if transposed else "")
            print(f"| {name} | {eager * 1e3:.2f} | {ours * 1e3:.2f} | "
                  f"{eager / ours:.2f} | {2e-9 * batch * m * n * k / ours:.0f} |",
                  flush=True)


if __name__ == "__main__":
    main()
