"""Checks and times compiled models on a GPU against PyTorch.

    python benchmarks/gpu_check.py FOLDER [--models mlp,lenet] [--device cuda]

FOLDER holds NAME.fwd.so (fx-compile --mode=inference) and NAME.train.so
(--mode=training), compiled for the device. Every library is run on tensors of
PyTorch's current stream and compared with the results that PyTorch recorded
(test/Integration/Inputs) and with eager mode here; then both, and
torch.compile, are timed side by side in this process. With --mem the models are
those of gpu_workloads.py, which have no recorded results. Only PyTorch and
NumPy are needed. Prints Markdown; the exit code is 1 if a result is wrong.
"""

import argparse
import gc
import statistics
import sys
import time
import traceback
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from compiled_model import CompiledModel, Inference, TrainingStep, named_results  # noqa: E402

INTEGRATION = HERE.parent / "test" / "Integration"
# Of the largest element; as in check_model.py, and for the rounding of 16 bits.
TOLERANCES = {"fwd": 1e-4, "train": 1e-3}
NARROW_TOLERANCES = {"fwd": 2e-2, "train": 5e-2}


def log(*words):
    print(*words, file=sys.stderr, flush=True)


# ------------------------------------------------------------------- PyTorch
class Eager:
    """A model in PyTorch, with the weights of the compiled one."""

    def __init__(self, case, program, compiled, device):
        from models import TrainingStep as Step

        self.is_training = program == "train"
        module = Step(case).train() if self.is_training else case.module.eval()
        self.module = module.to(device)
        self.device = torch.device(device)
        inputs = case.inputs + (case.targets if self.is_training else ())
        self.inputs = tuple(value.to(device) for value in inputs)
        self.load_weights(compiled)
        self.wrap = nullcontext
        try:
            self()
        except RuntimeError as error:
            # A loss that makes its weights on the default device.
            if "same device" not in str(error):
                raise
            self.wrap = lambda: torch.device(self.device)
            self()
        # The call has changed running statistics.
        self.load_weights(compiled)

    def load_weights(self, compiled):
        weights = {
            buffer.name: compiled.weight(buffer)
            for buffer in compiled.forward.arguments
            if buffer.role in ("parameter", "buffer", "constant")
        }
        with torch.no_grad():
            for name, tensor in self.named_tensors():
                if weights.get(name) is not None:
                    tensor.copy_(weights[name])

    def named_tensors(self):
        yield from self.module.named_parameters(remove_duplicate=False)
        yield from self.module.named_buffers(remove_duplicate=False)

    def run(self, module):
        """Results and gradients, as a training loop has them."""
        with self.wrap():
            if not self.is_training:
                with torch.no_grad():
                    return module(*self.inputs), None
            loss = module(*self.inputs)
            parameters = list(self.module.parameters())
            return loss, torch.autograd.grad(loss, parameters, allow_unused=True)

    def __call__(self):
        return self.run(self.module)

    def named(self):
        """The results under the names of the recorded ones."""
        saved = {name: tensor.detach().clone() for name, tensor in self.named_tensors()}
        results, gradients = self()
        leaves = [
            value
            for value in torch.utils._pytree.tree_leaves(results)
            if isinstance(value, torch.Tensor)
        ]
        if not self.is_training:
            return {f"out_{k}": value for k, value in enumerate(leaves)}
        named = {"loss": leaves[0], "out_0": leaves[0]}
        found = {id(p): g for p, g in zip(self.module.parameters(), gradients) if g is not None}
        for name, parameter in self.module.named_parameters(remove_duplicate=False):
            if id(parameter) in found:
                named["grad_" + name] = found[id(parameter)]
        with torch.no_grad():
            for name, tensor in self.module.named_buffers(remove_duplicate=False):
                named["mut_" + name] = tensor.clone()
                tensor.copy_(saved[name])
        return named


class Inductor:
    """The same by torch.compile; `cold` is the time of its first call."""

    def __init__(self, eager):
        torch._dynamo.reset()
        self.eager = eager
        self.module = torch.compile(eager.module)
        start = time.perf_counter()
        self()
        synchronize(eager.device)
        self.cold = time.perf_counter() - start

    def __call__(self):
        return self.eager.run(self.module)


# ------------------------------------------------------------------- results
def error_of(actual, expected):
    """The largest difference relative to the largest element."""
    actual = torch.as_tensor(actual).detach()
    expected = torch.as_tensor(expected).detach().to(actual.device)
    if actual.shape != expected.shape:
        return float("inf")
    if actual.numel() == 0:
        return 0.0
    difference = (actual.double() - expected.double()).abs().max().item()
    error = difference / max(expected.double().abs().max().item(), 1e-3)
    # A NaN is no agreement.
    return error if error == error else float("inf")


def worst(actual, expected, names):
    """The largest error and its name; a missing result counts as infinite."""
    errors = [
        (error_of(actual[name], expected[name]) if name in actual else float("inf"), name)
        for name in names
    ]
    return max(errors, default=(None, ""))


