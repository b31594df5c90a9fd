"""All use of PyTorch's private interfaces.

Written for PyTorch 2.13. Each function here rests on a fact that another
release may change; the tests of the backend exercise them.
"""

import math
import time
import warnings

import torch
from torch._dynamo.utils import counters, flatten_graph_inputs
from torch._functorch.aot_autograd import aot_module_simplified
from torch._guards import detect_fake_mode
from torch._subclasses import FakeTensor
from torch.fx.experimental.symbolic_shapes import statically_known_true
from torch.utils._python_dispatch import _disable_current_modes as real_tensors

TESTED_VERSION = (2, 13)

if tuple(map(int, torch.__version__.split(".")[:2])) != TESTED_VERSION:
    warnings.warn(
        "fx_mlir was tested with PyTorch "
        f"{'.'.join(map(str, TESTED_VERSION))}, this is {torch.__version__}"
    )

__all__ = [
    "aot_compile",
    "compile_sizes",
    "decompositions",
    "default_partition",
    "disable_dynamo",
    "example_value",
    "fake_mode_of",
    "flatten_inputs",
    "free_symbols",
    "get_attribute",
    "has_higher_order_ops",
    "inline_quantised",
    "known_equal",
    "output_values",
    "placeholders",
    "real_tensors",  # A context: operators act on real tensors in it.
    "size_hint",
    "storage_of",
    "sym_text",
    "symbol_of",
    "trace_forward",
]


def aot_compile(gm, example_inputs, **compilers):
    """AOTAutograd with our compilers; returns the callable for Dynamo."""
    # DDPOptimizer recognises an AOT backend by this counter.
    counters["aot_autograd"]["total"] += 1
    return aot_module_simplified(
        gm,
        example_inputs,
        decompositions=decompositions(),
        # Mutations of inputs stay in the graph, as copy_ at its end: compiled
        # code writes buffers itself.
        keep_inference_input_mutations=True,
        **compilers,
    )


# -- Inference graphs that AOTAutograd does not see (_inference.py)


def is_traced_by_dynamo():
    """Whether Dynamo is compiling a graph, and will call it with real
    tensors (DDPOptimizer calls it with fake ones first)."""
    context = torch._guards.TracingContext.try_get()
    return (context is not None and context.fake_mode is not None
            and not context.fakify_first_call)


def time_guards_quickly():
    """Has Dynamo time the next graph's guards as they are.

    Dynamo empties the processor's caches before it times guards, for a figure
    in its log. That takes 20 to 50 ms, more than a small graph takes to compile.
    """
    from torch._dynamo import guards

    def profile(root, scope, count):
        guards.profile_guard_manager = patient
        start = time.perf_counter()
        for _ in range(count):
            root.check(scope)
        return (time.perf_counter() - start) / count * 1e6

    patient = guards.profile_guard_manager
    # One that no graph has used stays: that graph failed to compile.
    if patient.__module__ != __name__:
        guards.profile_guard_manager = profile


def trace_inference(gm, example_inputs):
    """The operators of a Dynamo graph of known sizes, after decompositions."""
    from torch._dispatch.python import enable_python_dispatcher
    from torch.fx.experimental.proxy_tensor import make_fx

    mode = torch._guards.TracingContext.get().fake_mode
    fakes = [x if isinstance(x, FakeTensor)
             else mode.from_tensor(x, static_shapes=True)
             for x in example_inputs]

    def run(*args):
        return list(torch.fx.Interpreter(gm).run(*args))

    with real_tensors(), mode, torch.no_grad(), enable_python_dispatcher(), \
            torch.fx.traceback.preserve_node_meta():
        traced = make_fx(run, decomposition_table=decompositions(),
                         tracing_mode="real",
                         _allow_non_fake_inputs=True)(*fakes)
    traced.graph.eliminate_dead_code()
    return traced


def has_symbols(tensor):
    """Whether a tensor's sizes, strides or offset are not numbers."""
    return not all(isinstance(n, int) for n in (
        *tensor.shape, *tensor.stride(), tensor.storage_offset()))


# Their schemas do not say that they write running statistics.
_SILENT_WRITERS = frozenset(
    getattr(torch.ops.aten, name).default
    for name in ("native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm",
                 "_batch_norm_impl_index"))


