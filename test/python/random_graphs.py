"""Random fx functions with what eager PyTorch gives for them.

Each op is drawn with operands from what is there already; eager PyTorch tells its
result, and so its type. Where a rounding could decide (comparisons, indices of
extremes, rounding to integers), operands are arguments of the function.
"""

import random
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from lowering_harness import constant, mlir_type

SHAPES = [(), (1,), (3,), (4,), (2, 3), (3, 4), (4, 3), (1, 4), (3, 1), (2, 3, 4), (2, 4, 3),
          (1, 3, 4), (0, 3), (2, 0, 4), (2, 3, 4, 4), (1, 2, 5, 3)]
FLOATS = [torch.float32] * 4 + [torch.float64, torch.float16, torch.bfloat16]
# Of the largest element; a value has the largest of what it is computed from.
TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 1e-1}
BOUNDED = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "sin": torch.sin, "cos": torch.cos,
           "relu": torch.relu, "neg": torch.neg, "abs": torch.abs, "erf": torch.erf,
           "silu": F.silu, "hardswish": F.hardswish, "clone": torch.clone}
SMOOTH = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "maximum": torch.maximum,
          "minimum": torch.minimum, "atan2": torch.atan2}
WHOLE = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "maximum": torch.maximum,
         "bitwise_and": torch.bitwise_and, "bitwise_xor": torch.bitwise_xor}
RELATIONS = {"lt": torch.lt, "ge": torch.ge, "eq": torch.eq, "ne": torch.ne}


def dims(values):
    return f"array<i64: {', '.join(map(str, values))}>" if values else "array<i64>"


@dataclass
class Graph:
    """A function that is being written."""

    name: str
    draw: random.Random
    differentiable: bool = False
    lines: list = field(default_factory=list)
    # (name, tensor, whether no rounding is in it, tolerance)
    values: list = field(default_factory=list)
    arguments: list = field(default_factory=list)
    used: set = field(default_factory=set)

    def pick(self, fits):
        """A value with a property, or None."""
        candidates = [v for v in self.values if fits(v)]
        return self.draw.choice(candidates) if candidates else None

    def emit(self, text, operands, results, exact=False):
        """Adds an op: `text` has {0}, {1}, … for operands and {ins}, {out} for types."""
        names = [o[0] if isinstance(o, tuple) else self.scalar(o) for o in operands]
        types = [mlir_type(o[1] if isinstance(o, tuple) else o) for o in operands]
        outs = [mlir_type(r) for r in results]
        out = outs[0] if len(outs) == 1 else f"({', '.join(outs)})"
        name = f"%v{len(self.lines)}"
        self.used |= set(names)
        body = text.format(*names, ins=", ".join(types), out=out,
                           **{f"t{i}": t for i, t in enumerate(types)})
        self.lines.append(f"  {name}{f':{len(outs)}' if len(outs) > 1 else ''} = {body}")
        tolerance = max(o[3] for o in operands if isinstance(o, tuple))
        for i, result in enumerate(results):
            label = f"{name}#{i}" if len(outs) > 1 else name
            self.values.append((label, result, exact,
                                max(tolerance, TOLERANCES.get(result.dtype, 0))))

    def scalar(self, value):
        name = f"%c{len(self.lines)}"
        self.lines.append(f"  {name} = arith.constant {constant(value)}")
        return name

    def op(self, op, operands, result, attrs="", exact=False):
        attrs = f" {{{attrs}}}" if attrs else ""
        places = ", ".join(f"{{{i}}}" for i in range(len(operands)))
        attrs = attrs.replace("{", "{{").replace("}", "}}")
        results = result if isinstance(result, (tuple, list)) else [result]
        self.emit(f"fx.{op} {places}{attrs} : ({{ins}}) -> {{out}}", operands, results, exact)

    def text(self):
        returned = [v for v in self.values if v[0] not in self.used]
        role = "fx.requires_grad, fx.role = \"parameter\"" if self.differentiable else \
            "fx.role = \"input\""
        parameters = ", ".join(
            f"{name}: {mlir_type(tensor)} {{fx.name = \"{name[1:]}\", "
            + (role if tensor.is_floating_point() else "fx.role = \"input\"") + "}"
            for name, tensor, *_ in self.arguments)
        types = ", ".join(mlir_type(v[1]) for v in returned)
        names = ", ".join(v[0] for v in returned)
        body = "\n".join(self.lines)
        return (f"func.func @{self.name}({parameters}) -> ({types}) {{\n{body}\n"
                f"  return {names} : {types}\n}}\n"), [(v[1], v[3]) for v in returned]


