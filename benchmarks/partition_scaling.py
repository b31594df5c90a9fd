"""Time of the partitioner over the size of the graph, beside PyTorch's.

    python benchmarks/partition_scaling.py [--bin build/bin] [--torch 24]
        [LAYERS…]

For a GPT of each number of layers: nodes of the joint graph, seconds of the
pass fx-partition in the exact mode and with a peak budget of 0.4 of what saving
everything takes, then of PyTorch's min_cut_rematerialization_partition on a
graph of as many layers (up to --torch layers: it takes minutes beyond). The
least of three runs; the machine should be idle.
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile
import time

from deep_gpt import write_gpt

RUNS = 3


def time_pass(tool, module, options, folder):
    """Seconds of the pass, and its report."""
    best = float("inf")
    report = folder / "report.json"
    for _ in range(RUNS):
        result = subprocess.run(
            [
                tool,
                module,
                f"-fx-partition={options} report={report}",
                "--mlir-timing",
                *("-o", "/dev/null"),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        # The last number before the share is the wall time.
        line = re.search(r"([\d.]+) +\([ \d.]+%\) +PartitionPass", result.stderr)
        best = min(best, float(line[1]))
    return best, json.loads(report.read_text())


def measure(tool, layers, folder):
    source = folder / "gpt.mlir"
    source.write_text(write_gpt(layers))
    joint = folder / "joint.mlirbc"
    stages = ["--pre-grad", "--build-joint-graph", "--joint-graph"]
    subprocess.run(
        [tool, *stages, source, "--emit-bytecode", "-o", joint], check=True
    )
    _, report = time_pass(tool, joint, "report-network", folder)
    nodes = len(report["nodes"])
    exact, _ = time_pass(tool, joint, "", folder)
    # The front does not depend on the budget.
    _, report = time_pass(tool, joint, "peak-budget=1024TiB", folder)
    everything = max(p["peak_bytes"] for p in report["front"])
    budget = everything * 2 // 5
    peak, report = time_pass(tool, joint, f"peak-budget={budget}", folder)
    more = 100 * report["recomputed_flops"] / report["total_flops"]
    least = 100 * report["lower_bound_flops"] / report["total_flops"]
    return nodes, exact, peak, more, least


def measure_torch(layers):
    """Nodes, and seconds of PyTorch's partitioner on its own joint graph."""
    import torch
    from functorch.compile import aot_module, make_boxed_func
    from torch import nn
    from torch._functorch.partitioners import min_cut_rematerialization_partition
    from torch.nn import functional as F

    class Layer(nn.Module):
        def __init__(self, width=256, heads=4):
            super().__init__()
            self.heads = heads
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x):
            batch, length, width = x.shape
            parts = self.qkv(self.norm1(x)).split(width, dim=2)
            heads = [
                part.view(batch, length, self.heads, -1).transpose(1, 2)
                for part in parts
            ]
            y = F.scaled_dot_product_attention(*heads, is_causal=True)
            y = y.transpose(1, 2).reshape(batch, length, width)
            x = x + self.out(y)
            hidden = F.gelu(self.up(self.norm2(x)), approximate="tanh")
            return x + self.down(hidden)

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens = nn.Embedding(4096, 256)
            self.layers = nn.Sequential(*[Layer() for _ in range(layers)])
            self.head = nn.Linear(256, 4096)

        def forward(self, x, y):
            logits = self.head(self.layers(self.tokens(x)))
            return F.cross_entropy(logits.flatten(0, 1), y)

    found = {}

    def partition(graph_module, joint_inputs, **kwargs):
        found["nodes"] = len(graph_module.graph.nodes)
        start = time.perf_counter()
        result = min_cut_rematerialization_partition(
            graph_module, joint_inputs, **kwargs
        )
        found["seconds"] = time.perf_counter() - start
        return result

    compiled = aot_module(
        GPT(),
        fw_compiler=lambda graph, inputs: make_boxed_func(graph.forward),
        partition_fn=partition,
        decompositions=torch._decomp.core_aten_decompositions(),
    )
    compiled(torch.zeros(4, 128, dtype=torch.int64), torch.zeros(512, dtype=torch.int64))
    return found["nodes"], found["seconds"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default="build/bin")
    parser.add_argument("--torch", type=int, default=24)
    parser.add_argument("layers", type=int, nargs="*")
    options = parser.parse_args()
    print("| layers | nodes | exact s | peak budget s | more flops (at least) | PyTorch |")
    print("|---|---|---|---|---|---|")
    for layers in options.layers or [5, 12, 24, 48, 96, 192, 384, 700]:
        with tempfile.TemporaryDirectory() as folder:
            nodes, exact, peak, more, least = measure(
                options.bin / "fx-opt", layers, pathlib.Path(folder)
            )
        theirs = "–"
        if layers <= options.torch:
            count, seconds = measure_torch(layers)
            theirs = f"{seconds:.2f} s for {count} nodes"
        print(
            f"| {layers} | {nodes} | {exact:.2f} | {peak:.2f} |"
            f" {more:.2f} % ({least:.2f} %) | {theirs} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
