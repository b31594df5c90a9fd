"""Small fx graphs written in Python, and the tools run on them."""

import importlib.machinery
import importlib.util
import os
import pathlib
import shutil
import subprocess

import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
DTYPES = {
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "f32": torch.float32,
    "f64": torch.float64,
    "i64": torch.int64,
    "i1": torch.bool,
}


def tool(name):
    """A tool of the build, or one on the path; None if it is not built."""
    built = pathlib.Path(os.environ.get("FX_BUILD", ROOT / "build")) / "bin" / name
    return str(built) if built.exists() else shutil.which(name)


def run(name, *arguments, text=None):
    done = subprocess.run(
        [tool(name), *arguments], input=text, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{name} {' '.join(arguments)}\n{done.stderr}"
    return done.stdout


def load_fx_diff():
    """tools/fx-diff as a module."""
    loader = importlib.machinery.SourceFileLoader("fx_diff", str(ROOT / "tools" / "fx-diff"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("fx_diff", loader))
    loader.exec_module(module)
    return module


def to_python(module_text, path):
    """Exports a module and loads the Python file."""
    path.write_text(run("fx-translate", "--fx-to-python", text=module_text))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def type_text(shape, dtype):
    if shape is None:
        return dtype
    return "tensor<" + "".join(f"{size}x" for size in shape) + dtype + ">"


class Value:
    def __init__(self, name, shape, dtype):
        self.name, self.type = name, type_text(shape, dtype)


class Graph:
    """Builds the text of a function; `T` is the dtype under test."""

    def __init__(self, name, T):
        self.name, self.T = name, T
        self.arguments, self.lines, self.inputs = [], [], []
        self.result_types = ""

    def arg(self, shape, kind="normal", dtype=None, grad=True, shown=None):
        """An argument; `kind` tells how its values are drawn, `shown` is the
        shape in the type (with "?") if it differs."""
        dtype = dtype or self.T
        value = Value(f"%a{len(self.arguments)}", shown or shape, dtype)
        name = f"a{len(self.arguments)}"
        attrs = f'fx.name = "{name}"'
        if grad and dtype == self.T:
            attrs += ", fx.requires_grad"
        self.arguments.append(f"{value.name}: {value.type} {{{attrs}}}")
        self.inputs.append(make_input(shape, kind, dtype))
        return value

    def ints(self, shape, limit):
        return self.arg(shape, f"int:{limit}", "i64")

    def scalar(self, text, dtype):
        value = Value(f"%c{len(self.lines)}", None, dtype)
        literal = text if dtype == "i1" else f"{text} : {dtype}"
        self.lines.append(f"{value.name} = arith.constant {literal}")
        return value

    def f(self, number):
        return self.scalar(float_text(number), "f64")

    def i(self, number):
        return self.scalar(str(number), "i64")

    def op(self, mnemonic, operands, *results, **attributes):
        """Results are shapes, or (shape, dtype) pairs. Attributes are MLIR
        text; bool, int, float, list and dtypes ("f32") are translated."""
        results = [r if isinstance(r, tuple) else (r, self.T) for r in results]
        names = [f"%v{len(self.lines)}_{k}" for k in range(len(results))]
        values = [Value(n, *r) for n, r in zip(names, results)]
        attrs = ", ".join(f"{k} = {attr_text(v)}" for k, v in attributes.items())
        ins = ", ".join(o.type for o in operands)
        outs = ", ".join(v.type for v in values)
        self.lines.append(
            f"{', '.join(names)} = \"fx.{mnemonic}\"("
            f"{', '.join(o.name for o in operands)}) {{{attrs}}} : ({ins}) -> ({outs})"
        )
        return values[0] if len(values) == 1 else values

    def ret(self, *values, mutates=()):
        """Returns values; the first ones are new values of the arguments that
        `mutates` names."""
        types = [v.type for v in values]
        self.lines.append(
            f"return {', '.join(v.name for v in values)} : {', '.join(types)}"
        )
        for k, name in enumerate(mutates):
            types[k] += f' {{fx.mutates = "{name}", fx.role = "mutation"}}'
        self.result_types = ", ".join(types)

    def text(self):
        body = "\n  ".join(self.lines)
        return (
            f"func.func @{self.name}({', '.join(self.arguments)}) -> "
            f"({self.result_types}) {{\n  {body}\n}}\n"
        )


def float_text(value):
    """MLIR wants a decimal point also before an exponent."""
    text = repr(float(value))
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def attr_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value} : i64"
    if isinstance(value, float):
        return f"{float_text(value)} : f64"
    if isinstance(value, list):
        if all(isinstance(v, bool) for v in value) and value:
            return f"array<i1: {', '.join(attr_text(v) for v in value)}>"
        inner = ", ".join(str(v) for v in value)
        return f"array<i64: {inner}>" if value else "array<i64>"
    return value


def segments(*counts):
    return f"array<i32: {', '.join(str(int(c)) for c in counts)}>"


def make_input(shape, kind, dtype):
    torch_dtype = DTYPES[dtype]
    if kind.startswith("int:"):
        return torch.randint(0, int(kind[4:]), shape)
    if kind == "bool":
        return torch.rand(shape) > 0.4
    value = torch.randn(shape, dtype=torch.float64)
    if kind == "positive":
        value = value.abs() + 0.2
    elif kind == "ties":
        value = (value * 2).round()
    elif kind == "large":
        value = value * 4
    elif kind == "probability":
        value = value.softmax(1)
    return value.to(torch_dtype)
