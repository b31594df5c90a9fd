#!/usr/bin/env python3
"""Writes the schemas of PyTorch's operators, one a line, sorted by name.

    tools/gen-aten-schemas.py > lib/Import/ATenSchemas.txt

The file is checked in, so that building and using fx-mlir needs no Python.
Overloads that write into an `out` argument are left out: they are not in
exported graphs. ` random` after a schema marks an operator whose result differs
from call to call.
"""

import re

import torch
import torch._inductor.inductor_prims  # registers prims of joint graphs

NAMESPACES = ("aten", "prims", "_c10d_functional")

# TorchScript prints defaults of enumeration type as numbers.
ENUM_DEFAULTS = {
    "MemoryFormat": {"0": "contiguous_format"},
    "ScalarType": {"4": "int64"},
}


def name_enum_default(match):
    return match[1] + ENUM_DEFAULTS[match[2]][match[3]]


def is_random(target):
    namespace, name, overload = target.split(".")
    packet = getattr(getattr(torch.ops, namespace), name)
    return torch.Tag.nondeterministic_seeded in getattr(packet, overload).tags


def main():
    dispatched = set(torch._C._dispatch_get_all_op_names())
    lines = set()
    for schema in torch._C._jit_get_all_schemas():
        name = schema.name
        if schema.overload_name:
            name += "." + schema.overload_name
        if name not in dispatched or name.split("::")[0] not in NAMESPACES:
            continue
        if schema.name.startswith("aten::_test"):
            continue
        if any(argument.is_out for argument in schema.arguments):
            continue
        # FX writes aten.add.Tensor, and .default where there is no overload.
        text = str(schema)
        text = re.sub(
            r"((MemoryFormat|ScalarType)\?? \w+=)(\d+)", name_enum_default, text
        )
        target = name.replace("::", ".")
        if not schema.overload_name:
            target += ".default"
        line = target + text[text.index("(") :]
        if is_random(target):
            line += " random"
        lines.add(line)
    print("\n".join(sorted(lines, key=lambda line: line.split("(")[0])))


if __name__ == "__main__":
    main()
