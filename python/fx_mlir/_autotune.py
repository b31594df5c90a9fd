"""`autotune`: PyTorch's own operators as candidates, chosen by timing.

Products, convolutions, attention and other operators that are kernels of their
own are compiled one by one and timed beside ATen's operator on random tensors
of the graph's sizes. Where ATen's takes clearly less time it stays a call; the
graph around it is split. Timings are kept on disk for later processes.
"""

import functools
import hashlib
import json
import logging
import os
import tempfile
import threading
import time

import torch

from . import _library, _split
from . import _torch_compat as compat

log = logging.getLogger(__name__)
aten = torch.ops.aten

# Compiled calls have what is before and after them fused, and a call from
# compiled code costs microseconds: ATen has to win by this factor and time.
_FACTOR = 0.8
_CALL_US = 20.0
_ROUNDS = 8
# Rounds stop here, microseconds for both candidates together.
_BUDGET_US = 200_000.0

_CANDIDATES = frozenset((
    aten.mm.default, aten.addmm.default, aten.bmm.default,
    aten.baddbmm.default, aten.convolution.default,
    aten._scaled_dot_product_flash_attention_for_cpu.default,
    aten.sort.default, aten.sort.stable, aten.topk.default,
    aten.cumsum.default, aten.cumprod.default, aten.logcumsumexp.default,
))


def choose(gm, compile, keep):
    """The nodes of an inference graph that ATen's operators compute faster,
    with reasons. `compile(gm)` gives a graph's function, called with a list;
    with `keep` timings are read from and written to the disk.
    """
    reasons = {}
    refused = _split.screen(gm)
    table = _table(keep)
    for node in gm.graph.nodes:
        if (node.target not in _CANDIDATES or node in refused
                or not _is_timeable(node)):
            continue
        try:
            ours, theirs = table.look_up(
                _signature(node), functools.partial(_measure, node, compile))
        except Exception as error:
            # Whoever compiles the graph meets the error too, and reports it.
            log.info("fx_mlir: %s is not timed: %s", node.name, error)
            continue
        if _is_slower(ours, theirs):
            _split.exclude(
                reasons, node,
                f"PyTorch's operator took {theirs:.0f} us, ours {ours:.0f}")
    table.save()
    return reasons


def _is_timeable(node):
    """Whether its operands can be made up: dense floats of known sizes."""
    for operand in node.all_input_nodes:
        value = operand.meta.get("val")
        if (not isinstance(value, torch.Tensor)
                or not value.is_floating_point()
                or compat.has_symbols(value)):
            return False
    return True


def _describe(argument):
    if isinstance(argument, torch.fx.Node):
        value = argument.meta["val"]
        return (f"{str(value.dtype)[6:]}{list(value.shape)}"
                f"{list(value.stride())}")
    if isinstance(argument, (list, tuple)):
        return "[" + ", ".join(map(_describe, argument)) + "]"
    return repr(argument)


def _signature(node):
    """What decides how long a call takes, in words."""
    named = [f"{name}={_describe(value)}"
             for name, value in sorted(node.kwargs.items())]
    return (f"{node.target}({', '.join([*map(_describe, node.args), *named])})"
            f" with {torch.get_num_threads()} threads")


# -- Timing


def _measure(node, compile):
    """Microseconds of a call: compiled, and ATen's."""
    operands = node.all_input_nodes
    graph = torch.fx.Graph()
    copies = {}
    for operand in operands:
        copies[operand] = graph.placeholder(operand.name)
        copies[operand].meta["val"] = operand.meta["val"]
    call = graph.node_copy(node, copies.__getitem__)
    results = [call]
    if not isinstance(node.meta["val"], torch.Tensor):
        results = [graph.node_copy(user, {node: call}.__getitem__)
                   for user in node.users]
    graph.output(tuple(results))
    function = compile(torch.fx.GraphModule(torch.nn.Module(), graph))
    with compat.real_tensors(), torch.no_grad():
        values = {operand: _random_like(operand.meta["val"])
                  for operand in operands}
        arguments = list(values.values())
        args, kwargs = torch.fx.map_arg((node.args, node.kwargs),
                                        values.__getitem__)
        candidates = (lambda: function(list(arguments)),
                      lambda: node.target(*args, **kwargs))
        times = _time(*candidates)
        if _is_slower(*times):
            # Other processes may have disturbed the first rounds.
            times = list(map(min, times, _time(*candidates)))
        return times


def _is_slower(ours, theirs):
    return theirs + _CALL_US < _FACTOR * ours


def _random_like(value):
    storage = torch.randn(
        _count_elements(value), dtype=torch.float32).to(value.dtype)
    return storage.as_strided(value.shape, value.stride())


def _count_elements(value):
    return 1 + sum((size - 1) * stride for size, stride
                   in zip(value.shape, value.stride())) if value.numel() else 0


def _time(*candidates):
    """The least microseconds of each candidate, in turns."""
    for candidate in candidates:
        candidate()
    least = [float("inf")] * len(candidates)
    spent = 0.0
    for _ in range(_ROUNDS):
        for i, candidate in enumerate(candidates):
            start = time.perf_counter()
            candidate()
            passed = (time.perf_counter() - start) * 1e6
            least[i] = min(least[i], passed)
            spent += passed
        if spent > _BUDGET_US:
            break
    return least


# -- What was measured


class _Table:
    """Signature -> microseconds of our code and of ATen's, kept in a file
    unless there is no path."""

    def __init__(self, path):
        self._path = path
        self._lock = threading.Lock()
        self._rows = self._read()
        self._changed = False

    def look_up(self, signature, measure):
        with self._lock:
            if signature not in self._rows:
                self._rows[signature] = measure()
                self._changed = True
                log.info("fx_mlir: autotune: %s: ours %.0f us, ATen %.0f us",
                         signature, *self._rows[signature])
            return self._rows[signature]

    def save(self):
        """Writes what is new, beside what other processes have written."""
        with self._lock:
            if not self._changed or not self._path:
                return
            self._rows = {**self._read(), **self._rows}
            self._changed = False
            folder = os.path.dirname(self._path)
            try:
                os.makedirs(folder, exist_ok=True)
                with tempfile.NamedTemporaryFile(
                        "w", dir=folder, delete=False) as file:
                    json.dump(self._rows, file, indent=1)
                os.replace(file.name, self._path)
            except OSError as error:
                log.info("fx_mlir: timings are not kept: %s", error)

    def _read(self):
        if not self._path:
            return {}
        try:
            with open(self._path) as file:
                rows = json.load(file)
            return {name: [float(ours), float(theirs)]
                    for name, (ours, theirs) in rows.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # Nothing was kept, or the file is damaged.


@functools.lru_cache(maxsize=None)
def _table_at(path):
    return _Table(path)


def _table(keep):
    """The timings of this machine, PyTorch and compiler."""
    if not keep:
        return _table_at(None)
    return _table_at(os.path.join(compat.cache_dir(), "fx_mlir_autotune",
                                  f"{_identity()}.json"))


@functools.lru_cache(maxsize=None)
def _identity():
    library = os.stat(_library.library()._name)
    text = repr((torch.__version__, compat.processor(), library.st_size,
                 library.st_mtime_ns))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
