#!/usr/bin/env python3
"""Prints a long function on which every rule of the stages has work.

    python3 make_chain.py COUNT     about COUNT ops
"""

import sys


def main():
    blocks = int(sys.argv[1]) // 20
    t, m = "tensor<4x8xf32>", "tensor<8x4xf32>"
    print(f"func.func @chain(%x: {t}, %w: tensor<8x8xf32>, %b: tensor<8xf32>) -> {t} {{")
    print("  %zero = arith.constant 0.0 : f64")
    print("  %one = arith.constant 1.0 : f64")
    print("  %i1 = arith.constant 1 : i64")
    print("  %half = arith.constant 0.5 : f64")
    value = "%x"
    for k in range(blocks):
        n = iter(range(100))

        def op(text, operand_types, result):
            name = f"%v{k}_{next(n)}"
            print(f"  {name} = {text} : ({operand_types}) -> {result}")
            return name

        def view(text, operand, result):
            name = f"%v{k}_{next(n)}"
            print(f"  {name} = {text} : {operand} -> {result}")
            return name

        value = op(f"fx.alias {value}", t, t)
        value = op(f"fx.clone {value}", t, t)
        value = op(f"fx.pow {value}, %i1", f"{t}, i64", t)
        full = view("fx.full %zero sizes = [4, 8] {dtype = f32}", "f64", t)
        value = op(f"fx.add {value}, {full}", f"{t}, {t}", t)
        value = view(f"fx.permute {value} dims = [1, 0]", t, m)
        value = view(f"fx.permute {value} dims = [1, 0]", m, t)
        value = view(f"fx.view {value} sizes = [32]", t, "tensor<32xf32>")
        value = view(f"fx.view {value} sizes = [4, 8]", "tensor<32xf32>", t)
        wide = op(f"fx.convert_element_type {value} {{dtype = f64}}", t, "tensor<4x8xf64>")
        value = op(f"fx.convert_element_type {wide} {{dtype = f32}}", "tensor<4x8xf64>", t)
        scaled = op(f"fx.mul {value}, %half", f"{t}, f64", t)
        top = op(f"fx.amax {scaled} {{dim = array<i64: 1>, keepdim = true}}", t, "tensor<4x1xf32>")
        value = op(f"fx.sub {scaled}, {top}", f"{t}, tensor<4x1xf32>", t)
        value = op(f"fx.dropout {value} {{p = 0.5 : f64, train = true}}", t, t)
        product = op(f"fx.mm {value}, %w", f"{t}, tensor<8x8xf32>", t)
        value = op(f"fx.add {product}, %b", f"{t}, tensor<8xf32>", t)
        lower = f"%s{k}"
        print(f"  {lower}:2 = fx.split {value} {{split_size = 2 : i64}} : ({t}) -> (tensor<2x8xf32>, tensor<2x8xf32>)")
        value = op(f"fx.cat {lower}#0, {lower}#1", "tensor<2x8xf32>, tensor<2x8xf32>", t)
        value = op(f"fx.relu {value}", t, t)
    print(f"  return {value} : {t}\n}}")


main()
