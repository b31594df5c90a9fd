"""Calls models compiled by fx-compile on PyTorch tensors, by ctypes alone.

    model = CompiledModel("mlp.fwd.so", "cuda")
    call = model.bind("forward", {"in_0": x})
    results = call()

Nothing of this project is needed where this runs: no package, no MLIR.
"""

import ctypes
import json
import math

import torch

POINTER = ctypes.c_void_p


class Buffer:
    """An argument or a result, as the library describes it."""

    def __init__(self, description):
        self.name = description["name"]
        self.role = description["role"]
        self.dtype = getattr(torch, description["dtype"])
        self.shape = description["shape"]
        self.is_tensor = not description.get("scalar", False)
        self.mutates = description.get("mutates", "")

    def __str__(self):
        return f"{self.role or 'argument'} '{self.name}' ({self.dtype} {self.shape})"


class CompiledModel:
    """A shared library of fx-compile; `device` is where its tensors live."""

    def __init__(self, path, device):
        self.path = str(path)
        self.library = ctypes.CDLL(self.path)
        self.library.fx_model_describe.restype = ctypes.c_char_p
        self.library.fx_model_weight.restype = POINTER
        self.library.fx_model_weight.argtypes = [ctypes.c_char_p, POINTER]
        self.library.fx_rt_last_error.restype = ctypes.c_char_p
        description = json.loads(self.library.fx_model_describe())
        self.target = description["target"]
        self.device = torch.device(device)
        if (self.target == "nvptx") != (self.device.type == "cuda"):
            raise RuntimeError(f"{self.path} is for {self.target}, not for {device}")
        if self.target == "nvptx":
            self.library.fx_rt_cuda_set_stream.argtypes = [POINTER, POINTER]
            self.library.fx_rt_cuda_set_stream.restype = None
            if self.library.fx_rt_cuda_device_count() == 0:
                raise self.error("no GPU")
        self.functions = {f["name"]: Function(self, f) for f in description["functions"]}

    def error(self, what):
        return RuntimeError(f"{self.path}: {what}: {self.library.fx_rt_last_error().decode()}")

    @property
    def forward(self):
        """The function of an inference model, the forward of a training step."""
        return self.functions.get("forward") or next(iter(self.functions.values()))

    def weight(self, buffer):
        """The initial value of a parameter, buffer or constant; None if the
        library has none of that name."""
        size = ctypes.c_int64()
        address = self.library.fx_model_weight(buffer.name.encode(), ctypes.byref(size))
        if not address:
            return None
        if size.value == 0:
            return torch.empty(buffer.shape, dtype=buffer.dtype, device=self.device)
        data = (ctypes.c_char * size.value).from_address(address)
        tensor = torch.frombuffer(bytearray(data), dtype=buffer.dtype).reshape(buffer.shape)
        return tensor.to(self.device if buffer.is_tensor else "cpu")

    def use_current_stream(self):
        if self.target == "nvptx":
            stream = torch.cuda.current_stream(self.device).cuda_stream
            self.library.fx_rt_cuda_set_stream(None, stream)


class Function:
    """An entry point: `function(arguments)` gives a list of results."""

    def __init__(self, model, description):
        self.model = model
        self.name = description["name"]
        self.arguments = [Buffer(b) for b in description["arguments"]]
        self.results = [Buffer(b) for b in description["results"]]
        self.entry = getattr(model.library, self.name)
        self.entry.argtypes = [POINTER] * 4
        self.result_sizes = getattr(model.library, self.name + "_result_sizes")
        self.result_sizes.argtypes = [POINTER] * 2
        self.dynamic = [
            (i, d)
            for i, argument in enumerate(self.arguments)
            for d, size in enumerate(argument.shape)
            if size < 0
        ]
        self.is_dynamic = any(size < 0 for result in self.results for size in result.shape)
        self.static_shapes = [result.shape for result in self.results]

    def check(self, arguments):
        """Says which argument does not fit."""
        if len(arguments) != len(self.arguments):
            raise ValueError(f"{self.name} takes {len(self.arguments)} arguments")
        for buffer, value in zip(self.arguments, arguments):
            fits = len(value.shape) == len(buffer.shape) and all(
                declared in (-1, actual) for declared, actual in zip(buffer.shape, value.shape)
            )
            device = self.model.device.type if buffer.is_tensor else "cpu"
            if not fits or value.dtype != buffer.dtype or value.device.type != device:
                raise ValueError(
                    f"{self.model.path}: {self.name}: {buffer} is given "
                    f"{value.dtype} {list(value.shape)} on {value.device}"
                )
            if not value.is_contiguous():
                raise ValueError(f"{self.name}: {buffer} is not contiguous")

    def sizes_of(self, arguments):
        values = [arguments[i].shape[d] for i, d in self.dynamic]
        return (ctypes.c_int64 * len(values))(*values)

    def shapes_of(self, sizes):
        if not self.is_dynamic:
            return self.static_shapes
        ranks = [len(result.shape) for result in self.results]
        dims = (ctypes.c_int64 * sum(ranks))()
        if self.result_sizes(sizes, dims) != 0:
            raise self.model.error(self.name + "_result_sizes")
        shapes, next_dim = [], 0
        for rank in ranks:
            shapes.append(dims[next_dim : next_dim + rank])
            next_dim += rank
        return shapes

    def allocate(self, sizes):
        device = self.model.device
        return [
            torch.empty(shape, dtype=result.dtype, device=device if result.is_tensor else "cpu")
            for result, shape in zip(self.results, self.shapes_of(sizes))
        ]

    @staticmethod
    def pointers(tensors):
        return (POINTER * len(tensors))(*[tensor.data_ptr() for tensor in tensors])

    def run(self, arguments, results, sizes):
        """The bare call, on arrays of pointers."""
        if self.entry(None, arguments, results, sizes) != 0:
            raise self.model.error(self.name)

    def __call__(self, arguments):
        """As an integration would call it: new results on the current stream."""
        sizes = self.sizes_of(arguments)
        results = self.allocate(sizes)
        self.model.use_current_stream()
        self.run(self.pointers(arguments), self.pointers(results), sizes)
        return results

    def bind(self, values):
        """Finds the value of every argument: by name, by position among the
        inputs (in_<k>), or among the weights."""
        arguments, position = [], 0
        for buffer in self.arguments:
            is_input = buffer.role in ("", "input")
            value = values.get(buffer.name)
            if value is None and is_input:
                value = values.get(f"in_{position}")
            position += is_input
            if value is not None:
                value = value.to(self.model.device if buffer.is_tensor else "cpu").contiguous()
            elif buffer.role == "seed":
                count = math.prod(buffer.shape)
                value = torch.randint(2**62, (count,)).reshape(buffer.shape)
                value = value.to(self.model.device if buffer.is_tensor else "cpu")
            else:
                value = self.model.weight(buffer)
            if value is None:
                raise ValueError(f"{self.model.path}: no value for {buffer} of {self.name}")
            arguments.append(value)
        self.check(arguments)
        return arguments


