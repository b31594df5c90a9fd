"""Compiles a Dynamo graph: AOTAutograd around our compiler."""

import functools
import logging
import operator
import os
import re
from typing import Any, List, NamedTuple

import torch

from . import (_autotune, _call, _frozen, _hooks, _inference, _library,
               _report, _shortcuts, _split, config)
from . import _torch_compat as compat
from ._call import Source, make_function, plan_call, source_of_input
from ._graph_json import Input, Output, encode_graph, is_tangent, tensor_spec

log = logging.getLogger(__name__)


def compile(gm, example_inputs, options):
    """Compiles a graph; a graph that takes lists is flattened first."""
    if any(isinstance(x, (list, tuple, dict)) for x in example_inputs):
        return compat.flatten_inputs(
            gm, example_inputs, functools.partial(compile, options=options))
    return compile_fx(gm, example_inputs, options)


def compile_fx(gm, example_inputs, options):
    """Compiles a graph without lists among its inputs."""
    _hooks.apply_to_dynamo_graph(options.pre_grad_custom, gm)
    compat.time_guards_quickly()
    return (_compile_directly(gm, example_inputs, options)
            or _compile_with_aot(gm, example_inputs, options))


def _compile_directly(gm, example_inputs, options):
    """The callable of an inference graph that needs no AOTAutograd and no
    operators of PyTorch; None for another."""
    # What is frozen is known to AOTAutograd; a hook is to see one graph.
    if options.freezing or options.joint_custom_pre:
        return None
    try:
        traced = _inference.trace(gm, example_inputs)
    except Exception as error:
        _log_failure("AOTAutograd traces a graph", error)
        return None
    if traced is None or _is_trivial(traced):
        return None
    _autotune_graph(traced, options)
    function = _compile_whole(
        traced, options,
        lambda: _compile_inference(traced, example_inputs, options))
    return function and _inference.make_call(function, traced,
                                             len(example_inputs))


def _compile_with_aot(gm, example_inputs, options):
    """Has AOTAutograd trace the graph and compiles what it traced.

    AOTAutograd calls `inference_compiler` for a graph without gradients. For
    training it calls `partition_fn` with the joint graph, then the other two
    with what that returned.
    """
    parts = _shortcuts.Parts()
    call = compat.aot_compile(
        gm,
        example_inputs,
        fw_compiler=functools.partial(
            _fw_compiler_base, is_inference=False, parts=parts,
            options=options),
        bw_compiler=functools.partial(_bw_compiler, options=options),
        inference_compiler=functools.partial(
            _fw_compiler_base, is_inference=True, parts=parts,
            options=options, arguments=example_inputs),
        partition_fn=functools.partial(
            _partition, dynamo_gm=gm, parts=parts, options=options),
    )
    return _shortcuts.shorten(call, parts, gm, example_inputs)


def _fw_compiler_base(gm, example_inputs, *, is_inference, parts, options,
                      arguments=()):
    """Compiles an inference graph; of a training graph it takes the forward."""
    parts.metadata = compat.runtime_metadata()
    parts.primals = [n.meta["val"] for n in compat.placeholders(gm)]
    if is_inference:
        compat.inline_quantised(gm)
        _hooks.apply_to_aten_graph(options.joint_custom_pre, gm)
        _autotune_graph(gm, options)
        parts.inference = _compile_whole(
            gm, options, lambda: _compile_inference(gm, arguments, options))
        return parts.inference or _compile_split(gm, options, "inference")
    parts.forward = _unwrap(gm)
    return parts.forward or _compile_split(gm, options, "forward")


def _bw_compiler(gm, example_inputs, *, options):
    return _unwrap(gm) or _compile_split(gm, options, "backward")


# In the meta of a graph: nodes that are left to PyTorch for their speed.
_SLOWER = "fx_mlir_slower"


def _autotune_graph(gm, options):
    if options.autotune and options.fallback and options.target == "cpu":
        gm.meta[_SLOWER] = _autotune.choose(
            gm, lambda part: _compile_primals(part, options)[1], options.cache)


def _screen(gm):
    return {**gm.meta.get(_SLOWER, {}), **_split.screen(gm)}


