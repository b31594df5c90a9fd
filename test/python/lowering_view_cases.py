"""Cases of views, joins and creation."""

import torch

from lowering_cases import FLOATS, case, floats, ints


def dims(values):
    return f"array<i64: {', '.join(map(str, values))}>" if values else "array<i64>"


def sized(op, x, sizes, expected, **rest):
    return case(op, [x], expected,
                text=f"fx.{op} {{0}} sizes = [{', '.join(map(str, sizes))}] "
                     ": {t0} -> {out}", **rest)


def views():
    pairs = [((4, 3), (2, 6)), ((4, 3), (12,)), ((12,), (3, 2, 2)),
             ((2, 3, 4), (6, 4)), ((2, 6), (4, 3)), ((1, 4), (4,)),
             ((4,), (4, 1)), ((1, 1), ()), ((), (1, 1)), ((1, 4, 1), (2, 2)),
             ((0, 3), (3, 0)), ((0, 3), (0,)), ((6, 1, 1), (2, 3)),
             ((3, 4, 5), (3, 2, 2, 5)), ((1, 2, 1, 3), (2, 3, 1)), ((1,), ()),
             ((2, 3, 4, 5), (6, 20)), ((6, 20), (2, 3, 4, 5))]
    for before, after in pairs:
        x = floats(*before)
        yield sized("view", x, after, x.reshape(after))
        yield sized("view", x, after, x.reshape(after), dynamic=True)
    yield sized("view", floats(4, 3), (2, -1), floats(4, 3).view(2, -1))
    yield sized("view", floats(4, 3), (-1,), floats(4, 3).view(-1))
    for before, after in [((4, 6), (-1, 3)), ((4, 6), (4, -1, 2)),
                          ((2, 3, 4), (-1, 4)), ((2, 3, 4), (2, -1))]:
        x = floats(*before)
        yield sized("view", x, after, x.view(after), dynamic=True)
    # Sizes that are SymInts.
    x = floats(4, 6)
    yield case("view", [x, 4], x.view(4, 2, 3), symbols=True, dynamic=True,
               text="fx.view {0} sizes = [{1}, 2, 3] : {t0} -> tensor<?x?x?xf32>")
    yield case("view", [x, 2, 12], x.view(2, 12), symbols=True, dynamic=True,
               text="fx.view {0} sizes = [{1}, {2}] : {t0} -> tensor<?x?xf32>")
    for before, after in [((1, 4), (3, 4)), ((4,), (2, 4)), ((), (2, 3)),
                          ((3, 1), (3, 5)), ((2, 1, 3), (2, 1, 3)),
                          ((1,), (0,))]:
        x = floats(*before)
        yield sized("expand", x, after, x.expand(after))
    yield sized("expand", floats(3, 1), (-1, 4), floats(3, 1).expand(-1, 4))
    yield case("expand", [floats(1, 3), 4], floats(1, 3).expand(4, 3),
               symbols=True, dynamic=True,
               text="fx.expand {0} sizes = [{1}, -1] : {t0} -> {out}")
    for times in [(2, 3), (1, 1), (2, 1, 2), (0, 1)]:
        x = floats(2, 3)
        yield sized("repeat", x, times, x.repeat(times))
    yield sized("repeat", floats(2, 3), (2, 2), floats(2, 3).repeat(2, 2),
                dynamic=True)
    x = floats(2, 3, 4)
    for order in [(0, 1, 2), (2, 0, 1), (0, 2, 1), (-1, 0, 1)]:
        for dynamic in (False, True):
            yield case("permute", [x], x.permute(order), dynamic=dynamic,
                       text=f"fx.permute {{0}} dims = {list(order)} : {{t0}} -> {{out}}")
    yield case("transpose", [x], x.transpose(0, -1), "dim0 = 0 : i64, dim1 = -1 : i64")
    yield case("t", [x[0]], x[0].t())
    yield case("t", [x[0, 0]], x[0, 0].t())
    for dim in (0, 1, -1):
        yield case("unsqueeze", [x], x.unsqueeze(dim), f"dim = {dim} : i64")
        yield case("unsqueeze", [x], x.unsqueeze(dim), f"dim = {dim} : i64",
                   dynamic=True)
    yield case("unsqueeze", [floats()], floats().unsqueeze(0), "dim = 0 : i64")
    y = floats(1, 3, 1)
    yield case("squeeze", [y], y.squeeze())
    yield case("squeeze", [y], y.squeeze(0), "dim = array<i64: 0>", dynamic=True)
    yield case("squeeze", [y], y.squeeze(1), "dim = array<i64: 1>")
    yield case("squeeze", [floats(1, 1)], floats(1, 1).squeeze())
    yield case("flatten", [x], x.flatten(1, 2), "start_dim = 1 : i64, end_dim = 2 : i64")
    yield case("flatten", [x], x.flatten(0, 1), "start_dim = 0 : i64, end_dim = 1 : i64",
               dynamic=True)
    yield case("flatten", [floats()], floats().flatten())


