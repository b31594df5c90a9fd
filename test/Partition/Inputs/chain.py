"""A joint function with a chain of pointwise ops, and its backward."""

import sys

count = int(sys.argv[1])
kind = "tensor<4xf32>"
print(f'func.func @joint(%v0: {kind} {{fx.role = "parameter", fx.name = "x"}},')
print(f'                 %g{count}: {kind} {{fx.role = "tangent", fx.name = "t"}})')
print(f'    -> ({kind} {{fx.role = "output"}}, {kind} {{fx.role = "gradient"}}) {{')
for i in range(count):
    print(f'  %v{i + 1} = fx.sin %v{i} : ({kind}) -> {kind} loc("sin_{i}")')
for i in range(count, 0, -1):
    print(f'  %c{i} = fx.cos %v{i - 1} : ({kind}) -> {kind} loc("cos_{i}")')
    print(
        f"  %g{i - 1} = fx.mul %g{i}, %c{i} : ({kind}, {kind}) -> {kind}"
        f' loc("mul_{i}")'
    )
print(f"  return %v{count}, %g0 : {kind}, {kind}")
print("}")
