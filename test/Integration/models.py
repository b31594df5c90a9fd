"""The models of the integration tests: small, with fixed seeds.

`build(name)` gives a `Case`: a module, example inputs, and a loss of its
outputs and the targets. `make_models.py` writes what PyTorch makes of them.
"""

import math
from dataclasses import dataclass
from typing import Any, Callable

import torch
import torch.nn.functional as F
from torch import nn

SEED = 1234


@dataclass
class Case:
    module: nn.Module
    inputs: tuple
    targets: tuple
    loss: Callable
    dynamic_shapes: Any = None


class TrainingStep(nn.Module):
    """(inputs, targets) -> scalar loss."""

    def __init__(self, case: Case):
        super().__init__()
        self.model = case.module
        self.loss = case.loss
        self.num_inputs = len(case.inputs)

    def forward(self, *args):
        outputs = self.model(*args[: self.num_inputs])
        return self.loss(outputs, *args[self.num_inputs :])


def cross_entropy(logits, target):
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), target.reshape(-1))


# ------------------------------------------------------------- convolutions
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 60)
        self.fc2 = nn.Linear(60, 42)
        self.fc3 = nn.Linear(42, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.conv2(x)), (2, 2))
        x = x.view(x.size(0), -1)
        x = torch.sigmoid(self.fc1(x))
        return self.fc3(F.relu(self.fc2(x)))


class ResidualBlock(nn.Module):
    def __init__(self, channels, features, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, features, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(features)
        self.conv2 = nn.Conv2d(features, features, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(features)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Identity()
        if stride != 1 or channels != features:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, features, 1, stride, bias=False),
                nn.BatchNorm2d(features),
            )

    def forward(self, x):
        y = self.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        y += self.shortcut(x)
        return self.relu(y)


class ResNet18(nn.Module):
    def __init__(self, widths=(6, 8, 12, 16), classes=10):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 7, 2, 3, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        blocks, channels = [], widths[0]
        for i, width in enumerate(widths):
            blocks.append(ResidualBlock(channels, width, 1 if i == 0 else 2))
            blocks.append(ResidualBlock(width, width, 1))
            channels = width
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.blocks(self.stem(x))
        return self.fc(torch.flatten(self.pool(x), 1))


class InvertedResidual(nn.Module):
    def __init__(self, channels, features, stride, expansion=4):
        super().__init__()
        hidden = channels * expansion
        self.is_residual = stride == 1 and channels == features
        self.body = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, features, 1, bias=False),
            nn.BatchNorm2d(features),
        )

    def forward(self, x):
        return x + self.body(x) if self.is_residual else self.body(x)


# ------------------------------------------------------------- transformers
class Attention(nn.Module):
    """`naive` spells attention with matmul and softmax."""

    def __init__(self, width, heads, causal=False, naive=False):
        super().__init__()
        self.heads, self.causal, self.naive = heads, causal, naive
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = (
            part.view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)
            for part in self.qkv(x).split(width, dim=2)
        )
        if self.naive:
            scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
            if self.causal:
                mask = torch.tril(torch.ones(tokens, tokens, device=x.device))
                mask = mask.view(1, 1, tokens, tokens)
                scores = scores.masked_fill(mask == 0, float("-inf"))
            y = F.softmax(scores, dim=-1) @ v
        else:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(y.transpose(1, 2).contiguous().view(batch, tokens, width))


class TransformerBlock(nn.Module):
    def __init__(self, width, heads, **attention):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads, **attention)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(approximate="tanh"),
            nn.Linear(4 * width, width),
        )

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    def __init__(self, width=32, classes=10):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.cls = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.position = nn.Parameter(torch.randn(1, 17, width) * 0.02)
        self.blocks = nn.ModuleList(TransformerBlock(width, 4) for _ in range(2))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        cls = self.cls.expand(x.shape[0], -1, -1)
        x = torch.cat((cls, x), dim=1) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class NanoGPT(nn.Module):
    """The head shares its weight with the token embedding."""

    def __init__(self, vocabulary=64, context=32, width=32, heads=4, layers=2):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.dropout = nn.Dropout(0.0)
        self.blocks = nn.ModuleList(
            TransformerBlock(width, heads, causal=True, naive=True)
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, index):
        position = torch.arange(0, index.size(1), dtype=torch.long, device=index.device)
        x = self.dropout(self.tokens(index) + self.positions(position))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class RMSNorm(nn.Module):
    def __init__(self, width, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        y = x.to(torch.float32)
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.eps)
        return self.weight * y.to(x.dtype)


