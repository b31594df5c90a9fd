"""Writes functions of linalg ops and computes the same with NumPy.

A value is (SSA name, shape, element type, NumPy array in double precision). A
size in `Builder.dynamic` is written as `?`.
"""

import numpy as np

TYPES = {"float32": "f32", "float64": "f64", "float16": "f16", "int64": "i64",
         "int32": "i32", "bool": "i1"}

PRODUCT = """%0 = arith.mulf %x0, %x1 : f32
%1 = arith.addf %0, %acc : f32
linalg.yield %1 : f32"""


def dims(count):
    return ", ".join(f"d{i}" for i in range(count))


class Builder:
    def __init__(self, name, dynamic=()):
        self.name = name
        self.dynamic = set(dynamic)
        self.args = []
        self.lines = []
        self.count = 0

    def new(self):
        self.count += 1
        return f"%v{self.count}"

    def type(self, shape, element):
        sizes = "".join(f"{'?' if d in self.dynamic else d}x" for d in shape)
        return f"tensor<{sizes}{element}>"

    def arg(self, array):
        name = f"%a{len(self.args)}"
        value = (name, array.shape, TYPES[str(array.dtype)], array)
        self.args.append(value)
        return value

    def dim(self, size):
        """The run-time value of a dynamic size."""
        for name, shape, element, _ in self.args:
            if size in shape:
                index, result = self.new(), self.new()
                self.lines += [
                    f"{index} = arith.constant {shape.index(size)} : index",
                    f"{result} = tensor.dim {name}, {index} : "
                    f"{self.type(shape, element)}"]
                return result
        raise ValueError(size)

    def empty(self, shape, element="f32"):
        sizes = ", ".join(self.dim(d) for d in shape if d in self.dynamic)
        result = self.new()
        self.lines.append(
            f"{result} = tensor.empty({sizes}) : {self.type(shape, element)}")
        return (result, shape, element, np.zeros(shape))

    def fill(self, shape, element, text):
        init = self.empty(shape, element)
        scalar, result = self.new(), self.new()
        suffix = "" if element == "i1" else f" : {element}"
        full = self.type(shape, element)
        self.lines += [
            f"{scalar} = arith.constant {text}{suffix}",
            f"{result} = linalg.fill ins({scalar} : {element}) "
            f"outs({init[0]} : {full}) -> {full}"]
        return (result, shape, element, np.zeros(shape))

    def generic(self, inputs, maps, out, iterators, shape, element, body,
                array, init=None):
        """`maps` and `out` are index expressions; `init` a constant."""
        start = (self.empty(shape, element) if init is None
                 else self.fill(shape, element, init))
        result = self.new()
        affine = ", ".join(
            f"affine_map<({dims(len(iterators))}) -> ({m})>"
            for m in [*maps, out])
        kinds = ", ".join(
            '"parallel"' if c == "p" else '"reduction"' for c in iterators)
        names = ", ".join(v[0] for v in inputs)
        types = ", ".join(self.type(v[1], v[2]) for v in inputs)
        arguments = ", ".join(
            [f"%x{i}: {v[2]}" for i, v in enumerate(inputs)]
            + [f"%acc: {element}"])
        full = self.type(shape, element)
        self.lines.append(
            f"{result} = linalg.generic {{indexing_maps = [{affine}], "
            f"iterator_types = [{kinds}]}} "
            + (f"ins({names} : {types}) " if inputs else "")
            + f"outs({start[0]} : {full}) {{\n^bb0({arguments}):\n{body}\n}}"
            f" -> {full}")
        return (result, tuple(shape), element, array)

    def pointwise(self, inputs, body, array, element=None):
        """A body on operands that broadcast as in NumPy."""
        shape = np.broadcast_shapes(*[v[1] for v in inputs])
        maps = []
        for value in inputs:
            lead = len(shape) - len(value[1])
            maps.append(", ".join(
                "0" if size == 1 and shape[lead + i] != 1 else f"d{lead + i}"
                for i, size in enumerate(value[1])))
        return self.generic(inputs, maps, dims(len(shape)), "p" * len(shape),
                            shape, element or inputs[0][2], body, array)

    def unary(self, op, value, function):
        element = value[2]
        return self.pointwise(
            [value], f"%0 = {op} %x0 : {element}\nlinalg.yield %0 : {element}",
            function(wide(value)))

    def binary(self, op, a, b, function):
        element = a[2]
        return self.pointwise(
            [a, b],
            f"%0 = {op} %x0, %x1 : {element}\nlinalg.yield %0 : {element}",
            function(wide(a), wide(b)))

    def add(self, a, b):
        return self.binary("arith.addf", a, b, np.add)

    def sub(self, a, b):
        return self.binary("arith.subf", a, b, np.subtract)

    def mul(self, a, b):
        return self.binary("arith.mulf", a, b, np.multiply)

    def div(self, a, b):
        return self.binary("arith.divf", a, b, np.divide)

    def exp(self, a):
        return self.unary("math.exp", a, np.exp)

    def tanh(self, a):
        return self.unary("math.tanh", a, np.tanh)

    def relu(self, a):
        return self.pointwise(
            [a], "%c = arith.constant 0.0 : f32\n"
            "%0 = arith.maximumf %x0, %c : f32\nlinalg.yield %0 : f32",
            np.maximum(wide(a), 0))

    def scale(self, a, factor):
        return self.pointwise(
            [a], f"%c = arith.constant {factor:.9e} : f32\n"
            "%0 = arith.mulf %x0, %c : f32\nlinalg.yield %0 : f32",
            wide(a) * factor)

    def reduce(self, value, axes, kind="sum"):
        rank = len(value[1])
        kept = [i for i in range(rank) if i not in axes]
        op, init, function = {
            "sum": ("arith.addf", "0.0", lambda x, a: x.sum(a)),
            "max": ("arith.maximumf", "0xFF800000",
                    lambda x, a: x.max(a, initial=-np.inf))}[kind]
        return self.generic(
            [value], [dims(rank)], ", ".join(f"d{i}" for i in kept),
            "".join("p" if i in kept else "r" for i in range(rank)),
            tuple(value[1][i] for i in kept), "f32",
            f"%0 = {op} %x0, %acc : f32\nlinalg.yield %0 : f32",
            function(wide(value), tuple(axes)), init)

    def spread(self, value, shape, places):
        """Repeats a tensor whose dims are `places` of a larger shape."""
        rest = [i for i in range(len(shape)) if i not in places]
        return self.generic(
            [value], [", ".join(f"d{i}" for i in places)], dims(len(shape)),
            "p" * len(shape), shape, value[2],
            f"linalg.yield %x0 : {value[2]}",
            np.broadcast_to(np.expand_dims(wide(value), rest), shape))

    def transpose(self, value, order):
        back = np.argsort(order)
        return self.generic(
            [value], [", ".join(f"d{i}" for i in back)], dims(len(order)),
            "p" * len(order), tuple(value[1][i] for i in order), value[2],
            f"linalg.yield %x0 : {value[2]}", np.transpose(value[3], order))

    def reshape(self, value, shape, groups, kind):
        result = self.new()
        sizes = ""
        if kind == "expand":
            texts = [self.dim(d) if d in self.dynamic else str(d)
                     for d in shape]
            sizes = f" output_shape [{', '.join(texts)}]"
        self.lines.append(
            f"{result} = tensor.{kind}_shape {value[0]} {groups}{sizes} : "
            f"{self.type(value[1], value[2])} into "
            f"{self.type(shape, value[2])}")
        return (result, shape, value[2], np.reshape(value[3], shape))

    def slice(self, value, offsets, sizes, strides):
        result = self.new()
        text = " ".join(f"[{', '.join(map(str, part))}]"
                        for part in (offsets, sizes, strides))
        self.lines.append(
            f"{result} = tensor.extract_slice {value[0]}{text} : "
            f"{self.type(value[1], value[2])} to {self.type(sizes, value[2])}")
        return (result, tuple(sizes), value[2],
                np.asarray(value[3])[window(offsets, sizes, strides)])

    def insert(self, source, into, offsets):
        result = self.new()
        ones = [1] * len(offsets)
        text = " ".join(f"[{', '.join(map(str, part))}]"
                        for part in (offsets, source[1], ones))
        self.lines.append(
            f"{result} = tensor.insert_slice {source[0]} into {into[0]}{text}"
            f" : {self.type(source[1], source[2])} into "
            f"{self.type(into[1], into[2])}")
        array = np.array(into[3], dtype=np.float64)
        array[window(offsets, source[1], ones)] = source[3]
        return (result, into[1], into[2], array)

    def pad(self, value, low, high):
        result = self.new()
        shape = tuple(a + b + c for a, b, c in zip(value[1], low, high))
        indices = ", ".join(f"%p{i}: index" for i in range(len(shape)))
        self.lines.append(
            f"{result} = tensor.pad {value[0]} "
            f"low[{', '.join(map(str, low))}] "
            f"high[{', '.join(map(str, high))}] {{\n^bb0({indices}):\n"
            "%z = arith.constant 0.0 : f32\ntensor.yield %z : f32\n}"
            f" : {self.type(value[1], value[2])} to "
            f"{self.type(shape, value[2])}")
        return (result, shape, value[2],
                np.pad(wide(value), list(zip(low, high))))

    def matmul(self, a, b):
        batch = len(a[1]) - 2
        lead = "".join(f"d{i}, " for i in range(batch))
        m, n, k = (f"d{batch + i}" for i in range(3))
        return self.generic(
            [a, b], [f"{lead}{m}, {k}", f"{lead}{k}, {n}"],
            f"{lead}{m}, {n}", "p" * (batch + 2) + "r",
            a[1][:-1] + b[1][-1:], "f32", PRODUCT, wide(a) @ wide(b), "0.0")

    def conv(self, x, w, stride=1, padding=0, dilation=1):
        array = convolve(wide(x), wide(w), stride, padding, dilation)
        if padding:
            border = (0, 0, padding, padding)
            x = self.pad(x, border, border)
        return self.generic(
            [x, w],
            [f"d0, d4, d2*{stride}+d5*{dilation}, d3*{stride}+d6*{dilation}",
             "d1, d4, d5, d6"], "d0, d1, d2, d3", "pppprrr", array.shape,
            "f32", PRODUCT, array, "0.0")

    def softmax(self, x, axis):
        kept = [i for i in range(len(x[1])) if i != axis]
        top = self.reduce(x, [axis], "max")
        e = self.exp(self.sub(x, self.spread(top, x[1], kept)))
        total = self.reduce(e, [axis])
        return self.div(e, self.spread(total, x[1], kept))

    def text(self, outputs):
        args = ", ".join(
            f"{v[0]}: {self.type(v[1], v[2])}" for v in self.args)
        types = ", ".join(self.type(v[1], v[2]) for v in outputs)
        names = ", ".join(v[0] for v in outputs)
        return "\n".join(
            [f"func.func @{self.name}({args}) -> ({types}) {{", *self.lines,
             f"return {names} : {types}", "}", ""])


def wide(value):
    array = np.asarray(value[3])
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def window(offsets, sizes, strides):
    return tuple(slice(o, o + (n - 1) * s + 1 if n else o, s)
                 for o, n, s in zip(offsets, sizes, strides))


def convolve(x, w, stride, padding, dilation):
    x = np.pad(x, [(0, 0), (0, 0), (padding,) * 2, (padding,) * 2])
    kernel = w.shape[2:]
    size = [(x.shape[2 + i] - (kernel[i] - 1) * dilation - 1) // stride + 1
            for i in range(2)]
    result = np.zeros((x.shape[0], w.shape[0], *size))
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            rows = slice(i * dilation, i * dilation + size[0] * stride, stride)
            cols = slice(j * dilation, j * dilation + size[1] * stride, stride)
            result += np.einsum("nchw,fc->nfhw", x[:, :, rows, cols][
                :, :, :size[0], :size[1]], w[:, :, i, j])
    return result