def is_float(value):
    return value[1].is_floating_point()


def is_whole(value):
    return value[1].dtype == torch.int64


def is_exact(value):
    return value[2]


def broadcasts(a, b):
    return all(m == n or 1 in (m, n) for m, n in zip(reversed(a.shape), reversed(b.shape)))


def add_pointwise(g):
    kind = g.draw.randrange(7)
    if kind == 0 and (x := g.pick(is_float)):
        name = g.draw.choice(list(BOUNDED))
        g.op(name, [x], BOUNDED[name](x[1]), exact=x[2] and name in ("neg", "abs", "relu"))
    elif kind in (1, 2) and (x := g.pick(is_float)):
        if y := g.pick(lambda v: is_float(v) and broadcasts(v[1], x[1])):
            name = g.draw.choice(list(SMOOTH))
            g.op(name, [x, y], SMOOTH[name](x[1], y[1]))
    elif kind == 3 and (x := g.pick(is_float)):
        value = g.draw.choice([0.1, 2, -1.5, 3])
        g.op("mul", [x, value], x[1] * value)
    elif kind == 4 and (x := g.pick(is_whole)):
        if y := g.pick(lambda v: is_whole(v) and broadcasts(v[1], x[1])):
            name = g.draw.choice(list(WHOLE))
            g.op(name, [x, y], WHOLE[name](x[1], y[1]), exact=True)
    elif kind == 5 and (x := g.pick(is_exact)):
        if y := g.pick(lambda v: is_exact(v) and broadcasts(v[1], x[1])):
            name = g.draw.choice(list(RELATIONS))
            g.op(name, [x, y], RELATIONS[name](x[1], y[1]), exact=True)
    elif c := g.pick(lambda v: v[1].dtype == torch.bool):
        x = g.pick(lambda v: is_float(v) and broadcasts(v[1], c[1]))
        if x and (y := g.pick(lambda v: v[1].dtype == x[1].dtype and broadcasts(
                v[1], torch.broadcast_tensors(c[1], x[1])[0]))):
            g.op("where", [c, x, y], torch.where(c[1], x[1], y[1]))


def add_convert(g):
    if x := g.pick(is_float):
        to, name = g.draw.choice([(torch.float32, "f32"), (torch.float64, "f64"),
                                  (torch.float16, "f16"), (torch.bfloat16, "bf16")])
        g.op("convert_element_type", [x], x[1].to(to), f"dtype = {name}")


def add_view(g):
    x = g.pick(lambda v: v[1].dim() > 0)
    if not x:
        return
    t, rank = x[1], x[1].dim()
    dim = g.draw.randrange(rank)
    kind = g.draw.randrange(9)
    if kind == 0:
        order = list(range(rank))
        g.draw.shuffle(order)
        g.emit(f"fx.permute {{0}} dims = [{', '.join(map(str, order))}] : {{t0}} -> {{out}}", [x],
               [t.permute(order).contiguous()], x[2])
    elif kind == 1:
        shape = list(t.shape[:dim]) + [t.shape[dim:].numel()]
        g.emit(f"fx.view {{0}} sizes = [{', '.join(map(str, shape))}] : {{t0}} -> {{out}}", [x],
               [t.reshape(shape)], x[2])
    elif kind == 2:
        g.op("unsqueeze", [x], t.unsqueeze(dim), f"dim = {dim} : i64", x[2])
    elif kind == 3 and t.shape[dim] > 1:
        end = g.draw.randrange(1, t.shape[dim] + 1)
        step = g.draw.choice([1, 1, 2])
        part = t[(slice(None),) * dim + (slice(0, end, step),)].contiguous()
        g.emit(f"fx.slice {{0}} from {{1}} to {{2}} {{{{dim = {dim} : i64, step = {step} : i64}}}} "
               ": {t0} -> {out}", [x, 0, end], [part], x[2])
    elif kind == 4 and t.shape[dim] > 0:
        index = g.draw.randrange(t.shape[dim])
        g.op("select", [x, index], t.select(dim, index).contiguous(), f"dim = {dim} : i64", x[2])
    elif kind == 5:
        g.op("flip", [x], t.flip(dim), f"dims = {dims([dim])}", x[2])
    elif kind == 6:
        pad = [g.draw.randrange(3), g.draw.randrange(3)]
        value = 0.5 if t.is_floating_point() else (False if t.dtype == torch.bool else 1)
        g.op("constant_pad_nd", [x, value], F.pad(t, pad, value=value), f"pad = {dims(pad)}", x[2])
    elif kind == 7:
        if y := g.pick(lambda v: v[1].dtype == t.dtype and v[1].dim() == rank and all(
                i == dim or m == n for i, (m, n) in enumerate(zip(v[1].shape, t.shape)))):
            g.op("cat", [x, y], torch.cat([t, y[1]], dim), f"dim = {dim} : i64", x[2] and y[2])
    elif t.shape[dim] > 1:
        parts = [p.contiguous() for p in torch.split(t, 2, dim)]
        g.op("split", [x], parts, f"dim = {dim} : i64, split_size = 2 : i64", x[2])


