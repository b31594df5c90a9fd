"""Single operators beside Inductor and eager mode: indexing, scans, sorting,
pooling, resampling, copies, reductions, elementary functions.

All three are called in turn in one process; the least time of the rounds
counts, CPU time with one thread and wall time with more. Memory is kept by
malloc (no page faults), for everybody alike. Inputs of operators with a
backward form require gradients, and both directions are timed.

    python benchmarks/operators_vs_torch.py [--only NAME] [--threads N]
        [--write docs/Operators.md]
"""

import argparse
import math
import os
import sys
import time

WARM_MALLOC = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
}


def workloads(torch):
    """name -> (group, function, inputs). With inputs that require gradients
    the gradients are computed too."""
    import torch.nn.functional as F

    gen = torch.Generator().manual_seed(0)

    def rand(*shape, grad=False):
        return torch.randn(*shape, generator=gen).requires_grad_(grad)

    def ints(high, *shape):
        return torch.randint(high, shape, generator=gen)

    table = {}

    def add(group, name, fn, *inputs):
        table[name] = (group, fn, inputs)

    tokens = ints(10000, 8, 512)
    add("Indexing", "embedding", lambda w, i: F.embedding(i, w), rand(10000, 256), tokens)
    add("Indexing", "embedding, training", lambda w, i: F.embedding(i, w), rand(10000, 256, grad=True), tokens)
    add("Indexing", "gather, last dim", lambda x, i: torch.gather(x, 1, i), rand(1024, 1024), ints(1024, 1024, 512))
    add("Indexing", "gather, first dim", lambda x, i: torch.gather(x, 0, i), rand(1024, 1024), ints(1024, 512, 1024))
    add("Indexing", "scatter, last dim", lambda x, i, s: torch.scatter(x, 1, i, s), rand(1024, 1024), ints(1024, 1024, 256), rand(1024, 256))
    add("Indexing", "scatter_add, last dim", lambda x, i, s: torch.scatter_add(x, 1, i, s), rand(1024, 1024), ints(1024, 1024, 256), rand(1024, 256))
    add("Indexing", "scatter_add, rows", lambda x, i, s: torch.scatter_add(x, 0, i[:, None].expand(-1, 128), s), rand(2000, 128), ints(2000, 8000), rand(8000, 128))
    add("Indexing", "scatter_reduce amax", lambda x, i, s: torch.scatter_reduce(x, 1, i, s, "amax"), rand(1024, 1024), ints(1024, 1024, 256), rand(1024, 256))
    add("Indexing", "index_select, rows", lambda x, i: torch.index_select(x, 0, i), rand(10000, 256), ints(10000, 4096))
    add("Indexing", "index_select, columns", lambda x, i: torch.index_select(x, 1, i), rand(2048, 512), ints(512, 512))
    add("Indexing", "index_add, rows", lambda x, i, s: torch.index_add(x, 0, i, s), rand(10000, 256), ints(10000, 4096), rand(4096, 256))
    add("Indexing", "index_put, rows", lambda x, i, v: x.index_put((i,), v), rand(10000, 256), ints(10000, 4096), rand(4096, 256))
    add("Indexing", "index_put accumulate", lambda x, i, v: x.index_put((i,), v, accumulate=True), rand(10000, 256), ints(10000, 4096), rand(4096, 256))
    add("Indexing", "index, two tensors", lambda x, i, j: x[i, j], rand(1024, 1024), ints(1024, 500000), ints(1024, 500000))
    add("Indexing", "index, training", lambda x, i: x[i], rand(10000, 256, grad=True), ints(10000, 4096))
    offsets = torch.arange(0, 4096 * 8, 8)
    for mode in ("sum", "mean", "max"):
        add("Indexing", f"embedding_bag {mode}", lambda w, i, o, m=mode: F.embedding_bag(i, w, o, mode=m), rand(10000, 64), ints(10000, 4096 * 8), offsets)
    add("Indexing", "embedding_bag sum, training", lambda w, i, o: F.embedding_bag(i, w, o, mode="sum"), rand(10000, 64, grad=True), ints(10000, 4096 * 8), offsets)
    add("Indexing", "bincount", lambda x: torch.bincount(x, minlength=1000), ints(1000, 1000000))
    add("Indexing", "searchsorted", lambda s, x: torch.searchsorted(s, x), torch.linspace(-3, 3, 1000), rand(500000))
    add("Indexing", "masked_fill", lambda x, m: x.masked_fill(m, 0.0), rand(1024, 1024), rand(1024, 1024) > 0)
    add("Indexing", "where", lambda x, y, m: torch.where(m, x, y), rand(1024, 1024), rand(1024, 1024), rand(1024, 1024) > 0)

    add("Sorting", "sort, rows of 1000", lambda x: torch.sort(x, 1), rand(256, 1000))
    add("Sorting", "sort stable, rows of 64", lambda x: torch.sort(x, dim=1, stable=True), rand(4096, 64))
    add("Sorting", "argsort, first dim", lambda x: torch.argsort(x, 0), rand(1000, 128))
    add("Sorting", "sort, one row", lambda x: torch.sort(x), rand(200000))
    add("Sorting", "topk 5 of 1000", lambda x: torch.topk(x, 5), rand(512, 1000))
    add("Sorting", "topk 50 of 32000", lambda x: torch.topk(x, 50), rand(16, 32000))
    add("Sorting", "topk 300 of 1000", lambda x: torch.topk(x, 300), rand(256, 1000))
    add("Scans", "cumsum, last dim", lambda x: torch.cumsum(x, 1), rand(1024, 1024))
    add("Scans", "cumsum, first dim", lambda x: torch.cumsum(x, 0), rand(1024, 1024))
    add("Scans", "cumprod, last dim", lambda x: torch.cumprod(x, 1), rand(1024, 1024))
    add("Scans", "cummax, last dim", lambda x: torch.cummax(x, 1), rand(1024, 1024))
    add("Scans", "logcumsumexp", lambda x: torch.logcumsumexp(x, 1), rand(512, 512))

    image = (8, 64, 56, 56)
    add("Pooling", "max_pool2d 3/2", lambda x: F.max_pool2d(x, 3, 2, 1), rand(*image))
    add("Pooling", "max_pool2d 3/2, training", lambda x: F.max_pool2d(x, 3, 2, 1), rand(*image, grad=True))
    add("Pooling", "max_pool2d 2/2, training", lambda x: F.max_pool2d(x, 2), rand(*image, grad=True))
    add("Pooling", "max_pool2d 3/1", lambda x: F.max_pool2d(x, 3, 1, 1), rand(*image))
    add("Pooling", "avg_pool2d 3/2", lambda x: F.avg_pool2d(x, 3, 2, 1), rand(*image))
    add("Pooling", "avg_pool2d 2/2, training", lambda x: F.avg_pool2d(x, 2), rand(*image, grad=True))
    add("Pooling", "adaptive_avg_pool2d 1", lambda x: F.adaptive_avg_pool2d(x, 1), rand(*image))
    add("Pooling", "adaptive_avg_pool2d 7", lambda x: F.adaptive_avg_pool2d(x, 7), rand(*image))
    add("Pooling", "adaptive_avg_pool2d 5, training", lambda x: F.adaptive_avg_pool2d(x, 5), rand(*image, grad=True))
    add("Pooling", "adaptive_max_pool2d 7", lambda x: F.adaptive_max_pool2d(x, 7), rand(*image))
    add("Resampling", "upsample nearest x2", lambda x: F.interpolate(x, scale_factor=2), rand(4, 64, 56, 56))
    add("Resampling", "upsample nearest x2, training", lambda x: F.interpolate(x, scale_factor=2), rand(4, 64, 56, 56, grad=True))
    add("Resampling", "upsample bilinear x2", lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), rand(4, 64, 56, 56))
    add("Resampling", "upsample bilinear x2, training", lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), rand(4, 64, 28, 28, grad=True))

    add("Copies", "pad constant", lambda x: F.pad(x, (1, 1, 1, 1)), rand(*image))
    add("Copies", "pad reflect", lambda x: F.pad(x, (2, 2, 2, 2), mode="reflect"), rand(*image))
    add("Copies", "pad replicate, training", lambda x: F.pad(x, (1, 1, 1, 1), mode="replicate"), rand(*image, grad=True))
    add("Copies", "roll", lambda x: torch.roll(x, (3, 5), (2, 3)), rand(*image))
    add("Copies", "flip, last dim", lambda x: torch.flip(x, (3,)), rand(*image))
    add("Copies", "cat, last dim", lambda x, y: torch.cat([x, y], 3), rand(*image), rand(*image))
    add("Copies", "stack, last dim", lambda x, y: torch.stack([x, y], -1), rand(1024, 512), rand(1024, 512))
    add("Copies", "transpose", lambda x: x.t().contiguous(), rand(1024, 1024))
    add("Copies", "permute NCHW to NHWC", lambda x: x.permute(0, 2, 3, 1).contiguous(), rand(*image))
    add("Copies", "repeat", lambda x: x.repeat(2, 3), rand(512, 512))
    add("Copies", "tril", lambda x: torch.tril(x), rand(1024, 1024))

    square = rand(1024, 1024)
    for name, dims in (("last dim", 1), ("first dim", 0), ("all", None)):
        add("Reductions", f"sum, {name}", lambda x, d=dims: x.sum(d), square)
    add("Reductions", "sum, middle dim", lambda x: x.sum(1), rand(16, 256, 256))
    add("Reductions", "sum, channels (0, 2, 3)", lambda x: x.sum((0, 2, 3)), rand(*image))
    add("Reductions", "var, last dim", lambda x: x.var(1), square)
    add("Reductions", "var, first dim", lambda x: x.var(0), square)
    add("Reductions", "std, all", lambda x: x.std(), square)
    add("Reductions", "norm, last dim", lambda x: torch.linalg.vector_norm(x, dim=1), square)
    add("Reductions", "prod, last dim", lambda x: x.prod(1), square)
    add("Reductions", "any, last dim", lambda x: x.any(1), square > 3)
    add("Reductions", "all, first dim", lambda x: x.all(0), square > -3)
    add("Reductions", "argmax, last dim", lambda x: x.argmax(1), square)
    add("Reductions", "argmin, first dim", lambda x: x.argmin(0), square)
    add("Reductions", "max with index, first dim", lambda x: x.max(0), square)

    positive = square.abs() + 0.01
    for name in ("exp", "log", "sin", "cos", "tan", "tanh", "erf", "sigmoid", "log1p", "expm1", "atan", "asin", "sinh", "lgamma"):
        x = positive if name in ("log", "log1p", "lgamma") else square
        if name == "asin":
            x = square.clamp(-1, 1)
        add("Functions", name, lambda x, f=getattr(torch, name): f(x), x)
    add("Functions", "pow", lambda x, y: torch.pow(x, y), positive, square)
    add("Functions", "atan2", lambda x, y: torch.atan2(x, y), positive, square)
    add("Functions", "dropout", lambda x: F.dropout(x, 0.1), square)
    add("Functions", "randn", lambda x: torch.randn_like(x), square)
    return table