def read_recorded(name, program):
    path = INTEGRATION / "Inputs" / name / f"{program}.npz"
    return dict(np.load(path)) if path.exists() else {}


# -------------------------------------------------------------------- timing
def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def time_calls(function, count, device):
    """Seconds a call with all work done, and seconds a call on the host."""
    synchronize(device)
    if device.type != "cuda":
        start = time.perf_counter()
        for _ in range(count):
            function()
        elapsed = (time.perf_counter() - start) / count
        return elapsed, elapsed
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    first.record()
    start = time.perf_counter()
    for _ in range(count):
        function()
    host = time.perf_counter() - start
    last.record()
    last.synchronize()
    return first.elapsed_time(last) * 1e-3 / count, host / count


def compare_times(functions, device, rounds, seconds):
    """Medians over interleaved rounds: {name: (time, host time)}. Host times
    are of short bursts: a full queue would make the host wait for the GPU."""
    counts = {}
    for name, function in functions.items():
        for _ in range(3):
            function()
        once, _ = time_calls(function, 3, device)
        counts[name] = max(1, min(200, int(seconds / max(once, 1e-6))))
    times = {name: ([], []) for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name][0].append(time_calls(function, counts[name], device)[0])
            times[name][1].append(time_calls(function, 3, device)[1])
    return {
        name: (statistics.median(total), statistics.median(host))
        for name, (total, host) in times.items()
    }


def capture(function, device, attempts=2):
    """The call as a CUDA graph: replaying it takes the GPU's time alone. The
    first capture of a backward in a process can fail, the next one does not."""
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        for _ in range(3):
            function()
    torch.cuda.current_stream(device).wait_stream(stream)
    synchronize(device)
    graph = torch.cuda.CUDAGraph()
    try:
        # Autograd has threads of its own, which may do what a capture forbids.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            keep = function()
    except RuntimeError:
        if attempts == 1:
            raise
        synchronize(device)
        return capture(function, device, attempts - 1)
    return lambda keep=keep: graph.replay()


# --------------------------------------------------------------------- checks
class Row:
    """What is known of one library."""

    def __init__(self, name, program):
        self.name, self.program = name, program
        self.results = 0
        self.recorded = self.eager = self.eager_recorded = None
        self.tolerance = None
        self.times, self.graphs, self.cold = {}, {}, None
        self.notes, self.failed = [], False


def check(row, library, case, options):
    """Compares and times one library."""
    device = torch.device(options.device)
    model = CompiledModel(library, device)
    recorded = {} if options.mem else read_recorded(row.name, row.program)
    values = {
        key: torch.from_numpy(np.asarray(value))
        for key, value in recorded.items()
        if key.startswith("in_")
    }
    if not values:
        inputs = case.inputs + (case.targets if row.program == "train" else ())
        values = {f"in_{k}": value for k, value in enumerate(inputs)}
    bound = (TrainingStep if row.program == "train" else Inference)(model, values)
    actual = named_results(bound, *bound())
    synchronize(device)
    row.results = len(actual)
    floats = [value.dtype for value in actual.values() if value.dtype.is_floating_point]
    narrow = any(dtype.itemsize < 4 for dtype in floats)
    row.tolerance = (NARROW_TOLERANCES if narrow else TOLERANCES)[row.program]

    expected = {k: v for k, v in recorded.items() if not k.startswith("in_")}
    if expected:
        row.recorded = worst(actual, expected, expected)
    eager = None
    if case is not None:
        eager = Eager(case, row.program, model, device)
        reference = eager.named()
        row.eager = worst(actual, reference, [name for name in actual if name in reference])
        row.eager_recorded = worst(reference, expected, [k for k in expected if k in reference])
    for found in row.recorded, row.eager:
        if found and found[0] is not None and not found[0] <= row.tolerance:
            row.failed = True
            row.notes.append(f"{found[1]} is off by {found[0]:.1e}")
    log(f"{row.name} {row.program}: recorded {row.recorded}, eager {row.eager}")
    if options.rounds:
        measure(row, model, bound, eager, options)


def measure(row, model, bound, eager, options):
    device = model.device
    functions = {"ours": bound}
    if eager:
        functions["eager"] = eager
    if eager and options.inductor and time.perf_counter() < options.inductor_deadline:
        try:
            functions["inductor"] = Inductor(eager)
            row.cold = functions["inductor"].cold
        except Exception as error:  # It is one of the columns, no more.
            row.notes.append(f"torch.compile: {type(error).__name__}")
            log(traceback.format_exc(limit=3))
    elif eager and options.inductor:
        row.notes.append("torch.compile: left out, no time")
    functions["bare"] = bound.prepare_bare()
    model.use_current_stream()
    row.times = compare_times(functions, device, options.rounds, options.seconds)
    log(f"{row.name} {row.program}: {row.times}")
    if options.graphs and device.type == "cuda":
        graphs = {}
        for name in ("ours", "eager", "inductor"):
            if name not in functions:
                continue
            try:
                graphs[name] = capture(functions[name], device)
            except Exception as error:
                reason = (str(error).splitlines() or [""])[0][:80]
                row.notes.append(f"no CUDA graph of {name}: {reason}")
                synchronize(device)
        row.graphs = compare_times(graphs, device, options.rounds, options.seconds)
        log(f"{row.name} {row.program} graphs: {row.graphs}")