def _compile_whole(gm, options, compile):
    """`compile()`, None if the graph is to be split instead."""
    reasons = {node: reason for node, reason in _screen(gm).items()
               if not _split.is_input_mutation(node)}
    if reasons and options.fallback:
        return None
    # Operators without a result are checks; the compiler leaves them out.
    refused = _split.refusals({
        node: reason for node, reason in reasons.items()
        if node.meta.get("val") is not None})
    if refused:
        raise RuntimeError("fx_mlir cannot compile "
                           + "; ".join(map(str, refused)))
    if not options.fallback:
        return compile()
    try:
        return compile()
    except Exception as error:
        _log_failure("a graph is split", error)
        return None


def _log_failure(what, error):
    # An error of another type is a fault of ours, but no reason to stop.
    level = logging.INFO if type(error) is RuntimeError else logging.WARNING
    log.log(level, "fx_mlir: %s: %s: %s", what, type(error).__name__, error)


def _boxed(gm):
    def call(inputs):
        arguments = list(inputs)
        inputs.clear()
        return gm(*arguments)

    # A backward may run while Dynamo looks at frames.
    call = compat.disable_dynamo(call)
    call._boxed_call = True
    return call


def _is_trivial(gm):
    return all(n.op in ("placeholder", "output") for n in gm.graph.nodes)


def _compile_graph(encoded, options, training=False):
    if options.dump_dir:
        _dump(encoded.text, options.dump_dir)
    settings = {**config.for_compiler(options), "training": training}
    if options.cache:
        settings["cache_dir"] = os.path.join(compat.cache_dir(), "fx_mlir")
    return _library.compile_graph(encoded.text, settings)


def _record(kind, gm, modules, fallen_back=(), saved_bytes=None):
    kernels, stages = _report.add_statistics(modules)
    _report.record(_report.GraphReport(
        kind, _split.count_operators(gm) - len(fallen_back),
        list(fallen_back), len(modules), kernels, saved_bytes, stages))


def _dump(text, folder):
    os.makedirs(folder, exist_ok=True)
    number = sum(name.startswith("graph_") for name in os.listdir(folder))
    with open(os.path.join(folder, f"graph_{number}.json"), "wb") as file:
        file.write(text)


def _output_slot(output, index_of_input):
    """An encoded graph's output as a tuple of a call's plan."""
    geometry = None
    if output.kind.startswith("alias"):
        geometry = (output.spec.shape, output.spec.strides, output.offset)
    if output.kind == "none":
        return (_call.OUT_NONE, -1, None)
    if output.kind == "value":
        return (_call.OUT_VALUE, -1, output.value)
    if output.kind == "input":
        return (_call.OUT_INPUT, index_of_input(output.index), None)
    if output.kind == "alias_input":
        return (_call.OUT_ALIAS_INPUT, index_of_input(output.index), geometry)
    if output.kind == "alias_output":
        return (_call.OUT_ALIAS_OUTPUT, output.index, geometry)
    spec = output.spec
    if spec is not None and spec.layout is None and spec.is_static:
        return (_call.OUT_COPY, output.index, spec.strides)
    return (_call.OUT_RESULT, output.index, None)


def _input_sources(encoded):
    """Sources of the arguments of a function that is given the primals."""
    return {item.name: source_of_input(item, i)
            for i, item in enumerate(encoded.inputs)}


def _result_specs(outputs, count):
    specs = [None] * count
    for output in outputs:
        if output.kind == "result":
            specs[output.index] = output.spec
    return specs


def _compile_inference(gm, arguments, options):
    if _is_trivial(gm):
        return _boxed(gm)
    frozen = compat.static_inputs() if options.freezing else []
    # Where AOTAutograd gives the graph other inputs than Dynamo's, the values
    # of its parameters are not known here.
    if frozen and len(arguments) == len(compat.placeholders(gm)):
        encoded = encode_graph(gm, static_inputs=frozen)
        function = _frozen.FrozenFunction(
            lambda: _load(encoded, options), frozen, arguments)
        module = function.module
    else:
        module, function = _compile_primals(
            gm, options._replace(freezing=False))
    _record("inference", gm, [module])
    return function


def _compile_primals(gm, options, alias_inputs=True):
    """The code of a graph without tangents, and what calls it."""
    return _load(encode_graph(gm, alias_inputs=alias_inputs), options)


def _load(encoded, options):
    module = _compile_graph(encoded, options)
    (function,) = module.functions.values()
    specs = _result_specs(encoded.outputs, len(function["results"]))
    outputs = [_output_slot(o, lambda i: i) for o in encoded.outputs]
    plan = plan_call(function, _input_sources(encoded), specs, outputs)
    return module, make_function(module, function["name"], plan)


