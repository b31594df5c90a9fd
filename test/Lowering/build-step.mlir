// RUN: fx-opt %s -fx-build-step | FileCheck %s
// RUN: fx-opt %s -fx-build-step -fx-plan-memory | FileCheck %s --check-prefix=PLAN

// One function runs both: what the forward saves is its own, an argument of the
// forward that the backward takes, too, is one argument.
// CHECK-LABEL: func.func @step
// CHECK-SAME: (%[[X:.*]]: tensor<256xf32>, %[[W:.*]]: tensor<256xf32>, %[[T:.*]]: tensor<f32>)
// CHECK-SAME: -> (tensor<f32>, tensor<256xf32>, tensor<f32>)
// CHECK-SAME: results_in_workspace
// CHECK: %[[SAVED:.*]] = fx.kernel generic ins(%[[X]], %[[W]]
// CHECK: %[[LOSS:.*]] = fx.kernel generic ins(%[[SAVED]]
// CHECK: %[[MIDDLE:.*]] = fx.kernel generic ins(%[[T]], %[[SAVED]]
// CHECK: %[[GRADIENT:.*]] = fx.kernel generic ins(%[[MIDDLE]], %[[W]]
// CHECK: return %[[LOSS]], %[[GRADIENT]], %[[T]]

// The saved value is dead behind its use in the backward: the gradient takes its
// place. Apart, both are the caller's.
// PLAN-LABEL: func.func @backward
// PLAN-SAME: fx.workspace_bytes = 1024
// PLAN: fx.placement = array<i64: 0>
// PLAN: fx.placement = array<i64: -1>
// PLAN-LABEL: func.func @step
// PLAN-SAME: fx.workspace_bytes = 2112
// PLAN: fx.placement = array<i64: 0>
// PLAN: fx.placement = array<i64: 2048>
// PLAN: fx.placement = array<i64: 1024>
// PLAN: fx.placement = array<i64: 0>
func.func @forward(%x: tensor<256xf32>, %w: tensor<256xf32>)
    -> (tensor<f32>, tensor<256xf32>) {
  %0 = fx.kernel generic ins(%x, %w : tensor<256xf32>, tensor<256xf32>) -> (tensor<256xf32>) {
  ^bb0(%a: tensor<256xf32>, %b: tensor<256xf32>):
    fx.kernel_return %a : tensor<256xf32>
  }
  %1 = fx.kernel generic ins(%0 : tensor<256xf32>) -> (tensor<f32>) {
  ^bb0(%a: tensor<256xf32>):
    %e = tensor.empty() : tensor<f32>
    fx.kernel_return %e : tensor<f32>
  }
  return %1, %0 : tensor<f32>, tensor<256xf32>
}
func.func @backward(%saved: tensor<256xf32>, %w: tensor<256xf32>, %t: tensor<f32>)
    -> (tensor<256xf32>, tensor<f32>) attributes {
      step_forward = @forward,
      step_arguments = array<i64: 1, -2, -9223372036854775808>,
      step_results = array<i64: 0>} {
  %0 = fx.kernel generic ins(%t, %saved : tensor<f32>, tensor<256xf32>) -> (tensor<256xf32>) {
  ^bb0(%a: tensor<f32>, %b: tensor<256xf32>):
    fx.kernel_return %b : tensor<256xf32>
  }
  %1 = fx.kernel generic ins(%0, %w : tensor<256xf32>, tensor<256xf32>) -> (tensor<256xf32>) {
  ^bb0(%a: tensor<256xf32>, %b: tensor<256xf32>):
    fx.kernel_return %a : tensor<256xf32>
  }
  return %1, %t : tensor<256xf32>, tensor<f32>
}
