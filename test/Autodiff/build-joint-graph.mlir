// RUN: fx-opt %s -split-input-file -fx-build-joint-graph -fx-verify-autodiff | FileCheck %s

// Arguments, results and gradients in the order of a joint function; the
// gradient of a broadcast operand is summed.
// CHECK-LABEL: @signature
// CHECK-SAME:  (%[[X:.*]]: tensor<2x3xf32> {fx.name = "x"}, %[[W:.*]]: tensor<3xf32> {fx.name = "w", fx.requires_grad}, %[[R:.*]]: tensor<3xf32> {fx.name = "running", fx.role = "buffer"}, %[[T:.*]]: tensor<2x3xf32> {fx.name = "tangents_1", fx.role = "tangent"})
// CHECK-SAME:  -> (tensor<3xf32> {fx.mutates = "running", fx.role = "mutation"}, tensor<2x3xf32> {fx.role = "output"}, tensor<3xf32> {fx.name = "w", fx.role = "gradient"})
func.func @signature(%x: tensor<2x3xf32> {fx.name = "x"}, %w: tensor<3xf32> {fx.name = "w", fx.requires_grad}, %running: tensor<3xf32> {fx.name = "running", fx.role = "buffer"})
    -> (tensor<2x3xf32> {fx.role = "output"}, tensor<3xf32> {fx.mutates = "running", fx.role = "mutation"}) {
  // CHECK: %[[Y:.*]] = fx.mul %[[X]], %[[W]]
  // CHECK: %[[NEW:.*]] = fx.add %[[R]], %[[W]]
  // CHECK: %[[G:.*]] = fx.mul %[[T]], %[[X]]
  // CHECK: %[[SUM:.*]] = fx.sum %[[G]] {dim = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<3xf32>
  // CHECK: return %[[NEW]], %[[Y]], %[[SUM]]
  %y = fx.mul %x, %w : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %new = fx.add %running, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %y, %new : tensor<2x3xf32>, tensor<3xf32>
}

// -----

// The gradients of two uses are added, the last user's first.
// CHECK-LABEL: @two_uses
func.func @two_uses(%x: tensor<4xf32> {fx.requires_grad}) -> tensor<4xf32> {
  // CHECK: %[[LAST:.*]] = fx.mul %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<4xf32>)
  // CHECK: %[[FIRST:.*]] = fx.mul %{{.*}}
  // CHECK: fx.add
  %0 = fx.sin %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.mul %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// detach, integers and comparisons stop gradients; what no argument reaches
// has no tangent.
// CHECK-LABEL: @stops
// CHECK-SAME:  %[[T:[a-z0-9]+]]: tensor<4xf32> {fx.name = "tangents_1", fx.role = "tangent"}) ->
// CHECK-SAME:  (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "output"}, tensor<4xi1> {fx.role = "output"}, tensor<4xf32> {fx.name = "x", fx.role = "gradient"})
func.func @stops(%x: tensor<4xf32> {fx.name = "x", fx.requires_grad}, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xi1>) {
  %0 = fx.detach %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.mul %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = fx.exp %c : (tensor<4xf32>) -> tensor<4xf32>
  %3 = fx.gt %x, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  // CHECK: %[[D:.*]] = fx.detach
  // CHECK: %[[G:.*]] = fx.mul %[[T]], %[[D]]
  // CHECK: return %{{.*}}, %{{.*}}, %{{.*}}, %[[G]]
  return %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xi1>
}

// -----

// Without fx.requires_grad in the module all but buffers count.
// CHECK-LABEL: @by_default
// CHECK-SAME:  -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.name = "x", fx.role = "gradient"})
func.func @by_default(%x: tensor<4xf32> {fx.name = "x"}, %b: tensor<4xf32> {fx.name = "b", fx.role = "buffer"}, %i: tensor<4xi64>) -> tensor<4xf32> {
  %0 = fx.mul %x, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = fx.add %0, %i : (tensor<4xf32>, tensor<4xi64>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Private functions are inlined and disappear.
// CHECK-LABEL: @caller
// CHECK-NOT: call
// CHECK: fx.sin
// CHECK: fx.cos
// CHECK-NOT: @callee
func.func @caller(%x: tensor<4xf32> {fx.requires_grad}) -> tensor<4xf32> {
  %0 = call @callee(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @callee(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = fx.sin %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A gradient in f32 of a bf16 operand is converted; `?` is summed as any size.
// CHECK-LABEL: @types
func.func @types(%x: tensor<?x1xbf16> {fx.requires_grad}, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // CHECK: fx.mul
  // CHECK: %[[G:.*]] = fx.mul {{.*}} -> tensor<?x4xf32>
  // CHECK: %[[S:.*]] = fx.sum %[[G]] {dim = array<i64: 1>, keepdim = true} : (tensor<?x4xf32>) -> tensor<?x1xf32>
  // CHECK: fx.convert_element_type %[[S]] {dtype = bf16}
  %0 = fx.mul %x, %y : (tensor<?x1xbf16>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
