"""Splits a graph into pieces to compile and operators that PyTorch runs.

Every node belongs to one side: `native` nodes are compiled, `outside` nodes are
left to PyTorch. Nodes get phases: outside nodes even ones, native nodes odd
ones, each the first that is not before its operands'. All native nodes of a
phase form a piece, so pieces cannot depend on each other in a cycle, and there
are no more of them than the longest alternation takes.

Sizes and views that must share memory at the border are `light`: both sides
compute them for themselves.
"""

import operator
from typing import Any, Dict, List, NamedTuple

import torch
from torch import SymBool, SymFloat, SymInt

from . import _torch_compat as compat
from ._graph_json import find_layout, source_line, target_name

aten = torch.ops.aten

_DTYPES = frozenset((
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64,
    torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool))
_NUMBERS = (bool, int, float, SymBool, SymInt, SymFloat)
_ARGUMENTS = _NUMBERS + (
    type(None), str, torch.fx.Node, torch.dtype, torch.device, torch.layout,
    torch.memory_format)
_SHAPE_READERS = frozenset((
    aten.sym_size.int, aten.sym_numel.default, aten.sym_stride.int,
    aten.sym_storage_offset.default))


# What they read depends on where in its memory an operand lies.
_MEMORY_READERS = frozenset((
    aten.as_strided.default, aten.as_strided_copy.default,
    aten.as_strided_scatter.default))


class FallenBack(NamedTuple):
    """An operator that PyTorch runs."""

    op: str
    node: str
    reason: str
    # "file:line" in the program, "" if unknown.
    line: str

    def __str__(self):
        place = f", {self.line}" if self.line else ""
        return f"{self.op} (node {self.node!r}{place}): {self.reason}"


class Piece(NamedTuple):
    """A graph to compile, and which nodes its inputs and outputs are."""

    gm: torch.fx.GraphModule
    inputs: List[torch.fx.Node]
    outputs: List[torch.fx.Node]
    nodes: List[torch.fx.Node]
    # Names of the nodes in `gm` -> nodes of the graph that was split.
    originals: Dict[str, torch.fx.Node]


def _leaves(value):
    if isinstance(value, (list, tuple)):
        return [leaf for v in value for leaf in _leaves(v)]
    if isinstance(value, dict):
        return _leaves(list(value.values()))
    if isinstance(value, slice):
        return [value.start, value.stop, value.step]
    return [value]


def is_getitem(node):
    return node.op == "call_function" and node.target is operator.getitem


def is_number(node):
    """Whether a node is arithmetic on sizes, which costs nothing."""
    if node.op != "call_function" or is_getitem(node):
        return False
    if not isinstance(node.meta.get("val"), _NUMBERS):
        return False
    return node.target in _SHAPE_READERS or not any(
        isinstance(n.meta.get("val"), torch.Tensor)
        for n in node.all_input_nodes)


def is_write_back(node):
    """Whether a node writes the new value of an input at the end."""
    return (node.target is aten.copy_.default
            and node.args[0].op == "placeholder")


def is_input_mutation(node):
    """Whether the caller of compiled code can do this write-back: its result
    is at most returned."""
    return (node.op == "call_function" and is_write_back(node)
            and all(user.op == "output" for user in node.users))


def is_operator(node):
    """Whether a node counts as an operator of the program."""
    return (node.op == "call_function" and not is_getitem(node)
            and not is_number(node) and not is_write_back(node))


def count_operators(gm):
    return sum(is_operator(node) for node in gm.graph.nodes)


def fallen_back(node, reason):
    return FallenBack(target_name(node.target), node.name, reason,
                      source_line(node) or "")


# -- What the compiler is not even asked


def _why_not_value(value):
    if not isinstance(value, torch.Tensor):
        if value is None or isinstance(value, _NUMBERS):
            return None
        return f"a {type(value).__name__} is no tensor or number"
    if value.device.type != "cpu":
        return f"a tensor is on {value.device}"
    if value.layout != torch.strided:
        return f"a tensor has the layout {str(value.layout)[6:]}"
    if value.is_nested:
        return "a tensor is nested"
    if value.dtype not in _DTYPES:
        return f"a tensor has the data type {str(value.dtype)[6:]}"
    if value.is_neg():
        return "a tensor is negated when it is read"
    return None