def mutates(operator):
    """Whether an operator writes to its arguments."""
    return operator._schema.is_mutable or operator in _SILENT_WRITERS


# -- What AOTAutograd does around compiled code (_shortcuts.py)


def runtime_metadata():
    """AOTAutograd's description of the graph that is being compiled, None if
    the code must go through its wrappers for another reason."""
    context = torch._guards.TracingContext.try_get()
    # DDPOptimizer has the wrappers answer a first call with fake tensors.
    if context is None or context.fakify_first_call:
        return None
    return context.fw_metadata


def work_at_run_time(metadata):
    """What AOTAutograd's wrappers have to do in each call, None for nothing."""
    from torch._functorch import config
    from torch._functorch._aot_autograd.runtime_wrappers import (
        _should_disable_saved_tensors_hooks)
    from torch._functorch._aot_autograd.schemas import PlainTensorMeta

    if metadata.num_mutated_inp_runtime_indices:
        return "inputs are mutated after the graph"
    if metadata.num_outputs_aliased or metadata.num_intermediate_bases:
        return "outputs are views"
    if metadata.tokens or metadata.num_backward_tokens:
        return "operators have effects"
    if metadata.num_graphsafe_rng_states or metadata.is_rng_op_functionalized:
        return "states of random number generators are arguments"
    if metadata.grad_enabled_mutation is not None:
        return "the graph changes the gradient mode"
    if (metadata.num_opaque_objects_saved_for_bw
            or metadata.num_tensors_saved_with_no_vc_check):
        return "objects are saved that are not tensors"
    if metadata.indices_of_inputs_that_requires_grad_with_mutations_in_bw:
        return "the backward mutates inputs"
    if metadata.act_input_indices:
        return "inputs are results of collectives"
    if not all(isinstance(meta, PlainTensorMeta)
               for metas in (metadata.subclass_inp_meta,
                             metadata.subclass_fw_graph_out_meta,
                             metadata.subclass_tangent_meta)
               for meta in metas):
        return "tensors are of subclasses"
    if not all(issubclass(info.raw_type, torch.Tensor)
               for info in metadata.output_info):
        return "outputs are not tensors"
    if config.debug_assert:
        return "PyTorch is to check its assumptions"
    if _should_disable_saved_tensors_hooks():
        return "hooks of saved tensors are in the graph"
    return None


def versions_to_increment(metadata):
    """Numbers of the inputs that the graph writes to, for autograd."""
    return tuple(metadata.mutated_graph_handled_indices_seen_by_autograd)


def marker_of_dynamic_outputs(metadata):
    """A function of the outputs that tells a next graph which sizes of theirs
    vary, None if none does."""
    if not metadata.dynamic_outputs:
        return None
    from torch._functorch._aot_autograd.runtime_wrappers import (
        mark_dynamo_propagated_dynamic_indices as mark)

    dims = [(i, info.dynamic_dims)
            for i, info in enumerate(metadata.output_info)
            if info.dynamic_dims is not None]

    def finish(outputs):
        for i, dynamic in dims:
            mark(outputs[i], dynamic)

    return finish


def outputs_with_tangents(metadata):
    """Numbers of the outputs that the backward takes gradients of."""
    return tuple(i for i, info in enumerate(metadata.output_info)
                 if info.requires_grad_for_backward)


def outputs_without_gradient(metadata):
    return tuple(i for i, info in enumerate(metadata.output_info)
                 if not info.requires_grad)


def refuses_deterministic_mode(metadata):
    return metadata.deterministic is False


def is_plain_tensor(value):
    """Whether a tensor is of no class that PyTorch treats in a special way."""
    return (type(value) in (torch.Tensor, torch.nn.Parameter,
                            torch.nn.Buffer)
            or isinstance(value, FakeTensor))


def autograd_function_of(call):
    """The autograd.Function that a callable of AOTAutograd's applies, or
    None."""
    pending, seen = [call], set()
    while pending and len(seen) < 100:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        owner = getattr(value, "__self__", None)
        if isinstance(owner, type) and hasattr(owner, "_aot_id"):
            return owner
        pending += [cell.cell_contents
                    for cell in getattr(value, "__closure__", None) or ()
                    if callable(cell.cell_contents)]
        if hasattr(value, "__wrapped__"):
            pending.append(value.__wrapped__)
    return None


