"""Our partitioner for other compilers: the `partition_fn` of AOTAutograd.

    aot_autograd(..., partition_fn=fx_mlir.partition)
    functools.partial(fx_mlir.partition, options="peak-budget=8GiB")
    torch.compile(model, options={
        "custom_partitioner_fn": fx_mlir.partition_for_inductor("…")})

Only what is saved and the order of both graphs are ours; their nodes stay
PyTorch's.
"""

import json
import logging
import operator

import torch

from . import _library, _torch_compat as compat, config
from ._graph_json import (
    _encode, _encode_tensor, _encode_value, is_tangent, source_line, target_name)

log = logging.getLogger(__name__)


def partition(gm, joint_inputs, *, num_fwd_outputs,
              static_lifetime_input_indices=None, options=None, **kwargs):
    """Splits a joint graph into a forward and a backward graph module.

    `options` are those of the pass fx-partition as text, by default
    `fx_mlir.config.partition`. A graph that writes to an input is left to
    PyTorch's partitioner.
    """
    static = list(static_lifetime_input_indices or ())
    if any(_writes(node) for node in gm.graph.nodes):
        log.info("fx_mlir: a graph that writes to memory is partitioned by PyTorch")
        return compat.default_partition(
            gm, joint_inputs, num_fwd_outputs=num_fwd_outputs,
            static_lifetime_input_indices=static, **kwargs)
    compat.simplify_joint(gm)
    text = json.dumps(encode_joint(gm, num_fwd_outputs, static), allow_nan=False)
    report = _library.partition_graph(
        text.encode(), config.partition if options is None else options)
    primals = [n for n in compat.placeholders(gm) if not is_tangent(n)]
    saved = _complete(gm, {entry["name"] for entry in report["saved"]},
                      num_fwd_outputs)
    forward, backward = compat.extract_parts(
        gm, saved, num_fwd_outputs, [primals[i] for i in static])
    _reorder(forward, report["forward_order"])
    _reorder(backward, report["backward_order"])
    return forward, backward


def _writes(node):
    return (isinstance(node.target, torch._ops.OpOverload)
            and node.target._schema.is_mutable)


def _complete(gm, names, num_fwd_outputs):
    """The saved nodes of these names, and inputs that the backward reaches
    beside them: an operator that is imported as several others may not depend
    on all of its operands. Draws are never reached."""
    depends = set()
    for node in gm.graph.nodes:
        if is_tangent(node) or not depends.isdisjoint(node.all_input_nodes):
            depends.add(node)
    saved, seen = set(), set()
    stack = [n for n in compat.output_values(gm)[num_fwd_outputs:]
             if isinstance(n, torch.fx.Node)]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node not in depends and (
                node.name in names or node.op == "placeholder" or _draws(node)):
            saved.add(node)
        else:
            stack += node.all_input_nodes
    return [node for node in gm.graph.nodes if node in saved]


def _draws(node):
    """Whether a node is a random number, or an element of a tuple of them."""
    if node.target is operator.getitem:
        node = node.args[0]
    return (isinstance(node.target, torch._ops.OpOverload)
            and torch.Tag.nondeterministic_seeded in node.target.tags)


def encode_joint(gm, num_fwd_outputs, static):
    """A joint graph as it is, in the format of recorded ones."""
    *nodes, output = gm.graph.nodes
    outputs = torch.utils._pytree.tree_leaves(output.args, lambda x: x is None)
    return {
        "format": "joint-graph-oracle-1",
        "num_fwd_outputs": num_fwd_outputs,
        "static_lifetime_input_indices": sorted(static),
        "joint": {
            "nodes": [_encode_node(gm, node) for node in nodes],
            "outputs": [_encode(value) for value in outputs],
        },
    }


def _encode_node(gm, node):
    entry = {"name": node.name, "op": node.op}
    if node.op == "placeholder":
        entry["kind"] = _kind_of(node)
    elif node.op == "get_attr":
        entry["target"] = node.target
    else:
        entry["target"] = target_name(node.target)
        entry["args"] = _encode(node.args)
        if node.kwargs:
            entry["kwargs"] = {k: _encode(v) for k, v in node.kwargs.items()}
    value = node.meta.get("val")
    if node.op == "get_attr" and value is None:
        value = getattr(gm, node.target)
    if value is not None:
        entry["val"] = _encode_hinted(value)
    if node.meta.get("recompute") is not None:
        entry["recompute"] = node.meta["recompute"].name
    for key in ("partitioner_tag", "ac_graph_id"):
        if node.meta.get(key) is not None:
            entry[key] = node.meta[key]
    line = source_line(node)
    if line:
        entry["source"] = line
    return entry


def _encode_hinted(value):
    """Metadata in which sizes are numbers: decisions are made for the example
    inputs, as PyTorch's are."""
    if isinstance(value, (list, tuple)):
        return [_encode_hinted(v) for v in value]
    if not isinstance(value, torch.Tensor):
        return _encode_value(value)
    hint = compat.optimization_hint
    return _encode_tensor(
        [hint(s) for s in value.shape], [hint(s) for s in value.stride()],
        value.dtype, value.device, hint(value.storage_offset()))


def _kind_of(node):
    """As PyTorch's partitioner sorts placeholders: by their names."""
    if is_tangent(node):
        return "tangent"
    for kind in ("fwd_seed_offset", "bwd_seed_offset"):
        if kind in node.name:
            return kind
    return "primal"


def _reorder(gm, names):
    """Puts a graph's calls into an order in which a call may stand twice: then
    later users take the second one's result."""
    nodes = {node.name: node for node in gm.graph.nodes}
    graph = torch.fx.Graph(gm.graph.owning_module)
    copies = {}

    def copy(node):
        copies[node] = graph.node_copy(node, copies.__getitem__)

    def provide(node):
        # Constants, and what the report does not speak of.
        stack = [node]
        while stack:
            node = stack[-1]
            missing = [n for n in node.all_input_nodes if n not in copies]
            if missing:
                stack += missing
            else:
                stack.pop()
                if node not in copies:
                    copy(node)

    output = None
    for node in gm.graph.nodes:
        if node.op == "placeholder":
            copy(node)
        elif node.op == "output":
            output = node
    given = set(copies)
    for name in names:
        node = nodes.get(name)
        if node is None or node in given:
            continue
        for operand in node.all_input_nodes:
            if operand not in copies:
                provide(operand)
        copy(node)
    provide(output)
    gm.graph = graph
    gm.recompile()
