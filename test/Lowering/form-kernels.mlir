// RUN: fx-opt %s -fx-form-kernels | FileCheck %s
// RUN: fx-opt %s -fx-form-kernels=fuse=false | FileCheck %s --check-prefix=APART

#full = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// A reduction over rows, its producer and its consumer are one kernel.
// CHECK-LABEL: @normalize
// CHECK: %[[K:.*]] = fx.kernel loops ins(%{{.*}} : tensor<8x32xf32>)
// CHECK-COUNT-3: linalg.generic
// CHECK: fx.kernel_return
// CHECK: return %[[K]]
// APART-LABEL: @normalize
// APART-COUNT-3: fx.kernel generic
func.func @normalize(%x: tensor<8x32xf32>) -> tensor<8x32xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x32xf32>
  %sq = linalg.generic {indexing_maps = [#full, #full], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<8x32xf32>) outs(%e : tensor<8x32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.mulf %a, %a : f32
    linalg.yield %0 : f32
  } -> tensor<8x32xf32>
  %e1 = tensor.empty() : tensor<8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e1 : tensor<8xf32>) -> tensor<8xf32>
  %sum = linalg.generic {indexing_maps = [#full, #row], iterator_types = ["parallel", "reduction"]} ins(%sq : tensor<8x32xf32>) outs(%init : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %o : f32
    linalg.yield %0 : f32
  } -> tensor<8xf32>
  %r = linalg.generic {indexing_maps = [#full, #row, #full], iterator_types = ["parallel", "parallel"]} ins(%x, %sum : tensor<8x32xf32>, tensor<8xf32>) outs(%e : tensor<8x32xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<8x32xf32>
  return %r : tensor<8x32xf32>
}

// Two reductions of one tensor read it once.
// CHECK-LABEL: @siblings
// CHECK: fx.kernel loops
// CHECK-SAME: -> (tensor<8xf32>, tensor<8xf32>)
// CHECK-NOT: fx.kernel loops
// CHECK: return
func.func @siblings(%x: tensor<8x64xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %e1 = tensor.empty() : tensor<8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e1 : tensor<8xf32>) -> tensor<8xf32>
  %sum = linalg.generic {indexing_maps = [#full, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<8x64xf32>) outs(%init : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %o : f32
    linalg.yield %0 : f32
  } -> tensor<8xf32>
  %max = linalg.generic {indexing_maps = [#full, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<8x64xf32>) outs(%init : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.maximumf %a, %o : f32
    linalg.yield %0 : f32
  } -> tensor<8xf32>
  return %sum, %max : tensor<8xf32>, tensor<8xf32>
}

// A reshape at the rim of a kernel stays outside, where it costs nothing.
// CHECK-LABEL: @rim_reshape
// CHECK: %[[K:.*]] = fx.kernel loops
// CHECK: %[[R:.*]] = tensor.collapse_shape %[[K]]
// CHECK: return %[[R]]
func.func @rim_reshape(%x: tensor<8x32xf32>) -> tensor<256xf32> {
  %e = tensor.empty() : tensor<8x32xf32>
  %y = linalg.generic {indexing_maps = [#full, #full], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<8x32xf32>) outs(%e : tensor<8x32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  } -> tensor<8x32xf32>
  %r = tensor.collapse_shape %y [[0, 1]] : tensor<8x32xf32> into tensor<256xf32>
  return %r : tensor<256xf32>
}

#channel = affine_map<(d0, d1, d2) -> (d1)>
#one = affine_map<(d0) -> (d0)>
#all = affine_map<(d0, d1, d2) -> (d0, d1, d2)>

// The values of a channel are computed once a row: a batch normalisation and
// another one behind it are one kernel.
// CHECK-LABEL: @channels
// CHECK: fx.kernel loops
// CHECK-NOT: fx.kernel loops
// CHECK: return
func.func @channels(%x: tensor<8x4x512xf32>, %v: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<8x4x512xf32> {
  %e = tensor.empty() : tensor<8x4x512xf32>
  %ec = tensor.empty() : tensor<4xf32>
  %one = arith.constant 1.0 : f32
  %rv = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%v : tensor<4xf32>) outs(%ec : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.exp %a : f32
    %1 = arith.divf %one, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#all, #channel, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %rv : tensor<8x4x512xf32>, tensor<4xf32>) outs(%e : tensor<8x4x512xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %0 = arith.mulf %a, %c : f32
    linalg.yield %0 : f32
  } -> tensor<8x4x512xf32>
  %rw = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%w : tensor<4xf32>) outs(%ec : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.exp %a : f32
    %1 = arith.divf %one, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  %z = linalg.generic {indexing_maps = [#all, #channel, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%y, %rw : tensor<8x4x512xf32>, tensor<4xf32>) outs(%e : tensor<8x4x512xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %0 = arith.addf %a, %c : f32
    linalg.yield %0 : f32
  } -> tensor<8x4x512xf32>
  return %z : tensor<8x4x512xf32>
}
