"""What became of graphs: counts for each compilation, and `explain`."""

import collections
import threading
from typing import Any, Dict, List, NamedTuple, Optional

import torch

from ._split import FallenBack


class GraphReport(NamedTuple):
    """One compiled graph."""

    # "inference"; "training" for a forward and a backward compiled together;
    # "forward" or "backward" where they were split by PyTorch; "branch" for a
    # graph inside a higher-order operator.
    kind: str
    # How many operators are compiled.
    native: int
    fallen_back: List[FallenBack]
    # How many pieces of compiled code, and kernels in them.
    pieces: int
    kernels: int
    # What the forward keeps for the backward, beside inputs; None if it is
    # counted elsewhere.
    saved_bytes: Optional[int]
    # Milliseconds of each stage of the compiler, of all pieces.
    stages: Dict[str, float]


class Counters:
    """Totals since the process began."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.graphs = 0
        self.native = 0
        # Operator -> how often it fell back.
        self.fallen_back = collections.Counter()

    def add(self, report):
        self.graphs += 1
        self.native += report.native
        self.fallen_back.update(f.op for f in report.fallen_back)


counters = Counters()
_lock = threading.Lock()
_listeners: List[list] = []


def record(report):
    """Counts a graph, and tells whoever explains."""
    with _lock:
        counters.add(report)
        for listener in _listeners:
            listener.append(report)


def add_statistics(modules):
    """Kernels and stage times of some compiled modules."""
    kernels, stages = 0, {}
    for module in modules:
        statistics = module.statistics()
        kernels += statistics["kernels"]
        for name, time in statistics["stages"]:
            stages[name] = stages.get(name, 0.0) + time
    return kernels, stages


class Report:
    """What `explain` returns; `print` shows it as tables."""

    def __init__(self, graphs: List[GraphReport], output: Any):
        self.graphs = graphs
        # What the model returned.
        self.output = output

    @property
    def native(self):
        return sum(g.native for g in self.graphs)

    @property
    def fallen_back(self):
        return [f for g in self.graphs for f in g.fallen_back]

    @property
    def kernels(self):
        return sum(g.kernels for g in self.graphs)

    @property
    def saved_bytes(self):
        return sum(g.saved_bytes or 0 for g in self.graphs)

    @property
    def stages(self):
        total: Dict[str, float] = {}
        for graph in self.graphs:
            for name, time in graph.stages.items():
                total[name] = total.get(name, 0.0) + time
        return total

    def __str__(self):
        rows = {
            "graphs": f"{len(self.graphs)} "
                      f"({', '.join(g.kind for g in self.graphs) or 'none'})",
            "operators native": self.native,
            "operators fallen back": len(self.fallen_back),
            "compiled pieces": sum(g.pieces for g in self.graphs),
            "kernels": self.kernels,
            "saved for backward": f"{self.saved_bytes} bytes",
        }
        lines = [f"{name:<22} {value}" for name, value in rows.items()]
        if self.fallen_back:
            lines += ["", "fallen back:"]
            lines += self._fallen_back_lines()
        if self.stages:
            lines += ["", "compile time:"]
            lines += [f"  {name:<12} {time:9.1f} ms"
                      for name, time in self.stages.items()]
            lines.append(f"  {'total':<12} {sum(self.stages.values()):9.1f} ms")
        return "\n".join(lines)

    def _fallen_back_lines(self):
        groups: Dict[tuple, List[FallenBack]] = {}
        for f in self.fallen_back:
            groups.setdefault((f.op, f.reason), []).append(f)
        for (op, reason), members in groups.items():
            yield f"  {len(members)} x {op}: {reason}"
            for f in members:
                yield f"      {f.node}  {f.line}".rstrip()


def explain(model, *inputs, training=False, dynamic=None, options=None,
            **kwargs):
    """Runs a model compiled anew and tells what became of its operators.

    With `training` the sum of its floating-point outputs is differentiated,
    which adds to the gradients of its parameters; without, it runs under
    `torch.no_grad()`. `options` are the backend's. Prints the report, and
    returns it.
    """
    torch._dynamo.reset()
    graphs: List[GraphReport] = []
    with _lock:
        _listeners.append(graphs)
    try:
        compiled = torch.compile(model, backend="fx_mlir", dynamic=dynamic,
                                 options=options)
        with torch.set_grad_enabled(training):
            output = compiled(*inputs, **kwargs)
            if training:
                _backward(output)
    finally:
        with _lock:
            _listeners.remove(graphs)
    report = Report(graphs, output)
    print(report)
    return report


def _backward(output):
    outputs = [t for t in torch.utils._pytree.tree_leaves(output)
               if isinstance(t, torch.Tensor) and t.requires_grad]
    if not outputs:
        raise ValueError("no output of the model requires a gradient")
    sum((t.abs() if t.is_complex() else t).sum() for t in outputs).backward()
