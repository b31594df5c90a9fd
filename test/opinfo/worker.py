"""Runs operators of the OpInfo database: lines `name dtype` come on stdin, a
line of JSON goes out for each direction.

Started by run.py; a crash here costs one operator.
"""

import argparse
import json
import os
import sys
import time
import warnings

warnings.filterwarnings("ignore")

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(ROOT, "python"))
os.environ.setdefault("FX_MLIR_LIBRARY_DIR", os.path.join(ROOT, "build", "lib"))

import torch  # noqa: E402
import torch._dynamo  # noqa: E402

import samples as opinfo  # noqa: E402

OPERATORS = opinfo.operators()


def first_lines(text, length=300):
    return " ".join(text.split())[:length]


class Refused(Exception):
    """The backend said that it cannot compile a graph."""


class Counter:
    """Graphs that reached the compiler, and operators that fell back."""

    def __init__(self):
        self.graphs = 0

    def reset(self):
        import fx_mlir

        self.graphs = 0
        fx_mlir.counters.reset()

    @property
    def fallbacks(self):
        """The names of the operators that fell back."""
        import fx_mlir

        return sorted(fx_mlir.counters.fallen_back)


class Backend:
    """Compiles a function with the backend under test."""

    def __init__(self, name, options):
        self.name = name
        self.counter = Counter()
        self.options = options
        if name == "fx_mlir":
            import fx_mlir  # noqa: F401
            from fx_mlir import _library

            self.library = _library
            self.compile_graph = _library.compile_graph
            _library.compile_graph = self.count

    def count(self, *args, **kwargs):
        module = self.compile_graph(*args, **kwargs)
        self.counter.graphs += 1
        return module

    def close(self):
        self.library.compile_graph = self.compile_graph

    def compile(self, function, fullgraph):
        torch._dynamo.reset()
        return torch.compile(
            function, backend=self.name, fullgraph=fullgraph, dynamic=False,
            options=self.options or None)

    def without_compiler(self):
        """PyTorch's own share of it: the same traced graph, run by ATen."""
        return Backend("aot_eager_decomp_partition", None)


class Case:
    """One sample of an operator."""

    def __init__(self, op, sample, direction):
        self.op = op
        self.sample = sample
        self.direction = direction

    def function(self):
        op = self.op.get_op()
        return lambda *args, **kwargs: op(*args, **kwargs)

    def run(self, function, dtype=None):
        args, kwargs = opinfo.copy_sample(self.sample, dtype)
        if self.direction == "forward":
            with torch.no_grad():
                results = function(*args, **kwargs)
            # What an operator writes to its operands is compared, too.
            return results, opinfo.tensors_of((args, kwargs))
        leaves = [t for t in opinfo.tensors_of((args, kwargs))
                  if t.requires_grad]
        results = function(*args, **kwargs)
        processed = self.sample.output_process_fn_grad(results)
        return results, opinfo.gradients(processed, leaves)

    def compare_chosen(self, actual, expected):
        """What is wrong if any of several equal elements may be chosen."""
        values, indices = opinfo.tensors_of(actual)[:2]
        problem = opinfo.compare(values, opinfo.tensors_of(expected)[0], None)
        args, kwargs = opinfo.copy_sample(self.sample)
        if problem or opinfo.repeats(self.op.name, indices, args, kwargs):
            return problem or "an element is chosen twice"
        return opinfo.compare(actual, self.run(
            lambda *args, **kwargs: opinfo.take_by(self.op.name, indices, args,
                                                   kwargs)), None)

    def exact(self):
        """The result in 64 bits, or None where the operator has none."""
        try:
            return self.run(self.function(), torch.float64)
        except Exception:
            return None


def compiled_result(case, backend):
    """The result of the compiled function, and whether its graph broke."""
    from torch._dynamo.exc import BackendCompilerFailed, TorchDynamoException

    try:
        try:
            return case.run(backend.compile(case.function(), True)), False
        except BackendCompilerFailed:
            raise
        except TorchDynamoException:  # Dynamo wants the graph to break.
            return case.run(backend.compile(case.function(), False)), True
    except BackendCompilerFailed as error:
        inner = error.inner_exception
        if isinstance(inner, RuntimeError) and backend.name == "fx_mlir":
            raise Refused(str(inner)) from error
        raise


