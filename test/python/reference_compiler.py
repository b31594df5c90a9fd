"""A compiler with the interface of libFXMLIRC that runs graphs by ATen.

It reads the same JSON, describes its functions in the same way and has entry
points of the same C signature, so the tests of the Python package can tell a
fault of the package from one of the compiler.
"""

import ctypes
import json
import math
import operator

import torch
import torch._inductor.inductor_prims  # noqa: F401 (defines prims.inductor_*)

from fx_mlir import _library

ENTRY = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 4)
SIZES = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 2)
SET_THREADS = ctypes.CFUNCTYPE(None, ctypes.c_int32)
LAST_ERROR = ctypes.CFUNCTYPE(ctypes.c_char_p)

_state = {"threads": 0, "error": b""}
_set_threads = SET_THREADS(lambda count: _state.update(threads=count))
_last_error = LAST_ERROR(lambda: _state["error"])

_SYMBOLIC = {
    "FloorDiv": operator.floordiv, "IntTrueDiv": operator.truediv,
    "FloatTrueDiv": operator.truediv, "Mod": operator.mod, "PythonMod": operator.mod,
    "Max": max, "Min": min, "CeilToInt": math.ceil, "TruncToInt": math.trunc,
}


_SCALARS = {"int64": ctypes.c_int64, "float64": ctypes.c_double, "bool": ctypes.c_bool}


def runtime_functions():
    # Tensors may outlive the interpreter's state: their memory is not Python's.
    library = _library.library()
    return tuple(ctypes.cast(f, ctypes.c_void_p).value for f in (
        _set_threads, _last_error, library.fx_rt_tensor_acquire,
        library.fx_rt_tensor_release))


compiled = 0


def compile_graph(text, options):
    global compiled
    compiled += 1
    return ReferenceModule(json.loads(text))


def check_graph(text, options):
    """It runs whatever ATen runs."""
    return []


def _random(size, seed, mode):
    generator = torch.Generator().manual_seed(int(seed) & (2**63 - 1))
    return getattr(torch, mode)(size, generator=generator)


_SPECIAL = {
    "prims.inductor_random.default": _random,
    "prims.inductor_lookup_seed.default": lambda seeds, index: seeds[index],
    "prims.convert_element_type.default": lambda x, dtype: x.to(dtype),
}


def _resolve(target):
    if target in _SPECIAL:
        return _SPECIAL[target]
    space, _, name = target.partition(".")
    if space in ("operator", "math", "torch"):
        return getattr({"operator": operator, "math": math, "torch": torch}[space], name)
    packet, overload = name.split(".")
    return getattr(getattr(getattr(torch.ops, space), packet), overload)


def _decode(argument, values):
    if isinstance(argument, list):
        return [_decode(a, values) for a in argument]
    if not isinstance(argument, dict):
        return argument
    ((key, value),) = argument.items()
    if key == "node":
        return values[value]
    if key == "float":
        return float(value)
    if key in ("dtype", "layout", "memory_format"):
        return getattr(torch, value)
    if key == "device":
        return torch.device(value)
    if key == "slice":
        return slice(*[_decode(v, values) for v in value])
    raise ValueError(f"unexpected argument {argument}")


def _used(argument):
    """Names of the nodes in an argument."""
    if isinstance(argument, list):
        return [name for a in argument for name in _used(a)]
    if isinstance(argument, dict):
        if "node" in argument:
            return [argument["node"]]
        return [name for a in argument.values() for name in _used(a)]
    return []


def _node_inputs(node):
    return _used(node.get("args", [])) + _used(list(node.get("kwargs", {}).values()))


