"""The interpreter against eager PyTorch: each op of the lowering's tests."""

import re
import subprocess

import lowering_cases
import numpy as np
import pytest
import torch
from fx_graphs import tool
from lowering_harness import TOLERANCES

CASES = lowering_cases.all_cases()


def to_array(value):
    """NumPy has no bf16: its bits travel as int16."""
    tensor = torch.as_tensor(value).contiguous()
    return (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy()


def from_array(array, dtype):
    tensor = torch.from_numpy(array)
    return tensor.view(torch.bfloat16) if dtype == torch.bfloat16 else tensor


def is_argument(case, value):
    return isinstance(value, torch.Tensor) or (case.symbols and type(value) is int)


def write_module(path):
    """One function that calls all others, so that one process runs them."""
    functions = [case.function(i) for i, case in enumerate(CASES)]
    parameters, calls, results, types = [], [], [], []
    for case, function in zip(CASES, functions):
        signature = re.match(r"func.func @(\w+)\((.*?)\) -> \((.*?)\) attributes", function)
        name, ins, outs = signature.groups()
        pairs = [entry.split(": ") for entry in ins.split(", ")] if ins else []
        parameters += [f"%{name}{value[1:]}: {type_}" for value, type_ in pairs]
        values = ", ".join(f"%{name}{value[1:]}" for value, _ in pairs)
        count = len(case.expected)
        calls.append(f"  %{name}:{count} = call @{name}({values}) : "
                     f"({', '.join(type_ for _, type_ in pairs)}) -> ({outs})")
        results += [f"%{name}#{k}" for k in range(count)]
        types.append(outs)
    path.write_text("\n".join(functions) + f"func.func @all({', '.join(parameters)}) -> "
                    f"({', '.join(types)}) {{\n" + "\n".join(calls) +
                    f"\n  return {', '.join(results)} : {', '.join(types)}\n}}\n")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The results of each case."""
    folder = tmp_path_factory.mktemp("interpreter")
    write_module(folder / "cases.mlir")
    arguments = [value for case in CASES for value in case.args if is_argument(case, value)]
    np.savez(folder / "in.npz", **{f"in_{k}": to_array(v) for k, v in enumerate(arguments)})
    done = subprocess.run(
        [tool("fx-run"), str(folder / "cases.mlir"), "--interpret", "--function=all", "--inputs",
         str(folder / "in.npz"), "--outputs", str(folder / "out.npz")],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    arrays = np.load(folder / "out.npz")
    positions = iter(range(len(arrays.files)))
    return [[arrays[f"out_{next(positions)}"] for _ in case.expected] for case in CASES]


@pytest.mark.parametrize("index", range(len(CASES)),
                         ids=[f"{i}-{case.op}" for i, case in enumerate(CASES)])
def test_op(results, index):
    case = CASES[index]
    for result, expected in zip(results[index], case.expected, strict=True):
        tolerance = TOLERANCES.get(expected.dtype, 0) * case.tolerance
        torch.testing.assert_close(from_array(result, expected.dtype), expected,
                                   rtol=tolerance, atol=tolerance, equal_nan=True)