def best_times(functions, rounds, clock, limit=0.4):
    """Least seconds of a call of each, in turn."""
    best = [math.inf] * len(functions)
    repeats = []
    for f in functions:
        f()
        start = time.perf_counter()
        f()
        # A millisecond or more for each measurement.
        repeats.append(max(1, int(1e-3 / max(time.perf_counter() - start, 1e-6))))
    end = time.perf_counter() + limit * len(functions)
    for done in range(rounds):
        for i, f in enumerate(functions):
            start = clock()
            for _ in range(repeats[i]):
                f()
            best[i] = min(best[i], (clock() - start) / repeats[i])
        if done >= 4 and time.perf_counter() > end:
            break
    return best


def caller(torch, fn, inputs):
    """A call with what it takes to differentiate it."""
    leaves = [x for x in inputs if x.requires_grad]
    if not leaves:
        return lambda: fn(*inputs)
    out = fn(*inputs)
    seed = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    return lambda: torch.autograd.grad(fn(*inputs), leaves, seed)


def flatten(torch, value):
    return [value] if isinstance(value, torch.Tensor) else list(value)


RANDOM = ("dropout", "randn")


def measure(torch, name, group, fn, inputs, options, clock):
    """Seconds of eager mode, Inductor and fx_mlir, or why there are none."""
    import torch._dynamo

    torch._dynamo.reset()
    # Each compiler has a code object of its own: Dynamo's cache is there.
    calls = [caller(torch, fn, inputs)]
    for backend in ("inductor", "fx_mlir")[options.no_inductor:]:
        torch._dynamo.reset()
        compiled = torch.compile(fn, backend=backend, dynamic=False)
        calls.append(caller(torch, compiled, inputs))
        calls[-1]()
    if name not in RANDOM:
        want, got = (flatten(torch, call()) for call in (calls[0], calls[-1]))
        for a, b in zip(want, got, strict=True):
            # Of equal elements PyTorch may take others.
            if group != "Sorting" or a.is_floating_point():
                torch.testing.assert_close(b, a, rtol=1e-4, atol=1e-4)
    return best_times(calls, options.rounds, clock)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--group", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--no-inductor", action="store_true")
    parser.add_argument("--write", metavar="FILE", help="a page of tables")
    options = parser.parse_args()
    if any(os.environ.get(k) != v for k, v in WARM_MALLOC.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **WARM_MALLOC})

    import torch

    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
    import fx_mlir  # noqa: F401

    torch.set_num_threads(options.threads)
    torch._dynamo.config.capture_dynamic_output_shape_ops = True
    clock = time.thread_time if options.threads == 1 else time.perf_counter
    rows = []
    for name, (group, fn, inputs) in workloads(torch).items():
        if options.only not in name or options.group not in group:
            continue
        try:
            times = measure(torch, name, group, fn, inputs, options, clock)
        except Exception as error:
            print(f"{name:34s} {type(error).__name__}: {str(error)[:300]}", flush=True)
            rows.append((group, name, None))
            continue
        eager, *inductor, ours = times
        inductor = inductor[0] if inductor else math.nan
        rows.append((group, name, (eager, inductor, ours)))
        print(f"{name:34s} eager {eager * 1e6:9.0f} us  Inductor {inductor * 1e6:9.0f} us  "
              f"fx_mlir {ours * 1e6:9.0f} us  | {eager / ours:6.2f} of eager  "
              f"{inductor / ours:6.2f} of Inductor", flush=True)
    measured = [times for _, _, times in rows if times]
    if not measured:
        sys.exit(f"no operator called {options.only!r} was measured")

    def geomean(values):
        return math.exp(sum(map(math.log, values)) / len(values))

    over_eager = geomean([e / o for e, _, o in measured])
    over_inductor = geomean([i / o for _, i, o in measured]) if not options.no_inductor else math.nan
    print(f"geomean of {len(measured)}: {over_eager:.2f} of eager, {over_inductor:.2f} of Inductor")
    if options.write:
        write_page(options, rows, over_eager, over_inductor)


