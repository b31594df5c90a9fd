"""A quantised linear against Inductor, and against eager mode's linear of floats.

Activations and results are unsigned bytes, the weight signed ones with a scale for
each row, as torch.export's quantisation writes it. CPU time, the least of the
rounds, all in turn in one process.

    python benchmarks/quantised_vs_torch.py [--rounds 15]
"""

import argparse
import time

import torch
import torch.ao.quantization.fx._decomposed  # noqa: F401

import fx_mlir  # noqa: F401
from gemm_vs_torch import best_times

OPS = torch.ops.quantized_decomposed


def layer(x, w, scales, zeros, bias):
    x = OPS.dequantize_per_tensor.default(x, 0.02, 128, 0, 255, torch.uint8)
    w = OPS.dequantize_per_channel.default(w, scales, zeros, 0, -128, 127, torch.int8)
    y = torch.nn.functional.linear(x, w, bias).relu()
    return OPS.quantize_per_tensor.default(y, 0.05, 3, 0, 255, torch.uint8)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    size = 1024
    for rows in (1, 32, 256):
        arguments = (torch.randint(0, 256, (rows, size), dtype=torch.uint8),
                     torch.randint(-128, 128, (size, size), dtype=torch.int8),
                     torch.rand(size) * 0.001 + 0.001,
                     torch.zeros(size, dtype=torch.int64), torch.randn(size))
        x, w = torch.randn(rows, size), torch.randn(size, size)
        torch._dynamo.reset()
        ours = torch.compile(layer, backend="fx_mlir", dynamic=False)
        inductor = torch.compile(layer, dynamic=False)
        difference = ours(*arguments).int() - layer(*arguments).int()
        assert difference.abs().max() <= 1
        inductor(*arguments)
        times = best_times(
            [lambda: ours(*arguments), lambda: inductor(*arguments),
             lambda: torch.nn.functional.linear(x, w, arguments[4]).relu()],
            options.rounds, time.thread_time)
        print(f"{rows:4d} rows: ours {times[0] * 1e3:.2f} ms, Inductor "
              f"{times[1] * 1e3:.2f} ms, floats {times[2] * 1e3:.2f} ms", flush=True)


if __name__ == "__main__":
    main()
