// RUN: fx-opt %s -split-input-file -fx-build-joint-graph -fx-partition-loops -fx-verify-autodiff | FileCheck %s

// A step is cut as a function would be: the results of both products' functions
// are kept (the first one is a result anyhow), the carried value to find the
// gradient of the weight, and nothing of the step is computed again. The weights
// are the same in all steps and are there.
// CHECK-LABEL: func.func @recurrence
// CHECK: %[[F:.*]]:4 = fx.scan init(%{{.*}}) xs(%{{.*}}) additional(%[[W:.*]], %[[V:.*]] :
// CHECK: ^bb0(%[[H:.*]]: tensor<4x16xf32>, %{{.*}}: tensor<4x16xf32>, %{{.*}}: tensor<16x16xf32>, %{{.*}}: tensor<16x16xf32>):
// CHECK-DAG: %[[T0:.*]] = fx.tanh
// CHECK-DAG: %[[T1:.*]] = fx.tanh
// CHECK: fx.yield
// CHECK-SAME: : tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>
// CHECK-DAG: fx.flip %[[F]]#1
// CHECK-DAG: fx.flip %[[F]]#2
// CHECK-DAG: fx.flip %[[F]]#3
// CHECK: fx.scan init
// CHECK-SAME: additional(%[[W]], %[[V]]
// CHECK-NOT: fx.tanh
// CHECK: return
func.func @recurrence(
    %h: tensor<4x16xf32> {fx.role = "input", fx.name = "h"},
    %x: tensor<9x4x16xf32> {fx.role = "input", fx.name = "x"},
    %w: tensor<16x16xf32> {fx.role = "parameter", fx.name = "w", fx.requires_grad},
    %v: tensor<16x16xf32> {fx.role = "parameter", fx.name = "v", fx.requires_grad})
    -> (tensor<4x16xf32> {fx.role = "output"}, tensor<9x4x16xf32> {fx.role = "output"}) {
  %last, %ys = fx.scan init(%h : tensor<4x16xf32>) xs(%x : tensor<9x4x16xf32>)
      additional(%w, %v : tensor<16x16xf32>, tensor<16x16xf32>)
      -> tensor<4x16xf32>, tensor<9x4x16xf32> {
  ^bb0(%a: tensor<4x16xf32>, %b: tensor<4x16xf32>, %ww: tensor<16x16xf32>, %vv: tensor<16x16xf32>):
    %0 = fx.mm %a, %ww : (tensor<4x16xf32>, tensor<16x16xf32>) -> tensor<4x16xf32> loc("mm")
    %1 = fx.tanh %0 : (tensor<4x16xf32>) -> tensor<4x16xf32> loc("tanh")
    %2 = fx.mm %1, %vv : (tensor<4x16xf32>, tensor<16x16xf32>) -> tensor<4x16xf32> loc("mm_1")
    %3 = fx.add %2, %b : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32> loc("add")
    %4 = fx.tanh %3 : (tensor<4x16xf32>) -> tensor<4x16xf32> loc("tanh_1")
    fx.yield %4, %1 : tensor<4x16xf32>, tensor<4x16xf32>
  }
  return %last, %ys : tensor<4x16xf32>, tensor<9x4x16xf32>
}

// -----

// A map carries nothing and its backward goes over it in the same order. Cheap
// pointwise ops of a slice that is there are computed again: nothing is kept.
// CHECK-LABEL: func.func @slices
// CHECK: fx.map xs(%[[X:.*]] : tensor<9x4xf32>)
// CHECK-SAME: -> tensor<9x4xf32> {
// CHECK-NOT: fx.flip
// CHECK: fx.scan xs(%[[X]], %{{.*}} : tensor<9x4xf32>, tensor<9x4xf32>)
func.func @slices(%x: tensor<9x4xf32> {fx.role = "input", fx.name = "x", fx.requires_grad})
    -> (tensor<9x4xf32> {fx.role = "output"}) {
  %r = fx.map xs(%x : tensor<9x4xf32>) -> tensor<9x4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %0 = fx.sin %a : (tensor<4xf32>) -> tensor<4xf32>
    %1 = fx.mul %0, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    fx.yield %1 : tensor<4xf32>
  }
  return %r : tensor<9x4xf32>
}

// -----

// A tag holds inside of a loop, too.
// CHECK-LABEL: func.func @tagged
// CHECK: fx.scan
// CHECK: fx.scan
// CHECK: fx.mm {{.*}}fx.remat = "must_recompute"
func.func @tagged(
    %h: tensor<4x4xf32> {fx.role = "input", fx.name = "h"},
    %x: tensor<9x4x4xf32> {fx.role = "input", fx.name = "x", fx.requires_grad})
    -> (tensor<4x4xf32> {fx.role = "output"}) {
  %last = fx.scan init(%h : tensor<4x4xf32>) xs(%x : tensor<9x4x4xf32>) -> tensor<4x4xf32> {
  ^bb0(%a: tensor<4x4xf32>, %b: tensor<4x4xf32>):
    %0 = fx.mm %a, %b {fx.remat = "must_recompute"} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %1 = fx.sin %0 : (tensor<4x4xf32>) -> tensor<4x4xf32>
    fx.yield %1 : tensor<4x4xf32>
  }
  return %last : tensor<4x4xf32>
}