# -- Graphs with operators that PyTorch runs


# A node that cannot be compiled may hide others.
_MAX_ROUNDS = 20


def _compile_split(gm, options, kind):
    """Compiles what can be compiled of a graph, PyTorch runs the rest."""
    if _is_trivial(gm):
        return _boxed(gm)
    try:
        return _split_and_compile(gm, options, kind)
    except Exception as error:
        if not options.fallback:
            raise
        # The split expects more of the graph than PyTorch does.
        log.warning("fx_mlir: a graph is left to PyTorch: %s: %s",
                    type(error).__name__, error)
        reasons = {node: f"the graph cannot be split: {error}"
                   for node in gm.graph.nodes}
        _record(kind, gm, [], _split.refusals(reasons))
        return _boxed(gm)


def _split_and_compile(gm, options, kind):
    saved_bytes = gm.meta.get(_SAVED_BYTES)
    reasons = _screen(gm)
    for _ in range(_MAX_ROUNDS):
        candidates = _split.Split(gm, reasons).candidates()
        if candidates is None or not _find_refusals(candidates, options,
                                                    reasons):
            break
    for _ in range(_MAX_ROUNDS):
        split = _split.Split(gm, reasons)
        result = _compile_pieces(split, options, reasons)
        if result is not None:
            break
    else:
        split = _split.Split(gm, reasons)
        result = _compile_pieces(split, options, reasons, last_try=True)
    assembled, modules = result
    fallen_back = _split.refusals(reasons)
    if fallen_back:
        log.info("fx_mlir: PyTorch runs %d operators of a graph: %s",
                 len(fallen_back), "; ".join(map(str, fallen_back)))
    _record(kind, gm, modules, fallen_back, saved_bytes)
    for name, graph in _split.branches(gm):
        try:
            function = _compile_split(graph, options, "branch")
        except Exception as error:
            _log_failure("a branch is left to PyTorch", error)
        else:
            setattr(assembled, name, _split.CompiledBranch(function))
    return _boxed(assembled)


def _find_refusals(piece, options, reasons):
    """Adds what the compiler refuses of a piece to `reasons`; returns whether
    there is something."""
    try:
        encoded = encode_graph(piece.gm, alias_inputs=False)
        errors = _library.check_graph(
            encoded.text, config.for_compiler(options))
    except Exception as error:
        _log_failure("a graph cannot be checked", error)
        return False
    before = len(reasons)
    for error in errors:
        node = _original(piece, error["node"])
        if node is not None and node not in reasons:
            _split.exclude(reasons, node, _describe_error(error["message"]))
    return len(reasons) > before


def _describe_error(message):
    """An error about a node without what is known of the node anyway."""
    if message.startswith("'fx.call' op has no lowering"):
        return "the compiler has no such operator"
    return re.sub(r" \(node [^()]*\)", "", message)


def _original(piece, name):
    """The node that an error is about. The encoder adds nodes whose names
    begin with that of the node they are for."""
    while name:
        node = piece.originals.get(name)
        if node is not None:
            return node if node.op == "call_function" else None
        name = name.rpartition("_")[0]
    return None


def _compile_pieces(split, options, reasons, last_try=False):
    """The graph of compiled pieces and PyTorch's operators, and the code; None
    if `reasons` has grown and the graph is to be split again."""
    assembler = _split.Assembler(split.gm)
    modules = []
    for phase in range(split.last + 1):
        if phase % 2 == 0:
            for node in split.outside(phase):
                assembler.emit(node)
            continue
        piece = split.piece(phase)
        if piece is None:
            continue
        try:
            # An input can be a copy of a part of the memory that the graph
            # says it is in; views that matter are not in pieces.
            module, function = _compile_primals(piece.gm, options,
                                                alias_inputs=False)
        except Exception as error:
            _log_failure("a part of a graph is left to PyTorch", error)
            if not last_try and _find_refusals(piece, options, reasons):
                return None
            for node in piece.nodes:
                _split.exclude(reasons, node,
                               f"a part of the graph with it: {error}")
                assembler.emit(node)
            continue
        modules.append(module)
        assembler.call(piece, function)
    return assembler.finish(), modules


# -- Training


