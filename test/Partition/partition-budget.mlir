// RUN: fx-opt %s -split-input-file -fx-partition="memory-budget=1" -fx-verify-partition | FileCheck %s --check-prefixes=CHECK,ONE
// RUN: fx-opt %s -split-input-file -fx-partition="memory-budget=0" -fx-verify-partition | FileCheck %s --check-prefixes=CHECK,ZERO
// RUN: fx-opt %s -split-input-file -fx-partition="memory-budget=0.9" -fx-verify-partition | FileCheck %s --check-prefixes=CHECK,MOST
// RUN: not fx-opt %s -split-input-file -fx-partition="memory-budget=1.5" 2>&1 | FileCheck %s --check-prefix=RANGE

// RANGE: memory-budget is 1.5{{.*}}: expected a number from 0 to 1

// Two products as large, of which the budget holds one: the one that takes
// longer to compute again.
// CHECK-LABEL: func.func @backward
// ONE-SAME:      "cheap", fx.role = "saved"
// ONE-SAME:      "expensive", fx.role = "saved"
// ZERO-NOT:      "cheap", fx.role = "saved"
// ZERO-NOT:      "expensive", fx.role = "saved"
// MOST-NOT:      "cheap", fx.role = "saved"
// MOST-SAME:     "expensive", fx.role = "saved"
func.func @products(
    %a: tensor<8x1xf32> {fx.role = "input", fx.name = "a"},
    %b: tensor<1x8xf32> {fx.role = "input", fx.name = "b"},
    %c: tensor<8x2xf32> {fx.role = "input", fx.name = "c"},
    %d: tensor<2x8xf32> {fx.role = "input", fx.name = "d"},
    %t: tensor<8x8xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<8x8xf32> {fx.role = "output"}, tensor<8x8xf32> {fx.role = "gradient"}) {
  %0 = fx.mm %a, %b : (tensor<8x1xf32>, tensor<1x8xf32>) -> tensor<8x8xf32> loc("cheap")
  %1 = fx.mm %c, %d : (tensor<8x2xf32>, tensor<2x8xf32>) -> tensor<8x8xf32> loc("expensive")
  %2 = fx.mul %0, %1 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32> loc("mul")
  %g = fx.mul %t, %0 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32> loc("mul_1")
  %h = fx.mul %g, %1 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32> loc("mul_2")
  return %2, %h : tensor<8x8xf32>, tensor<8x8xf32>
}

// -----

// Seeds are never drawn again, whatever the budget or a tag says: the numbers
// would be others. What follows from a seed may be.
// CHECK-LABEL: func.func @forward
// CHECK:         fx.seeds
// CHECK-LABEL: func.func @backward
// ONE-SAME:      "random", fx.role = "saved"
// ZERO-SAME:     "seeds", fx.role = "saved"
// CHECK-NOT:     fx.seeds
// ZERO:          fx.random
func.func @seeds(
    %x: tensor<4xf32> {fx.role = "input", fx.name = "x"},
    %t: tensor<4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"}) {
  %s = fx.seeds {count = 1 : i64, fx.remat = "must_recompute"} : tensor<1xi64> loc("seeds")
  %l = fx.lookup_seed %s {index = 0 : i64} : (tensor<1xi64>) -> tensor<i64> loc("lookup_seed")
  %r = fx.random %l sizes = [4] {mode = "rand"} : tensor<i64> -> tensor<4xf32> loc("random")
  %0 = fx.mul %x, %r : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("mul")
  %1 = fx.mul %t, %r : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("mul_1")
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