def make_autograd_function(node, forward, backward):
    """An autograd.Function with these methods. To compiled autograd its nodes
    are those of AOTAutograd's function `node`."""
    attributes = {
        "apply": backward,
        "_forward_cls": node,
        "_autograd_function_id": node._backward_cls._autograd_function_id,
        # What AOTAutograd's backward finds in a node beside saved tensors.
        "symints": (),
        "opaque_objects": (),
        "_tensors_no_vc_check": (),
    }
    function = type(node.__name__, (torch.autograd.Function,),
                    {"forward": forward})
    function._backward_cls = type(
        node._backward_cls.__name__, (node._backward_cls,), attributes)
    return function


def apply_method(function):
    """`apply` of an autograd.Function without its Python part, which deals with
    transforms of torch.func and default arguments."""
    return torch._C._FunctionBase.__dict__["apply"].__get__(None, function)


def runtime_questions():
    """Whether torch.func is at work, whether PyTorch is to be deterministic;
    and what makes autograd notice that tensors were written to."""
    return (torch._C._are_functorch_transforms_active,
            torch._C._get_deterministic_algorithms,
            torch.autograd.graph.increment_version)


# -- Frozen parameters (_frozen.py)


def version_of(tensor):
    """The number of writes to a tensor; 0 if PyTorch does not count them."""
    return 0 if tensor.is_inference() else tensor._version


def static_inputs():
    """Indices of the traced graph's inputs that are parameters and buffers."""
    context = torch._guards.TracingContext.try_get()
    metadata = context.fw_metadata if context else None
    return list(metadata.static_input_indices or ()) if metadata else []


def decompositions():
    """Inductor's table and ours: they fix the set of operators that reach
    us."""
    from torch._inductor.decomposition import select_decomp_table

    from ._decompositions import select

    return select(select_decomp_table())


def flatten_inputs(gm, example_inputs, compile):
    """Compiles a graph with lists among its inputs (compiled autograd)."""
    return flatten_graph_inputs(gm, example_inputs, compile)


def default_partition(gm, joint_inputs, **kwargs):
    """PyTorch's own split into forward and backward."""
    from torch._functorch import partitioners

    return partitioners.min_cut_rematerialization_partition(
        gm, joint_inputs, **kwargs)


def simplify_joint(gm):
    """What PyTorch's partitioner does first: dead and repeated calls go."""
    from torch._functorch import config
    from torch._functorch.compile_utils import fx_graph_cse

    gm.graph.eliminate_dead_code()
    if config.cse:
        gm.graph = fx_graph_cse(gm.graph)
    gm.recompile()


def extract_parts(gm, saved, num_fwd_outputs, static):
    """The forward and the backward of a joint graph that save given nodes.

    `static` are the placeholders of parameters and buffers.
    """
    from torch._functorch import partitioners
    from torch.utils._ordered_set import OrderedSet

    is_symbol = [isinstance(n.meta.get("val"), SYMBOLIC) for n in saved]
    return partitioners._extract_fwd_bwd_modules(
        gm,
        [n for n, symbol in zip(saved, is_symbol, strict=True) if not symbol],
        [n for n, symbol in zip(saved, is_symbol, strict=True) if symbol],
        num_fwd_outputs=num_fwd_outputs,
        static_lifetime_input_nodes=OrderedSet(static),
    )


SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)


def fake_mode_of(values):
    """The FakeTensorMode of example values, or None."""
    return detect_fake_mode(values)


def storage_of(value):
    """An identity of a fake tensor's storage: equal for views of each other."""
    return value.untyped_storage()._cdata


def known_equal(a, b):
    """Whether two sizes are equal under all guards; adds no guard."""
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    return statically_known_true(a == b)


def size_hint(size):
    """The value that a size has in the example inputs."""
    if isinstance(size, int):
        return size
    hint = size.node.hint
    return 2 if hint is None else int(hint)


def optimization_hint(size):
    """The number that PyTorch's partitioner counts for a size."""
    if isinstance(size, int):
        return size
    from torch.fx.experimental.symbolic_shapes import optimization_hint

    return optimization_hint(size, fallback=4096)


