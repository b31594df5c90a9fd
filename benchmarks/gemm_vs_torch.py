"""Matrix products of the run-time library against torch.mm / torch.bmm (MKL,
and oneDNN for bfloat16 and half).

Both run in this process, interleaved; the ratio is torch's best time divided by
ours (above 1: ours is faster). With one thread, thread CPU time is used.

    python benchmarks/gemm_vs_torch.py [--dtype bfloat16] [--lib build/lib/libFXRuntime.a]

The result of a narrow product is narrow in torch and f32 here, where compiled
code rounds it in the epilogue.
"""

import argparse
import ctypes
import os
import subprocess
import tempfile
import time


def load_runtime(path):
    """Loads the library; an archive is linked into a shared object first."""
    if path.endswith(".a"):
        shared = os.path.join(tempfile.mkdtemp(), "libfxrt.so")
        # Symbols that a compiled model would bring.
        model = [f"-Wl,--defsym={name}=0"
                 for name in ("fx_model_json", "fx_model_weight_table")]
        subprocess.run(
            ["clang-22", "-shared", "-o", shared, "-Wl,--whole-archive", path,
             "-Wl,--no-whole-archive", *model, "-lm"],
            check=True,
        )
        path = shared
    return ctypes.CDLL(path)


def best_times(functions, rounds, clock):
    """The least time of one call for each function, calls interleaved."""
    counts = []
    for function in functions:
        function()
        start = time.perf_counter()
        function()
        elapsed = time.perf_counter() - start
        counts.append(max(1, int(2e-3 / max(elapsed, 1e-7))))
    best = [float("inf")] * len(functions)
    for _ in range(rounds):
        for i, function in enumerate(functions):
            start = clock()
            for _ in range(counts[i]):
                function()
            best[i] = min(best[i], (clock() - start) / counts[i])
    return best


I64 = ctypes.c_int64


def pointer(tensor):
    return ctypes.c_void_p(tensor.data_ptr())


FUNCTIONS = {"float32": "fx_rt_sgemm_batched", "bfloat16": "fx_rt_gemm_bf16",
             "float16": "fx_rt_gemm_f16"}


def gemm(rt, a, b, c):
    """A call of the batched product on 3-d tensors of any strides. Sums of
    narrow operands are f32; generated code rounds them in the epilogue."""
    args = [None, I64(a.shape[0]), I64(a.shape[1]), I64(b.shape[2]),
            I64(a.shape[2])]
    for tensor in (a, b):
        args += [pointer(tensor)] + [I64(s) for s in tensor.stride()]
    args += [pointer(c), I64(c.stride(0)), I64(c.stride(1)), 0, None, None]
    function = getattr(rt, FUNCTIONS[str(a.dtype).removeprefix("torch.")])
    return lambda: function(*args)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lib", default="build/lib/libFXRuntime.a")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--dtype", default="float32", choices=list(FUNCTIONS))
    parser.add_argument("--only", help="only shapes whose name contains this")
    options = parser.parse_args()

    import torch

    torch.set_num_threads(options.threads)
    rt = load_runtime(options.lib)
    rt.fx_rt_set_num_threads(options.threads)
    rt.fx_rt_isa.restype = ctypes.c_char_p
    clock = time.thread_time if options.threads == 1 else time.perf_counter
    dtype = getattr(torch, options.dtype)
    tolerance = {"float32": 1e-5, "bfloat16": 3e-2, "float16": 3e-3}
    print(f"{options.dtype}, isa {rt.fx_rt_isa().decode()}, {options.threads} threads")

    shapes = [
        (1, 512, 512, 512), (1, 1024, 1024, 1024), (1, 256, 1024, 2048),
        (1, 128, 4096, 1024), (1, 128, 1024, 4096), (1, 512, 2048, 1024), (96, 64, 64, 64), (96, 128, 128, 64),
        (96, 512, 512, 64), (96, 512, 64, 512), (1, 1, 1024, 1024),
        (1, 4, 1024, 1024), (1, 8, 1024, 1024), (1, 16, 1024, 1024),
        (1, 32, 1024, 1024), (1, 2048, 8, 512), (1, 2048, 1, 512),
        (1, 32, 32, 32), (1, 8, 8, 8), (1, 100, 100, 100), (1, 384, 384, 384),
    ]
    for batch, m, n, k in shapes:
        for layout in ("nn", "nt", "tn", "tt"):
            name = f"{batch}x({m}x{n}x{k}) {layout}"
            if options.only and options.only not in name:
                continue
            a = torch.randn(batch, m, k, dtype=dtype)
            b = torch.randn(batch, k, n, dtype=dtype)
            if layout[0] == "t":
                a = torch.randn(batch, k, m, dtype=dtype).transpose(1, 2)
            if layout[1] == "t":
                b = torch.randn(batch, n, k, dtype=dtype).transpose(1, 2)
            c = torch.empty(batch, m, n)
            want = torch.empty(batch, m, n, dtype=dtype)
            ours = gemm(rt, a, b, c)
            if batch == 1:
                a0, b0, w0 = a[0], b[0], want[0]
                theirs = lambda: torch.mm(a0, b0, out=w0)
            else:
                theirs = lambda: torch.bmm(a, b, out=want)
            ours()
            theirs()
            error = (c - want).abs().max().item() / k**0.5
            assert error < tolerance[options.dtype], f"{name}: wrong by {error}"
            t_ours, t_theirs = best_times([ours, theirs], options.rounds, clock)
            flops = 2 * batch * m * n * k
            print(f"{name:26s} ours {t_ours * 1e6:9.1f} us {flops / t_ours / 1e9:6.1f}"
                  f" GF/s   torch {t_theirs * 1e6:9.1f} us   ratio {t_theirs / t_ours:5.2f}")


if __name__ == "__main__":
    main()
