"""Attention of the run-time library against torch's scaled_dot_product_attention.

Forward and backward, both in this process, interleaved; the ratio is torch's
best time divided by ours (above 1: ours is faster). With one thread, thread CPU
time is used.

    python benchmarks/attention_vs_torch.py [--lib build/lib/libFXRuntime.a]
"""

import argparse
import ctypes
import math
import time

from gemm_vs_torch import best_times, load_runtime

TYPES = {"float32": 0, "bfloat16": 1, "float16": 2}


class Shape(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in (
        "batch", "heads", "key_heads", "queries", "keys", "head_size",
        "causal", "type", "mask_type")]


class Operand(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("strides", ctypes.c_int64 * 4)]


def operands(tensors):
    array = (Operand * len(tensors))()
    for place, tensor in zip(array, tensors):
        if tensor is not None:
            place.data = tensor.data_ptr()
            place.strides[:] = tensor.stride()
    return array


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lib", default="build/lib/libFXRuntime.a")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--dtype", default="float32", choices=list(TYPES))
    parser.add_argument("--only", help="only shapes whose name contains this")
    options = parser.parse_args()

    import torch

    torch.set_num_threads(options.threads)
    rt = load_runtime(options.lib)
    rt.fx_rt_set_num_threads(options.threads)
    clock = time.thread_time if options.threads == 1 else time.perf_counter
    dtype = getattr(torch, options.dtype)
    flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward

    cases = [
        # batch, heads, key heads, queries, keys, head size, causal, mask
        (4, 4, 4, 128, 128, 64, True, False),
        (8, 8, 8, 128, 128, 64, False, False),
        (1, 12, 12, 512, 512, 64, True, False),
        (1, 12, 12, 512, 512, 64, False, True),
        (1, 8, 2, 1024, 1024, 128, True, False),
        (1, 4, 4, 2048, 2048, 64, False, False),
        (2, 8, 8, 197, 197, 48, False, False),
        (16, 4, 4, 32, 32, 32, False, False),
        (8, 12, 12, 1, 512, 64, False, False),
        (1, 32, 8, 1, 2048, 128, False, False),
    ]
    for b, h, hk, tq, tk, d, causal, masked in cases:
        name = f"{b}x{h}/{hk}x{tq}x{tk}x{d}" + (" causal" if causal else "")
        name += " mask" if masked else ""
        if options.only and options.only not in name:
            continue
        # As models have them: heads cut out of [batch, tokens, channels].
        make = lambda n, t: torch.randn(b, t, n, d, dtype=dtype).transpose(1, 2)
        q, k, v, grad = make(h, tq), make(hk, tk), make(hk, tk), make(h, tq)
        mask = torch.randn(1, 1, tq, tk, dtype=dtype) if masked else None
        out = torch.empty(b, tq, h, d, dtype=dtype).transpose(1, 2)
        lse = torch.empty(b, h, tq)
        shape = Shape(b, h, hk, tq, tk, d, causal, TYPES[options.dtype],
                      TYPES[options.dtype])
        expanded = mask.expand(b, h, tq, tk) if masked else None
        scale = ctypes.c_double(1 / math.sqrt(d))
        args = (None, ctypes.byref(shape), scale,
                operands([q, k, v, expanded, out]),
                ctypes.c_void_p(lse.data_ptr()))
        ours = lambda: rt.fx_rt_attention(*args)
        theirs = lambda: flash(q, k, v, 0.0, causal, attn_mask=mask)
        grads = [torch.empty_like(x) for x in (q, k, v)]
        back = (None, ctypes.byref(shape), scale,
                operands([grad, q, k, v, expanded, out, *grads]),
                ctypes.c_void_p(lse.data_ptr()))
        ours_back = lambda: rt.fx_rt_attention_backward(*back)
        want, want_lse = theirs()
        theirs_back = lambda: backward(grad, q, k, v, want, want_lse, 0.0,
                                       causal, attn_mask=mask)
        ours()
        ours_back()
        tolerance = 1e-5 if dtype == torch.float32 else 3e-2
        for x, y in zip((out, lse, *grads), (want, want_lse, *theirs_back())):
            error = (x - y).abs().max().item() / y.abs().max().item()
            assert error < tolerance, f"{name}: wrong by {error}"
        flops = 4 * b * h * tq * tk * d / (2 if causal else 1)
        for label, pair, factor in (("forward ", (ours, theirs), 1),
                                    ("backward", (ours_back, theirs_back), 2.5)):
            t_ours, t_theirs = best_times(pair, options.rounds, clock)
            print(f"{name:30s} {label} ours {t_ours * 1e6:9.1f} us "
                  f"{factor * flops / t_ours / 1e9:6.1f} GF/s   "
                  f"torch {t_theirs * 1e6:9.1f} us   ratio {t_theirs / t_ours:5.2f}")


if __name__ == "__main__":
    main()
