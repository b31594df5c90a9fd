// RUN: fx-opt %s -fx-fuse-attention | FileCheck %s
// RUN: fx-opt %s -fx-fuse-attention --remarks-filter=fx-fuse-attention -o %t 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: fx-opt %s -fx-fuse-attention -fx-decompose=level=lowering | FileCheck %s --check-prefix=LOWERED

// Rule 3.8b. All of Inductor's families: test/python/test_attention_families.py.
// A reason is given for what looks like attention and is left.
// REMARK-DAG: loc("scores_returned"): [Missed] attention{{.*}}another op uses a value between the products
// REMARK-DAG: loc("dropped"): [Missed] attention{{.*}}dropped out or has another use
// REMARK-DAG: loc("wide_values"): [Missed] attention{{.*}}sizes of query, key and value
// REMARK-DAG: loc("trained"): [Missed] attention{{.*}}another op uses a value between the products

// Without a kernel the lowering computes the formula.
// LOWERED-NOT: fx.flash_attention
// LOWERED: fx.bmm

// Families 1 and 2, 3-D as family 13.
// CHECK-LABEL: @scaled
// CHECK-SAME:  (%[[Q:.*]]: tensor<4x3x8xf32>, %[[K:.*]]: tensor<4x5x8xf32>, %[[V:.*]]: tensor<4x5x8xf32>)
func.func @scaled(%q: tensor<4x3x8xf32>, %k: tensor<4x5x8xf32>, %v: tensor<4x5x8xf32>) -> tensor<4x3x8xf32> {
  // CHECK-NOT: fx.bmm
  // CHECK-DAG: %[[Q4:.*]] = fx.view %[[Q]] sizes = [1, 4, 3, 8]
  // CHECK-DAG: %[[KT:.*]] = fx.permute %[[K]] dims = [0, 2, 1]
  // CHECK-DAG: %[[KT4:.*]] = fx.view %[[KT]] sizes = [1, 4, 8, 5]
  // CHECK-DAG: %[[K4:.*]] = fx.permute %[[KT4]] dims = [0, 1, 3, 2]
  // CHECK-DAG: %[[V4:.*]] = fx.view %[[V]] sizes = [1, 4, 5, 8]
  // CHECK:     %[[O:.*]], %{{.*}} = fx.flash_attention_for_cpu %[[Q4]], %[[K4]], %[[V4]]
  // CHECK-SAME: scale = 2.500000e-01
  // CHECK:     %[[R:.*]] = fx.view %[[O]] sizes = [4, 3, 8]
  // CHECK:     return %[[R]]
  %c = arith.constant 4.0 : f64
  %kt = fx.permute %k dims = [0, 2, 1] : tensor<4x5x8xf32> -> tensor<4x8x5xf32>
  %0 = fx.bmm %q, %kt : (tensor<4x3x8xf32>, tensor<4x8x5xf32>) -> tensor<4x3x5xf32>
  %1 = fx.div %0, %c : (tensor<4x3x5xf32>, f64) -> tensor<4x3x5xf32>
  %2 = fx.amax %1 {dim = array<i64: -1>, keepdim = true} : (tensor<4x3x5xf32>) -> tensor<4x3x1xf32>
  %3 = fx.sub %1, %2 : (tensor<4x3x5xf32>, tensor<4x3x1xf32>) -> tensor<4x3x5xf32>
  %4 = fx.exp %3 : (tensor<4x3x5xf32>) -> tensor<4x3x5xf32>
  %5 = fx.sum %4 {dim = array<i64: -1>, keepdim = true} : (tensor<4x3x5xf32>) -> tensor<4x3x1xf32>
  %6 = fx.div %4, %5 : (tensor<4x3x5xf32>, tensor<4x3x1xf32>) -> tensor<4x3x5xf32>
  %7 = fx.bmm %6, %v : (tensor<4x3x5xf32>, tensor<4x5x8xf32>) -> tensor<4x3x8xf32>
  return %7 : tensor<4x3x8xf32>
}

