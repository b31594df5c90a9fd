#!/usr/bin/env python3
"""Time and memory of importing graphs of growing size.

`large_graph.py [NODES…]` writes programs of so many nodes as .pt2 archives,
imports each, and prints seconds and peak memory; `--write NODES FILE` only
writes one. Needs neither PyTorch nor a model: the archive is made here. The
graph has layers of matrix products with parameters of their own, views, writes
through views, multi-result operators, and a stack trace at every node.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
F32 = 7
ROWS, WIDTH = 4, 8


def meta(sizes, strides=None):
    if strides is None:
        strides, step = [], 1
        for size in reversed(sizes):
            strides.insert(0, step)
            step *= size
    return {
        "dtype": F32,
        "sizes": [{"as_int": n} for n in sizes],
        "requires_grad": False,
        "device": {"type": "cpu", "index": None},
        "strides": [{"as_int": n} for n in strides],
        "storage_offset": {"as_int": 0},
        "layout": 7,
    }


class Program:
    def __init__(self):
        self.inputs, self.specs, self.nodes, self.values = [], [], [], {}
        self.weights = {}

    def parameter(self, sizes):
        name = f"p_{len(self.inputs)}"
        fqn = f"layers.{len(self.inputs)}.weight"
        self.values[name] = meta(sizes)
        self.inputs.append({"as_tensor": {"name": name}})
        self.specs.append(
            {"parameter": {"arg": {"name": name}, "parameter_name": fqn}}
        )
        self.weights[fqn] = {
            "path_name": "weight_0",
            "is_param": True,
            "use_pickle": False,
            "tensor_meta": meta(sizes),
        }
        return name

    def add(self, target, arguments, results):
        """`results` are metadata; more than one are a list."""
        number = len(self.nodes)
        names = [f"v{number}_{i}" for i in range(len(results))]
        self.values.update(zip(names, results))
        tensors = [{"name": name} for name in names]
        trace = (
            f'  File "/home/user/model/layers.py", line {number % 500 + 1}, '
            "in forward\n    x = self.layer(x)\n"
        )
        self.nodes.append(
            {
                "target": f"torch.ops.aten.{target}",
                "inputs": [
                    {"name": name, "arg": value, "kind": 1}
                    for name, value in arguments.items()
                ],
                "outputs": [
                    {"as_tensor": tensors[0]} if len(tensors) == 1 else {"as_tensors": tensors}
                ],
                "metadata": {"stack_trace": trace},
                "is_hop_single_tensor_return": None,
                "name": f"n{number}",
            }
        )
        return names if len(names) > 1 else names[0]


def tensor(name):
    return {"as_tensor": {"name": name}}


def build(nodes):
    p = Program()
    full, half = meta([ROWS, WIDTH]), meta([ROWS, WIDTH // 2], [WIDTH, 1])
    x = p.parameter([ROWS, WIDTH])
    keep = p.add("clone.default", {"self": tensor(x)}, [full])
    while len(p.nodes) < nodes - 1:
        weight, bias = p.parameter([WIDTH, WIDTH]), p.parameter([WIDTH])
        y = p.add(
            "linear.default",
            {"input": tensor(x), "weight": tensor(weight), "bias": tensor(bias)},
            [full],
        )
        y = p.add("gelu.default", {"self": tensor(y)}, [full])
        first, second = p.add(
            "split.Tensor",
            {"self": tensor(y), "split_size": {"as_int": WIDTH // 2}, "dim": {"as_int": 1}},
            [half, half],
        )
        p.add("mul_.Tensor", {"self": tensor(first), "other": tensor(second)}, [half])
        z = p.add("add.Tensor", {"self": tensor(y), "other": {"as_float": 0.5}}, [full])
        z = p.add("view.default", {"self": tensor(z), "size": {"as_ints": [ROWS, WIDTH]}}, [full])
        z = p.add("sigmoid.default", {"self": tensor(z)}, [full])
        p.add("add_.Tensor", {"self": tensor(keep), "other": tensor(z)}, [full])
        x = p.add("add.Tensor", {"self": tensor(x), "other": tensor(z)}, [full])
        x = p.add("tanh.default", {"self": tensor(x)}, [full])
    out = p.add("add.Tensor", {"self": tensor(x), "other": tensor(keep)}, [full])
    graph = {
        "inputs": p.inputs,
        "outputs": [tensor(out)],
        "nodes": p.nodes,
        "tensor_values": p.values,
        "sym_int_values": {},
        "sym_float_values": {},
        "sym_bool_values": {},
        "custom_obj_values": {},
        "is_single_tensor_return": False,
    }
    model = {
        "graph_module": {
            "graph": graph,
            "signature": {
                "input_specs": p.specs,
                "output_specs": [{"user_output": {"arg": tensor(out)}}],
            },
            "module_call_graph": [],
        },
        "opset_version": {"aten": 10},
        "range_constraints": {},
        "schema_version": {"major": 8, "minor": 20},
        "verifiers": ["TRAINING"],
        "torch_version": "2.13.0",
        "guards_code": [],
    }
    return model, {"config": p.weights}


def write(nodes, path):
    model, weights = build(nodes)
    root = os.path.splitext(os.path.basename(path))[0]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{root}/archive_format", "pt2")
        archive.writestr(f"{root}/archive_version", "0")
        archive.writestr(f"{root}/byteorder", "little")
        archive.writestr(f"{root}/models/model.json", json.dumps(model))
        archive.writestr(f"{root}/data/weights/model_weights_config.json", json.dumps(weights))
        archive.writestr(f"{root}/data/weights/weight_0", bytes(4 * WIDTH * WIDTH))


def measure(command):
    """Seconds of CPU and MiB of peak memory of one process."""
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodes", nargs="*", type=int, default=[10_000, 30_000, 100_000, 300_000])
    parser.add_argument("--write", nargs=2, metavar=("NODES", "FILE"))
    parser.add_argument("--tool", default=os.path.join(ROOT, "build", "bin", "fx-translate"))
    options = parser.parse_args()
    if options.write:
        return write(int(options.write[0]), options.write[1])
    print(f"{'nodes':>8} {'archive MiB':>12} {'CPU s':>8} {'µs/node':>8} {'peak MiB':>9}")
    for nodes in options.nodes:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.pt2")
            write(nodes, path)
            # The text goes nowhere: printing is part of what is measured.
            seconds, memory = measure([options.tool, "--import-pt2", path, "-o", os.devnull])
            size = os.path.getsize(path) / 2**20
        print(
            f"{nodes:8} {size:12.1f} {seconds:8.2f} {seconds / nodes * 1e6:8.1f} {memory:9.0f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
