"""fx-online-softmax on a CPU: microseconds of one thread without and with it.

    PATH=build/bin:$PATH python benchmarks/online_softmax.py

Both sides alternate, the least of 4 times 10 runs each.
"""

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

SIZES = [(4096, 128), (1024, 1024), (256, 8192), (128, 32768), (16, 1 << 20)]


def sums(matrix, column):
    return f"""func.func @f(%x: {matrix}) -> ({column}, {column}) {{
  %0 = fx.amax %x {{dim = array<i64: 1>, keepdim = true}} : ({matrix}) -> {column}
  %1 = fx.sub %x, %0 : ({matrix}, {column}) -> {matrix}
  %2 = fx.exp %1 : ({matrix}) -> {matrix}
  %3 = fx.sum %2 {{dim = array<i64: 1>, keepdim = true}} : ({matrix}) -> {column}
  return %0, %3 : {column}, {column}
}}"""


def whole(op, matrix):
    return f"""func.func @f(%x: {matrix}) -> {matrix} {{
  %0 = fx.{op} %x {{dim = 1 : i64}} : ({matrix}) -> {matrix}
  return %0 : {matrix}
}}"""


def lower(source, path, *passes):
    path.write_text(subprocess.run(
        ["fx-opt", "--joint-graph", "--post-grad", "--fx-to-linalg", *passes],
        input=source, capture_output=True, text=True, check=True).stdout)
    return path


def measure(path, inputs):
    done = subprocess.run(
        ["fx-cpu-run", path, "--inputs", inputs, "--bench", "10", "--num-threads", "1"],
        capture_output=True, text=True, check=True)
    return float(re.search(r"([\d.]+) us", done.stdout + done.stderr)[1])


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in ("max and sum", "softmax", "log_softmax"):
            for rows, columns in SIZES:
                matrix = f"tensor<{rows}x{columns}xf32>"
                source = (sums(matrix, f"tensor<{rows}x1xf32>") if kind == "max and sum"
                          else whole(kind, matrix))
                np.savez(folder / "in.npz", np.random.randn(rows, columns).astype(np.float32))
                paths = (lower(source, folder / "a.mlir"),
                         lower(source, folder / "b.mlir", "-fx-online-softmax"))
                times = [[measure(path, folder / "in.npz") for path in paths] for _ in range(4)]
                without, online = (min(t) for t in zip(*times))
                print(f"{kind} {rows}x{columns}: {without:.0f} us, online {online:.0f} us, "
                      f"{online / without:.2f}", flush=True)


if __name__ == "__main__":
    main()