class Function:
    """Some nodes, the arguments they start from and the results they give."""

    def __init__(self, name, arguments, nodes, results):
        self.nodes = nodes
        self.argument_values = [a.pop("val") for a in arguments]
        self.result_values = [r.pop("val") for r in results]
        self.description = {"name": name, "arguments": arguments, "results": results}
        self.entry = ENTRY(self._entry)
        self.sizes = SIZES(self._result_sizes)

    def _entry(self, context, args, results, sizes):
        try:
            self._run(args, results, ctypes.cast(sizes, ctypes.POINTER(ctypes.c_int64)))
            return 0
        except Exception as error:  # The caller is C.
            _state["error"] = repr(error).encode()
            return 1

    def _run(self, args, results, sizes):
        arguments = ctypes.cast(args, ctypes.POINTER(ctypes.c_void_p))
        destinations = ctypes.cast(results, ctypes.POINTER(ctypes.c_void_p))
        values, next_size = {}, 0
        for k, description in enumerate(self.description["arguments"]):
            value = self.argument_values[k]
            name = description["name"]
            if description.get("scalar"):
                values[name] = _SCALARS[description["dtype"]].from_address(arguments[k]).value
                continue
            shape = []
            for size in value["shape"]:
                if not isinstance(size, int):
                    size, next_size = sizes[next_size], next_size + 1
                shape.append(size)
            values[name] = _view(arguments[k], shape, value["dtype"])
        for node in self.nodes:
            positional = _decode(node.get("args", []), values)
            keywords = {k: _decode(v, values) for k, v in node.get("kwargs", {}).items()}
            values[node["name"]] = _resolve(node["target"])(*positional, **keywords)
        for k, description in enumerate(self.description["results"]):
            value = values[description["node"]]
            if description.get("scalar"):
                _SCALARS[description["dtype"]].from_address(destinations[k]).value = value
            else:
                _view(destinations[k], value.shape, description["dtype"]).copy_(value)

    def _result_sizes(self, sizes, result_sizes):
        given = ctypes.cast(sizes, ctypes.POINTER(ctypes.c_int64))
        symbols, k = {}, 0
        for value in self.argument_values:
            for size in value.get("shape", []):
                if not isinstance(size, int):
                    symbols[size["sym"]] = given[k]
                    k += 1
        out = ctypes.cast(result_sizes, ctypes.POINTER(ctypes.c_int64))
        k = 0
        for value in self.result_values:
            for size in value.get("shape", []):
                out[k] = size if isinstance(size, int) else eval(
                    size["sym"], dict(_SYMBOLIC), symbols)
                k += 1
        return 0


def _view(address, shape, dtype):
    """A tensor over memory that belongs to the caller."""
    dtype = getattr(torch, dtype)
    count = math.prod(shape)
    if not count:
        return torch.empty(shape, dtype=dtype)
    memory = (ctypes.c_byte * (count * dtype.itemsize)).from_address(address)
    return torch.frombuffer(memory, dtype=dtype).view(shape)


def _describe(name, value, role, **more):
    entry = {"name": name, "role": role, "val": value, **more}
    if "shape" in value:
        entry["dtype"] = value["dtype"]
        entry["shape"] = [s if isinstance(s, int) else -1 for s in value["shape"]]
    else:
        entry.update(dtype=value["type"], shape=[], scalar=True)
    return entry


class ReferenceModule:
    def __init__(self, document):
        nodes = document["joint"]["nodes"]
        self.vals = {n["name"]: n["val"] for n in nodes}
        placeholders = [n for n in nodes if n["op"] == "placeholder"]
        calls = [n for n in nodes if n["op"] == "call_function"]
        outputs = document["joint"]["outputs"]
        count, mutations = document["num_fwd_outputs"], document["mutations"]
        tangents = [p for p in placeholders if p["kind"] == "tangent"]
        primals = [p for p in placeholders if p["kind"] != "tangent"]
        results = []
        for i, output in enumerate(outputs[:count]):
            is_mutation = i < len(mutations)
            results.append(self.result(output["node"], "mutation" if is_mutation else "output",
                                       **({"mutates": mutations[i]} if is_mutation else {})))
        if not tangents and len(outputs) == count:
            parts = [Function("main", [self.argument(p) for p in primals], calls, results)]
        else:
            parts = self.split(primals, tangents, calls, results, outputs, count)
        self.parts = {p.description["name"]: p for p in parts}
        self.functions = {name: p.description for name, p in self.parts.items()}

    def argument(self, node):
        return _describe(node["name"], node["val"], node.get("kind", "saved"))

    def result(self, name, role, **more):
        return _describe(name, self.vals[name], role, node=name, **more)

    def split(self, primals, tangents, calls, results, outputs, count):
        """Everything that depends on no tangent is the forward's."""
        forward = {p["name"] for p in primals}
        for node in calls:
            if all(name in forward for name in _node_inputs(node)):
                forward.add(node["name"])
        backward_calls = [n for n in calls if n["name"] not in forward]
        gradients = [o["node"] for o in outputs[count:] if o is not None]
        needed = [name for n in backward_calls for name in _node_inputs(n)] + gradients
        saved = list(dict.fromkeys(name for name in needed if name in forward))
        inputs = {p["name"] for p in primals}
        forward_calls = [n for n in calls if n["name"] in forward]
        kept = [self.result(name, "saved") for name in saved if name not in inputs]
        taken = [_describe(name, self.vals[name], "saved") for name in saved]
        return [
            Function("forward", [self.argument(p) for p in primals], forward_calls,
                     results + kept),
            Function("backward", taken + [self.argument(t) for t in tangents], backward_calls,
                     [self.result(name, "gradient") for name in gradients]),
        ]

    def statistics(self):
        return {"stages": [], "kernels": 0}

    def address(self, name):
        base = name[:-len("_result_sizes")] if name.endswith("_result_sizes") else name
        part = self.parts[base]
        return ctypes.cast(part.entry if base == name else part.sizes, ctypes.c_void_p).value
