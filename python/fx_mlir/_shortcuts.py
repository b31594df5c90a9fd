"""Calls that go around AOTAutograd's wrappers.

AOTAutograd returns Python functions that restore views, mutations, subclasses
and other things around compiled code, and in training an `autograd.Function`
that does its bookkeeping in Python. Many graphs have nothing to restore: then
the extension module does the rest (src/_shortcuts.c). AOTAutograd's callable is
kept for calls that are unusual.
"""

import logging

import torch

from . import _call
from . import _torch_compat as compat

log = logging.getLogger(__name__)

# The numbers of the kinds are those of _shortcuts.c.
INFERENCE, TRAINING, FORWARD, BACKWARD = range(4)


class Parts:
    """What became of one Dynamo graph, noted while AOTAutograd compiles it."""

    def __init__(self):
        # The compiled functions; None if a graph was split or left alone.
        self.inference = None
        self.forward = None
        self.backward = None
        # Fake values of the graph's inputs.
        self.primals = None
        # AOTAutograd's ViewAndMutationMeta.
        self.metadata = None
        # For each primal whether it has a gradient.
        self.has_gradient = None
        # Numbers that are saved for the backward.
        self.num_numbers = 0


def shorten(slow, parts, gm, example_inputs):
    """A faster callable that does the same as AOTAutograd's, `slow`; or that
    itself. `gm` is the Dynamo graph."""
    calls = _call.call_module()
    make = getattr(calls, "Shortcut", None)
    if make is None:
        return slow
    reason = why_not(parts, gm, example_inputs)
    if reason:
        log.debug("fx_mlir: calls go through AOTAutograd's wrappers: %s",
                  reason)
        return slow
    metadata = parts.metadata
    mutated = compat.versions_to_increment(metadata)
    finish = compat.marker_of_dynamic_outputs(metadata)
    count = len(example_inputs)
    if parts.inference is not None:
        return make(INFERENCE, parts.inference, slow, finish, count, 0, 0,
                    mutated, False)
    node = compat.autograd_function_of(slow)
    if node is None:
        return slow
    backward = make(
        BACKWARD, parts.backward, node._backward_cls.apply, None, 0, 0, 0,
        compat.outputs_with_tangents(metadata),
        compat.refuses_deterministic_mode(metadata))
    forward = make(
        FORWARD, parts.forward, None, None, 0, len(metadata.output_info),
        parts.num_numbers, compat.outputs_without_gradient(metadata), False)
    function = compat.make_autograd_function(node, forward, backward)
    return make(TRAINING, compat.apply_method(function), slow, finish, count, 0,
                0, mutated, False)


def why_not(parts, gm, example_inputs):
    """Why AOTAutograd's callable is needed; None if it is not."""
    functions = ([parts.inference] if parts.inference is not None
                 else [parts.forward, parts.backward])
    if not all(isinstance(f, _call.call_module().Function)
               for f in functions):
        return "the graph is not compiled as a whole"
    if parts.metadata is None:
        return "AOTAutograd does not tell what it has to do"
    reason = compat.work_at_run_time(parts.metadata)
    if reason:
        return reason
    if not _same_inputs(parts.primals, example_inputs):
        return "AOTAutograd changed the inputs"
    outputs = [compat.example_value(node) if isinstance(node, torch.fx.Node)
               else None for node in compat.output_values(gm)]
    if (len(outputs) != len(parts.metadata.output_info)
            or not all(map(compat.is_plain_tensor, outputs))):
        return "AOTAutograd changes the outputs"
    if parts.inference is None:
        for info, has_gradient in zip(parts.metadata.input_info,
                                      parts.has_gradient, strict=True):
            if info.requires_grad and not info.is_leaf and not has_gradient:
                return "an input is to be detached"
    return None


def _same_inputs(primals, example_inputs):
    if len(primals) != len(example_inputs):
        return False
    seen = set()
    for primal, example in zip(primals, example_inputs):
        if isinstance(example, torch.Tensor):
            if (not compat.is_plain_tensor(example)
                    or not isinstance(primal, torch.Tensor)
                    # Comparing sizes could guard on them.
                    or primal.dim() != example.dim()
                    or primal.dtype != example.dtype
                    or id(example) in seen):
                return False
            seen.add(id(example))
        elif isinstance(primal, torch.Tensor):
            return False
    return True