// Family 19: a selection inside a bias; they become one mask. The fill of the
// selection hides scores also where it is the least number.
// CHECK-LABEL: @two_masks
// CHECK-SAME:  %[[C:[^:]*]]: tensor<1x1x4x4xi1>, %[[B:[^:]*]]: tensor<2x1x1x4xf32>
func.func @two_masks(%q: tensor<2x2x4x8xf32>, %k: tensor<2x2x4x8xf32>, %v: tensor<2x2x4x8xf32>,
                     %c: tensor<1x1x4x4xi1>, %b: tensor<2x1x1x4xf32>) -> tensor<2x2x4x8xf32> {
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.0
  // CHECK-DAG: %[[LEAST:.*]] = arith.constant -3.4028234663852886E+38
  // CHECK: %[[S:.*]] = fx.where %[[C]], %[[ZERO]], %[[LEAST]]
  // CHECK: %[[M:.*]] = fx.add %[[S]], %[[B]]
  // CHECK: fx.flash_attention_for_cpu %arg0, %arg1, %arg2, %[[M]]
  // CHECK-NEXT: return
  %least = arith.constant 0xC7EFFFFFE0000000 : f64
  %kt = fx.permute %k dims = [0, 1, 3, 2] : tensor<2x2x4x8xf32> -> tensor<2x2x8x4xf32>
  %q3 = fx.view %q sizes = [4, 4, 8] : tensor<2x2x4x8xf32> -> tensor<4x4x8xf32>
  %k3 = fx.view %kt sizes = [4, 8, 4] : tensor<2x2x8x4xf32> -> tensor<4x8x4xf32>
  %v3 = fx.view %v sizes = [4, 4, 8] : tensor<2x2x4x8xf32> -> tensor<4x4x8xf32>
  %0 = fx.bmm %q3, %k3 : (tensor<4x4x8xf32>, tensor<4x8x4xf32>) -> tensor<4x4x4xf32>
  %1 = fx.view %0 sizes = [2, 2, 4, 4] : tensor<4x4x4xf32> -> tensor<2x2x4x4xf32>
  %2 = fx.where %c, %1, %least : (tensor<1x1x4x4xi1>, tensor<2x2x4x4xf32>, f64) -> tensor<2x2x4x4xf32>
  %3 = fx.add %2, %b : (tensor<2x2x4x4xf32>, tensor<2x1x1x4xf32>) -> tensor<2x2x4x4xf32>
  %4 = fx.amax %3 {dim = array<i64: 3>, keepdim = true} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x1xf32>
  %5 = fx.sub %3, %4 : (tensor<2x2x4x4xf32>, tensor<2x2x4x1xf32>) -> tensor<2x2x4x4xf32>
  %6 = fx.exp %5 : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %7 = fx.sum %6 {dim = array<i64: 3>, keepdim = true} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x1xf32>
  %8 = fx.div %6, %7 : (tensor<2x2x4x4xf32>, tensor<2x2x4x1xf32>) -> tensor<2x2x4x4xf32>
  %9 = fx.view %8 sizes = [4, 4, 4] : tensor<2x2x4x4xf32> -> tensor<4x4x4xf32>
  %10 = fx.bmm %9, %v3 : (tensor<4x4x4xf32>, tensor<4x4x8xf32>) -> tensor<4x4x8xf32>
  %11 = fx.view %10 sizes = [2, 2, 4, 8] : tensor<4x4x8xf32> -> tensor<2x2x4x8xf32>
  return %11 : tensor<2x2x4x8xf32>
}

