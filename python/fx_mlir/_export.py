"""fx modules as `torch.fx.GraphModule`s."""

import os
import types

import torch
import torch.fx


class _Recorder:
    """`torch` while a function is traced: every call becomes a node, also one
    without a tensor, which would be run and its result kept as a constant."""

    def __init__(self, value, tracer):
        self._value = value
        self._tracer = tracer

    def __getattr__(self, name):
        value = getattr(self._value, name)
        if isinstance(value, type) or not (callable(value) or isinstance(value, types.ModuleType)):
            return value
        return _Recorder(value, self._tracer)

    def __call__(self, /, *args, **kwargs):
        return self._tracer.create_proxy("call_function", self._value, args, kwargs)


class _Tracer(torch.fx.Tracer):
    """Functions that are arguments, as those of `cond`, become submodules."""

    def create_arg(self, value):
        if isinstance(value, types.FunctionType):
            name = f"{value.__name__}_{sum(1 for _ in self.root.children())}"
            self.root.add_module(name, _trace(value))
            return self.create_node("get_attr", name, (), {})
        return super().create_arg(value)


def _trace(function):
    namespace = function.__globals__
    tracer = _Tracer()
    outer = namespace["torch"]
    namespace["torch"] = _Recorder(torch, tracer)
    try:
        graph = tracer.trace(function)
    finally:
        namespace["torch"] = outer
    return torch.fx.GraphModule(tracer.root, graph, function.__name__)


def to_fx(module, function=None, pipeline=""):
    """An fx module as a `torch.fx.GraphModule` of ATen operators.

    module: a path of `.mlir` text, bytecode, or a `.pt2` archive; or MLIR text
        itself (a `str` with a line break).
    function: which function of the module; may be left out if there is one.
    pipeline: passes to run before, as text of `fx-opt --pass-pipeline` without
        `builtin.module(…)`: "pre-grad,build-joint-graph".

    The graph takes the function's arguments in order and returns a list.
    `meta["signature"]` describes both: dictionaries of name, role, dtype, shape.
    Works up to the stage PostGrad; raises RuntimeError with the compiler's
    message, OSError for a file.
    """
    if isinstance(module, str) and "\n" in module:
        source = module.encode()
    else:
        with open(os.fspath(module), "rb") as file:
            source = file.read()
    from ._library import export_python

    text = export_python(source, pipeline)
    namespace = {}
    exec(compile(text, "<fx module>", "exec"), namespace)
    signatures = namespace["SIGNATURES"]
    if function is None and len(signatures) == 1:
        function = next(iter(signatures))
    if function not in signatures:
        raise RuntimeError(
            f"the module has the functions {', '.join(map(repr, signatures)) or 'none'}; "
            + (f"{function!r} is not one of them" if function else "say which with `function`"))
    result = _trace(namespace[function])
    result.meta["signature"] = signatures[function]
    return result