def sym_text(value):
    """The expression behind a SymInt, SymFloat or SymBool."""
    return str(value.node.expr)


def symbol_of(value):
    """The symbol that a SymInt stands for, None if it is an expression."""
    expression = value.node.expr
    return expression if expression.is_Symbol else None


def compile_sizes(sizes, symbols):
    """A function of the symbols' values that gives the values of SymInts."""
    from torch.utils._sympy.printers import PythonPrinter

    printer = PythonPrinter()
    parameters = ", ".join(printer.doprint(s) for s in symbols)
    results = "".join(f"{printer.doprint(size.node.expr)}, " for size in sizes)
    return eval(f"lambda {parameters}: ({results})", {"math": math})


def free_symbols(value):
    """The symbols in a SymInt's expression, in a fixed order."""
    return sorted(value.node.expr.free_symbols, key=str)


def cache_dir():
    """The folder of compiled code: TORCHINDUCTOR_CACHE_DIR, or one of the
    user's."""
    from torch._inductor.runtime.cache_dir_utils import cache_dir

    return cache_dir()


def processor():
    """What the processor is and can do, as far as PyTorch knows."""
    return sorted(torch.cpu.get_capabilities().items())


def disable_dynamo(function):
    """The same function, which Dynamo does not capture."""
    return torch._dynamo.disable(function)


def get_attribute(gm, target):
    """What a get_attr node stands for."""
    value = gm
    for part in target.split("."):
        value = getattr(value, part)
    return value


def placeholders(gm):
    """The placeholders of a graph, in order."""
    return list(gm.graph.find_nodes(op="placeholder"))


def output_values(gm):
    """What a graph returns: nodes, numbers, None."""
    return list(gm.graph.output_node().args[0])


def example_value(node):
    """The fake value of a placeholder in a Dynamo graph."""
    return node.meta.get("example_value", node.meta.get("val"))


def has_higher_order_ops(gm):
    """Whether a graph calls operators with subgraphs; tracing such a graph
    loses what they stand for (a custom backward, a checkpoint)."""
    return any(
        isinstance(n.target, torch._ops.HigherOrderOperator)
        or n.op == "get_attr"
        for n in gm.graph.nodes)


def inline_quantised(gm):
    """Puts the operators of `invoke_quant` regions in their place; what the
    region says beside them is for a compiler to choose, the values are theirs."""
    found = True
    while found:
        found = False
        for node in list(gm.graph.nodes):
            if (isinstance(node.target, torch._ops.HigherOrderOperator)
                    and node.target.name() in ("invoke_quant",
                                               "invoke_quant_packed")):
                _inline_region(gm, node)
                found = True


def _inline_region(gm, node):
    region, *arguments = node.args
    options = node.kwargs.get("quant_options")
    body = getattr(gm, region.target)
    values = dict(zip(placeholders(body), arguments))
    with gm.graph.inserting_before(node):
        for inner in body.graph.nodes:
            if inner.op == "output":
                results = torch.fx.map_arg(inner.args[0], values.__getitem__)
            elif inner.op == "get_attr":
                name = f"{region.target}_{inner.target}".replace(".", "_")
                setattr(gm, name, get_attribute(body, inner.target))
                values[inner] = gm.graph.get_attr(name)
                values[inner].meta = dict(inner.meta)
            elif inner.op != "placeholder":
                values[inner] = gm.graph.node_copy(inner, values.__getitem__)
    for user in list(node.users):
        user.replace_all_uses_with(results[user.args[1]])
        gm.graph.erase_node(user)
    gm.graph.erase_node(node)
    for unused in (region, options):
        if unused is not None and not unused.users:
            gm.graph.erase_node(unused)
    gm.recompile()


def trace_forward(gm, fakes):
    """The operators of a Dynamo graph before autograd sees them."""
    from torch._dispatch.python import enable_python_dispatcher
    from torch.fx.experimental.proxy_tensor import make_fx

    def run(*args):
        return list(torch.fx.Interpreter(gm).run(*args))

    with real_tensors(), fake_mode_of(fakes), enable_python_dispatcher(), \
            torch.fx.traceback.preserve_node_meta():
        return make_fx(run, pre_dispatch=True, tracing_mode="real",
                       _allow_non_fake_inputs=True)(*fakes)
