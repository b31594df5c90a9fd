#!/usr/bin/env python3
"""Makes the small .pt2 files of this folder (needs PyTorch 2.13).

    python3 make_inputs.py

The files are checked in, so that the tests need no PyTorch. Damaged variants
are made from them by damage.py when the tests run.
"""

import io
import json
import os
import zipfile

import torch
import torch.nn as nn
import torch.nn.functional as F

LIBRARIES = os.path.dirname(os.path.dirname(os.path.abspath(torch.__file__)))
HERE = os.path.dirname(os.path.abspath(__file__))


class Mlp(nn.Module):
    """Tied weights, a persistent and a non-persistent buffer, a constant."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.register_buffer("scale", torch.tensor([1.0, 2.0, 3.0, 4.0]))
        self.register_buffer("shift", torch.ones(4), persistent=False)

    def forward(self, x):
        x = torch.relu(self.first(x)) * self.scale + self.shift
        return self.second(x) + torch.tensor([0.5])


class Dynamic(nn.Module):
    """Sizes that are known at run time, and arithmetic on them."""

    def forward(self, x):
        y = x.reshape(x.shape[0] * 2, -1)
        return torch.cat([y, y]) + torch.zeros(4 * x.shape[0], 4)


class Counter(nn.Module):
    """In-place ops on a buffer, through a view, and on an input."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(4))

    def forward(self, x):
        self.count.add_(1)
        self.count[1:3].mul_(2)
        x.relu_()
        return x + self.count


class Views(nn.Module):
    """Writes through views while others share the memory."""

    def forward(self, x, y):
        z = x.clone()
        a = z.view(6)
        b = z.transpose(0, 1)
        c = a.clone()
        a.add_(y)
        b[1].fill_(3.0)
        return z, a, c


class WrittenExpand(nn.Module):
    def forward(self, x):
        x.expand(3, 4).add_(1)
        return x + 1


class Norm(nn.Module):
    """Batch norm in training mode updates its running statistics."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x, target):
        return F.mse_loss(self.norm(x), target)


class Results(nn.Module):
    """Operators with several results, unused ones, and optional tensors."""

    def forward(self, x, i):
        a, b = x.split([1, 3], 1)
        values, _ = x.max(1)
        return a, b[:, i], values, x[:, [0, 2]]


class Cond(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, torch.sin, torch.cos, (x,))


class Loop(nn.Module):
    """A condition inside of a loop."""

    def forward(self, x):
        def go(i, y):
            return i < 3

        def step(i, y):
            return i + 1, torch.cond(y.sum() > 0, lambda y: y - 1, lambda y: y * 2, (y,))

        start = torch.zeros((), dtype=torch.int64)
        return torch._higher_order_ops.while_loop(go, step, (start, x))


class Recurrence(nn.Module):
    def forward(self, h, x):
        def step(h, x):
            return torch.tanh(h + x), h * x

        return torch._higher_order_ops.scan(step, h, x)


class Map(nn.Module):
    def forward(self, x, w):
        return torch._higher_order_ops.map(lambda a, w: a.sin() + w, x, w)


class NoGrad(nn.Module):
    def forward(self, x):
        with torch.no_grad():
            y = x.sin()
        return x + y


class Quantised(nn.Module):
    def forward(self, x, y):
        return torch._higher_order_ops.invoke_quant(
            lambda a, b: torch.mul(a, b) + a, x, y, scheme="nf4")


def save_as_is(name, program):
    """As PyTorch writes it: aligned payloads, data descriptors."""
    program._example_inputs = None
    for node in program.graph.nodes:
        for key in ("stack_trace", "from_node", "torch_fn", "source_fn_stack"):
            node.meta.pop(key, None)
    torch.export.save(program, os.path.join(HERE, name))


def save(name, program):
    """With fewer metadata, and paths that do not depend on the machine."""
    program._example_inputs = None
    stream = io.BytesIO()
    torch.export.save(program, stream)
    with zipfile.ZipFile(stream) as archive:
        text = archive.read("archive/models/model.json")
        document = json.loads(text)
        for node in document["graph_module"]["graph"]["nodes"]:
            node["metadata"] = {
                key: value.replace(HERE + "/", "").replace(LIBRARIES + "/", "")
                for key, value in node["metadata"].items()
                if key == "stack_trace"
            }
        document["guards_code"] = []
        with zipfile.ZipFile(os.path.join(HERE, name), "w") as out:
            for entry in archive.infolist():
                payload = archive.read(entry.filename)
                if entry.filename.endswith("models/model.json"):
                    payload = json.dumps(document, separators=(",", ":"))
                if "/data/sample_inputs/" in entry.filename:
                    continue
                # A fixed time stamp: equal contents give equal files.
                out.writestr(zipfile.ZipInfo(entry.filename), payload)


def main():
    torch.manual_seed(0)
    export = torch.export.export
    save_as_is("mlp.pt2", export(Mlp(), (torch.randn(2, 4),)))
    save("mlp-core.pt2", export(Mlp(), (torch.randn(2, 4),)).run_decompositions())
    batch = torch.export.Dim("batch", min=2, max=64)
    save(
        "dynamic.pt2",
        export(Dynamic(), (torch.randn(3, 8),), dynamic_shapes=({0: batch},)),
    )
    save("counter.pt2", export(Counter(), (torch.randn(2, 4),)))
    views_args = (torch.randn(2, 3), torch.randn(6, dtype=torch.float64))
    save("views.pt2", export(Views(), views_args))
    save("written-expand.pt2", export(WrittenExpand(), (torch.randn(1, 4),)))
    norm_args = (torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4))
    save("norm-train.pt2", export(Norm().train(), norm_args))
    save("norm-core.pt2", export(Norm().train(), norm_args).run_decompositions())
    save(
        "results.pt2",
        export(Results(), (torch.randn(2, 4), torch.tensor([2, 0]))),
    )
    save("cond.pt2", export(Cond(), (torch.randn(3),)))
    save("loop.pt2", export(Loop(), (torch.randn(3),)))
    save("scan.pt2", export(Recurrence(), (torch.randn(4), torch.randn(5, 4))))
    save("map.pt2", export(Map(), (torch.randn(5, 4), torch.randn(4))))
    save("no-grad.pt2", export(NoGrad(), (torch.randn(3),)))
    quantised = export(Quantised(), (torch.randn(3), torch.randn(3)), strict=True)
    save("quantised.pt2", quantised)


if __name__ == "__main__":
    main()