def _why_not_node(node):
    """Why a node cannot be given to the compiler, None if it can."""
    if isinstance(node.target, torch._ops.HigherOrderOperator):
        return "it is a higher-order operator"
    if is_number(node) or is_getitem(node):
        return None
    if not isinstance(node.target, torch._ops.OpOverload):
        return "it is no ATen operator"
    if node.target._schema.is_mutable:
        return "it writes to its operands"
    for argument in _leaves((node.args, node.kwargs)):
        if not isinstance(argument, _ARGUMENTS):
            return f"an argument is a {type(argument).__name__}"
    if isinstance(node.meta.get("val"), _NUMBERS):
        return "it reads a tensor's value"
    if node.meta.get("val") is None:
        return "it checks values, without a result"
    if node.target in _MEMORY_READERS and not _is_whole_memory(node.args[0]):
        return "it reads memory beyond its operand"
    for n in (node, *node.all_input_nodes):
        for value in _leaves(n.meta.get("val")):
            reason = _why_not_value(value)
            if reason:
                return reason
    if (not isinstance(node.meta["val"], torch.Tensor)
            and not all(is_getitem(user) for user in node.users)):
        return "its list of results is used as a whole"
    return None


def _is_whole_memory(node):
    """Whether a tensor is dense and row-major from its memory's beginning."""
    value = node.meta["val"]
    shape, strides = tuple(value.shape), tuple(value.stride())
    layout = find_layout(shape, strides)
    return (compat.known_equal(value.storage_offset(), 0)
            and layout is not None and layout.is_identity)


def screen(gm):
    """The nodes that the compiler cannot be given, with reasons."""
    reasons = {}
    for node in gm.graph.nodes:
        if node.op == "get_attr":
            value = compat.get_attribute(gm, node.target)
            if not isinstance(value, torch.Tensor):
                # It goes with the operator that takes it.
                reasons[node] = "it holds a graph"
            else:
                reason = _why_not_value(value)
                if reason:
                    reasons[node] = reason
        elif node.op == "call_function":
            reason = _why_not_node(node)
            if reason:
                reasons[node] = reason
            elif is_getitem(node) and node.args[0] in reasons:
                reasons[node] = reasons[node.args[0]]
        elif node.op in ("call_module", "call_method"):
            reasons[node] = f"it is a {node.op}"
    return reasons


def exclude(reasons, node, reason):
    """Leaves a node outside, with the elements of its list of results."""
    if is_getitem(node):
        node = node.args[0]
    reasons.setdefault(node, reason)
    for user in node.users:
        if is_getitem(user):
            reasons.setdefault(user, reason)


def refusals(reasons):
    """What a program's author is told of: operators only."""
    return [fallen_back(node, reason) for node, reason in reasons.items()
            if is_operator(node)]


# -- Light nodes


def _is_view(node):
    return (is_getitem(node) and _is_view(node.args[0])) or (
        isinstance(node.target, torch._ops.OpOverload) and node.target.is_view)


def _view_chain(node, reasons):
    """A view and what it is a view of, up to memory that is computed."""
    chain = []
    while (node.op == "call_function" and node not in reasons
           and _is_view(node)):
        chain.append(node)
        node = node.args[0]
    return chain


def _storage(node):
    value = node.meta.get("val")
    if isinstance(value, torch.Tensor) and value.layout == torch.strided:
        return compat.storage_of(value)
    return None


def _has_gaps(value):
    """Whether a tensor of dynamic size is not dense."""
    if not isinstance(value, torch.Tensor):
        return False
    shape, strides = tuple(value.shape), tuple(value.stride())
    if all(isinstance(s, int) for s in shape + strides):
        return False
    return find_layout(shape, strides, dynamic_broadcast=True) is None


def _light_nodes(gm, reasons):
    nodes = list(gm.graph.nodes)
    light = {n for n in nodes if is_number(n) and n not in reasons}
    outputs = list(dict.fromkeys(
        n for n in _leaves(compat.output_values(gm))
        if isinstance(n, torch.fx.Node)))
    count: Dict[Any, int] = {}
    for n in compat.placeholders(gm) + outputs:
        count[_storage(n)] = count.get(_storage(n), 0) + 1
    for n in outputs:
        if n.op == "call_function" and count[_storage(n)] > 1:
            light.update(_view_chain(n, reasons))
    for n in nodes:
        if n.op == "call_function" and _has_gaps(n.meta.get("val")):
            light.update(_view_chain(n, reasons))
        if n.target in _MEMORY_READERS and n in reasons:
            light.update(_view_chain(n.args[0], reasons))
    light.update(n for n in nodes if n.op == "get_attr" and n not in reasons)
    return light


