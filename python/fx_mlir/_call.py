"""From a compiled function's description to something that can be called.

A plan of a call (where arguments come from, how results are allocated, what
the slots of the returned list are) is made once, as tuples. The extension
module `_runtime` executes it; `_slow_call` does the same in Python where the
extension does not fit the installed PyTorch.
"""

import functools
import importlib.machinery
import importlib.util
import logging
import os
from typing import Any, NamedTuple, Optional, Tuple

import torch

from . import _library
from . import _torch_compat as compat
from ._graph_json import Layout, TensorSpec, identity

log = logging.getLogger(__name__)

# The numbers of the kinds are those of _runtime.c.
ARG_TENSOR, ARG_INT, ARG_FLOAT, ARG_BOOL, ARG_CONSTANT, ARG_SEEDS = range(6)
RES_STATIC, RES_DYNAMIC, RES_INT, RES_FLOAT, RES_BOOL, RES_MUTATION = range(6)
(OUT_NONE, OUT_RESULT, OUT_INPUT, OUT_ALIAS_INPUT, OUT_ALIAS_OUTPUT, OUT_VALUE,
 OUT_ARGUMENT, OUT_COPY) = range(8)

SIZE_CONSTANT, SIZE_NUMBER, SIZE_DIM, SIZE_EXPRESSION, SIZE_RESULT = range(5)

_ARG_KINDS = {"int": ARG_INT, "float": ARG_FLOAT, "bool": ARG_BOOL}
_SCALAR_RESULTS = {"int64": RES_INT, "float64": RES_FLOAT, "bool": RES_BOOL}


class Source(NamedTuple):
    """Where an argument of a compiled function comes from."""

    kind: int
    # In the list of the call; of seeds their number.
    index: int = -1
    spec: Optional[TensorSpec] = None
    # Of a constant: the tensor. Of a number: its symbolic value.
    value: Any = None


class Plan(NamedTuple):
    arguments: Tuple[tuple, ...]
    sizes: Tuple[tuple, ...]
    results: Tuple[tuple, ...]
    outputs: Tuple[tuple, ...]
    # How many sizes `<name>_result_sizes` gives; 0 if it is not needed.
    num_result_sizes: int
    # Sizes that are expressions: a function of the list's elements, or None.
    evaluate: Any


def source_of_input(item, index):
    """The source of an encoded graph's input that is number `index`."""
    if item.kind == "tensor":
        return Source(ARG_TENSOR, index, item.spec)
    if item.kind == "constant":
        dense = item.value
        if item.spec.layout is None:
            with compat.real_tensors():
                dense = dense.contiguous()
        return Source(ARG_CONSTANT, -1, item.spec, dense)
    if item.kind == "seeds":
        return Source(ARG_SEEDS, item.value)
    return Source(_ARG_KINDS[item.kind], index, value=item.value)


class _Sizes:
    """Where sizes that are known at run time only are found in a call."""

    def __init__(self, sources):
        # Symbol -> (kind, index in the list, dimension).
        self.symbols = {}
        for source in sources.values():
            if source.kind == ARG_INT:
                self.add(source.value, (SIZE_NUMBER, source.index, 0))
            elif source.kind == ARG_TENSOR:
                for dim, size in enumerate(source.spec.shape):
                    self.add(size, (SIZE_DIM, source.index, dim))
        self.expressions = []

    def add(self, size, place):
        if not isinstance(size, int):
            symbol = compat.symbol_of(size)
            if symbol is not None:
                self.symbols.setdefault(symbol, place)

    def find(self, size):
        if isinstance(size, int):
            return (SIZE_CONSTANT, size, 0)
        symbol = compat.symbol_of(size)
        if symbol in self.symbols:
            return self.symbols[symbol]
        self.expressions.append(size)
        return (SIZE_EXPRESSION, len(self.expressions) - 1, 0)

    def evaluator(self):
        """A function of the list's elements that gives all expressions."""
        if not self.expressions:
            return None
        symbols = list(dict.fromkeys(
            s for e in self.expressions for s in compat.free_symbols(e)))
        for symbol in symbols:
            if symbol not in self.symbols:
                raise RuntimeError(f"no input has the size {symbol}")
        places = [self.symbols[symbol] for symbol in symbols]
        function = compat.compile_sizes(self.expressions, symbols)

        def evaluate(inputs):
            return function(*[
                inputs[index].shape[dim] if kind == SIZE_DIM else inputs[index]
                for kind, index, dim in places])

        return evaluate


def _expected_strides(spec):
    """The strides that a tensor must have, or None for dense row-major."""
    layout = spec.layout
    if layout is None or (layout.is_identity and not spec.is_static):
        return None
    if not spec.is_static:
        # Guards fix the order of dynamic strides; nothing to compare with.
        return tuple(None for _ in spec.shape)
    return tuple(None if size == 1 else stride
                 for size, stride in zip(spec.shape, spec.strides))


