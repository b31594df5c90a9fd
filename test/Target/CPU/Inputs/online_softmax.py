"""Softmaxes with maximum and sum in one sweep, compared with NumPy.

Every case runs unfused, fused, with two threads, and for AVX2; infinities and
NaN are in some rows.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np

rng = np.random.default_rng(7)


def with_special_rows(x):
    """Rows along the last dimension that hold infinities and NaN."""
    rows = x.reshape(-1, x.shape[-1])
    rows[0, 0] = -np.inf
    rows[1, :] = -np.inf
    rows[2, -1] = np.inf
    rows[3, x.shape[-1] // 2] = np.nan
    rows[4, :-1] = -np.inf
    rows[5, 1::2] = -np.inf
    # The largest element grows all the time, and only falls.
    rows[6] = np.linspace(-300, 80, x.shape[-1])
    rows[7] = np.linspace(80, -300, x.shape[-1])
    return rows.reshape(x.shape)


def normal(*shape):
    return (3 * rng.standard_normal(shape)).astype(np.float32)


# Name, input, dimension, sizes that are known at run time only.
CASES = [
    ("short", with_special_rows(normal(8, 13)), 1, ()),
    ("long", with_special_rows(normal(9, 5001)), 1, ()),
    ("middle", normal(3, 130, 37), 1, ()),
    ("first", with_special_rows(normal(9, 100)).T.copy(), 0, ()),
    ("double", with_special_rows(normal(8, 100)).astype(np.float64), 1, ()),
    ("dynamic_rows", with_special_rows(normal(8, 133)), 1, (0,)),
    ("dynamic_row", with_special_rows(normal(8, 1331)), 1, (1,)),
]


def reference(x, dim, is_log):
    x = x.astype(np.float64)
    with np.errstate(all="ignore"):
        difference = x - x.max(dim, keepdims=True)
        total = np.exp(difference).sum(dim, keepdims=True)
        return difference - np.log(total) if is_log else np.exp(difference) / total


def check(name, x, dim, dynamic, folder):
    element = {"float32": "f32", "float64": "f64"}[str(x.dtype)]
    sizes = "x".join("?" if i in dynamic else str(s) for i, s in enumerate(x.shape))
    tensor = f"tensor<{sizes}x{element}>"
    source = f"""func.func @{name}(%x: {tensor}) -> ({tensor}, {tensor}) {{
  %0 = fx.softmax %x {{dim = {dim} : i64}} : ({tensor}) -> {tensor}
  %1 = fx.log_softmax %x {{dim = {dim} : i64}} : ({tensor}) -> {tensor}
  return %0, %1 : {tensor}, {tensor}
}}
"""
    lowered = subprocess.run(
        ["fx-opt", "--joint-graph", "--post-grad", "--fx-to-linalg", "-fx-online-softmax"],
        input=source, capture_output=True, text=True, check=True).stdout
    # The sums that stand beside the maxima, and no other ones.
    assert lowered.count("arith.maximumf") == lowered.count("math.absf") / 2 > 0, lowered
    path, inputs, results = (os.path.join(folder, f) for f in ("s.mlir", "i.npz", "o.npz"))
    with open(path, "w") as file:
        file.write(lowered)
    np.savez(inputs, x)
    for options in ([], ["--no-fuse"], ["--num-threads", "2"], ["--mcpu", "x86-64-v3"]):
        subprocess.run(["fx-cpu-run", path, "--inputs", inputs, "--outputs", results,
                        *options], check=True)
        got = np.load(results)
        for i, is_log in enumerate((False, True)):
            np.testing.assert_allclose(
                got[f"r{i}"], reference(x, dim, is_log), rtol=2e-5, atol=1e-6,
                err_msg=f"{name} {options}, result {i}")


with tempfile.TemporaryDirectory() as work:
    for case in CASES:
        check(*case, work)
    print(f"{len(CASES)} cases")