# -- The split


class Split:
    """Phases and pieces of a graph, for given nodes that stay outside."""

    def __init__(self, gm, reasons):
        self.gm = gm
        self.reasons = reasons
        self.light = _light_nodes(gm, reasons)
        self.nodes = [n for n in gm.graph.nodes
                      if n.op not in ("placeholder", "output")]
        self.phase: Dict[torch.fx.Node, int] = {}
        self._find_phases()
        self.last = max(self.phase.values(), default=0)
        self._natives: Dict[int, list] = {}
        self._outside: Dict[int, list] = {}
        for node in self.nodes:
            if node not in self.light:
                side = self._natives if self.is_native(node) else self._outside
                side.setdefault(self.phase[node], []).append(node)
        self._symbols = self._find_symbols()
        self._exported = self._find_exported()

    def is_native(self, node):
        return (node.op == "call_function" and node not in self.light
                and node not in self.reasons)

    def _find_phases(self):
        # Nothing moves across an operator with effects.
        floor, highest = 0, 0
        for node in self.nodes:
            phase = max((self.phase.get(n, 0) for n in node.all_input_nodes),
                        default=0)
            if node in self.light:
                self.phase[node] = phase
                continue
            if is_getitem(node):
                # It follows its operand, whatever lies between.
                self.phase[node] = self.phase.get(node.args[0], 0)
                continue
            native = self.is_native(node)
            has_effect = not native and node.op != "get_attr" and (
                isinstance(node.target, torch._ops.HigherOrderOperator)
                or node.is_impure())
            phase = max(phase, highest if has_effect else floor)
            if phase % 2 != native:
                phase += 1
            self.phase[node] = phase
            highest = max(highest, phase)
            if has_effect:
                floor = phase

    def roots(self, node):
        """What a node needs, behind light nodes."""
        found: Dict[torch.fx.Node, None] = {}
        seen = set()
        pending = list(node.all_input_nodes)
        while pending:
            n = pending.pop()
            if n in seen:
                continue
            seen.add(n)
            if n in self.light:
                pending.extend(n.all_input_nodes)
            elif n.op != "get_attr":
                found[n] = None
        return found

    def _find_exported(self):
        """Native nodes that are used outside their piece."""
        exported = set()
        for node in self.gm.graph.nodes:
            if node.op == "placeholder" or node in self.light:
                continue
            for root in self.roots(node):
                if self.is_native(root) and not (
                        self.is_native(node)
                        and self.phase[root] == self.phase[node]):
                    exported.add(root)
        return exported

    def _find_symbols(self):
        """Symbols of sizes -> a placeholder of that value."""
        symbols = {}
        for node in compat.placeholders(self.gm):
            value = node.meta.get("val")
            if isinstance(value, SymInt):
                symbol = compat.symbol_of(value)
                if symbol is not None:
                    symbols.setdefault(symbol, node)
        return symbols

    def outside(self, phase):
        return self._outside.get(phase, [])

    def piece(self, phase):
        """The piece of an odd phase, None if nothing of it is used."""
        nodes = self._natives.get(phase, [])
        outputs = [n for n in nodes if n in self._exported]
        if not outputs:
            return None
        return self._extract(nodes, outputs)

    def candidates(self):
        """All native nodes in one graph, to ask what cannot be compiled."""
        nodes = [n for n in self.nodes if self.is_native(n)]
        exported = set()
        for node in self.gm.graph.nodes:
            if (node.op != "placeholder" and node not in self.light
                    and not self.is_native(node)):
                exported.update(n for n in self.roots(node)
                                if self.is_native(n))
        outputs = [n for n in nodes if n in exported]
        return self._extract(nodes, outputs) if outputs else None

    def _extract(self, nodes, outputs):
        builder = _PieceBuilder(self.light)
        members = set(nodes)
        for node in nodes:
            builder.add(node, members)
        builder.add_symbols(self._symbols)
        return builder.build(self.gm, nodes, outputs)


