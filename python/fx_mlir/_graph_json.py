"""ATen FX graphs as JSON, and what becomes of their inputs and outputs.

The format is `joint-graph-oracle-1`: one object for each node. The compiler
sees dense row-major buffers only, so layouts are dealt with here: an input
that is a permuted or expanded dense buffer is declared as that buffer, and a
permute or expand node restores the tensor; outputs alike, the other way round.
"""

import json
import operator
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import SymBool, SymFloat, SymInt

from . import _torch_compat as compat

aten = torch.ops.aten
prims = torch.ops.prims

SEEDS = "fx_seeds"

_SYMBOLIC = ((SymInt, "int64"), (SymFloat, "float64"), (SymBool, "bool"))


class Layout(NamedTuple):
    """How a strided tensor lies in a dense row-major buffer.

    Buffer dimension i is tensor dimension `order[i]`; the dimensions in
    `broadcast` have stride 0 and size 1 in the buffer.
    """

    order: Tuple[int, ...]
    broadcast: Tuple[int, ...]

    @property
    def is_identity(self):
        return (not self.broadcast
                and self.order == tuple(range(len(self.order))))

    def buffer_shape(self, shape):
        return [1 if d in self.broadcast else shape[d] for d in self.order]

    def inverse(self):
        inverse = [0] * len(self.order)
        for i, d in enumerate(self.order):
            inverse[d] = i
        return inverse


class TensorSpec(NamedTuple):
    """A tensor at the border of a graph. Sizes may be symbolic."""

    shape: Tuple[Any, ...]
    strides: Tuple[Any, ...]
    dtype: torch.dtype
    # None: no dense layout; the tensor is copied to or from a row-major one.
    layout: Optional[Layout]

    @property
    def is_static(self):
        return all(isinstance(s, int) for s in self.shape + self.strides)

    @property
    def is_row_major(self):
        return self.layout is not None and self.layout.is_identity

    def buffer_layout(self):
        return self.layout or identity(len(self.shape))

    def row_major(self):
        """The same, but passed as a row-major copy unless it is row-major."""
        return self if self.is_row_major else self._replace(layout=None)


class Input(NamedTuple):
    """A placeholder. `kind` is tensor, int, float, bool, constant or seeds."""

    name: str
    kind: str
    spec: Optional[TensorSpec] = None
    # Of a constant: the tensor. Of seeds: their number. Of a number: the
    # symbolic value.
    value: Any = None


class Output(NamedTuple):
    """A slot of the output list.

    `kind` is `none`, `result` (result number `index`), `input` (placeholder
    number `index` itself), `alias_input` and `alias_output` (a view, with the
    geometry of `spec` and `offset`, of that input or slot), or `value`.
    """

    kind: str
    index: int = -1
    spec: Optional[TensorSpec] = None
    offset: int = 0
    value: Any = None


class EncodedGraph(NamedTuple):
    text: bytes
    # The first `num_placeholders` are the graph's own, the rest was added.
    inputs: List[Input]
    num_placeholders: int
    # Names of the inputs that the first results replace.
    mutations: List[str]
    outputs: List[Output]
    # How many slots belong to the forward, and how many results.
    num_fwd_outputs: int
    num_fwd_results: int
    # Node values, to describe what a partition saves.
    values: Dict[str, Any]


def is_tangent(node):
    """Whether a joint graph's placeholder is the gradient of an output."""
    return node.name.startswith("tangents_")


def identity(rank):
    return Layout(tuple(range(rank)), ())


def find_layout(shape, strides, dynamic_broadcast=False):
    """The dense layout of a tensor with these strides, or None.

    A dimension of stride 0 has a static size, unless `dynamic_broadcast`.
    """
    hints = [compat.size_hint(s) for s in strides]
    sizes = [compat.size_hint(s) for s in shape]
    rank = len(shape)
    if 0 in sizes:
        return identity(rank)
    broadcast = tuple(
        d for d in range(rank)
        if (isinstance(shape[d], int) or dynamic_broadcast) and sizes[d] != 1
        and isinstance(strides[d], int) and strides[d] == 0
    )
    # A dimension of size 1 may have any stride: it is left where it is, unless
    # others move.
    moving = [d for d in range(rank) if sizes[d] != 1 and d not in broadcast]
    order = sorted(moving, key=lambda d: -hints[d])
    expected = 1
    for d in reversed(order):
        if not compat.known_equal(strides[d], expected):
            return None
        expected = expected * shape[d]
    if order == moving:
        return Layout(tuple(range(rank)), broadcast)
    rest = [d for d in range(rank) if d not in order]
    return Layout(tuple(order + rest), broadcast)


