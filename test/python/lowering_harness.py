"""Runs one-op fx functions through fx-opt and upstream's passes.

All cases of a module are compiled together into one shared library: fx-opt
lowers them to linalg, mlir-opt-22 bufferises them and makes loops, clang
compiles. Results are compared with what eager PyTorch gave.
"""

import ctypes
import os
import shutil
import subprocess
from dataclasses import dataclass, field

import torch

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
FX_OPT = os.environ.get("FX_OPT", os.path.join(ROOT, "build", "bin", "fx-opt"))
TOOLS = {name: shutil.which(name)
         for name in ("mlir-opt-22", "mlir-translate-22", "clang-22")}

PASSES = ",".join([
    "canonicalize", "cse",
    "one-shot-bufferize{bufferize-function-boundaries=1 "
    "function-boundary-type-conversion=identity-layout-map}",
    "func.func(convert-linalg-to-loops,expand-realloc)",
    "expand-strided-metadata", "lower-affine", "convert-scf-to-cf",
    # Upstream's libm refuses copysign, so LLVM's intrinsics come first.
    "convert-math-to-llvm", "convert-math-to-libm", "expand-strided-metadata",
    "finalize-memref-to-llvm", "convert-arith-to-llvm", "convert-cf-to-llvm",
    "convert-func-to-llvm", "reconcile-unrealized-casts",
])

MLIR_TYPES = {
    torch.float32: "f32", torch.float64: "f64", torch.float16: "f16",
    torch.bfloat16: "bf16", torch.int64: "i64", torch.int32: "i32",
    torch.int16: "i16", torch.int8: "i8", torch.uint8: "ui8", torch.bool: "i1",
}


def mlir_type(value, dynamic=False):
    if isinstance(value, bool):
        return "i1"
    if isinstance(value, int):
        return "i64"
    if isinstance(value, float):
        return "f64"
    dims = ["?" if dynamic and n > 1 else str(n) for n in value.shape]
    return "tensor<" + "x".join(dims + [MLIR_TYPES[value.dtype]]) + ">"


