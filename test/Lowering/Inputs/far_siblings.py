"""Two ops that read one tensor, with a chain of others between them.

usage: far_siblings.py LENGTH [ATTRIBUTE]
"""

import sys

length = int(sys.argv[1])
attributes = f" attributes {{{sys.argv[2]}}}" if len(sys.argv) > 2 else ""
kind = "tensor<512xf32>"


def print_op(result, operand, op):
    print(
        f"  {result} = linalg.generic {{indexing_maps = [#id, #id],"
        f' iterator_types = ["parallel"]}} ins({operand} : {kind})'
        f" outs(%e : {kind}) {{"
    )
    print("  ^bb0(%a: f32, %o: f32):")
    print(f"    %r = {op} %a : f32")
    print("    linalg.yield %r : f32")
    print(f"  }} -> {kind}")


print("#id = affine_map<(i) -> (i)>")
print(f"func.func @f(%x: {kind}, %z0: {kind}) -> ({kind}, {kind}, {kind}){attributes} {{")
print(f"  %e = tensor.empty() : {kind}")
print_op("%early", "%x", "math.exp")
for i in range(length):
    print_op(f"%z{i + 1}", f"%z{i}", "math.sin")
print_op("%late", "%x", "math.cos")
print(f"  return %early, %z{length}, %late : {kind}, {kind}, {kind}")
print("}")
