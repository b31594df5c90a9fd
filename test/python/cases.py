"""Small programs that exercise what a backend has to get right."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Case:
    """`make()` gives (function of (module, *inputs), module, inputs)."""

    def __init__(self, make, train=True, dynamic=None, calls=1):
        self.make, self.train, self.dynamic, self.calls = make, train, dynamic, calls


def mlp():
    return nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 4))


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(3))

    def forward(self, x):
        self.count += x.detach().sum(0)
        return x * self.count


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(10, 6)
        self.head = nn.Linear(6, 10, bias=False)
        self.head.weight = self.emb.weight

    def forward(self, ids):
        return self.head(self.emb(ids))


class ConvBN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(4)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)

    def forward(self, x):
        q, k, v = self.qkv(x).view(2, 5, 3, 4, 4).permute(2, 0, 3, 1, 4)
        a = torch.softmax(q @ k.transpose(-1, -2) * 0.5, -1)
        return self.out((a @ v).transpose(1, 2).reshape(2, 5, 16))


def apply(module, *inputs):
    return module(*inputs)


def leaf(*shape):
    return torch.randn(*shape, requires_grad=True)


CASES = {
    "mlp": Case(lambda: (apply, mlp(), [torch.randn(5, 8)])),
    "mlp_dynamic": Case(lambda: (apply, mlp(), [torch.randn(5, 8)]), dynamic=True),
    "conv_bn": Case(lambda: (apply, ConvBN(), [torch.randn(2, 3, 6, 6)]), calls=3),
    "conv_bn_dynamic": Case(lambda: (apply, ConvBN(), [torch.randn(2, 3, 6, 6)]), dynamic=True),
    "attention": Case(lambda: (apply, Attention(), [torch.randn(2, 5, 16)])),
    "grouped_attention": Case(
        lambda: (lambda m, q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
                 nn.Identity(), [leaf(2, 4, 9, 8), leaf(2, 2, 9, 8), leaf(2, 2, 9, 8)])),
    "tied_weights": Case(lambda: (apply, Tied(), [torch.randint(0, 10, (3, 4))])),
    "buffer_mutation": Case(lambda: (apply, Counter(), [leaf(2, 3)]), calls=3),
    "input_mutation": Case(
        lambda: (lambda m, x, y: x.add_(y).sum(), nn.Identity(), [torch.ones(3), leaf(3)]),
        calls=2),
    "strided_input_mutation": Case(
        lambda: (lambda m, x: x.mul_(2).sum(1), nn.Identity(), [torch.randn(6, 8)[::2, 1:4]]),
        train=False, calls=2),
    "transposed_input_mutation": Case(
        lambda: (lambda m, x: x.mul_(2).sum(1), nn.Identity(), [torch.randn(6, 8).t()]),
        train=False, calls=2),
    "view_of_input": Case(
        lambda: (lambda m, x: (x[1:].view(-1), x.t()), nn.Identity(), [torch.randn(3, 4)])),
    "view_of_output": Case(
        lambda: (lambda m, x: [(y := x * 2), y.t(), y[:, 1:]], nn.Identity(), [leaf(3, 4)])),
    "one_view_of_output": Case(
        lambda: (lambda m, x: (x * 2)[:, 1:], nn.Identity(), [leaf(3, 4)])),
    "input_returned": Case(
        lambda: (lambda m, x, y: (x, x * y), nn.Identity(), [leaf(3), leaf(3)])),
    "same_output_twice": Case(
        lambda: (lambda m, x: [(y := x.exp()), y], nn.Identity(), [leaf(3)])),
    "transposed_output": Case(
        lambda: (lambda m, x: (x * 2).permute(2, 0, 1).exp(), nn.Identity(), [leaf(2, 3, 4)])),
    "expanded_output": Case(
        lambda: (lambda m, x: x.sum(0, keepdim=True).expand(5, 4), nn.Identity(), [leaf(3, 4)])),
    "channels_last": Case(
        lambda: (apply, ConvBN(),
                 [torch.randn(2, 3, 6, 6).to(memory_format=torch.channels_last)])),
    "sliced_input": Case(
        lambda: (lambda m, x: x.exp().sum(0), nn.Identity(), [torch.randn(6, 8)[::2, 1:4]])),
    "expanded_input": Case(
        lambda: (lambda m, x: x.exp() * 2, nn.Identity(), [torch.randn(1, 4).expand(3, 4)])),
    "detached_and_int_outputs": Case(
        lambda: (lambda m, x: ((x * 3).detach(), x.argmax(1), x * 2), nn.Identity(),
                 [leaf(3, 4)])),
    "size_output": Case(
        lambda: (lambda m, x: (x * 2, x.shape[0] * 3 + 1), nn.Identity(), [leaf(3, 4)]),
        dynamic=True),
    "size_arithmetic": Case(
        lambda: (lambda m, x: x.sum() / (x.shape[0] + 1), nn.Identity(), [leaf(3, 4)]),
        dynamic=True),
    "dynamic_transpose": Case(
        lambda: (lambda m, x: x.transpose(1, 2) * 2, nn.Identity(), [leaf(3, 4, 5)]),
        dynamic=True),
    "gradient_is_the_tangent": Case(
        lambda: (lambda m, x: x + 1, nn.Identity(), [leaf(2, 3)])),
    "gradient_is_an_expanded_tangent": Case(
        lambda: (lambda m, x: x.sum(), nn.Identity(), [leaf(2, 3)])),
    "gradients_are_one_tangent": Case(
        lambda: (lambda m, x, y: x + y, nn.Identity(), [leaf(2, 3), leaf(2, 3)])),
    "tensor_constant": Case(
        lambda: (lambda m, x: x * torch.tensor([1.0, 2.0, 3.0]), nn.Identity(), [leaf(2, 3)])),
    "scalar_tensor": Case(
        lambda: (lambda m, x: x * torch.tensor(2.0) + x.mean(), nn.Identity(), [leaf(2, 3)])),
    "number_argument": Case(
        lambda: (lambda m, x, k: x * k, nn.Identity(), [leaf(2, 3), 2.5])),
    "empty_tensor": Case(
        lambda: (lambda m, x: x * 2 + 1, nn.Identity(), [leaf(0, 3)])),
    "bfloat16": Case(
        lambda: (lambda m, x: (x * 2).sum(0), nn.Identity(),
                 [torch.randn(3, 4, dtype=torch.bfloat16)])),
    "frozen_parameter": Case(
        lambda: (apply, nn.Sequential(nn.Linear(4, 4).requires_grad_(False), nn.Linear(4, 2)),
                 [torch.randn(3, 4)])),
    "unused_output": Case(
        lambda: (lambda m, x: ((x * 2).sum(), (x * 3).sum())[0], nn.Identity(), [leaf(3)])),
}
