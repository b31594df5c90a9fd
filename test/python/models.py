"""Small models of the usual families: `MODELS[name]()` gives a Model."""

import math
from typing import Any, Callable, NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(NamedTuple):
    module: nn.Module
    inputs: Callable[[int], list]
    # (output, *targets) -> scalar
    loss: Callable[..., torch.Tensor]
    targets: Callable[[int], list] = lambda batch: []
    dynamic: Any = None
    batches: tuple = (2,)


def cross_entropy(logits, targets):
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))


def classifier(module, inputs, classes=10, **more):
    return Model(module, inputs, cross_entropy,
                 lambda batch: [torch.randint(0, classes, (batch,))], **more)


def language_model(module, tokens, vocabulary):
    def draw(batch):
        return [torch.randint(0, vocabulary, (batch, tokens))]

    return Model(module, draw, cross_entropy, draw)


def mlp():
    module = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32), nn.GELU(),
                           nn.Linear(32, 4))
    return classifier(module, lambda batch: [torch.randn(batch, 16)], 4, batches=(8,))


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 60), nn.Linear(60, 42), nn.Linear(42, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        return self.fc3(F.relu(self.fc2(torch.sigmoid(self.fc1(x)))))


def lenet():
    return classifier(LeNet(), lambda batch: [torch.randn(batch, 1, 28, 28)])


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.down = None
        if stride != 1 or inputs != outputs:
            self.down = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                                      nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.down is None else self.down(x)
        x = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        x += shortcut
        return self.relu(x)


def resnet18():
    widths = (6, 8, 12, 16)
    layers = [nn.Conv2d(3, 6, 7, 2, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(True),
              nn.MaxPool2d(3, 2, 1)]
    inputs = 6
    for i, width in enumerate(widths):
        layers += [BasicBlock(inputs, width, 1 if i == 0 else 2), BasicBlock(width, width, 1)]
        inputs = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10)]
    return classifier(nn.Sequential(*layers), lambda batch: [torch.randn(batch, 3, 64, 64)],
                      batches=(4,))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expand):
        super().__init__()
        hidden = inputs * expand
        self.shortcut = stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(True),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden), nn.ReLU6(True),
            nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return x + self.body(x) if self.shortcut else self.body(x)


def mobilenetv2():
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish(),
        InvertedResidual(8, 12, 2, 4), InvertedResidual(12, 12, 1, 4),
        InvertedResidual(12, 16, 2, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Dropout(0.0), nn.Linear(16, 10))
    return classifier(module, lambda batch: [torch.randn(batch, 3, 32, 32)], batches=(4,))


class Attention(nn.Module):
    def __init__(self, width, heads, causal=False):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = (t.view(batch, tokens, self.heads, -1).transpose(1, 2)
                   for t in self.qkv(x).split(width, dim=2))
        scores = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
        if self.causal:
            mask = torch.tril(torch.ones(tokens, tokens)).view(1, 1, tokens, tokens)
            scores = scores.masked_fill(mask == 0, float("-inf"))
        y = F.softmax(scores, dim=-1) @ v
        return self.out(y.transpose(1, 2).contiguous().view(batch, tokens, width))


class FusedAttention(Attention):
    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = (t.view(batch, tokens, self.heads, -1).transpose(1, 2)
                   for t in self.qkv(x).split(width, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(y.transpose(1, 2).contiguous().view(batch, tokens, width))


class Block(nn.Module):
    def __init__(self, width, attention):
        super().__init__()
        self.norm1, self.norm2, self.attention = nn.LayerNorm(width), nn.LayerNorm(width), attention
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"),
                                 nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.position = nn.Parameter(torch.randn(1, 17, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, FusedAttention(width, 4)) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), dim=1) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


def vit_tiny():
    return classifier(ViT(), lambda batch: [torch.randn(batch, 3, 32, 32)])


class NanoGPT(nn.Module):
    def __init__(self, vocabulary=64, width=32):
        super().__init__()
        self.words, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(32, width)
        self.blocks = nn.ModuleList(
            Block(width, Attention(width, 4, causal=True)) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.words.weight

    def forward(self, ids):
        x = self.words(ids) + self.positions(torch.arange(0, ids.size(1)))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def nanogpt_naive():
    return language_model(NanoGPT(), 16, 64)


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)


def rotate(x, cos, sin):
    left, right = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-right, left), dim=-1) * sin