def tensor_spec(value, dynamic_broadcast=False):
    shape, strides = tuple(value.shape), tuple(value.stride())
    layout = find_layout(shape, strides, dynamic_broadcast)
    return TensorSpec(shape, strides, value.dtype, layout)


def _row_major(shape):
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step = step * size
    return strides[::-1]


def _encode_tensor(shape, strides, dtype, device="cpu", offset=0):
    return {
        "shape": [_encode(s) for s in shape],
        "stride": [_encode(s) for s in strides],
        "dtype": str(dtype)[6:],
        "device": str(device),
        "offset": _encode(offset),
    }


def _encode_value(value):
    if isinstance(value, torch.Tensor):
        return _encode_tensor(value.shape, value.stride(), value.dtype,
                              value.device, value.storage_offset())
    if isinstance(value, (list, tuple)):
        return [_encode_value(v) for v in value]
    encoded = _encode(value)
    for types, name in _SYMBOLIC:
        if isinstance(value, types):
            encoded["type"] = name
    return encoded


def _encode(argument):
    if isinstance(argument, torch.fx.Node):
        return {"node": argument.name}
    if argument is None or isinstance(argument, (bool, int, str)):
        return argument
    if isinstance(argument, float):
        if argument - argument == 0:
            return argument
        return {"float": str(argument)}
    if isinstance(argument, (list, tuple)):
        return [_encode(a) for a in argument]
    if isinstance(argument, (SymInt, SymFloat, SymBool)):
        return {"sym": compat.sym_text(argument)}
    if isinstance(argument, torch.dtype):
        return {"dtype": str(argument)[6:]}
    if isinstance(argument, torch.device):
        return {"device": str(argument)}
    if isinstance(argument, torch.layout):
        return {"layout": str(argument)[6:]}
    if isinstance(argument, torch.memory_format):
        return {"memory_format": str(argument)[6:]}
    if isinstance(argument, slice):
        parts = (argument.start, argument.stop, argument.step)
        return {"slice": [_encode(a) for a in parts]}
    if isinstance(argument, dict):
        return {"dict": {str(k): _encode(v) for k, v in argument.items()}}
    return {"repr": repr(argument)}


def target_name(target):
    if isinstance(target, torch._ops.OpOverload):
        return str(target)
    if isinstance(target, torch._ops.HigherOrderOperator):
        return f"higher_order.{target.name()}"
    module = target.__module__.lstrip("_")
    return f"{module}.{target.__name__}"


def source_line(node):
    """`file:line` of the innermost frame that made a node."""
    trace = node.meta.get("stack_trace")
    if not trace:
        return None
    for line in reversed(trace.splitlines()):
        line = line.strip()
        if line.startswith('File "'):
            file, _, rest = line[6:].partition('", line ')
            return f"{file}:{rest.split(',')[0]}"
    return None


def _lies_in(spec, offset, owner):
    """Whether a view lies in the memory that the output `owner` fills."""
    if 0 in spec.shape:
        return False
    last = offset + sum((size - 1) * stride
                        for size, stride in zip(spec.shape, spec.strides))
    return last < owner.meta["val"].numel()


