// RUN: fx-opt %s -fx-decompose=level=core | FileCheck %s
// RUN: not fx-opt %s -fx-decompose=level=all 2>&1 | FileCheck %s --check-prefix=LEVEL

// LEVEL: level of fx-decompose is 'all', but must be autodiff, core or lowering

// Computed in f32, as ATen does.
// CHECK-LABEL: @softmax
func.func @softmax(%x: tensor<2x?xbf16>) -> tensor<2x?xbf16> {
  // CHECK-NEXT: %[[X:.*]] = fx.convert_element_type %{{.*}} {dtype = f32}
  // CHECK-NEXT: %[[M:.*]] = fx.amax %[[X]] {dim = array<i64: 1>, keepdim = true}
  // CHECK-NEXT: %[[S:.*]] = fx.sub %[[X]], %[[M]]
  // CHECK-NEXT: %[[E:.*]] = fx.exp %[[S]]
  // CHECK-NEXT: %[[D:.*]] = fx.sum %[[E]] {dim = array<i64: 1>, keepdim = true}
  // CHECK-NEXT: %[[Y:.*]] = fx.div %[[E]], %[[D]]
  // CHECK-NEXT: fx.convert_element_type %[[Y]] {dtype = bf16}
  %0 = fx.softmax %x {dim = -1 : i64} : (tensor<2x?xbf16>) -> tensor<2x?xbf16>
  return %0 : tensor<2x?xbf16>
}

// The variance takes two passes; the divisor is known.
// CHECK-LABEL: @variance
func.func @variance(%x: tensor<2x5xf32>) -> tensor<2xf32> {
  // CHECK-DAG: %[[N:.*]] = arith.constant 5 : i64
  // CHECK-DAG: %[[FOUR:.*]] = arith.constant 4.000000e+00 : f64
  // CHECK: %[[SUM:.*]] = fx.sum
  // CHECK: %[[MEAN:.*]] = fx.div %[[SUM]], %[[N]]
  // CHECK: %[[D:.*]] = fx.sub %{{.*}}, %[[MEAN]]
  // CHECK: %[[Q:.*]] = fx.mul %[[D]], %[[D]]
  // CHECK: %[[V:.*]] = fx.sum %[[Q]]
  // CHECK: fx.div %[[V]], %[[FOUR]]
  %0 = fx.var %x {dim = array<i64: 1>, correction = 1.0 : f64} : (tensor<2x5xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: @dropout_is_off
// CHECK-NEXT: return %arg0
func.func @dropout_is_off(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = fx.dropout %x {p = 0.5 : f64, train = false} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @dropout
func.func @dropout(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: %[[SEEDS:.*]] = fx.seeds
  // CHECK: %[[SEED:.*]] = fx.lookup_seed %[[SEEDS]]
  // CHECK: %[[R:.*]] = fx.random %[[SEED]] sizes = [4]
  // CHECK: %[[K:.*]] = fx.gt %[[R]]
  // CHECK: %[[M:.*]] = fx.mul %[[K]], %{{.*}} : (tensor<4xi1>, tensor<4xf32>)
  // CHECK: fx.mul %[[M]]
  %0 = fx.dropout %x {p = 0.5 : f64, train = true} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Windows of different sizes: means of slices, rows first.
// CHECK-LABEL: @adaptive_pool
func.func @adaptive_pool(%x: tensor<1x2x5x4xf32>) -> tensor<1x2x3x2xf32> {
  // CHECK-COUNT-3: fx.slice %arg0
  // CHECK-NOT: fx.adaptive_avg_pool2d
  %0 = fx.adaptive_avg_pool2d %x {output_size = array<i64: 3, 2>} : (tensor<1x2x5x4xf32>) -> tensor<1x2x3x2xf32>
  return %0 : tensor<1x2x3x2xf32>
}
