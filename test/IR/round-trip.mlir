// RUN: fx-opt %s | fx-opt | FileCheck %s
// RUN: fx-opt %s --emit-bytecode | fx-opt | FileCheck %s

// CHECK-LABEL: @pointwise
// CHECK-SAME: %{{.*}}: tensor<4x?xf16> {fx.name = "x", fx.role = "input"}
func.func @pointwise(%x: tensor<4x?xf16> {fx.name = "x", fx.role = "input"},
                     %i: tensor<?xi64>) -> (tensor<4x?xf32> {fx.role = "output"}) {
  %c = arith.constant 0.1 : f64
  // A scalar does not widen a tensor.
  // CHECK: fx.mul %{{.*}}, %{{.*}} : (tensor<4x?xf16>, f64) -> tensor<4x?xf16>
  %0 = fx.mul %x, %c : (tensor<4x?xf16>, f64) -> tensor<4x?xf16>
  // CHECK: fx.add %{{.*}}, %{{.*}} {alpha = 2.000000e+00 : f64}
  %1 = fx.add %0, %i {alpha = 2.0 : f64} : (tensor<4x?xf16>, tensor<?xi64>) -> tensor<4x?xf16>
  // CHECK: fx.clamp %{{.*}} max %{{.*}} : (tensor<4x?xf16>, f64)
  %2 = fx.clamp %1 max %c : (tensor<4x?xf16>, f64) -> tensor<4x?xf16>
  // CHECK: fx.convert_element_type %{{.*}} {dtype = f32}
  %3 = fx.convert_element_type %2 {dtype = f32} : (tensor<4x?xf16>) -> tensor<4x?xf32>
  return %3 : tensor<4x?xf32>
}

// CHECK-LABEL: @views
func.func @views(%x: tensor<2x?x4xf32>, %n: i64) -> tensor<?x2xf32> {
  %c1 = arith.constant 1 : i64
  // CHECK: fx.view %{{.*}} sizes = [%{{.*}}, 4] : tensor<2x?x4xf32> -> tensor<?x4xf32>
  %0 = fx.view %x sizes = [%n, 4] : tensor<2x?x4xf32> -> tensor<?x4xf32>
  // CHECK: fx.slice %{{.*}} from %{{.*}} {dim = 1 : i64, step = 2 : i64} : tensor<?x4xf32> -> tensor<?x2xf32>
  %1 = fx.slice %0 from %c1 {dim = 1 : i64, step = 2 : i64} : tensor<?x4xf32> -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// CHECK-LABEL: @batch_norm
func.func @batch_norm(%x: tensor<2x3x4x4xf32>, %w: tensor<3xf32>, %m: tensor<3xf32>, %v: tensor<3xf32>) -> tensor<3xf32> {
  // CHECK: fx.batch_norm %{{.*}} weight %{{.*}} running_mean %{{.*}} running_var %{{.*}} {eps
  %0:3 = fx.batch_norm %x weight %w running_mean %m running_var %v {training = true, momentum = 0.1 : f64, eps = 1.0e-5 : f64, fx.result_names = ["bn", "mean", "var"]} : (tensor<2x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<2x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>)
  return %0#1 : tensor<3xf32>
}

// CHECK-LABEL: @call
func.func @call(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: fx.call "my.op.default"(%{{.*}}) {arguments = [{operand = 0 : i64}, 3, unit], pure}
  %0 = fx.call "my.op.default"(%x) {arguments = [{operand = 0 : i64}, 3, unit], pure} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