class _Encoder:
    def __init__(self, gm, num_fwd_outputs, static_inputs, requires_grad,
                 alias_inputs):
        self.gm = gm
        self.alias_inputs = alias_inputs
        self.requires_grad = frozenset(requires_grad)
        self.static_inputs = frozenset(static_inputs)
        self.placeholder_nodes = []
        self.nodes = []
        self.inputs = []
        self.values = {}
        # What a node is called where it is used.
        self.renamed = {}
        # Placeholder -> node that holds its new value.
        self.mutations = {}
        self.constants = []
        self.random_count = 0
        graph_nodes = list(gm.graph.nodes)
        self.placeholders = [n for n in graph_nodes if n.op == "placeholder"]
        (self.output,) = gm.graph.find_nodes(op="output")
        self.calls = [n for n in graph_nodes
                      if n.op in ("call_function", "get_attr")]
        self.slots = list(self.output.args[0])
        self.num_fwd_outputs = num_fwd_outputs
        if num_fwd_outputs is None:
            self.num_fwd_outputs = len(self.slots)

    def reference(self, argument):
        """An encoded argument."""
        if isinstance(argument, torch.fx.Node):
            return {"node": self.renamed.get(argument.name, argument.name)}
        if isinstance(argument, (list, tuple)):
            return [self.reference(a) for a in argument]
        if isinstance(argument, dict):
            return {"dict": self.references(argument)}
        if isinstance(argument, slice):
            parts = (argument.start, argument.stop, argument.step)
            return {"slice": [self.reference(a) for a in parts]}
        return _encode(argument)

    def references(self, arguments):
        """A dictionary of arguments."""
        return {str(k): self.reference(v) for k, v in arguments.items()}

    def call(self, name, target, args, val, **more):
        entry = {"name": name, "op": "call_function", "target": target,
                 "args": args, **more, "val": val}
        self.nodes.append(entry)
        return name

    # -- inputs

    def add_placeholder(self, name, kind, val, tag=None):
        entry = {"name": name, "op": "placeholder", "kind": kind, "val": val}
        if tag:
            entry["partitioner_tag"] = tag
        if name in self.requires_grad:
            entry["requires_grad"] = True
        self.placeholder_nodes.append(entry)

    def add_tensor(self, name, kind, value, tag=None):
        """A placeholder for a buffer, and nodes that make the tensor of it."""
        spec = tensor_spec(value)
        layout = spec.buffer_layout()
        shape = layout.buffer_shape(spec.shape)
        self.add_placeholder(
            name, kind,
            _encode_tensor(shape, _row_major(shape), spec.dtype, value.device),
            tag)
        more = {"partitioner_tag": tag} if tag else {}
        result = name
        if layout.order != tuple(range(len(shape))):
            inverse = layout.inverse()
            shape = [shape[i] for i in inverse]
            result = self.call(
                f"{name}_permute", "aten.permute.default",
                [{"node": result}, inverse],
                _encode_tensor(shape, spec.strides, spec.dtype), **more)
        if layout.broadcast:
            result = self.call(
                f"{name}_expand", "aten.expand.default",
                [{"node": result}, [_encode(s) for s in spec.shape]],
                _encode_tensor(spec.shape, spec.strides, spec.dtype), **more)
        if result != name:
            self.renamed[name] = result
        return spec

    def add_graph_placeholder(self, node):
        value = node.meta["val"]
        kind = "tangent" if is_tangent(node) else "primal"
        tag = node.meta.get("partitioner_tag")
        if isinstance(value, torch.Tensor):
            if value.device.type != "cpu":
                raise RuntimeError(
                    f"input {node.name!r} is on {value.device}: backend "
                    "'fx_mlir' compiles graphs of CPU tensors")
            self.inputs.append(Input(node.name, "tensor",
                                     self.add_tensor(node.name, kind, value,
                                                     tag)))
            return
        for types, name in (((SymBool, bool), "bool"), ((SymInt, int), "int"),
                            ((SymFloat, float), "float")):
            if isinstance(value, types):
                self.add_placeholder(node.name, kind, _encode_value(value), tag)
                self.inputs.append(Input(node.name, name, value=value))
                return
        raise RuntimeError(
            f"input {node.name!r} is a {type(value).__name__}: backend "
            "'fx_mlir' takes tensors and numbers")

    def add_constants(self):
        """Tensors that the graph holds become arguments."""
        for node in self.calls:
            if node.op != "get_attr":
                continue
            value = compat.get_attribute(self.gm, node.target)
            if not isinstance(value, torch.Tensor):
                raise RuntimeError(
                    f"{node.name!r} ({type(value).__name__}): backend "
                    "'fx_mlir' does not take graphs with higher-order "
                    "operators")
            with compat.real_tensors():
                value = value.detach()
            spec = self.add_tensor(node.name, "constant", value)
            self.inputs.append(Input(node.name, "constant", spec, value))

    # -- nodes

    def is_input_mutation(self, node):
        return (self.is_mutation_result(node)
                and all(user.op == "output" for user in node.users))

    def is_mutation_result(self, node):
        return (node.target is aten.copy_.default
                and node.args[0].op == "placeholder")

    def add_random(self, node, mode):
        """Numbers of PyTorch's generator become a function of a seed."""
        value = node.meta["val"]
        size = self.reference(node.args[0])
        tag = node.meta.get("partitioner_tag")
        more = {"partitioner_tag": tag} if tag else {}
        seed = self.call(
            f"{node.name}_seed", "prims.inductor_lookup_seed.default",
            [{"node": SEEDS}, self.random_count],
            _encode_tensor((), (), torch.int64), **more)
        self.random_count += 1
        is_f32 = value.dtype == torch.float32
        name = self.call(
            node.name if is_f32 else f"{node.name}_f32",
            "prims.inductor_random.default", [size, {"node": seed}, mode],
            _encode_tensor(value.shape, value.stride(), torch.float32), **more)
        if not is_f32:
            self.call(node.name, "prims.convert_element_type.default",
                      [{"node": name}, _encode(value.dtype)],
                      _encode_value(value), **more)

    def add_numel(self, node):
        """The number of elements becomes a product of sizes."""
        tensor = node.args[0]
        val = _encode_value(node.meta["val"])
        product = 1
        for d, size in enumerate(tensor.meta["val"].shape):
            if isinstance(size, int):
                product *= size
        factors = [
            {"node": self.call(f"{node.name}_size{d}", "aten.sym_size.int",
                               [self.reference(tensor), d],
                               _encode_value(size))}
            for d, size in enumerate(tensor.meta["val"].shape)
            if not isinstance(size, int)
        ]
        for k, factor in enumerate(factors):
            last = k == len(factors) - 1
            name = self.call(node.name if last else f"{node.name}_part{k}",
                             "operator.mul", [factor, product], val)
            product = {"node": name}

    def add_call(self, node):
        if self.is_input_mutation(node):
            # Taken note of here, done by the caller of the compiled code.
            self.mutations[node.args[0].name] = node.args[1]
            source = node.args[1]
            self.renamed[node.name] = self.renamed.get(source.name, source.name)
            return
        if node.target is aten.sym_numel.default:
            self.add_numel(node)
            return
        mode = _RANDOM.get(node.target)
        if mode is not None:
            self.add_random(node, mode)
            return
        entry = {"name": node.name, "op": "call_function",
                 "target": target_name(node.target),
                 "args": self.reference(node.args)}
        if node.kwargs:
            entry["kwargs"] = self.references(node.kwargs)
        entry["val"] = _encode_value(node.meta.get("val"))
        for key in ("partitioner_tag", "ac_graph_id"):
            if node.meta.get(key) is not None:
                entry[key] = node.meta[key]
        recompute = node.meta.get("recompute")
        if recompute is not None:
            entry["recompute"] = recompute.name
        line = source_line(node)
        if line:
            entry["source"] = line
        self.nodes.append(entry)

    # -- outputs

    def result_of(self, node):
        """The name of a node's value as a dense buffer."""
        name = self.renamed.get(node.name, node.name)
        value = node.meta.get("val")
        if not isinstance(value, torch.Tensor):
            return name, None
        spec = tensor_spec(value, dynamic_broadcast=True)
        if spec.layout is None and not spec.is_static:
            raise RuntimeError(
                f"output {node.name!r} has gaps between its elements and a "
                "size that is not known: backend 'fx_mlir' cannot lay it out")
        return self.buffer_of(name, spec), spec

    def buffer_of(self, name, spec):
        layout = spec.buffer_layout()
        shape = list(spec.shape)
        base = name
        for d in layout.broadcast:
            shape[d] = 1
            name = self.call(f"{base}_slice{d}", "aten.slice.Tensor",
                             [{"node": name}, d, 0, 1],
                             _encode_tensor(shape, spec.strides, spec.dtype))
        if layout.order != tuple(range(len(shape))):
            shape = [shape[d] for d in layout.order]
            name = self.call(f"{base}_layout", "aten.permute.default",
                             [{"node": name}, list(layout.order)],
                             _encode_tensor(shape, _row_major(shape),
                                            spec.dtype))
        return name

    def find_owners(self):
        """For each storage, the output that fills it: others are its views."""
        owner = {}
        for i, node in enumerate(self.slots):
            if not isinstance(node, torch.fx.Node):
                continue
            value = node.meta.get("val")
            if (not isinstance(value, torch.Tensor)
                    or value.storage_offset() != 0):
                continue
            spec = tensor_spec(value)
            if not spec.layout or not spec.is_static or spec.layout.broadcast:
                continue
            # No view may cross from the forward's outputs to the backward's.
            key = (compat.storage_of(value), i < self.num_fwd_outputs)
            if key in owner:
                largest = self.slots[owner[key]].meta["val"]
                if value.numel() <= largest.numel():
                    continue
            owner[key] = i
        return owner

    def plan_outputs(self, first_result):
        """What fills each slot, and the `outputs` of the file.

        In the file a gradient that is not computed is null; an output of the
        forward that is not computed is left out.
        """
        owner = self.find_owners()
        plan, names = [], []
        results = first_result
        for i, node in enumerate(self.slots):
            is_forward = i < self.num_fwd_outputs
            slot, name = self.plan_slot(i, node, is_forward, owner)
            if name is not None:
                slot = slot._replace(index=results)
                results += 1
            if name is not None or not is_forward:
                names.append(name)
            plan.append(slot)
        # A joint graph computes a gradient. Where all are views of tangents
        # (of a sum, or of x + 1) the first becomes a copy.
        backward = range(self.num_fwd_outputs, len(plan))
        views = [i for i in backward
                 if plan[i].kind in ("input", "alias_input")]
        if views and not any(plan[i].kind == "result" for i in backward):
            name, spec = self.result_of(self.slots[views[0]])
            plan[views[0]] = Output("result", results, spec)
            names[views[0] - len(plan)] = name
        return plan, names

    def plan_slot(self, i, node, is_forward, owner):
        """A slot, and the name of the value if it is a result."""
        if not isinstance(node, torch.fx.Node):
            if node is None:
                return Output("none"), None
            return Output("value", value=node), None
        if self.is_mutation_result(node):
            node = node.args[0]
        # The forward is given the primals, the backward the tangents.
        inputs = [(k, n) for k, n in enumerate(self.placeholders)
                  if is_tangent(n) != is_forward]
        for k, candidate in inputs:
            if candidate is node:
                return Output("input", k), None
        value = node.meta.get("val")
        if isinstance(value, (int, float)):
            return Output("value", value=value), None
        if isinstance(value, torch.Tensor):
            spec = tensor_spec(value)
            offset = value.storage_offset()
            if spec.is_static and isinstance(offset, int):
                key = compat.storage_of(value)
                for k, candidate in inputs if self.alias_inputs else ():
                    base = candidate.meta["val"]
                    if (isinstance(base, torch.Tensor)
                            and compat.storage_of(base) == key):
                        return Output("alias_input", k, spec, offset), None
                first = owner.get((key, is_forward), i)
                if first != i and _lies_in(spec, offset, self.slots[first]):
                    return Output("alias_output", first, spec, offset), None
        name, spec = self.result_of(node)
        return Output("result", spec=spec), name

    def encode(self):
        # Tangents follow whatever is an argument of the forward.
        tangents = [n for n in self.placeholders if is_tangent(n)]
        for node in self.placeholders:
            if not is_tangent(node):
                self.add_graph_placeholder(node)
        primals = self.inputs
        self.inputs = []
        self.add_constants()
        count = sum(node.target in _RANDOM for node in self.calls)
        if count:
            self.add_placeholder(
                SEEDS, "seed", _encode_tensor((count,), (1,), torch.int64))
            self.inputs.append(Input(SEEDS, "seeds", value=count))
        added = self.inputs
        self.inputs = []
        for node in tangents:
            self.add_graph_placeholder(node)
        inputs = primals + self.inputs
        if [i.name for i in inputs] != [n.name for n in self.placeholders]:
            raise RuntimeError(
                "a tangent stands before a primal in the joint graph")
        for node in self.placeholders + self.calls:
            self.values[node.name] = node.meta.get("val")
        for node in self.calls:
            if node.op == "call_function":
                self.add_call(node)

        specs = {i.name: i.spec for i in inputs}
        mutations, new_values = list(self.mutations), []
        for name, source in self.mutations.items():
            value = self.renamed.get(source.name, source.name)
            new_values.append(self.buffer_of(value, specs[name]))
        plan, names = self.plan_outputs(len(mutations))
        num_fwd_results = len(mutations) + sum(
            o.kind == "result" for o in plan[:self.num_fwd_outputs])
        document = {
            "format": "joint-graph-oracle-1",
            "num_fwd_outputs": num_fwd_results,
            "static_lifetime_input_indices": sorted(self.static_inputs),
            "mutations": mutations,
            "joint": {
                "nodes": self.placeholder_nodes + self.nodes,
                "outputs": [name and {"node": name}
                            for name in new_values + names],
            },
        }
        text = json.dumps(document, allow_nan=False).encode()
        return EncodedGraph(text, inputs + added, len(inputs), mutations, plan,
                            self.num_fwd_outputs, num_fwd_results, self.values)


_RANDOM = {
    aten.rand.default: "rand",
    aten.randn.default: "randn",
}


def encode_graph(gm, num_fwd_outputs=None, static_inputs=(), requires_grad=(),
                 alias_inputs=True):
    """Encodes a forward graph, or a joint graph with `num_fwd_outputs`.

    `static_inputs` are indices of parameters and buffers, `requires_grad` names
    of a forward graph's placeholders. Without `alias_inputs` no output is a
    view of an input.
    """
    return _Encoder(gm, num_fwd_outputs, static_inputs, requires_grad,
                    alias_inputs).encode()
