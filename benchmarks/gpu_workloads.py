"""Workloads of realistic sizes for gpu_check.py --mem.

    python benchmarks/gpu_workloads.py FOLDER [NAME …]

writes FOLDER/<name>.fwd.pt2, and <name>.train.pt2 where the weights are small
enough to travel in a library. fx-compile makes <name>.fwd.so (--mode=inference)
and <name>.train.so (--mode=training) of them.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test" / "Integration"))
from models import SEED, Case, RMSNorm, TrainingStep, TransformerBlock, cross_entropy  # noqa: E402


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def gelu_bias_residual(x, bias, residual):
    return F.gelu(x + bias, approximate="tanh") + residual


def mean_square(output):
    return output.float().pow(2).mean()


def pointwise(dtype):
    x = torch.randn(8192, 3072, dtype=dtype)
    inputs = (x, torch.randn(3072, dtype=dtype), torch.randn_like(x))
    return Case(Call(gelu_bias_residual), inputs, (), None)


def softmax(dtype):
    return Case(Call(lambda x: F.softmax(x, -1)), (torch.randn(8192, 4096, dtype=dtype),), (), None)


def norm(module, width, dtype):
    return Case(module.to(dtype), (torch.randn(8192, width, dtype=dtype),), (), mean_square)


def entropy(dtype):
    logits = torch.randn(8192, 32768, dtype=dtype)
    return Case(Call(cross_entropy), (logits, torch.randint(0, 32768, (8192,))), (), None)


def mlp(dtype):
    module = nn.Sequential(nn.Linear(1024, 2048), nn.GELU(), nn.Linear(2048, 1024))
    return Case(module.to(dtype), (torch.randn(8192, 1024, dtype=dtype),), (), mean_square)


def block(dtype):
    module = TransformerBlock(512, 8, causal=True, naive=True)
    return Case(module.to(dtype), (torch.randn(8, 512, 512, dtype=dtype),), (), mean_square)


WORKLOADS = {}
for suffix, dtype in ("f32", torch.float32), ("bf16", torch.bfloat16):
    WORKLOADS |= {
        f"gelu_bias_residual_{suffix}": lambda dtype=dtype: pointwise(dtype),
        f"softmax_{suffix}": lambda dtype=dtype: softmax(dtype),
        f"layernorm_{suffix}": lambda dtype=dtype: norm(nn.LayerNorm(768), 768, dtype),
        f"rmsnorm_{suffix}": lambda dtype=dtype: norm(RMSNorm(4096), 4096, dtype),
        f"cross_entropy_{suffix}": lambda dtype=dtype: entropy(dtype),
        f"mlp_{suffix}": lambda dtype=dtype: mlp(dtype),
        f"block_{suffix}": lambda dtype=dtype: block(dtype),
    }


def build(name):
    torch.manual_seed(SEED)
    return WORKLOADS[name]()


def save(program, path):
    program._example_inputs = None
    torch.export.save(program, path)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or WORKLOADS:
        case = build(name)
        program = torch.export.export(case.module.eval(), case.inputs)
        save(program, folder / f"{name}.fwd.pt2")
        if case.loss is not None:
            step = TrainingStep(case).train()
            program = torch.export.export(step, case.inputs + case.targets)
            save(program, folder / f"{name}.train.pt2")
        print(name)


if __name__ == "__main__":
    main()
