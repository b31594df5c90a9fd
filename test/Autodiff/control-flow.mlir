// RUN: fx-opt --fx-build-joint-graph --split-input-file %s | FileCheck %s
// RUN: fx-opt --fx-build-joint-graph --split-input-file %s | fx-opt --split-input-file | FileCheck %s

// The backward is a cond that takes what its branches need, and yields zeros
// for what a branch does not use.
// CHECK-LABEL: func @cond
// CHECK-SAME: %[[P:[^:]*]]: tensor<i1>, %[[X:[^:]*]]: tensor<4xf32> {{[^%]*}}, %[[Y:[^:]*]]: tensor<4xf32> {{[^%]*}}, %[[T:[^:]*]]: tensor<4xf32>
// CHECK: fx.cond %[[P]], %[[X]], %[[Y]]
// CHECK: %[[G:.*]]:2 = fx.cond %[[P]], %[[X]], %[[T]] : (tensor<i1>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
// CHECK: ^bb0(%[[A:.*]]: tensor<4xf32>, %[[D:.*]]: tensor<4xf32>):
// CHECK: %[[COS:.*]] = fx.cos %[[A]]
// CHECK: %[[DX:.*]] = fx.mul %[[D]], %[[COS]]
// CHECK: %[[ZERO:.*]] = fx.full
// CHECK: fx.yield %[[DX]], %[[ZERO]]
// CHECK: else
// CHECK: ^bb0(%{{.*}}: tensor<4xf32>, %[[D:.*]]: tensor<4xf32>):
// CHECK: %[[ZERO:.*]] = fx.full
// CHECK: fx.yield %[[ZERO]], %[[D]]
func.func @cond(%p: tensor<i1>, %x: tensor<4xf32> {fx.requires_grad}, %y: tensor<4xf32> {fx.requires_grad}) -> tensor<4xf32> {
  %0 = fx.cond %p, %x, %y : (tensor<i1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    %1 = fx.sin %a : (tensor<4xf32>) -> tensor<4xf32>
    fx.yield %1 : tensor<4xf32>
  } else {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    fx.yield %b : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

// What is carried into each step is stacked, since its cosine is needed; the
// slices of %x are not.
// CHECK-LABEL: func @scan
// CHECK-SAME: %[[H:[^:]*]]: tensor<4xf32> {{[^%]*}}, %[[X:[^:]*]]: tensor<9x4xf32> {{[^%]*}}, %[[T:[^:]*]]: tensor<4xf32>
// CHECK: %[[F:.*]]:2 = fx.scan init(%[[H]] : tensor<4xf32>) xs(%[[X]] : tensor<9x4xf32>) -> tensor<4xf32>, tensor<9x4xf32>
// CHECK: ^bb0(%[[C:.*]]: tensor<4xf32>, %{{.*}}: tensor<4xf32>):
// CHECK: fx.yield %{{.*}}, %[[C]]
// CHECK: %[[REVERSED:.*]] = fx.flip %[[F]]#1
// CHECK: %[[B:.*]]:2 = fx.scan init(%[[T]] : tensor<4xf32>) xs(%[[REVERSED]] : tensor<9x4xf32>) -> tensor<4xf32>, tensor<9x4xf32>
// CHECK: fx.cos
// CHECK: %[[DX:.*]] = fx.flip %[[B]]#1
// CHECK: return %[[F]]#0, %[[B]]#0, %[[DX]]
func.func @scan(%h: tensor<4xf32> {fx.requires_grad}, %x: tensor<9x4xf32> {fx.requires_grad}) -> tensor<4xf32> {
  %0 = fx.scan init(%h : tensor<4xf32>) xs(%x : tensor<9x4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    %1 = fx.sin %a : (tensor<4xf32>) -> tensor<4xf32>
    %2 = fx.add %1, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    fx.yield %2 : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

// Nothing carried is needed, so nothing is stacked; a map is not reversed.
// CHECK-LABEL: func @map
// CHECK: fx.map
// CHECK-NOT: fx.flip
// CHECK: fx.scan init(%{{.*}} : tensor<4xf32>)
// CHECK-NOT: fx.flip
// CHECK: return
func.func @map(%x: tensor<9x4xf32> {fx.requires_grad}, %w: tensor<4xf32> {fx.requires_grad}) -> tensor<9x4xf32> {
  %0 = fx.map xs(%x : tensor<9x4xf32>) additional(%w : tensor<4xf32>) -> tensor<9x4xf32> {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    %1 = fx.mul %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    fx.yield %1 : tensor<4xf32>
  }
  return %0 : tensor<9x4xf32>
}

// -----

// Seven rounds: 0, 3, … 18.
// CHECK-LABEL: func @counted
// CHECK-NOT: fx.while
// CHECK: fx.scan {{.*}} xs(%{{.*}} : tensor<7xi64>)
// CHECK: fx.scan
func.func @counted(%x: tensor<4xf32> {fx.requires_grad}) -> tensor<4xf32> {
  %c0 = arith.constant 0 : i64
  %0 = fx.full %c0 sizes = [] {dtype = i64} : i64 -> tensor<i64>
  %1:2 = fx.while carried(%0, %x : tensor<i64>, tensor<4xf32>) -> tensor<i64>, tensor<4xf32> {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>):
    %c18 = arith.constant 18 : i64
    %2 = fx.ge %c18, %i : (i64, tensor<i64>) -> tensor<i1>
    fx.yield %2 : tensor<i1>
  } do {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>):
    %c3 = arith.constant 3 : i64
    %2 = fx.add %i, %c3 : (tensor<i64>, i64) -> tensor<i64>
    %3 = fx.sin %a : (tensor<4xf32>) -> tensor<4xf32>
    fx.yield %2, %3 : tensor<i64>, tensor<4xf32>
  }
  return %1#1 : tensor<4xf32>
}