def slices():
    x = floats(6, 5)
    bounds = [(0, 3, 1), (1, 6, 2), (-3, -1, 1), (2, 100, 1), (4, 2, 1),
              (None, 2, 1), (3, None, 1), (6, None, 1), (-100, 2, 1),
              (1, 9223372036854775807, 3)]
    for start, end, step in bounds:
        for dynamic in (False, True):
            text, args = "fx.slice {0}", [x]
            for key, bound in (("from", start), ("to", end)):
                if bound is not None:
                    text += f" {key} {{{len(args)}}}"
                    args.append(bound)
            text += f" {{{{dim = 0 : i64, step = {step} : i64}}}} : {{t0}} -> {{out}}"
            expected = x[slice(start, end, step)]
            # The sizes of an empty or unit result are not `?`.
            if dynamic and expected.shape[0] < 2:
                continue
            yield case("slice", args, expected, text=text, dynamic=dynamic)
            if dynamic:
                yield case("slice", args, expected, text=text, dynamic=True,
                           symbols=True)
    for index in (0, 3, -1):
        yield case("select", [x, index], x.select(1, index), "dim = 1 : i64")
        yield case("select", [x, index], x.select(0, index), "dim = 0 : i64",
                   dynamic=True, symbols=True)
    row = floats(5, seed=4)
    yield case("select_scatter", [x, row, 2], x.select_scatter(row, 0, 2),
               "dim = 0 : i64", text="fx.select_scatter {0}, {1}, {2} {{dim = 0 : i64}} : ({ins}) -> {out}")
    part = floats(2, 5, seed=5)
    yield case("slice_scatter", [x, part, 1, 5],
               x.slice_scatter(part, 0, 1, 5, 2),
               text="fx.slice_scatter {0}, {1} from {2} to {3} "
                    "{{dim = 0 : i64, step = 2 : i64}} : ({ins}) -> {out}")
    yield case("slice_scatter", [x, part, 2, 4],
               x.slice_scatter(part, 0, 2, 4), dynamic=True, symbols=True,
               text="fx.slice_scatter {0}, {1} from {2} to {3} "
                    "{{dim = 0 : i64}} : ({ins}) -> {out}")


def joins():
    x, y, z = floats(2, 3), floats(4, 3, seed=1), floats(2, 1, seed=2)
    yield case("cat", [x, y], torch.cat([x, y]))
    yield case("cat", [x, z, x], torch.cat([x, z, x], 1), "dim = 1 : i64")
    yield case("cat", [x, y], torch.cat([x, y]), dynamic=True)
    yield case("cat", [floats(0), x], torch.cat([floats(0), x]))
    yield case("cat", [floats(0, 3), x], torch.cat([floats(0, 3), x]))
    yield case("cat", [x, ints(2, 3)], torch.cat([x, ints(2, 3)]))
    yield case("stack", [x, x + 1], torch.stack([x, x + 1], 1), "dim = 1 : i64")
    yield case("stack", [x, x + 1], torch.stack([x, x + 1], -1), "dim = -1 : i64",
               dynamic=True)
    x = floats(7, 4)
    yield case("split", [x], x.split(3), "split_size = 3 : i64, dim = 0 : i64")
    yield case("split_with_sizes", [x], x.split([1, 3], 1) if False else
               x[:, :4].split_with_sizes([1, 3], 1),
               "split_sizes = array<i64: 1, 3>, dim = 1 : i64")
    yield case("chunk", [x], x.chunk(3), "chunks = 3 : i64, dim = 0 : i64")
    yield case("unbind", [x], x.unbind(1), "dim = 1 : i64")
    x = floats(2, 3, 4)
    yield case("flip", [x], x.flip([0, 2]), "dims = array<i64: 0, 2>")
    yield case("flip", [x], x.flip([-1]), "dims = array<i64: -1>", dynamic=True)
    for pad in ([1, 2], [1, 0, 0, 2], [-1, 1], [-1, -1, 2, 0], [0, 0, -1, 3],
                [1, 1, 1, 1, 1, 1]):
        for value in (0.5, 0):
            yield case("constant_pad_nd", [x, value],
                       torch.constant_pad_nd(x, pad, value), f"pad = {dims(pad)}")
    yield case("constant_pad_nd", [x, 0.5], torch.constant_pad_nd(x, [1, -1], 0.5),
               "pad = array<i64: 1, -1>", dynamic=True)
    yield case("repeat_interleave", [x], x.repeat_interleave(2, 1),
               "repeats = 2 : i64, dim = 1 : i64")
    yield case("repeat_interleave", [x], x.repeat_interleave(3), "repeats = 3 : i64",
               dynamic=True)
    for diagonal in (0, 1, -1, 5):
        yield case("tril", [x], x.tril(diagonal), f"diagonal = {diagonal} : i64")
        yield case("triu", [ints(4, 4)], ints(4, 4).triu(diagonal),
                   f"diagonal = {diagonal} : i64")


