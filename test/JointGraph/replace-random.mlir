// RUN: fx-opt %s -fx-replace-random | FileCheck %s
// Rule 3.10.

// CHECK-LABEL: @dropout
// CHECK-SAME: (%[[X:.*]]: tensor<4x?xf32>)
func.func @dropout(%x: tensor<4x?xf32>) -> tensor<4x?xf32> {
  // CHECK: %[[N:.*]] = fx.sym_size %[[X]] {dim = 1 : i64}
  // CHECK: %[[SEEDS:.*]] = fx.seeds {count = 1 : i64} : tensor<1xi64>
  // CHECK: %[[SEED:.*]] = fx.lookup_seed %[[SEEDS]] {index = 0 : i64}
  // CHECK: %[[R:.*]] = fx.random %[[SEED]] sizes = [4, %[[N]]] {mode = "rand"{{.*}}} : tensor<i64> -> tensor<4x?xf32>
  // CHECK: %[[P:.*]] = arith.constant 2.000000e-01
  // CHECK: %[[MASK:.*]] = fx.gt %[[R]], %[[P]]
  // CHECK: %[[KEPT:.*]] = fx.mul %[[MASK]], %[[X]]
  // CHECK: %[[SCALE:.*]] = arith.constant 1.250000e+00
  // CHECK: fx.mul %[[KEPT]], %[[SCALE]]
  %0 = fx.dropout %x {p = 0.2 : f64, train = true} : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return %0 : tensor<4x?xf32>
}

// CHECK-LABEL: @nothing_kept
func.func @nothing_kept(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NOT: fx.random
  // CHECK: fx.mul %{{.*}}, %{{.*}} : (tensor<4xf32>, f64)
  %0 = fx.dropout %x {p = 1.0 : f64, train = true} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @rand
func.func @rand(%n: i64) -> tensor<2x?xf16> {
  // CHECK: %[[R:.*]] = fx.random %{{.*}} sizes = [2, %{{.*}}] {mode = "rand"
  // CHECK: fx.convert_element_type %[[R]] {dtype = f16}
  %0 = fx.call "aten.rand.default"(%n) {arguments = [[2, {operand = 0 : i64}]], kwargs = {dtype = f16, pin_memory = false}, pure} : (i64) -> tensor<2x?xf16>
  return %0 : tensor<2x?xf16>
}

// CHECK-LABEL: @randn_like
func.func @randn_like(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // CHECK: fx.random %{{.*}} sizes = [4, 4] {mode = "randn"
  // CHECK-NOT: fx.call
  %0 = fx.call "aten.randn_like.default"(%x) {arguments = [{operand = 0 : i64}], pure} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// CHECK-LABEL: @bernoulli
func.func @bernoulli(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK: %[[B:.*]] = fx.lt %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  // CHECK: fx.convert_element_type %[[B]] {dtype = f32}
  // CHECK: fx.lt %{{.*}}, %{{.*}} : (tensor<4xf32>, f64) -> tensor<4xi1>
  %0 = fx.call "aten.bernoulli.default"(%x) {arguments = [{operand = 0 : i64}], pure} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.call "aten.bernoulli.p"(%x) {arguments = [{operand = 0 : i64}, 0.3 : f64], pure} : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: @native_dropout
func.func @native_dropout(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi1>) {
  // CHECK: %[[MASK:.*]] = fx.gt
  // CHECK: %[[KEPT:.*]] = fx.mul %[[MASK]]
  // CHECK: %[[Y:.*]] = fx.mul %[[KEPT]]
  // CHECK: return %[[Y]], %[[MASK]]
  %0:2 = fx.call "aten.native_dropout.default"(%x) {arguments = [{operand = 0 : i64}, 0.5 : f64, true], pure} : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi1>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xi1>
}

// A generator is a state of its own; multinomial has no rule.
// CHECK-LABEL: @kept
func.func @kept(%p: tensor<4xf32>) -> (tensor<2xf32>, tensor<2xi64>) {
  // CHECK: fx.call "aten.rand.generator"
  // CHECK: fx.call "aten.multinomial.default"
  %0 = fx.call "aten.rand.generator"() {arguments = [[2]], kwargs = {generator = "g"}} : () -> tensor<2xf32>
  %1 = fx.call "aten.multinomial.default"(%p) {arguments = [{operand = 0 : i64}, 2]} : (tensor<4xf32>) -> tensor<2xi64>
  return %0, %1 : tensor<2xf32>, tensor<2xi64>
}