class _PieceBuilder:
    """A graph of some nodes; what they need of others becomes an input."""

    def __init__(self, light):
        self.light = light
        self.graph = torch.fx.Graph()
        # Inputs stand before everything else.
        self.first = self.graph.create_node("placeholder", "first")
        self.env: Dict[torch.fx.Node, torch.fx.Node] = {}
        self.inputs: List[torch.fx.Node] = []

    def add(self, node, members):
        pending = [node]
        while pending:
            n = pending[-1]
            if n in self.env:
                pending.pop()
                continue
            if n not in members and n not in self.light:
                pending.pop()
                self.add_input(n)
                continue
            missing = [m for m in n.all_input_nodes if m not in self.env]
            if missing:
                pending.extend(missing)
                continue
            pending.pop()
            self.env[n] = self.graph.node_copy(n, lambda m: self.env[m])

    def add_input(self, node):
        # Names with meaning, like those of tangents, are not kept.
        with self.graph.inserting_before(self.first):
            copy = self.graph.create_node("placeholder", f"arg_{node.name}")
        copy.meta = {"val": node.meta["val"]}
        self.env[node] = copy
        self.inputs.append(node)

    def add_symbols(self, symbols):
        """Adds sizes that no input has as one of its dimensions."""
        needed, known = {}, set()
        for node, copy in self.env.items():
            for value in _leaves(node.meta.get("val")):
                sizes = [value]
                if isinstance(value, torch.Tensor):
                    sizes = [*value.shape, *value.stride()]
                for size in sizes:
                    if not isinstance(size, SymInt):
                        continue
                    needed.update(dict.fromkeys(compat.free_symbols(size)))
                    symbol = compat.symbol_of(size)
                    if symbol is not None and copy.op == "placeholder":
                        known.add(symbol)
        for symbol in needed:
            node = symbols.get(symbol)
            if symbol not in known and node is not None:
                if node not in self.env:
                    self.add_input(node)

    def build(self, gm, nodes, outputs):
        self.graph.erase_node(self.first)
        self.graph.output(tuple(self.env[n] for n in outputs))
        originals = {copy.name: node for node, copy in self.env.items()}
        return Piece(torch.fx.GraphModule(gm, self.graph), self.inputs,
                     outputs, nodes, originals)


# -- What is run


class _CompiledPiece:
    """The target of a call of compiled code."""

    __name__ = "fx_mlir_piece"

    def __init__(self, function):
        self.function = function

    def __call__(self, *args):
        return self.function(list(args))


class CompiledBranch(torch.nn.Module):
    """Takes the place of a graph that an operator takes."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return tuple(self.function(list(args)))


def branches(gm):
    """Names and graphs of the branches of `cond` and bodies of
    `while_loop`."""
    for node in gm.graph.find_nodes(op="get_attr"):
        graph = compat.get_attribute(gm, node.target)
        if (isinstance(graph, torch.fx.GraphModule)
                and "." not in node.target
                and all(str(user.target) in ("cond", "while_loop")
                        for user in node.users)
                and isinstance(graph.graph.output_node().args[0],
                               (tuple, list))):
            yield node.target, graph


class Assembler:
    """Builds the graph of compiled pieces and operators in their order."""

    def __init__(self, gm):
        self.gm = gm
        self.graph = torch.fx.Graph()
        self.env: Dict[torch.fx.Node, torch.fx.Node] = {}
        for node in compat.placeholders(gm):
            self.env[node] = self.graph.node_copy(node)

    def emit(self, node):
        """A node that PyTorch runs, after the light ones that it takes."""
        pending = [node]
        while pending:
            n = pending[-1]
            missing = [m for m in n.all_input_nodes if m not in self.env]
            if n in self.env or not missing:
                pending.pop()
                if n not in self.env:
                    self.env[n] = self.graph.node_copy(
                        n, lambda m: self.env[m])
                continue
            pending.extend(missing)

    def call(self, piece, function):
        for node in piece.inputs:
            self.emit(node)
        call = self.graph.call_function(
            _CompiledPiece(function),
            tuple(self.env[n] for n in piece.inputs))
        for i, node in enumerate(piece.outputs):
            self.env[node] = self.graph.call_function(
                operator.getitem, (call, i))

    def finish(self):
        (output,) = self.gm.graph.find_nodes(op="output")
        for node in output.all_input_nodes:
            self.emit(node)
        self.graph.node_copy(output, lambda m: self.env[m])
        return torch.fx.GraphModule(self.gm, self.graph)