def pytorch_fails(case, backend):
    """Whether tracing fails without our compiler, too."""
    try:
        compiled_result(case, backend.without_compiler())
    except Exception:
        return True
    return False


def pytorch_gives(case, backend, actual, values):
    """Whether the traced graph, run by ATen, has the same wrong result."""
    try:
        result, _ = compiled_result(case, backend.without_compiler())
    except Exception:
        return False
    return opinfo.compare(actual, result, None, values) is None


def check_case(case, backend, values):
    """(status, detail) of one sample; None if eager does not run it."""
    function = case.function()
    try:
        torch.manual_seed(0)
        expected = case.run(function)
    except Exception:
        return None
    random = not values or opinfo.is_random(lambda: case.run(function))
    backend.counter.reset()
    torch.manual_seed(0)
    try:
        actual, broke = compiled_result(case, backend)
    except Refused as error:
        status = "uncaptured" if pytorch_fails(case, backend) else "refused"
        return status, first_lines(str(error))
    except Exception as error:
        detail = first_lines(f"{type(error).__name__}: {error}")
        if backend.name == "fx_mlir" and pytorch_fails(case, backend):
            return "uncaptured", f"PyTorch's tracing: {detail}"
        return "error", detail
    problem = opinfo.compare(actual, expected, None, not random)
    if problem and not random:
        problem = opinfo.compare(actual, expected, case.exact())
    if problem and case.op.name in opinfo.ANY_TIE:
        problem = case.compare_chosen(actual, expected)
    if problem:
        if backend.name == "fx_mlir" and pytorch_gives(case, backend, actual,
                                                       not random):
            return "uncaptured", f"PyTorch's tracing: {first_lines(problem)}"
        return "wrong", first_lines(problem)
    if backend.name == "fx_mlir" and backend.counter.fallbacks:
        return "fallback", ", ".join(backend.counter.fallbacks)
    if broke and backend.name == "fx_mlir" and not backend.counter.graphs:
        return "uncaptured", "Dynamo captures no graph"
    return "native", "types and sizes compared only" if random else ""


# The worst sample decides.
ORDER = ["uncaptured", "native", "fallback", "refused", "error", "wrong"]


def check(name, dtype_name, direction, backend, count, reference=False):
    """The result of one operator, dtype and direction."""
    op, dtype = OPERATORS[name], opinfo.DTYPES[dtype_name]
    values = op.name not in opinfo.UNINITIALIZED
    samples = opinfo.choose_samples(op, dtype, direction == "gradient", count,
                                    reference)
    status, detail, ran = "none", "no sample", 0
    for index, sample in enumerate(samples):
        result = check_case(Case(op, sample, direction), backend, values)
        if result is None:
            continue
        ran += 1
        if status == "none" or ORDER.index(result[0]) > ORDER.index(status):
            status, detail = result
            if status not in ("native", "fallback"):
                detail = f"sample {index}: {detail}"
    return {"status": status, "detail": detail, "samples": ran}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", default="fx_mlir")
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--options", default="{}")
    args = parser.parse_args()
    # What libraries print must not mix with the protocol.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch.set_num_threads(1)
    backend = Backend(args.backend, json.loads(args.options))
    for line in sys.stdin:
        name, dtype, directions = line.split()
        for direction in directions.split(","):
            start = time.monotonic()
            try:
                result = check(name, dtype, direction, backend, args.samples,
                               args.reference)
            except Exception as error:
                result = {"status": "error", "samples": 0, "detail":
                          first_lines(f"{type(error).__name__}: {error}")}
            result.update(op=name, dtype=dtype, direction=direction,
                          seconds=round(time.monotonic() - start, 2))
            out.write(json.dumps(result) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