def plan_call(function, sources, results, outputs):
    """The plan of one compiled function.

    `sources` maps names of arguments to their source, `results` has the
    TensorSpec of each result (None: as described), `outputs` are tuples (kind,
    index, value).
    """
    arguments, sizes = [], []
    position = {}
    for k, argument in enumerate(function["arguments"]):
        name = argument["name"]
        if name not in sources:
            raise RuntimeError(
                f"compiled function {function['name']!r} has an argument "
                f"{name!r} that the graph does not have")
        source = sources[name]
        position[name] = k
        strides, constant = None, None
        if source.kind == ARG_TENSOR:
            strides = _expected_strides(source.spec)
        elif source.kind == ARG_CONSTANT:
            constant = source.value
        arguments.append((source.kind, source.index, strides, constant))
        if not argument.get("scalar"):
            for dim, size in enumerate(argument["shape"]):
                if size >= 0:
                    continue
                order = source.spec.buffer_layout().order
                sizes.append((SIZE_DIM, source.index, order[dim]))
    plans, offset, asks = [], 0, False
    known = _Sizes(sources)
    for result, spec in zip(function["results"], results, strict=True):
        if result["role"] == "mutation":
            plans.append((RES_MUTATION, None, None, None, result["dtype"],
                          position[result["mutates"]]))
        elif result.get("scalar"):
            kind = _SCALAR_RESULTS[result["dtype"]]
            plans.append((kind, None, None, None, result["dtype"], -1))
        else:
            plan, asked = _tensor_result(result, spec, known, offset)
            plans.append(plan)
            asks = asks or asked
        offset += len(result["shape"])
    return Plan(tuple(arguments), tuple(sizes), tuple(plans), tuple(outputs),
                offset if asks else 0, known.evaluator())


def _tensor_result(result, spec, known, offset):
    """(kind, sizes, strides, order, dtype, argument), and whether the sizes
    are asked of the compiled code."""
    shape, dtype = result["shape"], result["dtype"]
    if spec is None and all(size >= 0 for size in shape):
        strides = _row_major(shape)
        return (RES_STATIC, tuple(shape), strides, None, dtype, -1), False
    if spec is None:
        places = tuple((SIZE_RESULT, offset + d, 0) for d in range(len(shape)))
        order = tuple(range(len(shape)))
        return (RES_DYNAMIC, places, None, order, dtype, -1), True
    if all(isinstance(size, int) for size in spec.shape):
        strides = spec.strides if spec.layout else _row_major(spec.shape)
        return (RES_STATIC, spec.shape, tuple(strides), None, dtype, -1), False
    layout = spec.buffer_layout()
    places = tuple(known.find(size) for size in spec.shape)
    order = tuple(d for d in layout.order if d not in layout.broadcast)
    return (RES_DYNAMIC, places, None, order, dtype, -1), False


def _row_major(shape):
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


# -- Rare cases of a call, done in Python.


def draw_seeds(count):
    """Seeds from PyTorch's default generator, which torch.manual_seed sets."""
    return torch.randint(-2**63, 2**63 - 1, (count,), dtype=torch.int64)


def copy_dense(tensor, strides):
    """A copy with the given strides, row-major for None."""
    tensor = tensor.detach()
    if strides is None:
        return tensor.contiguous()
    copy = torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype)
    return copy.copy_(tensor)


def as_strided(tensor, size, stride, offset):
    """A view of a graph's input or output."""
    return torch.as_strided(tensor.detach(), size, stride, offset)


def copy_into(destination, source):
    """Writes the new value of an input that was passed as a copy."""
    destination.detach().copy_(source)


@functools.lru_cache(maxsize=None)
def call_module():
    """The extension module if it fits this PyTorch, else its Python twin."""
    try:
        module = _import_extension()
        module.initialize(torch.Tensor, *_library.runtime_functions(),
                          draw_seeds, copy_dense, as_strided, copy_into,
                          *compat.runtime_questions())
        with compat.real_tensors():
            _check_extension(module)
        return module
    except (ImportError, RuntimeError) as error:
        log.warning("fx_mlir: calls go through Python, which is slower: %s",
                    error)
        from . import _slow_call

        return _slow_call


def _import_extension():
    folder = os.environ.get("FX_MLIR_LIBRARY_DIR")
    if folder:
        for suffix in importlib.machinery.EXTENSION_SUFFIXES:
            path = os.path.join(folder, "_runtime" + suffix)
            if os.path.exists(path):
                spec = importlib.util.spec_from_file_location(
                    "fx_mlir._runtime", path)
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                return module
    from . import _runtime

    return _runtime


def _check_extension(module):
    """Two facts without an ABI, see _runtime.c."""
    for tensor in (torch.zeros(3), torch.nn.Parameter(torch.zeros(2, 2))):
        if module.data_pointer(tensor) != tensor.data_ptr():
            raise RuntimeError("a Tensor object is laid out differently")
    made = module.make_tensor((2, 3), (1, 2), module.dtype_code("float32"), 4)
    large = module.make_tensor((1 << 16,), (1,), module.dtype_code("int64"), 8)
    if (type(made) is not torch.Tensor or made.shape != (2, 3)
            or made.stride() != (1, 2) or large.dtype != torch.int64
            or large.numel() != 1 << 16):
        raise RuntimeError("tensors cannot be made from C")


def make_function(module, name, plan):
    """Something that takes one list, which it clears, and returns one."""
    calls = call_module()
    ask = plan.num_result_sizes > 0
    results = tuple(
        (*shape, calls.dtype_code(dtype), getattr(torch, dtype).itemsize,
         argument)
        for *shape, dtype, argument in plan.results)
    function = calls.Function(
        module.address(name),
        module.address(name + "_result_sizes") if ask else 0,
        plan.num_result_sizes, plan.arguments, plan.sizes, results,
        plan.outputs, plan.evaluate)
    function._boxed_call = True
    # The code lives as long as its callers.
    function._module = module
    return function