class _CompiledCall:
    """The one node of a partitioned graph: it holds the compiled code."""

    __name__ = "fx_mlir_compiled"

    def __init__(self, function):
        self.function = function

    def __call__(self, *args):
        return self.function(list(args))

    def __deepcopy__(self, memo):
        return self


def _primals(joint):
    return [n for n in compat.placeholders(joint) if not is_tangent(n)]


def _tangents(joint):
    return [n for n in compat.placeholders(joint) if is_tangent(n)]


def _unwrap(gm):
    for node in gm.graph.nodes:
        if isinstance(node.target, _CompiledCall):
            return node.target.function
    return None


class _Saved(NamedTuple):
    """A value that the forward keeps for the backward."""

    name: str
    # The slot of the forward's output list.
    slot: tuple
    # What it is to the backward.
    source: Source
    # Its fake value, for AOTAutograd.
    value: Any

    @property
    def is_tensor(self):
        return isinstance(self.value, torch.Tensor)


def _partition(gm, joint_inputs, *, num_fwd_outputs,
               static_lifetime_input_indices=None, dynamo_gm, parts,
               options, **kwargs):
    """Splits a joint graph into two graphs of one call each."""
    static = static_lifetime_input_indices or ()
    compat.inline_quantised(gm)
    _hooks.apply_to_aten_graph(options.joint_custom_pre, gm)

    def compile_parts():
        encoded = encode_graph(gm, num_fwd_outputs, static)
        # The function changed the graph that AOTAutograd differentiated.
        if options.autodiff == "fx" and not callable(options.joint_custom_pre):
            graphs = _try_differentiate(dynamo_gm, gm, encoded, options)
            if graphs:
                return graphs
        return _compile_joint(gm, encoded, options)

    graphs = _compile_whole(gm, options, compile_parts)
    if graphs:
        saved = compat.output_values(graphs[0])[num_fwd_outputs:]
        gradients = compat.output_values(gm)[num_fwd_outputs:]
        parts.backward = _unwrap(graphs[1])
        parts.num_numbers = sum(
            not isinstance(n.meta["val"], torch.Tensor) for n in saved)
        parts.has_gradient = [slot is not None for slot in gradients]
        return graphs
    forward, backward = compat.default_partition(
        gm, joint_inputs, num_fwd_outputs=num_fwd_outputs,
        static_lifetime_input_indices=list(static))
    forward.meta[_SAVED_BYTES] = _count_saved_bytes(forward, num_fwd_outputs)
    return forward, backward


# In the meta of a forward that PyTorch partitioned.
_SAVED_BYTES = "fx_mlir_saved_bytes"


def _count_saved_bytes(forward, num_fwd_outputs):
    """Bytes that a forward keeps for the backward beside its inputs."""
    inputs = {compat.storage_of(n.meta["val"])
              for n in compat.placeholders(forward)
              if isinstance(n.meta["val"], torch.Tensor)
              and n.meta["val"].layout == torch.strided}
    saved = {}
    for node in compat.output_values(forward)[num_fwd_outputs:]:
        value = node.meta.get("val")
        if (isinstance(value, torch.Tensor)
                and value.layout == torch.strided):
            saved[compat.storage_of(value)] = _count_bytes(value)
    return sum(bytes for storage, bytes in saved.items()
               if storage not in inputs)


def _count_bytes(value):
    return compat.size_hint(value.numel()) * value.dtype.itemsize


def _compile_joint(gm, encoded, options):
    """Has the joint graph partitioned and compiled."""
    module = _compile_graph(encoded, options)
    items = {item.name: item for item in encoded.inputs}
    tangents = [items[n.name] for n in _tangents(gm)]
    # The backward counts its own results and outputs.
    preceding = {"result": encoded.num_fwd_results,
                 "alias_output": encoded.num_fwd_outputs}
    gradients = [
        o._replace(index=o.index - preceding[o.kind]) if o.kind in preceding
        else o
        for o in encoded.outputs[encoded.num_fwd_outputs:]
    ]
    return _build_parts(gm, encoded, module, tangents, gradients)


def _try_differentiate(dynamo_gm, joint, encoded, options):
    try:
        return _differentiate(dynamo_gm, joint, encoded, options)
    except RuntimeError as error:
        if not options.fallback:
            raise
        _log_failure("autodiff=\"fx\" leaves a graph to AOTAutograd", error)
        return None


