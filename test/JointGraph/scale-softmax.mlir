// RUN: fx-opt %s -fx-scale-softmax | FileCheck %s
// Rule 3.9.

// CHECK-LABEL: @mul
// CHECK-SAME: (%[[X:.*]]: tensor<4x8xf32>)
func.func @mul(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %c = arith.constant 0.125 : f64
  // CHECK: %[[S:.*]] = fx.mul %[[X]], %{{.*}} : (tensor<4x8xf32>, f64)
  // CHECK: %[[M:.*]] = fx.amax %[[S]]
  // CHECK: %[[G:.*]] = fx.mul %[[X]], %{{.*}} : (tensor<4x8xf32>, i64)
  // CHECK: %[[GM:.*]] = fx.amax %[[G]] {dim = array<i64: 1>, keepdim = true}
  // CHECK: %[[D:.*]] = fx.sub %[[G]], %[[GM]]
  // CHECK: %[[SCALED:.*]] = fx.mul %[[D]], %{{.*}} : (tensor<4x8xf32>, f64)
  // CHECK: fx.eq %[[S]], %[[S]]
  // CHECK: fx.abs %[[S]]
  // CHECK: fx.ne
  // CHECK: fx.any %{{.*}} {dim = array<i64: 1>, keepdim = true} : (tensor<4x8xi1>) -> tensor<4x1xi1>
  // CHECK: %[[ALL:.*]] = fx.logical_not
  // CHECK: %[[OLD:.*]] = fx.sub %[[S]], %[[M]]
  // CHECK: fx.where %[[ALL]], %[[SCALED]], %[[OLD]]
  %0 = fx.mul %x, %c : (tensor<4x8xf32>, f64) -> tensor<4x8xf32>
  %1 = fx.amax %0 {dim = array<i64: 1>, keepdim = true} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %2 = fx.sub %0, %1 : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// A negative scale turns the maximum into a minimum: the sign goes first.
// CHECK-LABEL: @negative_div_converted
func.func @negative_div_converted(%x: tensor<4x8xf16>) -> tensor<4x8xf32> {
  %c = arith.constant -8 : i64
  // CHECK: %[[MINUS:.*]] = arith.constant -1 : i64
  // CHECK: fx.mul %{{.*}}, %[[MINUS]] : (tensor<4x8xf32>, i64)
  // CHECK: fx.div %{{.*}}, %{{.*}} : (tensor<4x8xf32>, f64)
  // CHECK: fx.where
  %0 = fx.div %x, %c : (tensor<4x8xf16>, i64) -> tensor<4x8xf16>
  %1 = fx.convert_element_type %0 {dtype = f32} : (tensor<4x8xf16>) -> tensor<4x8xf32>
  %2 = fx.amax %1 {dim = array<i64: -1>, keepdim = true} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %3 = fx.sub %1, %2 : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}

// CHECK-LABEL: @not_scaled
func.func @not_scaled(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  // CHECK-NOT: fx.where
  %0 = fx.amax %x {dim = array<i64: 1>, keepdim = true} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %1 = fx.sub %x, %0 : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  %2 = fx.mul %x, %y : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = fx.amax %2 {dim = array<i64: 1>, keepdim = true} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %4 = fx.sub %2, %3 : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  return %1, %4 : tensor<4x8xf32>, tensor<4x8xf32>
}

// CHECK-LABEL: @difference_is_scaled
func.func @difference_is_scaled(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %c = arith.constant 0.125 : f64
  // CHECK-NOT: fx.where
  %0 = fx.mul %x, %c : (tensor<4x8xf32>, f64) -> tensor<4x8xf32>
  %1 = fx.amax %0 {dim = array<i64: 1>, keepdim = true} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %2 = fx.sub %0, %1 {alpha = 2.0 : f64} : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}
