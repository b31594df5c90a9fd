// Patterns from a file: PDLL, PDL text and bytecode, in a pass and in hooks.
// RUN: rm -rf %t && split-file %s %t
// RUN: fx-opt %t/model.mlir -fx-apply-patterns="file=%t/rules.pdll" | FileCheck %s
// RUN: mlir-pdll %t/rules.pdll -x mlir -o %t/rules.mlir
// RUN: fx-opt %t/model.mlir -fx-apply-patterns="file=%t/rules.mlir" | FileCheck %s
// RUN: fx-opt %t/rules.mlir --emit-bytecode -o %t/rules.mlirbc
// RUN: fx-opt %t/model.mlir -fx-apply-patterns="file=%t/rules.mlirbc" | FileCheck %s
// RUN: fx-opt %t/model.mlir --pre-grad="custom-patterns=%t/rules.pdll" | FileCheck %s
// RUN: fx-opt %t/model.mlir --joint-graph="custom-pre-patterns=%t/rules.pdll disable=fx-decompose" | FileCheck %s
// RUN: fx-opt %t/model.mlir --joint-graph="custom-post-patterns=%t/rules.pdll disable=fx-decompose" | FileCheck %s
// RUN: fx-opt %t/model.mlir --post-grad="custom-pre-patterns=%t/rules.mlir" | FileCheck %s
// RUN: fx-opt %t/model.mlir --post-grad="custom-post-patterns=%t/rules.mlir" | FileCheck %s
// RUN: fx-opt %t/model.mlir --post-grad="custom-post=fx-apply-patterns{file=%t/rules.mlir}" | FileCheck %s
// RUN: fx-compile %t/model.mlir --post-grad="custom-post-patterns=%t/rules.mlir" --stop-after=post-grad -o - | FileCheck %s
// A node keeps its name.
// RUN: fx-opt %t/model.mlir --post-grad="custom-post-patterns=%t/rules.mlir" --mlir-print-debuginfo | FileCheck %s --check-prefix=NAME
// NAME: fx.tanh {{.*}}loc(#[[LOC:.*]])
// NAME: #[[LOC]] = loc("act"(

//--- rules.pdll
Constraint HasOneUse(v: Value);
Constraint HasElementType(v: Value, t: Type);

Pattern ReluOfRelu {
  let inner = op<fx.relu>(x: Value);
  let outer = op<fx.relu>(inner.0);
  replace outer with inner;
}

// Only where nothing else reads the sigmoid.
Pattern {
  let sigmoid = op<fx.sigmoid>(x: Value) -> (t: Type);
  HasOneUse(sigmoid.0);
  HasElementType(x, type<"f32">);
  let root = op<fx.neg>(sigmoid.0) -> (t);
  replace root with op<fx.tanh>(x) -> (t);
}

//--- model.mlir
// CHECK-LABEL: @relu
// CHECK: %[[R:.*]] = fx.relu
// CHECK-NEXT: return %[[R]]
func.func @relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = fx.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = fx.relu %1 : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// CHECK-LABEL: @one_use
// CHECK-SAME: (%[[X:.*]]: tensor
// CHECK: %[[T:.*]] = fx.tanh %[[X]] : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: return %[[T]]
func.func @one_use(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = fx.sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.neg %0 : (tensor<4xf32>) -> tensor<4xf32> loc("act"("model.py":3:1))
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @two_uses
// CHECK: fx.neg
func.func @two_uses(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = fx.sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.neg %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: @other_type
// CHECK: fx.neg
func.func @other_type(%x: tensor<4xf64>) -> tensor<4xf64> {
  %0 = fx.sigmoid %x : (tensor<4xf64>) -> tensor<4xf64>
  %1 = fx.neg %0 : (tensor<4xf64>) -> tensor<4xf64>
  return %1 : tensor<4xf64>
}

// In the regions of control flow too.
// CHECK-LABEL: @nested
// CHECK: fx.cond
// CHECK: fx.relu
// CHECK-NEXT: fx.yield
func.func @nested(%p: i1, %x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = fx.cond %p, %x : (i1, tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = fx.relu %a : (tensor<4xf32>) -> tensor<4xf32>
    %2 = fx.relu %1 : (tensor<4xf32>) -> tensor<4xf32>
    fx.yield %2 : tensor<4xf32>
  } else {
  ^bb0(%a: tensor<4xf32>):
    fx.yield %a : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}