def add_reduction(g):
    x = g.pick(lambda v: is_float(v) and v[1].dim() > 0 and v[1].numel() > 0)
    if not x:
        return
    t, dim = x[1], g.draw.randrange(x[1].dim())
    keep = g.draw.random() < 0.5
    flags = f"dim = {dims([dim])}, keepdim = {str(keep).lower()}"
    kind = g.draw.randrange(7)
    if kind == 0:
        g.op("sum", [x], t.sum(dim, keep), flags)
    elif kind == 1:
        g.op("mean", [x], t.mean(dim, keep), flags)
    elif kind == 2:
        g.op("amax", [x], t.amax(dim, keep), flags, x[2])
    elif kind == 3:
        g.op("softmax", [x], t.softmax(dim), f"dim = {dim} : i64")
    elif kind == 4:
        g.op("log_softmax", [x], t.log_softmax(dim), f"dim = {dim} : i64")
    elif kind == 5 and not g.differentiable:
        g.op("cumsum", [x], t.cumsum(dim), f"dim = {dim} : i64")
    elif not g.differentiable:
        g.op("logsumexp", [x], t.logsumexp(dim, keep), flags)


def add_product(g):
    x = g.pick(lambda v: is_float(v) and v[1].dim() in (2, 3))
    if not x:
        return
    rank = x[1].dim()
    y = g.pick(lambda v: v[1].dtype == x[1].dtype and v[1].dim() == rank
               and v[1].shape[-2] == x[1].shape[-1] and v[1].shape[:-2] == x[1].shape[:-2])
    if y:
        g.op("mm" if rank == 2 else "bmm", [x, y], x[1] @ y[1])


def add_indexing(g):
    index = g.pick(lambda v: is_whole(v) and v[0].startswith("%i"))
    x = g.pick(lambda v: v[1].dim() == 2 and v[1].shape[0] > 2 and is_float(v))
    if index and x:
        rows = x[1][index[1]].contiguous()
        g.op("index", [x, index], rows, f"index_dims = {dims([0])}", x[2])


def add_attention(g):
    x = g.pick(lambda v: is_float(v) and v[1].dim() == 4 and v[1].numel() > 0)
    if x:
        causal = g.draw.random() < 0.5
        g.op("scaled_dot_product_attention", [x, x, x], F.scaled_dot_product_attention(
            x[1], x[1], x[1], is_causal=causal), f"is_causal = {str(causal).lower()}")


STEPS = [add_pointwise] * 6 + [add_view] * 5 + [add_reduction] * 3 + [add_product] * 2 + [
    add_convert, add_indexing, add_attention]


def make_graph(seed, length=12, differentiable=False):
    """(text of the function, its arguments, [(result of eager PyTorch, tolerance)])."""
    draw = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)
    g = Graph(f"f{seed}", draw, differentiable)
    for k in range(4):
        dtype = torch.float32 if differentiable else draw.choice(FLOATS)
        value = torch.randn(draw.choice(SHAPES), generator=generator, dtype=torch.float64)
        g.values.append((f"%a{k}", value.to(dtype), True, 0))
    shape = draw.choice([(2,), (3, 2), (0,), ()])
    g.values.append(("%i0", torch.randint(0, 3, shape, generator=generator), True, 0))
    g.values.append(("%b0", torch.rand(draw.choice(SHAPES), generator=generator) < 0.5, True, 0))
    g.arguments = list(g.values)
    while len(g.lines) < length:
        before = len(g.lines)
        draw.choice(STEPS)(g)
        # Numbers that grow without bound would hide the others.
        for i in range(len(g.values)):
            _, tensor, *_ = g.values[i]
            if (len(g.lines) > before and tensor.is_floating_point() and tensor.numel()
                    and not tensor.abs().max() < 1e3):
                return make_graph(seed + 1_000_000, length, differentiable)
    text, results = g.text()
    return text, [value[1] for value in g.arguments], results
