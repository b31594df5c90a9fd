"""Writes a GPT of any depth as a forward function with a loss.

    python benchmarks/deep_gpt.py LAYERS [--width 256] > gpt.mlir
    fx-opt --pre-grad --build-joint-graph --joint-graph gpt.mlir > joint.mlir

A layer has about 60 nodes in the forward and 140 in the joint graph.
"""

import argparse


class Writer:
    """Ops with the next free number as their result."""

    def __init__(self):
        self.lines = []
        self.count = 0
        self.arguments = []

    def argument(self, name, type, attributes):
        self.arguments.append(f'%{name}: {type} {{fx.name = "{name}", {attributes}}}')
        return f"%{name}", type

    def parameter(self, name, *sizes):
        attributes = 'fx.role = "parameter", fx.requires_grad'
        return self.argument(name, tensor(*sizes), attributes)

    def op(self, op, operands, result, attributes=""):
        values = ", ".join(value for value, _ in operands)
        types = ", ".join(type for _, type in operands)
        return self.line(f"fx.{op} {values}{attributes} : ({types}) -> {result}", result)

    def line(self, text, result):
        value = f"%{self.count}"
        self.count += 1
        self.lines.append(f"  {value} = {text}")
        return value, result

    def view(self, operand, *sizes):
        result = tensor(*sizes)
        text = f"fx.view {operand[0]} sizes = {list(sizes)} : {operand[1]} -> {result}"
        return self.line(text, result)

    def transpose(self, operand, *sizes):
        result = tensor(*sizes)
        attributes = " {dim0 = 1 : i64, dim1 = 2 : i64}"
        return self.op("transpose", [operand], result, attributes)

    def layer_norm(self, operand, name, width):
        weight = self.parameter(name + "_weight", width)
        bias = self.parameter(name + "_bias", width)
        types = f"({operand[1]}, {weight[1]}, {bias[1]}) -> {operand[1]}"
        text = (
            f"fx.layer_norm {operand[0]} weight {weight[0]} bias {bias[0]} "
            f"{{normalized_shape = array<i64: {width}>}} : {types}"
        )
        return self.line(text, operand[1])

    def linear(self, operand, name, sizes, width_in):
        weight = self.parameter(name + "_weight", sizes[-1], width_in)
        bias = self.parameter(name + "_bias", sizes[-1])
        return self.op("linear", [operand, weight, bias], tensor(*sizes))


def tensor(*sizes, element="f32"):
    return f"tensor<{'x'.join(map(str, sizes))}{'x' if sizes else ''}{element}>"


def write_layer(writer, x, name, batch, length, width, heads):
    shape = (batch, length, width)
    norm = writer.layer_norm(x, name + "_norm1", width)
    qkv = writer.linear(norm, name + "_qkv", (batch, length, 3 * width), width)
    part = tensor(*shape)
    value = f"%{writer.count}"
    writer.count += 1
    writer.lines.append(
        f"  {value}:3 = fx.split {qkv[0]} {{dim = 2 : i64, split_size = {width} : i64}}"
        f" : ({qkv[1]}) -> ({part}, {part}, {part})"
    )
    split = (batch, length, heads, width // heads)
    swapped = (batch, heads, length, width // heads)
    inputs = [
        writer.transpose(writer.view((f"{value}#{i}", part), *split), *swapped)
        for i in range(3)
    ]
    attention = writer.op(
        "scaled_dot_product_attention",
        inputs,
        tensor(*swapped),
        " {is_causal = true}",
    )
    merged = writer.view(writer.transpose(attention, *split), *shape)
    x = writer.op(
        "add", [x, writer.linear(merged, name + "_out", shape, width)], part
    )
    norm = writer.layer_norm(x, name + "_norm2", width)
    hidden = (batch, length, 4 * width)
    up = writer.linear(norm, name + "_up", hidden, width)
    gelu = writer.op("gelu", [up], tensor(*hidden), ' {approximate = "tanh"}')
    down = writer.linear(gelu, name + "_down", shape, 4 * width)
    return writer.op("add", [x, down], part)


def write_gpt(layers, batch=4, length=128, width=256, heads=4, vocabulary=4096):
    writer = Writer()
    table = writer.parameter("tokens", vocabulary, width)
    indices = writer.argument(
        "x", tensor(batch, length, element="i64"), 'fx.role = "input"'
    )
    target = writer.argument(
        "y", tensor(batch * length, element="i64"), 'fx.role = "input"'
    )
    shape = (batch, length, width)
    x = writer.op("embedding", [table, indices], tensor(*shape))
    for layer in range(layers):
        x = write_layer(writer, x, f"layer{layer}", batch, length, width, heads)
    x = writer.layer_norm(x, "norm", width)
    logits = writer.linear(x, "head", (batch, length, vocabulary), width)
    rows = writer.view(logits, batch * length, vocabulary)
    loss = writer.op("cross_entropy_loss", [rows, target], tensor())
    arguments = ",\n    ".join(writer.arguments)
    body = "\n".join(writer.lines)
    return (
        f"func.func @gpt(\n    {arguments})\n"
        f'    -> ({tensor()} {{fx.role = "loss"}}) {{\n{body}\n'
        f"  return {loss[0]} : {tensor()}\n}}\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("layers", type=int)
    parser.add_argument("--width", type=int, default=256)
    options = parser.parse_args()
    print(write_gpt(options.layers, width=options.width), end="")