def write_page(options, rows, over_eager, over_inductor):
    notes = os.path.join(os.path.dirname(os.path.abspath(__file__)), "operators_notes.md")
    with open(notes) as file:
        text = file.read()
    measured = [times for _, _, times in rows if times]
    worse = sum(min(i, e) < 0.95 * o for e, i, o in measured)
    clock = "CPU time" if options.threads == 1 else "Wall time"
    text += (f"\n{clock} with {options.threads} thread(s), microseconds; above 1: ours is faster. "
             f"Geometric mean of {len(measured)} operators: **{over_inductor:.2f}** over Inductor, "
             f"**{over_eager:.2f}** over eager mode; {worse} are below 0.95 of the better one.\n")
    group = None
    for this, name, times in rows:
        if this != group:
            group = this
            text += (f"\n## {group}\n\n| operator | eager | Inductor | fx_mlir | over eager | "
                     "over Inductor |\n|---|---|---|---|---|---|\n")
        if times is None:
            text += f"| {name} | | | fails | | |\n"
            continue
        eager, inductor, ours = times
        text += (f"| {name} | {eager * 1e6:.0f} | {inductor * 1e6:.0f} | {ours * 1e6:.0f} | "
                 f"{eager / ours:.2f} | {inductor / ours:.2f} |\n")
    with open(options.write, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