class TrainingStep:
    """Forward and backward: `step()` gives the results of both."""

    def __init__(self, model, values):
        self.forward = model.functions["forward"]
        self.backward = model.functions["backward"]
        self.arguments = self.forward.bind(values)
        saved = {
            result.name: i
            for i, result in enumerate(self.forward.results)
            if result.role == "saved"
        }
        # Where each argument of the backward comes from: a result of the
        # forward, an argument of the forward, or the gradient of the loss with
        # respect to itself.
        passed = dict(zip((b.name for b in self.forward.arguments), self.arguments))
        self.sources = []
        for buffer in self.backward.arguments:
            if buffer.role == "tangent":
                if buffer.shape:
                    raise ValueError(f"{model.path}: {buffer} is not that of a scalar loss")
                device = model.device if buffer.is_tensor else "cpu"
                self.sources.append(torch.ones((), dtype=buffer.dtype, device=device))
            elif buffer.name in saved:
                self.sources.append(saved[buffer.name])
            elif buffer.name in passed:
                self.sources.append(passed[buffer.name])
            else:
                raise ValueError(f"{model.path}: the forward neither saves nor takes {buffer}")
        self.backward.check(self.backward_arguments(self.forward(self.arguments)))

    def backward_arguments(self, results):
        return [
            results[source] if isinstance(source, int) else source for source in self.sources
        ]

    def __call__(self):
        results = self.forward(self.arguments)
        return results, self.backward(self.backward_arguments(results))

    def prepare_bare(self):
        """A function that only calls the two entry points, on memory that is
        allocated once."""
        forward, backward = self.forward, self.backward
        sizes = forward.sizes_of(self.arguments)
        results = forward.allocate(sizes)
        arguments = self.backward_arguments(results)
        backward_sizes = backward.sizes_of(arguments)
        gradients = backward.allocate(backward_sizes)
        # The tensors are kept alive by the closure.
        keep = (self.arguments, results, arguments, gradients)
        first = (forward.pointers(self.arguments), forward.pointers(results), sizes)
        second = (backward.pointers(arguments), backward.pointers(gradients), backward_sizes)

        def call(keep=keep):
            forward.run(*first)
            backward.run(*second)

        return call


class Inference:
    """A forward function bound to its arguments."""

    def __init__(self, model, values):
        self.forward = model.forward
        self.arguments = self.forward.bind(values)

    def __call__(self):
        return self.forward(self.arguments), None

    def prepare_bare(self):
        sizes = self.forward.sizes_of(self.arguments)
        results = self.forward.allocate(sizes)
        pointers = (self.forward.pointers(self.arguments), self.forward.pointers(results), sizes)

        def call(keep=(self.arguments, results)):
            self.forward.run(*pointers)

        return call


def named_results(bound, results, gradients):
    """Results under the names of the recorded ones: out_<k>, loss,
    grad_<parameter>, mut_<buffer>."""
    named, output = {}, 0
    pairs = list(zip(bound.forward.results, results))
    if gradients is not None:
        pairs += zip(bound.backward.results, gradients)
    for buffer, value in pairs:
        if buffer.role == "saved":
            continue
        if buffer.role == "loss":
            name = "loss"
        elif buffer.role == "gradient":
            name = "grad_" + buffer.name
        elif buffer.role == "mutation":
            name = "mut_" + (buffer.mutates or buffer.name)
        else:
            name, output = f"out_{output}", output + 1
        named[name] = value
    return named