def constant(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:
            return "0x7FF8000000000000 : f64"
        if value in (float("inf"), float("-inf")):
            bits = "7FF" if value > 0 else "FFF"
            return f"0x{bits}0000000000000 : f64"
        return f"{value!r} : f64" if "e" not in repr(value) else f"{value:.17e} : f64"
    return f"{value} : i64"


@dataclass
class Case:
    """`text` is an op with {0}, {1} for operands and {in}, {out} for the
    types; without it the op is printed in the family's usual form."""

    op: str
    args: list
    expected: tuple
    attrs: str = ""
    text: str = ""
    dynamic: bool = False
    # Scalars that become function arguments instead of constants.
    symbols: bool = False
    tolerance: float = 1.0
    setup: str = ""
    # Types written by hand.
    types: list = None
    result_types: list = None
    name: str = field(default="")

    def function(self, index):
        self.name = f"f{index}_{self.op.replace('.', '_')}"
        params, names, lines = [], [], []
        for i, arg in enumerate(self.args):
            names.append(f"%a{i}")
            if isinstance(arg, torch.Tensor) or (self.symbols and type(arg) is int):
                params.append(f"%a{i}: " + (self.types[i] if self.types else
                                            mlir_type(arg, self.dynamic)))
            else:
                lines.append(f"  %a{i} = arith.constant {constant(arg)}")
        ins = ", ".join(mlir_type(a, self.dynamic) for a in self.args)
        outs = self.result_types or [mlir_type(e, self.dynamic)
                                     for e in self.expected]
        out = outs[0] if len(outs) == 1 else "(" + ", ".join(outs) + ")"
        count = f":{len(outs)}" if len(outs) > 1 else ""
        if self.text:
            body = self.text.format(*names, ins=ins, out=out,
                                    **{f"t{i}": mlir_type(a, self.dynamic)
                                       for i, a in enumerate(self.args)})
        else:
            attrs = f" {{{self.attrs}}}" if self.attrs else ""
            body = f"fx.{self.op} {', '.join(names)}{attrs} : ({ins}) -> {out}"
        if self.setup:
            lines.append("  " + self.setup)
        lines.append(f"  %r{count} = {body}")
        values = (", ".join(f"%r#{i}" for i in range(len(outs)))
                  if count else "%r")
        lines.append(f"  return {values} : {', '.join(outs)}")
        return (f"func.func @{self.name}({', '.join(params)}) -> "
                f"({', '.join(outs)}) attributes {{llvm.emit_c_interface}} {{\n"
                + "\n".join(lines) + "\n}\n")


# What the C compiler's runtime library may lack.
RUNTIME = """
#include <string.h>
/* Returns a bf16, that is the low half of the register of a float. */
float __truncsfbf2(float x) {
  unsigned bits, result;
  float value;
  memcpy(&bits, &x, 4);
  result = x != x ? 0x7fc0 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  memcpy(&value, &result, 4);
  return value;
}
typedef struct { long rank; long *words; } Unranked;
/* words: allocated, aligned, offset, sizes..., strides... */
void memrefCopy(long size, Unranked *from, Unranked *to) {
  long rank = from->rank, total = 1;
  for (long i = 0; i < rank; ++i)
    total *= from->words[3 + i];
  for (long n = 0; n < total; ++n) {
    long a = from->words[2], b = to->words[2], rest = n;
    for (long i = rank - 1; i >= 0; --i) {
      long at = rest % from->words[3 + i];
      rest /= from->words[3 + i];
      a += at * from->words[3 + rank + i];
      b += at * to->words[3 + rank + i];
    }
    memcpy((char *)to->words[1] + b * size, (char *)from->words[1] + a * size,
           size);
  }
}
"""


def run(command, text):
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    assert result.returncode == 0, f"{command[0]}:\n{result.stderr[:6000]}"
    return result.stdout


def compile_cases(cases, folder):
    """Compiles all cases into one library and loads it."""
    source = "\n".join(case.function(i) for i, case in enumerate(cases))
    with open(folder / "cases.mlir", "w") as file:
        file.write(source)
    linalg = run([FX_OPT, "-", "--fx-seeds-to-arguments", "--fx-lower-to-linalg",
                  "--fx-verify-linalg"], source)
    with open(folder / "linalg.mlir", "w") as file:
        file.write(linalg)
    llvm = run([TOOLS["mlir-opt-22"], "-",
                f"--pass-pipeline=builtin.module({PASSES})"], linalg)
    ir = run([TOOLS["mlir-translate-22"], "--mlir-to-llvmir"], llvm)
    with open(folder / "cases.ll", "w") as file:
        file.write(ir)
    library = folder / "cases.so"
    with open(folder / "runtime.c", "w") as file:
        file.write(RUNTIME)
    run([TOOLS["clang-22"], "-O1", "-shared", "-fPIC", "-ffp-contract=off",
         "-Wno-override-module", str(folder / "runtime.c"),
         str(folder / "cases.ll"), "-o", str(library), "-lm"], "")
    return ctypes.CDLL(str(library))


def descriptor(tensor):
    """A dense tensor as upstream's memref descriptor."""
    pointer = tensor.data_ptr()
    words = [pointer, pointer, 0, *tensor.shape, *tensor.stride()]
    return (ctypes.c_int64 * len(words))(*words)


def execute(library, case):
    words = sum(3 + 2 * e.dim() for e in case.expected)
    results = (ctypes.c_int64 * words)()
    function = getattr(library, f"_mlir_ciface_{case.name}")
    function.restype = None
    keep, args = [], [ctypes.byref(results)]
    for arg in case.args:
        if isinstance(arg, torch.Tensor):
            dense = arg.contiguous().clone()
            keep += [dense, descriptor(dense)]
            args.append(ctypes.byref(keep[-1]))
        elif case.symbols and type(arg) is int:
            args.append(ctypes.c_int64(arg))
    function(*args)
    tensors, at = [], 0
    for expected in case.expected:
        rank = expected.dim()
        sizes = list(results[at + 3:at + 3 + rank])
        assert sizes == list(expected.shape), f"{sizes} != {expected.shape}"
        size = expected.element_size() * max(expected.numel(), 0)
        result = torch.empty(sizes, dtype=expected.dtype)
        start = results[at + 1] + results[at + 2] * expected.element_size()
        if size:
            ctypes.memmove(result.data_ptr(), start, size)
        tensors.append(result)
        at += 3 + 2 * rank
    return tensors


TOLERANCES = {torch.float64: 1e-12, torch.float32: 2e-6, torch.float16: 2e-3,
              torch.bfloat16: 1.6e-2}


def check(library, case):
    for result, expected in zip(execute(library, case), case.expected):
        tolerance = TOLERANCES.get(expected.dtype, 0) * case.tolerance
        torch.testing.assert_close(result, expected, rtol=tolerance,
                                   atol=tolerance, equal_nan=True)