def creation():
    for value, dtype, name in [(1.5, torch.float32, "f32"), (2, torch.float16, "f16"),
                               (True, torch.bool, "i1"), (3, torch.int64, "i64"),
                               (200, torch.uint8, "ui8"), (0.1, torch.float64, "f64")]:
        yield case("full", [value], torch.full((2, 3), value, dtype=dtype),
                   text="fx.full {0} sizes = [2, 3] {{dtype = %s}} : {t0} -> {out}" % name)
        yield case("scalar_tensor", [value], torch.scalar_tensor(value, dtype=dtype),
                   f"dtype = {name}")
    yield case("full", [1.5, 4], torch.full((4, 3), 1.5), dynamic=True, symbols=True,
               text="fx.full {0} sizes = [{1}, 3] {{dtype = f32}} : {t0} -> tensor<?x?xf32>")
    yield case("full_like", [floats(2, 3), 7], torch.full((2, 3), 7.0), dynamic=True)
    for start, end, step in [(0, 5, 1), (2, 11, 3), (10, 0, -3), (3, 3, 1)]:
        for dtype, name in [(torch.int64, "i64"), (torch.float32, "f32"),
                            (torch.int32, "i32"), (torch.bfloat16, "bf16")]:
            yield case("arange", [start, end, step],
                       torch.arange(start, end, step, dtype=dtype), f"dtype = {name}")
    for start, end, step in [(0.0, 1.0, 0.1), (1.0, -1.0, -0.3)]:
        expected = torch.arange(start, end, step)
        yield case("arange", [start, end, step], expected, "dtype = f32", dynamic=True)
    yield case("arange", [2, 11, 3], torch.arange(2, 11, 3), "dtype = i64",
               dynamic=True, symbols=True)
    yield case("arange", [11, 2, -3], torch.arange(11, 2, -3), "dtype = i64",
               dynamic=True, symbols=True)
    yield case("iota", [5], 2 + 3 * torch.arange(5),
               "start = 2 : i64, step = 3 : i64, dtype = i64")
    yield case("iota", [5], (2 + 3 * torch.arange(5)).int(), symbols=True, dynamic=True,
               attrs="start = 2 : i64, step = 3 : i64, dtype = i32")
    for steps in (1, 2, 5, 10):
        yield case("linspace", [-1.0, 2.0], torch.linspace(-1, 2, steps),
                   f"steps = {steps} : i64, dtype = f32")
    yield case("linspace", [0, 9], torch.linspace(0, 9, 4, dtype=torch.float64),
               "steps = 4 : i64, dtype = f64")
    x = floats(3, 4)
    yield case("sym_size", [x], torch.full((3, 2), 1.0), dynamic=True,
               setup="%c1 = arith.constant 1.0 : f64\n"
                     "  %n = fx.sym_size %a0 {{dim = 0 : i64}} : tensor<?x?xf32>"
                     .replace("{{", "{").replace("}}", "}"),
               text="fx.full %c1 sizes = [%n, 2] {{dtype = f32}} : f64 -> tensor<?x?xf32>")


def view_cases():
    for family in (views, slices, joins, creation):
        yield from family()