# --------------------------------------------------------------------- tables
def show_error(found):
    return "–" if found is None or found[0] is None else f"{found[0]:.1e}"


def show_times(times, name, which=0):
    return f"{times[name][which] * 1e6:.1f}" if name in times else "–"


def show_ratio(times, name, which=0):
    if name not in times or "ours" not in times:
        return "–"
    return f"{times[name][which] / times['ours'][which]:.2f}"


def table(header, lines):
    print("| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header))
    for line in lines:
        print("| " + " | ".join(line) + " |")
    print()


def report(rows, options):
    name = "CPU"
    if options.device.startswith("cuda"):
        name = torch.cuda.get_device_name(options.device)
    print(f"\n{name}, PyTorch {torch.__version__}, no TF32. Errors are the largest of all")
    print("results, relative to each result's largest element.\n")
    table(
        ["model", "program", "results", "ours – recorded", "ours – eager", "eager – recorded",
         "allowed", ""],
        [
            [
                row.name, row.program, str(row.results), show_error(row.recorded),
                show_error(row.eager), show_error(row.eager_recorded),
                f"{row.tolerance:.0e}" if row.tolerance else "–",
                ("**wrong** " if row.failed else "") + "; ".join(row.notes),
            ]
            for row in rows
        ],
    )
    timed = [row for row in rows if row.times]
    if timed:
        print("Microseconds a call (train: forward and backward), back to back; ratios above 1:")
        print("ours is faster. `bare`: the same code without allocations and Python.\n")
        table(
            ["model", "program", "ours", "bare", "eager", "inductor", "eager / ours",
             "inductor / ours", "host: ours", "bare", "eager", "inductor",
             "inductor's first call, s"],
            [
                [row.name, row.program]
                + [show_times(row.times, k) for k in ("ours", "bare", "eager", "inductor")]
                + [show_ratio(row.times, k) for k in ("eager", "inductor")]
                + [show_times(row.times, k, 1) for k in ("ours", "bare", "eager", "inductor")]
                + [f"{row.cold:.1f}" if row.cold else "–"]
                for row in timed
            ],
        )
    graphs = [row for row in rows if row.graphs]
    if graphs:
        print("The GPU's time alone: each call replayed as a CUDA graph, microseconds.\n")
        table(
            ["model", "program", "ours", "eager", "inductor", "eager / ours", "inductor / ours"],
            [
                [row.name, row.program]
                + [show_times(row.graphs, k) for k in ("ours", "eager", "inductor")]
                + [show_ratio(row.graphs, k) for k in ("eager", "inductor")]
                for row in graphs
            ],
        )


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", help="names, separated by commas (default: all of the folder)")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--mem", action="store_true", help="the models of gpu_workloads.py")
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds; 0: check only")
    parser.add_argument("--seconds", type=float, default=0.02, help="of a timed round")
    parser.add_argument("--no-inductor", dest="inductor", action="store_false")
    parser.add_argument("--inductor-seconds", type=float, default=300,
                        help="after which torch.compile is left out")
    parser.add_argument("--graphs", action="store_true", help="time CUDA graphs, too")
    options = parser.parse_args()
    options.inductor_deadline = time.perf_counter() + options.inductor_seconds
    return options


def main():
    options = parse_arguments()
    sys.path.insert(0, str(INTEGRATION))
    if options.mem:
        from gpu_workloads import WORKLOADS as builders
        from gpu_workloads import build
    else:
        from models import BUILDERS as builders
        from models import build
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    wanted = options.models.split(",") if options.models else None
    rows = []
    for library in sorted(options.folder.glob("*.so")):
        name, _, program = library.stem.rpartition(".")
        if program not in TOLERANCES or (wanted and name not in wanted):
            continue
        row = Row(name, program)
        rows.append(row)
        try:
            case = build(name) if name in builders else None
            if case is None and not read_recorded(name, program):
                raise RuntimeError("neither a model nor recorded inputs of that name")
            check(row, library.resolve(), case, options)
        except Exception as error:
            row.failed = True
            row.notes.append((str(error).splitlines() or [type(error).__name__])[0][:200])
            log(f"{name} {program}: {traceback.format_exc()}")
        case = None
        gc.collect()
        if options.device.startswith("cuda"):
            torch.cuda.empty_cache()
    if not rows:
        sys.exit(f"no NAME.fwd.so or NAME.train.so in {options.folder}")
    report(rows, options)
    sys.exit(any(row.failed for row in rows))


if __name__ == "__main__":
    main()
