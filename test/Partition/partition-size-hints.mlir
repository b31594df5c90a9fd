// RUN: fx-opt %s -fx-partition="report=%t.json" -o /dev/null && FileCheck %s < %t.json
// RUN: fx-opt %s -fx-partition="report=%t.json dynamic-size=2" -o /dev/null && FileCheck %s --check-prefix=MIXED < %t.json

// Sizes follow from those that arguments expect: the product of 8x3 and 3x5 takes
// 240 operations, and 8x5 floats to save, not 4096x4096. A size without a hint is
// as large as the option says.
// CHECK: "name": "mm",
// CHECK-NEXT: "bytes": 160,
// CHECK: "total_flops": 240
// MIXED: "name": "y"
// MIXED-NEXT: "bytes": 8,
func.func @joint(
    %x: tensor<?x?xf32> {fx.role = "input", fx.name = "x", fx.size_hints = array<i64: 8, 3>},
    %w: tensor<3x?xf32> {fx.role = "input", fx.name = "w", fx.size_hints = array<i64: 3, 5>},
    %y: tensor<?xf32> {fx.role = "input", fx.name = "y"},
    %t: tensor<?x?xf32> {fx.role = "tangent", fx.name = "t", fx.size_hints = array<i64: 8, 5>},
    %s: tensor<?xf32> {fx.role = "tangent", fx.name = "s"})
    -> (tensor<?x?xf32> {fx.role = "output"}, tensor<?x?xf32> {fx.role = "gradient"},
        tensor<?xf32> {fx.role = "gradient"}) {
  %0 = fx.exp %x : (tensor<?x?xf32>) -> tensor<?x?xf32> loc("exp")
  %1 = fx.mm %0, %w : (tensor<?x?xf32>, tensor<3x?xf32>) -> tensor<?x?xf32> loc("mm")
  %2 = fx.neg %1 : (tensor<?x?xf32>) -> tensor<?x?xf32> loc("neg")
  %g = fx.mul %t, %1 : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32> loc("mul")
  %h = fx.mul %s, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32> loc("mul_1")
  return %2, %g, %h : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>
}
