"""Convolutions of the run-time library against PyTorch's eager ones (oneDNN).

As gemm_vs_torch.py; the backward forms are compared with the same function of
aten that autograd calls, asked for one gradient.

    python benchmarks/conv_vs_torch.py [--lib build/lib/libFXRuntime.a]
"""

import argparse
import ctypes
import time

from gemm_vs_torch import best_times, load_runtime, pointer


class ConvShape(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_int64)
        for name in (
            "batch in_channels in_h in_w out_channels out_h out_w kernel_h "
            "kernel_w stride_h stride_w pad_h pad_w dilation_h dilation_w groups "
            "in_d out_d kernel_d stride_d pad_d dilation_d "
            "channels_last_weight"
        ).split()
    ]


SHAPES = {
    # name: channels in, out, size, kernel, stride, padding, groups
    "stem 7x7/2 3-64 224": (3, 64, 224, 7, 2, 3, 1),
    "3x3 64 56": (64, 64, 56, 3, 1, 1, 1),
    "3x3/2 64-128 56": (64, 128, 56, 3, 2, 1, 1),
    "3x3 128 28": (128, 128, 28, 3, 1, 1, 1),
    "3x3 256 14": (256, 256, 14, 3, 1, 1, 1),
    "3x3 512 7": (512, 512, 7, 3, 1, 1, 1),
    "1x1/2 64-128 56": (64, 128, 56, 1, 2, 0, 1),
    "1x1/2 256-512 14": (256, 512, 14, 1, 2, 0, 1),
    "1x1 256-64 56": (256, 64, 56, 1, 1, 0, 1),
    "depthwise 3x3 144 56": (144, 144, 56, 3, 1, 1, 144),
    "depthwise 3x3/2 144 56": (144, 144, 56, 3, 2, 1, 144),
    "grouped 3x3 128/32 28": (128, 128, 28, 3, 1, 1, 32),
    # with depth: size, too, is that of depth, height, width
    "3x3x3 16-32 16x32x32": (16, 32, (16, 32, 32), 3, 1, 1, 1),
    "3x3x3 64 8x28x28": (64, 64, (8, 28, 28), 3, 1, 1, 1),
    "3x3x3 128 4x14x14": (128, 128, (4, 14, 14), 3, 1, 1, 1),
    "3x3x3/2 16-32 16x32x32": (16, 32, (16, 32, 32), 3, 2, 1, 1),
    "1x1x1 16-32 16x32x32": (16, 32, (16, 32, 32), 1, 1, 0, 1),
    "1x1x1/2 64-128 8x28x28": (64, 128, (8, 28, 28), 1, 2, 0, 1),
    "7x7x7/2 3-64 16x56x56": (3, 64, (16, 56, 56), 7, 2, 3, 1),
    "depthwise 3x3x3 32 16x32x32": (32, 32, (16, 32, 32), 3, 1, 1, 32),
    "grouped 3x3x3 64/8 8x28x28": (64, 64, (8, 28, 28), 3, 1, 1, 8),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lib", default="build/lib/libFXRuntime.a")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--batch", type=int, nargs="*", default=[1, 8])
    parser.add_argument("--only", default="")
    options = parser.parse_args()

    import torch

    torch.set_num_threads(options.threads)
    rt = load_runtime(options.lib)
    rt.fx_rt_set_num_threads(options.threads)
    clock = time.thread_time if options.threads == 1 else time.perf_counter

    for batch in options.batch:
        for name, (c, o, size, k, stride, pad, groups) in SHAPES.items():
            if options.only not in name:
                continue
            sizes = size if isinstance(size, tuple) else (size, size)
            n = len(sizes)
            out = [(i + 2 * pad - k) // stride + 1 for i in sizes]
            depth = ((sizes[0], out[0], k, stride, pad, 1) if n == 3
                     else (1, 1, 1, 1, 0, 1))
            shape = ConvShape(batch, c, *sizes[-2:], o, *out[-2:], k, k, stride,
                              stride, pad, pad, 1, 1, groups, *depth, 0)
            ref = ctypes.byref(shape)
            x = torch.randn(batch, c, *sizes)
            w = torch.randn(o, c // groups, *[k] * n)
            g = torch.randn(batch, o, *out)
            y, dx, dw = torch.empty_like(g), torch.empty_like(x), torch.empty_like(w)
            xs, ws, gs = pointer(x), pointer(w), pointer(g)
            ys, dxs, dws = pointer(y), pointer(dx), pointer(dw)

            convolve = torch.conv2d if n == 2 else torch.conv3d

            def backward(mask):
                return torch.ops.aten.convolution_backward(
                    g, x, w, None, [stride] * n, [pad] * n, [1] * n, False,
                    [0] * n, groups, mask)

            forms = {
                "forward": (
                    lambda: rt.fx_rt_conv2d(None, ref, xs, ws, None, ys, None, None),
                    lambda: convolve(x, w, None, stride, pad, 1, groups), y),
                "bwd data": (
                    lambda: rt.fx_rt_conv2d_backward_data(None, ref, gs, ws, dxs),
                    lambda: backward([True, False, False])[0], dx),
                "bwd weight": (
                    lambda: rt.fx_rt_conv2d_backward_weight(None, ref, gs, xs, dws,
                                                            None, None),
                    lambda: backward([False, True, False])[1], dw),
            }
            line = f"{batch} x {name:24s}"
            for form, (ours, theirs, result) in forms.items():
                ours()
                want = theirs()
                error = ((result - want).norm() / want.norm()).item()
                assert error < 1e-5, f"{name} {form}: wrong by {error}"
                t_ours, t_theirs = best_times([ours, theirs], options.rounds, clock)
                flops = 2 * g.numel() * (c // groups) * k ** n
                line += (f" | {form} {t_ours * 1e6:8.0f} us {flops / t_ours / 1e9:5.1f}"
                         f" GF/s ratio {t_theirs / t_ours:5.2f}")
            print(line, flush=True)


if __name__ == "__main__":
    main()