class LlamaLayer(nn.Module):
    def __init__(self, width, heads, groups, hidden):
        super().__init__()
        self.heads, self.groups, self.size = heads, groups, width // heads
        self.norm1, self.norm2 = RMSNorm(width), RMSNorm(width)
        self.q, self.o = (nn.Linear(width, width, bias=False) for _ in range(2))
        self.k, self.v = (nn.Linear(width, groups * self.size, bias=False) for _ in range(2))
        self.gate, self.up = (nn.Linear(width, hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x, cos, sin, mask):
        batch, tokens, _ = x.shape
        y = self.norm1(x)
        q = self.q(y).view(batch, tokens, self.heads, self.size).transpose(1, 2)
        k = self.k(y).view(batch, tokens, self.groups, self.size).transpose(1, 2)
        v = self.v(y).view(batch, tokens, self.groups, self.size).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        repeat = self.heads // self.groups
        k = k.repeat_interleave(repeat, dim=1)
        v = v[:, :, None].expand(batch, self.groups, repeat, tokens, self.size)
        v = v.reshape(batch, self.heads, tokens, self.size)
        a = F.softmax(q @ k.transpose(2, 3) / math.sqrt(self.size) + mask, dim=-1)
        x = x + self.o((a @ v).transpose(1, 2).reshape(batch, tokens, -1))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Llama(nn.Module):
    def __init__(self, vocabulary=64, width=32, heads=4, groups=2, layers=2):
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList(LlamaLayer(width, heads, groups, 48) for _ in range(layers))
        self.norm, self.head = RMSNorm(width), nn.Linear(width, vocabulary, bias=False)
        size = width // heads
        self.register_buffer("rates", 1.0 / (10000 ** (torch.arange(0, size, 2) / size)),
                             persistent=False)

    def forward(self, ids):
        tokens = ids.shape[1]
        angles = torch.outer(torch.arange(tokens).float(), self.rates)
        angles = torch.cat((angles, angles), -1)
        mask = torch.full((tokens, tokens), float("-inf")).triu(1)
        x = self.words(ids)
        for layer in self.layers:
            x = layer(x, angles.cos(), angles.sin(), mask)
        return self.head(self.norm(x))


def llama_tiny():
    return language_model(Llama(), 12, 64)


def ce_label_smoothing():
    def loss(logits, targets):
        return F.cross_entropy(logits, targets, label_smoothing=0.1, ignore_index=-100)

    def targets(batch):
        values = torch.randint(0, 5, (batch,))
        values[0] = -100
        return [values]

    return Model(nn.Linear(8, 5), lambda batch: [torch.randn(batch, 8)], loss, targets,
                 batches=(6,))


class DynamicMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(8, 16), nn.Linear(16, 3)

    def forward(self, x):
        x = torch.relu(self.fc1(x)).reshape(x.shape[0] * 2, 8)
        return self.fc2(torch.cat([x, x.flip(0)], dim=1)).view(x.shape[0] // 2, -1)


def dynamic_batch_mlp():
    return Model(DynamicMLP(), lambda batch: [torch.randn(batch, 8)],
                 lambda out: out.pow(2).mean(), dynamic=True, batches=(4, 7))


MODELS = {f.__name__: f for f in (
    mlp, lenet, resnet18, mobilenetv2, vit_tiny, nanogpt_naive, llama_tiny, ce_label_smoothing,
    dynamic_batch_mlp)}