def _differentiate(dynamo_gm, joint, encoded, options):
    """Differentiates the forward graph in C++ instead of taking the joint
    graph; None where that might differ from what AOTAutograd promised."""
    reason = _why_not_simple(dynamo_gm, joint, encoded)
    if reason:
        log.info("fx_mlir: autodiff=\"fx\" leaves a graph to AOTAutograd: %s",
                 reason)
        return None
    primals = _primals(joint)
    forward = compat.trace_forward(dynamo_gm, [n.meta["val"] for n in primals])
    names = [n.name for n in compat.placeholders(forward)]
    slots = compat.output_values(joint)[encoded.num_fwd_outputs:]
    needed = [name for name, slot in zip(names, slots, strict=True)
              if slot is not None]
    graph = encode_graph(forward, requires_grad=needed)
    module = _compile_graph(graph, options, training=True)
    backward = module.functions["backward"]
    tangents = [
        Input(a["name"], "tensor", tensor_spec(node.meta["val"]).row_major())
        for a, node in zip(
            (a for a in backward["arguments"] if a["role"] == "tangent"),
            _tangents(joint), strict=True)
    ]
    index = {r["name"]: k for k, r in enumerate(backward["results"])}
    gradients = [
        Output("result", index[item.name], item.spec) if item.name in index
        else Output("none")
        for item in graph.inputs[:graph.num_placeholders]
    ]
    return _build_parts(joint, graph, module, tangents, gradients)


def _why_not_simple(dynamo_gm, joint, encoded):
    """Why the forward graph alone does not say all that autograd has to do."""
    forward = encoded.outputs[:encoded.num_fwd_outputs]
    if encoded.mutations:
        return "an input is mutated"
    if (any(o.kind != "result" for o in forward)
            or len(_tangents(joint)) != len(forward)):
        return "an output is an alias or has no gradient"
    if any(item.kind not in ("tensor", "constant") for item in encoded.inputs):
        return "it takes numbers, or draws random ones"
    if any(not o.spec.is_row_major for o in forward):
        return "an output is not row-major"
    if any(item.spec.layout is None or item.spec.layout.broadcast
           for item in encoded.inputs if item.kind == "tensor"):
        return "an input is not dense"
    if compat.has_higher_order_ops(dynamo_gm):
        return "it has higher-order operators"
    shapes = [getattr(compat.example_value(n), "shape", None)
              for n in compat.placeholders(dynamo_gm)]
    if shapes != [n.meta["val"].shape for n in _primals(joint)]:
        return "AOTAutograd changed its inputs"
    return None


def _build_parts(gm, encoded, module, tangents, gradients):
    """The two graphs that AOTAutograd asks for.

    `tangents` are the backward's inputs in the joint graph's order, `gradients`
    its outputs, one for each primal.
    """
    functions = module.functions
    if set(functions) != {"forward", "backward"}:
        raise RuntimeError(
            f"a graph was compiled to {sorted(functions)}, not to a forward "
            "and a backward")
    fake_mode = compat.fake_mode_of(
        [n.meta["val"] for n in compat.placeholders(gm)])
    sources = _input_sources(encoded)
    saved = _find_saved(encoded, functions, sources, fake_mode)
    primals = _primals(gm)
    values = [n.meta.get("val") if isinstance(n, torch.fx.Node) else n
              for n in compat.output_values(gm)]
    count = len(values) - len(gradients)

    # The forward: primals -> [outputs | saved tensors | saved numbers].
    outputs = encoded.outputs[:count]
    specs = _result_specs(outputs, len(functions["forward"]["results"]))
    slots = [_output_slot(o, lambda i: i) for o in outputs]
    tensors = [s for s in saved if s.is_tensor]
    numbers = [s for s in saved if not s.is_tensor]
    kept = tensors + numbers
    for s in kept:
        # Its sizes are known as expressions in the sizes of inputs.
        if s.slot[0] == _call.OUT_RESULT and s.is_tensor:
            specs[s.slot[1]] = s.source.spec
    plan = plan_call(functions["forward"], sources, specs,
                     slots + [s.slot for s in kept])
    forward_gm = _one_call_graph(
        make_function(module, "forward", plan),
        [(n.name, n.meta["val"]) for n in primals],
        values[:count] + [s.value for s in kept])

    # The backward: [saved numbers | saved tensors | tangents] -> gradients.
    given = numbers + tensors
    sources = {name: s for name, s in sources.items()
               if s.kind == _call.ARG_CONSTANT}
    for i, s in enumerate(given):
        sources[s.name] = s.source._replace(index=i)
    for i, item in enumerate(tangents):
        sources[item.name] = source_of_input(item, len(given) + i)
    specs = _result_specs(gradients, len(functions["backward"]["results"]))
    slots = [_output_slot(o, lambda i: i - len(primals) + len(given))
             for o in gradients]
    plan = plan_call(functions["backward"], sources, specs, slots)
    _record("training", gm, [module], saved_bytes=sum(
        _count_bytes(s.value) for s in tensors
        if s.slot[0] != _call.OUT_INPUT))
    backward_gm = _one_call_graph(
        make_function(module, "backward", plan),
        [(f"saved_{i}", s.value) for i, s in enumerate(given)]
        + [(n.name, n.meta["val"]) for n in _tangents(gm)],
        values[count:])
    return forward_gm, backward_gm


