"""Inference graphs that leave AOTAutograd nothing to do.

AOTAutograd traces a graph twice, first for what it says of views and mutations,
and runs each operator through its functionalization. A graph of pure operators
without gradients is the same after that: tracing it once gives the same
operators in about half of the time.
"""

import logging
import operator

import torch

from . import _call, _shortcuts
from . import _torch_compat as compat

log = logging.getLogger(__name__)


def trace(gm, example_inputs):
    """The ATen operators of a Dynamo graph, None if AOTAutograd is needed."""
    reason = why_not(gm, example_inputs)
    traced = None
    if not reason:
        traced = compat.trace_inference(gm, example_inputs)
        reason = _why_not_traced(traced)
    if reason:
        log.debug("fx_mlir: AOTAutograd traces a graph: %s", reason)
        return None
    return traced


def make_call(function, traced, count):
    """The callable for Dynamo, None if it needs AOTAutograd's; `count` is the
    number of the inputs. Transforms of torch.func see the operators."""
    calls = _call.call_module()
    make = getattr(calls, "Shortcut", None)
    if make is None or not isinstance(function, calls.Function):
        return None
    slow = compat.disable_dynamo(traced.forward)
    return make(_shortcuts.INFERENCE, function, slow, None, count, 0, 0, (),
                False)


def why_not(gm, example_inputs):
    """Why AOTAutograd has to trace a graph; None if it need not."""
    if not (isinstance(gm, torch.fx.GraphModule)
            and compat.is_traced_by_dynamo()):
        return "the graph does not come from Dynamo"
    for x in example_inputs:
        if not compat.is_plain_tensor(x) or x.layout != torch.strided:
            return "an input is not a plain tensor"
        if x.requires_grad and torch.is_grad_enabled():
            return "gradients are asked for"
    for node in gm.graph.nodes:
        if node.op in ("get_attr", "call_module"):
            return "it has constants or modules"
        value = compat.example_value(node)
        if isinstance(value, torch.Tensor) and compat.has_symbols(value):
            return "sizes vary"
        if isinstance(value, compat.SYMBOLIC):
            return "numbers vary"
        if node.op in ("call_function", "call_method"):
            if isinstance(node.target, torch._ops.HigherOrderOperator):
                return "it has higher-order operators"
            if _writes(node):
                return f"{node.name} writes to a tensor or to PyTorch's state"
    return None


# `x += y` of tensors, and the like.
_IN_PLACE = frozenset((operator.iadd, operator.iand, operator.ifloordiv,
                       operator.ilshift, operator.imatmul, operator.imod,
                       operator.imul, operator.ior, operator.ipow,
                       operator.irshift, operator.isub, operator.itruediv,
                       operator.ixor, operator.setitem))


def _writes(node):
    """Whether a call writes, as far as names tell; operators tell the rest
    when they are traced. `_set_grad_enabled` and its like leave none."""
    name = getattr(node.target, "__name__", node.target)
    return (node.target in _IN_PLACE
            or name == "__setitem__"
            or name.startswith("_set_")
            or name.endswith("_") and not name.endswith("__")
            or bool(node.kwargs.get("inplace"))
            or node.kwargs.get("out") is not None)


def _why_not_traced(traced):
    for node in traced.graph.nodes:
        if node.op == "get_attr":
            return "it has constants"
        if node.op != "call_function" or node.target is operator.getitem:
            continue
        if not isinstance(node.target, torch._ops.OpOverload):
            return f"{node.name} is no operator of ATen"
        if compat.mutates(node.target):
            return f"{node.name} writes to a tensor"
        if isinstance(node.meta.get("val"), compat.SYMBOLIC):
            return "numbers vary"
    storages = {compat.storage_of(n.meta["val"])
                for n in compat.placeholders(traced)}
    for value in compat.output_values(traced):
        if not (isinstance(value, torch.fx.Node)
                and isinstance(value.meta.get("val"), torch.Tensor)
                and value.meta["val"].layout == torch.strided):
            return "an output is not a plain tensor"
        storage = compat.storage_of(value.meta["val"])
        if storage in storages:
            return "an output is a view of an input or of another output"
        storages.add(storage)
    return None