// The forward and the backward of family 2. The transposed key's gradient is
// transposed back: both go.
// CHECK-LABEL: @training
// CHECK-SAME:  %[[T:[^:]*]]: tensor<1x2x3x8xf32>)
func.func @training(%q: tensor<1x2x3x8xf32>, %k: tensor<1x2x3x8xf32>, %v: tensor<1x2x3x8xf32>, %t: tensor<1x2x3x8xf32>)
    -> (tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>) {
  // CHECK-NEXT: %[[O:.*]], %[[L:.*]] = fx.flash_attention_for_cpu %arg0, %arg1, %arg2 {scale = 5.0{{.*}}}
  // CHECK-NEXT: %[[DQ:.*]], %[[DK:.*]], %[[DV:.*]] = fx.flash_attention_for_cpu_backward %[[T]], %arg0, %arg1, %arg2, %[[O]], %[[L]] {scale = 5.0
  // CHECK-NEXT: return %[[O]], %[[DQ]], %[[DK]], %[[DV]]
  %c = arith.constant 0.5 : f64
  %kt = fx.permute %k dims = [0, 1, 3, 2] : tensor<1x2x3x8xf32> -> tensor<1x2x8x3xf32>
  %q3 = fx.view %q sizes = [2, 3, 8] : tensor<1x2x3x8xf32> -> tensor<2x3x8xf32>
  %k3 = fx.view %kt sizes = [2, 8, 3] : tensor<1x2x8x3xf32> -> tensor<2x8x3xf32>
  %v3 = fx.view %v sizes = [2, 3, 8] : tensor<1x2x3x8xf32> -> tensor<2x3x8xf32>
  %0 = fx.bmm %q3, %k3 : (tensor<2x3x8xf32>, tensor<2x8x3xf32>) -> tensor<2x3x3xf32>
  %1 = fx.view %0 sizes = [1, 2, 3, 3] : tensor<2x3x3xf32> -> tensor<1x2x3x3xf32>
  %2 = fx.mul %1, %c : (tensor<1x2x3x3xf32>, f64) -> tensor<1x2x3x3xf32>
  %3 = fx.amax %2 {dim = array<i64: -1>, keepdim = true} : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x1xf32>
  %4 = fx.sub %2, %3 : (tensor<1x2x3x3xf32>, tensor<1x2x3x1xf32>) -> tensor<1x2x3x3xf32>
  %5 = fx.exp %4 : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %6 = fx.sum %5 {dim = array<i64: -1>, keepdim = true} : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x1xf32>
  %p = fx.div %5, %6 : (tensor<1x2x3x3xf32>, tensor<1x2x3x1xf32>) -> tensor<1x2x3x3xf32>
  %p3 = fx.view %p sizes = [2, 3, 3] : tensor<1x2x3x3xf32> -> tensor<2x3x3xf32>
  %7 = fx.bmm %p3, %v3 : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %out = fx.view %7 sizes = [1, 2, 3, 8] : tensor<2x3x8xf32> -> tensor<1x2x3x8xf32>
  %g = fx.view %t sizes = [2, 3, 8] : tensor<1x2x3x8xf32> -> tensor<2x3x8xf32>
  %pt = fx.permute %p3 dims = [0, 2, 1] : tensor<2x3x3xf32> -> tensor<2x3x3xf32>
  %8 = fx.bmm %pt, %g : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %dv = fx.view %8 sizes = [1, 2, 3, 8] : tensor<2x3x8xf32> -> tensor<1x2x3x8xf32>
  %vt = fx.permute %v3 dims = [0, 2, 1] : tensor<2x3x8xf32> -> tensor<2x8x3xf32>
  %9 = fx.bmm %g, %vt : (tensor<2x3x8xf32>, tensor<2x8x3xf32>) -> tensor<2x3x3xf32>
  %10 = fx.view %9 sizes = [1, 2, 3, 3] : tensor<2x3x3xf32> -> tensor<1x2x3x3xf32>
  %11 = fx.mul %10, %p : (tensor<1x2x3x3xf32>, tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %12 = fx.sum %11 {dim = array<i64: -1>, keepdim = true} : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x1xf32>
  %13 = fx.mul %p, %12 : (tensor<1x2x3x3xf32>, tensor<1x2x3x1xf32>) -> tensor<1x2x3x3xf32>
  %14 = fx.sub %11, %13 : (tensor<1x2x3x3xf32>, tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %15 = fx.mul %14, %c : (tensor<1x2x3x3xf32>, f64) -> tensor<1x2x3x3xf32>
  %16 = fx.view %15 sizes = [2, 3, 3] : tensor<1x2x3x3xf32> -> tensor<2x3x3xf32>
  %qt = fx.permute %q3 dims = [0, 2, 1] : tensor<2x3x8xf32> -> tensor<2x8x3xf32>
  %17 = fx.bmm %qt, %16 : (tensor<2x8x3xf32>, tensor<2x3x3xf32>) -> tensor<2x8x3xf32>
  %18 = fx.view %17 sizes = [1, 2, 8, 3] : tensor<2x8x3xf32> -> tensor<1x2x8x3xf32>
  %dk = fx.permute %18 dims = [0, 1, 3, 2] : tensor<1x2x8x3xf32> -> tensor<1x2x3x8xf32>
  %ktt = fx.permute %k3 dims = [0, 2, 1] : tensor<2x8x3xf32> -> tensor<2x3x8xf32>
  %19 = fx.bmm %16, %ktt : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %dq = fx.view %19 sizes = [1, 2, 3, 8] : tensor<2x3x8xf32> -> tensor<1x2x3x8xf32>
  return %out, %dq, %dk, %dv : tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>
}

// Somebody wants the probabilities.
// CHECK-LABEL: @probabilities_returned
// CHECK-NOT: flash
func.func @probabilities_returned(%q: tensor<4x3x8xf32>, %kt: tensor<4x8x5xf32>, %v: tensor<4x5x8xf32>) -> (tensor<4x3x8xf32>, tensor<4x3x5xf32>) {
  %0 = fx.bmm %q, %kt : (tensor<4x3x8xf32>, tensor<4x8x5xf32>) -> tensor<4x3x5xf32>
  %1 = fx.amax %0 {dim = array<i64: -1>, keepdim = true} : (tensor<4x3x5xf32>) -> tensor<4x3x1xf32>
  %2 = fx.sub %0, %1 : (tensor<4x3x5xf32>, tensor<4x3x1xf32>) -> tensor<4x3x5xf32>
  %3 = fx.exp %2 : (tensor<4x3x5xf32>) -> tensor<4x3x5xf32>
  %4 = fx.sum %3 {dim = array<i64: -1>, keepdim = true} : (tensor<4x3x5xf32>) -> tensor<4x3x1xf32>
  %5 = fx.div %3, %4 : (tensor<4x3x5xf32>, tensor<4x3x1xf32>) -> tensor<4x3x5xf32> loc("scores_returned")
  %6 = fx.bmm %5, %v : (tensor<4x3x5xf32>, tensor<4x5x8xf32>) -> tensor<4x3x8xf32>
  return %6, %5 : tensor<4x3x8xf32>, tensor<4x3x5xf32>
}

// The probabilities are multiplied by a mask of dropout.
// CHECK-LABEL: @dropout
// CHECK-NOT: flash
func.func @dropout(%q: tensor<4x3x8xf32>, %kt: tensor<4x8x5xf32>, %v: tensor<4x5x8xf32>, %m: tensor<4x3x5xf32>) -> tensor<4x3x8xf32> {
  %0 = fx.bmm %q, %kt : (tensor<4x3x8xf32>, tensor<4x8x5xf32>) -> tensor<4x3x5xf32>
  %1 = fx.amax %0 {dim = array<i64: -1>, keepdim = true} : (tensor<4x3x5xf32>) -> tensor<4x3x1xf32>
  %2 = fx.sub %0, %1 : (tensor<4x3x5xf32>, tensor<4x3x1xf32>) -> tensor<4x3x5xf32>
  %3 = fx.exp %2 : (tensor<4x3x5xf32>) -> tensor<4x3x5xf32>
  %4 = fx.sum %3 {dim = array<i64: -1>, keepdim = true} : (tensor<4x3x5xf32>) -> tensor<4x3x1xf32>
  %5 = fx.div %3, %4 : (tensor<4x3x5xf32>, tensor<4x3x1xf32>) -> tensor<4x3x5xf32> loc("dropped")
  %6 = fx.mul %5, %m : (tensor<4x3x5xf32>, tensor<4x3x5xf32>) -> tensor<4x3x5xf32>
  %7 = fx.bmm %6, %v : (tensor<4x3x5xf32>, tensor<4x5x8xf32>) -> tensor<4x3x8xf32>
  return %7 : tensor<4x3x8xf32>
}

// The fused op has one size of heads.
// CHECK-LABEL: @wide_values
// CHECK-NOT: flash
func.func @wide_values(%q: tensor<4x3x8xf32>, %kt: tensor<4x8x5xf32>, %v: tensor<4x5x16xf32>) -> tensor<4x3x16xf32> {
  %0 = fx.bmm %q, %kt : (tensor<4x3x8xf32>, tensor<4x8x5xf32>) -> tensor<4x3x5xf32>
  %1 = fx.amax %0 {dim = array<i64: -1>, keepdim = true} : (tensor<4x3x5xf32>) -> tensor<4x3x1xf32>
  %2 = fx.sub %0, %1 : (tensor<4x3x5xf32>, tensor<4x3x1xf32>) -> tensor<4x3x5xf32>
  %3 = fx.exp %2 : (tensor<4x3x5xf32>) -> tensor<4x3x5xf32>
  %4 = fx.sum %3 {dim = array<i64: -1>, keepdim = true} : (tensor<4x3x5xf32>) -> tensor<4x3x1xf32>
  %5 = fx.div %3, %4 : (tensor<4x3x5xf32>, tensor<4x3x1xf32>) -> tensor<4x3x5xf32> loc("wide_values")
  %6 = fx.bmm %5, %v : (tensor<4x3x5xf32>, tensor<4x5x16xf32>) -> tensor<4x3x16xf32>
  return %6 : tensor<4x3x16xf32>
}

// A scale that is a tensor may be learned.
// CHECK-LABEL: @temperature
// CHECK-NOT: flash
func.func @temperature(%q: tensor<4x3x8xf32>, %kt: tensor<4x8x5xf32>, %v: tensor<4x5x8xf32>, %c: tensor<f32>) -> tensor<4x3x8xf32> {
  %0 = fx.bmm %q, %kt : (tensor<4x3x8xf32>, tensor<4x8x5xf32>) -> tensor<4x3x5xf32>
  %s = fx.mul %0, %c : (tensor<4x3x5xf32>, tensor<f32>) -> tensor<4x3x5xf32>
  %1 = fx.amax %s {dim = array<i64: -1>, keepdim = true} : (tensor<4x3x5xf32>) -> tensor<4x3x1xf32>
  %2 = fx.sub %s, %1 : (tensor<4x3x5xf32>, tensor<4x3x1xf32>) -> tensor<4x3x5xf32>
  %3 = fx.exp %2 : (tensor<4x3x5xf32>) -> tensor<4x3x5xf32>
  %4 = fx.sum %3 {dim = array<i64: -1>, keepdim = true} : (tensor<4x3x5xf32>) -> tensor<4x3x1xf32>
  %5 = fx.div %3, %4 : (tensor<4x3x5xf32>, tensor<4x3x1xf32>) -> tensor<4x3x5xf32>
  %6 = fx.bmm %5, %v : (tensor<4x3x5xf32>, tensor<4x5x8xf32>) -> tensor<4x3x8xf32>
  return %6 : tensor<4x3x8xf32>
}

// Over queries, not keys.
// CHECK-LABEL: @other_dimension
// CHECK-NOT: flash
func.func @other_dimension(%q: tensor<4x3x8xf32>, %kt: tensor<4x8x5xf32>, %v: tensor<4x5x8xf32>) -> tensor<4x3x8xf32> {
  %0 = fx.bmm %q, %kt : (tensor<4x3x8xf32>, tensor<4x8x5xf32>) -> tensor<4x3x5xf32>
  %1 = fx.amax %0 {dim = array<i64: 1>, keepdim = true} : (tensor<4x3x5xf32>) -> tensor<4x1x5xf32>
  %2 = fx.sub %0, %1 : (tensor<4x3x5xf32>, tensor<4x1x5xf32>) -> tensor<4x3x5xf32>
  %3 = fx.exp %2 : (tensor<4x3x5xf32>) -> tensor<4x3x5xf32>
  %4 = fx.sum %3 {dim = array<i64: 1>, keepdim = true} : (tensor<4x3x5xf32>) -> tensor<4x1x5xf32>
  %5 = fx.div %3, %4 : (tensor<4x3x5xf32>, tensor<4x1x5xf32>) -> tensor<4x3x5xf32>
  %6 = fx.bmm %5, %v : (tensor<4x3x5xf32>, tensor<4x5x8xf32>) -> tensor<4x3x8xf32>
  return %6 : tensor<4x3x8xf32>
}

// The gradient of a bias is the sum of the scores' gradient, which the fused op
// does not give.
// CHECK-LABEL: @trained_bias
// CHECK-NOT: flash
func.func @trained_bias(%q: tensor<2x3x8xf32>, %kt: tensor<2x8x3xf32>, %v: tensor<2x3x8xf32>, %b: tensor<3x3xf32>, %g: tensor<2x3x8xf32>)
    -> (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x8x3xf32>, tensor<3x3xf32>) {
  %0 = fx.bmm %q, %kt : (tensor<2x3x8xf32>, tensor<2x8x3xf32>) -> tensor<2x3x3xf32>
  %2 = fx.add %0, %b : (tensor<2x3x3xf32>, tensor<3x3xf32>) -> tensor<2x3x3xf32>
  %3 = fx.amax %2 {dim = array<i64: -1>, keepdim = true} : (tensor<2x3x3xf32>) -> tensor<2x3x1xf32>
  %4 = fx.sub %2, %3 : (tensor<2x3x3xf32>, tensor<2x3x1xf32>) -> tensor<2x3x3xf32>
  %5 = fx.exp %4 : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %6 = fx.sum %5 {dim = array<i64: -1>, keepdim = true} : (tensor<2x3x3xf32>) -> tensor<2x3x1xf32>
  %p = fx.div %5, %6 : (tensor<2x3x3xf32>, tensor<2x3x1xf32>) -> tensor<2x3x3xf32> loc("trained")
  %out = fx.bmm %p, %v : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %vt = fx.permute %v dims = [0, 2, 1] : tensor<2x3x8xf32> -> tensor<2x8x3xf32>
  %9 = fx.bmm %g, %vt : (tensor<2x3x8xf32>, tensor<2x8x3xf32>) -> tensor<2x3x3xf32>
  %11 = fx.mul %9, %p : (tensor<2x3x3xf32>, tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %12 = fx.sum %11 {dim = array<i64: -1>, keepdim = true} : (tensor<2x3x3xf32>) -> tensor<2x3x1xf32>
  %13 = fx.mul %p, %12 : (tensor<2x3x3xf32>, tensor<2x3x1xf32>) -> tensor<2x3x3xf32>
  %14 = fx.sub %11, %13 : (tensor<2x3x3xf32>, tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %qt = fx.permute %q dims = [0, 2, 1] : tensor<2x3x8xf32> -> tensor<2x8x3xf32>
  %dkt = fx.bmm %qt, %14 : (tensor<2x8x3xf32>, tensor<2x3x3xf32>) -> tensor<2x8x3xf32>
  %ktt = fx.permute %kt dims = [0, 2, 1] : tensor<2x8x3xf32> -> tensor<2x3x8xf32>
  %dq = fx.bmm %14, %ktt : (tensor<2x3x3xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %db = fx.sum %14 {dim = array<i64: 0>} : (tensor<2x3x3xf32>) -> tensor<3x3xf32>
  return %out, %dq, %dkt, %db : tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x8x3xf32>, tensor<3x3xf32>
}

// A mask that hides later keys is no tensor.
// CHECK-LABEL: @causal
// CHECK-NOT: fx.where
// CHECK: fx.flash_attention_for_cpu %{{.*}}, %{{.*}}, %{{.*}} {is_causal = true, scale = 1.0
func.func @causal(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %n = arith.constant 4 : i64
  %zero = arith.constant 0 : i64
  %zerof = arith.constant 0.0 : f64
  %least = arith.constant 0xFFF0000000000000 : f64
  %i = fx.iota %n {dtype = i64, start = 0 : i64, step = 1 : i64} : (i64) -> tensor<4xi64>
  %row = fx.view %i sizes = [4, 1] : tensor<4xi64> -> tensor<4x1xi64>
  %m = fx.ge %row, %i : (tensor<4x1xi64>, tensor<4xi64>) -> tensor<4x4xi1>
  %kt = fx.permute %k dims = [0, 2, 1] : tensor<2x4x8xf32> -> tensor<2x8x4xf32>
  %0 = fx.bmm %q, %kt : (tensor<2x4x8xf32>, tensor<2x8x4xf32>) -> tensor<2x4x4xf32>
  %1 = fx.where %m, %0, %least : (tensor<4x4xi1>, tensor<2x4x4xf32>, f64) -> tensor<2x4x4xf32>
  %2 = fx.amax %1 {dim = array<i64: -1>, keepdim = true} : (tensor<2x4x4xf32>) -> tensor<2x4x1xf32>
  %3 = fx.sub %1, %2 : (tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> tensor<2x4x4xf32>
  %4 = fx.exp %3 : (tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %5 = fx.sum %4 {dim = array<i64: -1>, keepdim = true} : (tensor<2x4x4xf32>) -> tensor<2x4x1xf32>
  %6 = fx.div %4, %5 : (tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> tensor<2x4x4xf32>
  %7 = fx.bmm %6, %v : (tensor<2x4x4xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %7 : tensor<2x4x8xf32>
}

// scores.masked_fill(tril(ones) == 0, -inf)
// CHECK-LABEL: @causal_by_tril
// CHECK-NOT: fx.where %{{.*}}, %cst
// CHECK: is_causal = true
func.func @causal_by_tril(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %n = arith.constant 4 : i64
  %zero = arith.constant 0 : i64
  %zerof = arith.constant 0.0 : f64
  %least = arith.constant 0xFFF0000000000000 : f64
  %i = fx.iota %n {dtype = i64, start = 0 : i64, step = 1 : i64} : (i64) -> tensor<4xi64>
  %row = fx.view %i sizes = [4, 1] : tensor<4xi64> -> tensor<4x1xi64>
  %one = fx.full %n sizes = [4, 4] {dtype = f32} : i64 -> tensor<4x4xf32>
  %d = fx.sub %i, %row : (tensor<4xi64>, tensor<4x1xi64>) -> tensor<4x4xi64>
  %l = fx.le %d, %zero : (tensor<4x4xi64>, i64) -> tensor<4x4xi1>
  %t = fx.where %l, %one, %zerof : (tensor<4x4xi1>, tensor<4x4xf32>, f64) -> tensor<4x4xf32>
  %m = fx.eq %t, %zero : (tensor<4x4xf32>, i64) -> tensor<4x4xi1>
  %kt = fx.permute %k dims = [0, 2, 1] : tensor<2x4x8xf32> -> tensor<2x8x4xf32>
  %0 = fx.bmm %q, %kt : (tensor<2x4x8xf32>, tensor<2x8x4xf32>) -> tensor<2x4x4xf32>
  %1 = fx.where %m, %least, %0 : (tensor<4x4xi1>, f64, tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %2 = fx.amax %1 {dim = array<i64: -1>, keepdim = true} : (tensor<2x4x4xf32>) -> tensor<2x4x1xf32>
  %3 = fx.sub %1, %2 : (tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> tensor<2x4x4xf32>
  %4 = fx.exp %3 : (tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %5 = fx.sum %4 {dim = array<i64: -1>, keepdim = true} : (tensor<2x4x4xf32>) -> tensor<2x4x1xf32>
  %6 = fx.div %4, %5 : (tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> tensor<2x4x4xf32>
  %7 = fx.bmm %6, %v : (tensor<2x4x4xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %7 : tensor<2x4x8xf32>
}

// scores.masked_fill(~tril(ones(dtype=bool)), -inf)
// CHECK-LABEL: @causal_by_boolean_tril
// CHECK-NOT: fx.where %{{.*}}, %cst
// CHECK: is_causal = true
func.func @causal_by_boolean_tril(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %n = arith.constant 4 : i64
  %zero = arith.constant 0 : i64
  %zerof = arith.constant 0.0 : f64
  %least = arith.constant 0xFFF0000000000000 : f64
  %i = fx.iota %n {dtype = i64, start = 0 : i64, step = 1 : i64} : (i64) -> tensor<4xi64>
  %row = fx.view %i sizes = [4, 1] : tensor<4xi64> -> tensor<4x1xi64>
  %true = arith.constant true
  %one = fx.full %true sizes = [4, 4] {dtype = i1} : i1 -> tensor<4x4xi1>
  %d = fx.sub %i, %row : (tensor<4xi64>, tensor<4x1xi64>) -> tensor<4x4xi64>
  %l = fx.le %d, %zero : (tensor<4x4xi64>, i64) -> tensor<4x4xi1>
  %t = fx.logical_and %l, %one : (tensor<4x4xi1>, tensor<4x4xi1>) -> tensor<4x4xi1>
  %m = fx.bitwise_not %t : (tensor<4x4xi1>) -> tensor<4x4xi1>
  %kt = fx.permute %k dims = [0, 2, 1] : tensor<2x4x8xf32> -> tensor<2x8x4xf32>
  %0 = fx.bmm %q, %kt : (tensor<2x4x8xf32>, tensor<2x8x4xf32>) -> tensor<2x4x4xf32>
  %1 = fx.where %m, %least, %0 : (tensor<4x4xi1>, f64, tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %2 = fx.amax %1 {dim = array<i64: -1>, keepdim = true} : (tensor<2x4x4xf32>) -> tensor<2x4x1xf32>
  %3 = fx.sub %1, %2 : (tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> tensor<2x4x4xf32>
  %4 = fx.exp %3 : (tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %5 = fx.sum %4 {dim = array<i64: -1>, keepdim = true} : (tensor<2x4x4xf32>) -> tensor<2x4x1xf32>
  %6 = fx.div %4, %5 : (tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> tensor<2x4x4xf32>
  %7 = fx.bmm %6, %v : (tensor<2x4x4xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %7 : tensor<2x4x8xf32>
}

// CHECK-LABEL: @hides_earlier_keys
// CHECK: fx.flash_attention_for_cpu
// CHECK-NOT: is_causal = true
func.func @hides_earlier_keys(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %n = arith.constant 4 : i64
  %zero = arith.constant 0 : i64
  %zerof = arith.constant 0.0 : f64
  %least = arith.constant 0xFFF0000000000000 : f64
  %i = fx.iota %n {dtype = i64, start = 0 : i64, step = 1 : i64} : (i64) -> tensor<4xi64>
  %row = fx.view %i sizes = [4, 1] : tensor<4xi64> -> tensor<4x1xi64>
  %m = fx.le %row, %i : (tensor<4x1xi64>, tensor<4xi64>) -> tensor<4x4xi1>
  %kt = fx.permute %k dims = [0, 2, 1] : tensor<2x4x8xf32> -> tensor<2x8x4xf32>
  %0 = fx.bmm %q, %kt : (tensor<2x4x8xf32>, tensor<2x8x4xf32>) -> tensor<2x4x4xf32>
  %1 = fx.where %m, %0, %least : (tensor<4x4xi1>, tensor<2x4x4xf32>, f64) -> tensor<2x4x4xf32>
  %2 = fx.amax %1 {dim = array<i64: -1>, keepdim = true} : (tensor<2x4x4xf32>) -> tensor<2x4x1xf32>
  %3 = fx.sub %1, %2 : (tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> tensor<2x4x4xf32>
  %4 = fx.exp %3 : (tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %5 = fx.sum %4 {dim = array<i64: -1>, keepdim = true} : (tensor<2x4x4xf32>) -> tensor<2x4x1xf32>
  %6 = fx.div %4, %5 : (tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> tensor<2x4x4xf32>
  %7 = fx.bmm %6, %v : (tensor<2x4x4xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %7 : tensor<2x4x8xf32>
}

// A row without any key is the mean of all values; the fused op adds -1e9 to
// the scores.
// CHECK-LABEL: @hides_own_key
// CHECK-NOT: fx.flash_attention_for_cpu
// CHECK: return
func.func @hides_own_key(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %n = arith.constant 4 : i64
  %zero = arith.constant 0 : i64
  %zerof = arith.constant 0.0 : f64
  %least = arith.constant -1.0e9 : f64
  %i = fx.iota %n {dtype = i64, start = 0 : i64, step = 1 : i64} : (i64) -> tensor<4xi64>
  %row = fx.view %i sizes = [4, 1] : tensor<4xi64> -> tensor<4x1xi64>
  %m = fx.gt %row, %i : (tensor<4x1xi64>, tensor<4xi64>) -> tensor<4x4xi1>
  %kt = fx.permute %k dims = [0, 2, 1] : tensor<2x4x8xf32> -> tensor<2x8x4xf32>
  %0 = fx.bmm %q, %kt : (tensor<2x4x8xf32>, tensor<2x8x4xf32>) -> tensor<2x4x4xf32>
  %1 = fx.where %m, %0, %least : (tensor<4x4xi1>, tensor<2x4x4xf32>, f64) -> tensor<2x4x4xf32>
  %2 = fx.amax %1 {dim = array<i64: -1>, keepdim = true} : (tensor<2x4x4xf32>) -> tensor<2x4x1xf32>
  %3 = fx.sub %1, %2 : (tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> tensor<2x4x4xf32>
  %4 = fx.exp %3 : (tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %5 = fx.sum %4 {dim = array<i64: -1>, keepdim = true} : (tensor<2x4x4xf32>) -> tensor<2x4x1xf32>
  %6 = fx.div %4, %5 : (tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> tensor<2x4x4xf32>
  %7 = fx.bmm %6, %v : (tensor<2x4x4xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %7 : tensor<2x4x8xf32>
}

// A row without any key is the mean of all values; the fused op adds -1e9 to
// the scores.
// CHECK-LABEL: @wrong_way_round
// CHECK-NOT: fx.flash_attention_for_cpu
// CHECK: return
func.func @wrong_way_round(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %n = arith.constant 4 : i64
  %zero = arith.constant 0 : i64
  %zerof = arith.constant 0.0 : f64
  %least = arith.constant -1.0e9 : f64
  %i = fx.iota %n {dtype = i64, start = 0 : i64, step = 1 : i64} : (i64) -> tensor<4xi64>
  %row = fx.view %i sizes = [4, 1] : tensor<4xi64> -> tensor<4x1xi64>
  %m = fx.ge %row, %i : (tensor<4x1xi64>, tensor<4xi64>) -> tensor<4x4xi1>
  %kt = fx.permute %k dims = [0, 2, 1] : tensor<2x4x8xf32> -> tensor<2x8x4xf32>
  %0 = fx.bmm %q, %kt : (tensor<2x4x8xf32>, tensor<2x8x4xf32>) -> tensor<2x4x4xf32>
  %1 = fx.where %m, %least, %0 : (tensor<4x4xi1>, f64, tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %2 = fx.amax %1 {dim = array<i64: -1>, keepdim = true} : (tensor<2x4x4xf32>) -> tensor<2x4x1xf32>
  %3 = fx.sub %1, %2 : (tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> tensor<2x4x4xf32>
  %4 = fx.exp %3 : (tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %5 = fx.sum %4 {dim = array<i64: -1>, keepdim = true} : (tensor<2x4x4xf32>) -> tensor<2x4x1xf32>
  %6 = fx.div %4, %5 : (tensor<2x4x4xf32>, tensor<2x4x1xf32>) -> tensor<2x4x4xf32>
  %7 = fx.bmm %6, %v : (tensor<2x4x4xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %7 : tensor<2x4x8xf32>
}

// The factor of the query goes into the scale, that of the value stays.
// CHECK-LABEL: @scaled_value
// CHECK-SAME:  %[[X:[^:]*]]: tensor<1x2x4x8xf32>
func.func @scaled_value(%x: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // CHECK: %[[V:.*]] = fx.mul %[[X]]
  // CHECK: fx.flash_attention_for_cpu %[[X]], %{{.*}}, %[[V]] {scale = 2.000000e+00
  %c = arith.constant 2.0 : f64
  %v = fx.mul %x, %c : (tensor<1x2x4x8xf32>, f64) -> tensor<1x2x4x8xf32>
  %kt = fx.permute %x dims = [0, 1, 3, 2] : tensor<1x2x4x8xf32> -> tensor<1x2x8x4xf32>
  %q3 = fx.view %v sizes = [2, 4, 8] : tensor<1x2x4x8xf32> -> tensor<2x4x8xf32>
  %k3 = fx.view %kt sizes = [2, 8, 4] : tensor<1x2x8x4xf32> -> tensor<2x8x4xf32>
  %v3 = fx.view %v sizes = [2, 4, 8] : tensor<1x2x4x8xf32> -> tensor<2x4x8xf32>
  %0 = fx.bmm %q3, %k3 : (tensor<2x4x8xf32>, tensor<2x8x4xf32>) -> tensor<2x4x4xf32>
  %1 = fx.view %0 sizes = [1, 2, 4, 4] : tensor<2x4x4xf32> -> tensor<1x2x4x4xf32>
  %2 = fx.amax %1 {dim = array<i64: 3>, keepdim = true} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x1xf32>
  %3 = fx.sub %1, %2 : (tensor<1x2x4x4xf32>, tensor<1x2x4x1xf32>) -> tensor<1x2x4x4xf32>
  %4 = fx.exp %3 : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %5 = fx.sum %4 {dim = array<i64: 3>, keepdim = true} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x1xf32>
  %6 = fx.div %4, %5 : (tensor<1x2x4x4xf32>, tensor<1x2x4x1xf32>) -> tensor<1x2x4x4xf32>
  %7 = fx.view %6 sizes = [2, 4, 4] : tensor<1x2x4x4xf32> -> tensor<2x4x4xf32>
  %8 = fx.bmm %7, %v3 : (tensor<2x4x4xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %9 = fx.view %8 sizes = [1, 2, 4, 8] : tensor<2x4x8xf32> -> tensor<1x2x4x8xf32>
  return %9 : tensor<1x2x4x8xf32>
}
