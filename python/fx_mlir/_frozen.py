"""Calls of code that keeps what it prepared of parameters and buffers."""

import logging
import operator

from . import _torch_compat as compat

log = logging.getLogger(__name__)

# Dynamo may use one graph for many modules of a class: code for each.
_MAX_VARIANTS = 32


class FrozenFunction:
    """Compiled code for each list of frozen tensors that it was called with.

    `load` compiles and returns a module and what calls it, `frozen` are the
    indices of the inputs that do not change, `arguments` those to expect.
    """

    _boxed_call = True

    def __init__(self, load, frozen, arguments):
        self._load = load
        self._get = operator.itemgetter(*frozen)
        self._is_single = len(frozen) == 1
        self._variants = []
        self.module = self._add(self._select(arguments))

    def _select(self, inputs):
        tensors = self._get(inputs)
        return (tensors,) if self._is_single else tensors

    def _add(self, tensors):
        versions = _versions(tensors)
        # What was prepared of values that were overwritten is of no use.
        self._variants = [v for v in self._variants
                          if not _are_same(v[0], tensors)][-_MAX_VARIANTS + 1:]
        module, function = self._load()
        # The tensors stay alive: their addresses tell the code what it has.
        self._variants.append((tensors, versions, function))
        return module

    def __call__(self, inputs):
        tensors = self._select(inputs)
        versions = _versions(tensors)
        for known, known_versions, function in self._variants:
            if _are_same(known, tensors) and known_versions == versions:
                return function(inputs)
        log.info("fx_mlir: other parameters or new values of frozen ones: "
                 "prepared anew")
        self._add(tensors)
        return self._variants[-1][2](inputs)


def _are_same(left, right):
    return all(map(operator.is_, left, right))


def _versions(tensors):
    """What changes when a tensor is written to."""
    return [compat.version_of(tensor) for tensor in tensors]