def _find_saved(encoded, functions, sources, fake_mode):
    """What the backward needs of the forward, in the order of its arguments.

    It is a result of the forward, or an argument that both take: an input, or
    the seeds.
    """
    forward = functions["forward"]
    results = {r["name"]: (k, r) for k, r in enumerate(forward["results"])
               if r["role"] == "saved"}
    arguments = {a["name"]: k for k, a in enumerate(forward["arguments"])}
    saved = []
    for argument in functions["backward"]["arguments"]:
        name = argument["name"]
        if argument["role"] == "tangent":
            continue
        if name in results:
            index, result = results[name]
            value = _fake_saved(result, encoded.values.get(name), fake_mode)
            if isinstance(value, torch.Tensor):
                source = Source(_call.ARG_TENSOR, -1, tensor_spec(value))
            else:
                source = Source(_SCALAR_SOURCES[result["dtype"]], value=value)
            slot = (_call.OUT_RESULT, index, None)
            saved.append(_Saved(name, slot, source, value))
            continue
        source = sources.get(name)
        if source is None:
            raise RuntimeError(
                f"the backward needs {name!r}, which the forward does not "
                "return")
        if source.kind == _call.ARG_CONSTANT:
            continue
        if source.kind == _call.ARG_SEEDS:
            with fake_mode:
                value = torch.empty(source.index, dtype=torch.int64)
            source = Source(_call.ARG_TENSOR, -1, tensor_spec(value))
            slot = (_call.OUT_ARGUMENT, arguments[name], None)
        else:
            if name in encoded.mutations:
                raise RuntimeError(
                    f"the backward needs what {name!r} was before the forward "
                    "wrote to it")
            value = encoded.values[name]
            slot = (_call.OUT_INPUT, source.index, None)
        saved.append(_Saved(name, slot, source, value))
    return saved


_SCALAR_SOURCES = {
    "int64": _call.ARG_INT,
    "float64": _call.ARG_FLOAT,
    "bool": _call.ARG_BOOL,
}


def _fake_saved(result, value, fake_mode):
    """The fake value of a saved result: a dense row-major tensor."""
    if result.get("scalar"):
        return value
    shape = result["shape"]
    if any(size < 0 for size in shape):
        known = value.shape if isinstance(value, torch.Tensor) else ()
        if len(known) != len(shape) or any(
                size >= 0 and size != other
                for size, other in zip(shape, known)):
            raise RuntimeError(
                f"the saved value {result['name']!r} has sizes that the graph "
                "does not name")
        shape = known
    with fake_mode:
        return torch.empty(tuple(shape), dtype=getattr(torch, result["dtype"]))


def _one_call_graph(function, inputs, output_values):
    """A GraphModule of placeholders, one call, and its elements as outputs."""
    graph = torch.fx.Graph()
    placeholders = []
    for name, value in inputs:
        node = graph.placeholder(name)
        node.meta["val"] = value
        placeholders.append(node)
    call = graph.call_function(_CompiledCall(function), tuple(placeholders))
    outputs: List[Any] = []
    for i, value in enumerate(output_values):
        if value is None:
            outputs.append(None)
            continue
        node = graph.call_function(operator.getitem, (call, i))
        node.meta["val"] = value
        outputs.append(node)
    graph.output(tuple(outputs))
    return torch.fx.GraphModule(torch.nn.Module(), graph)