def rotate(x, cos, sin):
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class LlamaLayer(nn.Module):
    def __init__(self, width, heads, kv_heads, hidden):
        super().__init__()
        self.heads, self.kv_heads, self.size = heads, kv_heads, width // heads
        self.norm1 = RMSNorm(width)
        self.q = nn.Linear(width, width, bias=False)
        self.k = nn.Linear(width, kv_heads * self.size, bias=False)
        self.v = nn.Linear(width, kv_heads * self.size, bias=False)
        self.o = nn.Linear(width, width, bias=False)
        self.norm2 = RMSNorm(width)
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def split_heads(self, x, heads):
        batch, tokens, _ = x.shape
        return x.view(batch, tokens, heads, self.size).transpose(1, 2)

    def forward(self, x, cos, sin, mask):
        batch, tokens, _ = x.shape
        y = self.norm1(x)
        q = rotate(self.split_heads(self.q(y), self.heads), cos, sin)
        k = rotate(self.split_heads(self.k(y), self.kv_heads), cos, sin)
        v = self.split_heads(self.v(y), self.kv_heads)
        # Two spellings of grouped-query attention's repetition.
        groups = self.heads // self.kv_heads
        k = k.repeat_interleave(groups, dim=1)
        v = v[:, :, None].expand(batch, self.kv_heads, groups, tokens, self.size)
        v = v.reshape(batch, self.heads, tokens, self.size)
        scores = q @ k.transpose(2, 3) / math.sqrt(self.size) + mask
        weights = F.softmax(scores, dim=-1, dtype=torch.float32).type_as(q)
        y = (weights @ v).transpose(1, 2).reshape(batch, tokens, -1)
        x = x + self.o(y)
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Llama(nn.Module):
    def __init__(self, vocabulary=64, width=32, heads=4, kv_heads=2, layers=2, hidden=48):
        super().__init__()
        size = width // heads
        self.tokens = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList(
            LlamaLayer(width, heads, kv_heads, hidden) for _ in range(layers)
        )
        self.norm = RMSNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        frequency = 1.0 / (10000 ** (torch.arange(0, size, 2).float() / size))
        self.register_buffer("frequency", frequency, persistent=False)

    def forward(self, index):
        tokens = index.shape[1]
        position = torch.arange(tokens, device=index.device).float()
        angle = torch.outer(position, self.frequency)
        angle = torch.cat((angle, angle), -1)
        cos, sin = angle.cos(), angle.sin()
        mask = torch.full((tokens, tokens), float("-inf"), device=index.device).triu(1)
        x = self.tokens(index)
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        return self.head(self.norm(x))


# ------------------------------------------------------------------- others
class DynamicBatchMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(4, 3)

    def forward(self, x):
        y = F.relu(self.first(x))
        z = y.view(x.shape[0] * 2, 4)
        return self.second(z).reshape(x.shape[0], -1), z.sum(0) / x.shape[0]


def sum_of_squares(outputs):
    return sum(output.float().pow(2).mean() for output in outputs)


def smoothed_cross_entropy(logits, target):
    weight = torch.linspace(0.5, 1.5, 7)
    return F.cross_entropy(
        logits, target, weight=weight, label_smoothing=0.1, ignore_index=-100
    )


def labels(*shape, classes=10):
    return (torch.randint(0, classes, shape),)


def build_mlp():
    module = nn.Sequential(
        nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 4)
    )
    return Case(module, (torch.randn(8, 16),), labels(8, classes=4), cross_entropy)


def build_lenet():
    return Case(LeNet(), (torch.randn(4, 1, 28, 28),), labels(4), cross_entropy)


def build_resnet18():
    return Case(ResNet18(), (torch.randn(2, 3, 64, 64),), labels(2), cross_entropy)


def build_mobilenetv2():
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False),
        nn.BatchNorm2d(8),
        nn.Hardswish(),
        InvertedResidual(8, 12, 2),
        InvertedResidual(12, 12, 1),
        InvertedResidual(12, 16, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.0),
        nn.Linear(16, 10),
    )
    return Case(module, (torch.randn(2, 3, 32, 32),), labels(2), cross_entropy)


def build_vit_tiny():
    return Case(
        VisionTransformer(), (torch.randn(2, 3, 32, 32),), labels(2), cross_entropy
    )


def build_nanogpt_naive():
    return Case(NanoGPT(), labels(2, 16, classes=64), labels(2, 16, classes=64), cross_entropy)


def build_llama_tiny():
    return Case(Llama(), labels(2, 12, classes=64), labels(2, 12, classes=64), cross_entropy)


def build_ce_label_smoothing():
    target = torch.tensor([0, 1, 2, 3, 4, 5, 6, -100, 2])
    return Case(
        nn.Linear(10, 7), (torch.randn(9, 10),), (target,), smoothed_cross_entropy
    )


def build_dynamic_batch_mlp():
    batch = torch.export.Dim("batch", min=2, max=64)
    return Case(
        DynamicBatchMLP(), (torch.randn(6, 8),), (), sum_of_squares, ({0: batch},)
    )


BUILDERS = {
    "mlp": build_mlp,
    "lenet": build_lenet,
    "resnet18": build_resnet18,
    "mobilenetv2": build_mobilenetv2,
    "vit_tiny": build_vit_tiny,
    "nanogpt_naive": build_nanogpt_naive,
    "llama_tiny": build_llama_tiny,
    "ce_label_smoothing": build_ce_label_smoothing,
    "dynamic_batch_mlp": build_dynamic_batch_mlp,
}


def build(name: str) -> Case:
    torch.manual_seed(SEED)
    return BUILDERS[name]()
