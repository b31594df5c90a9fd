// RUN: fx-opt %s -fx-decompose | FileCheck %s
// RUN: fx-opt %s -fx-decompose -mlir-print-debuginfo | FileCheck %s --check-prefix=LOC

// CHECK-LABEL: @linear
// CHECK-SAME:  (%[[X:.*]]: tensor<2x3x4xf32>, %[[W:.*]]: tensor<5x4xf32>, %[[B:.*]]: tensor<5xf32>)
func.func @linear(%x: tensor<2x3x4xf32>, %w: tensor<5x4xf32>, %b: tensor<5xf32>) -> tensor<2x3x5xf32> {
  // CHECK-DAG:  %[[ROWS:.*]] = fx.view %[[X]] sizes = [6, 4]
  // CHECK-DAG:  %[[T:.*]] = fx.permute %[[W]] dims = [1, 0]
  // CHECK:      %[[Y:.*]] = fx.addmm %[[B]], %[[ROWS]], %[[T]]
  // CHECK-NEXT: fx.view %[[Y]] sizes = [2, 3, 5]
  // LOC: fx.addmm {{.*}} loc(#[[LOC:.*]])
  // LOC: #[[LOC]] = loc("y"
  %0 = fx.linear %x, %w, %b : (tensor<2x3x4xf32>, tensor<5x4xf32>, tensor<5xf32>) -> tensor<2x3x5xf32> loc("y"("model.py":3:0))
  return %0 : tensor<2x3x5xf32>
}

// A matrix needs no views.
// CHECK-LABEL: @linear_of_a_matrix
func.func @linear_of_a_matrix(%x: tensor<?x4xf32>, %w: tensor<5x4xf32>) -> tensor<?x5xf32> {
  // CHECK-NEXT: fx.permute
  // CHECK-NEXT: fx.mm {{.*}} -> tensor<?x5xf32>
  // CHECK-NEXT: return
  %0 = fx.linear %x, %w : (tensor<?x4xf32>, tensor<5x4xf32>) -> tensor<?x5xf32>
  return %0 : tensor<?x5xf32>
}

// CHECK-LABEL: @batched_matmul_with_unknown_sizes
func.func @batched_matmul_with_unknown_sizes(%a: tensor<?x2x3x4xf32>, %b: tensor<2x4x5xf32>) -> tensor<?x2x3x5xf32> {
  // CHECK: %[[N:.*]] = fx.sym_size %{{.*}} {dim = 0 : i64}
  // CHECK: fx.expand %{{.*}} sizes = [%[[N]], 2, 4, 5]
  // CHECK: fx.bmm
  // CHECK: fx.view %{{.*}} sizes = [%[[N]], 2, 3, 5]
  %0 = fx.matmul %a, %b : (tensor<?x2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<?x2x3x5xf32>
  return %0 : tensor<?x2x3x5xf32>
}

// CHECK-LABEL: @causal_attention
func.func @causal_attention(%q: tensor<2x4x8x16xf32>, %k: tensor<2x4x8x16xf32>, %v: tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32> {
  // CHECK-DAG: %[[SCALE:.*]] = arith.constant 2.500000e-01 : f64
  // CHECK-DAG: %[[INF:.*]] = arith.constant 0xFFF0000000000000 : f64
  // CHECK: fx.mul %{{.*}}, %[[SCALE]]
  // CHECK: fx.bmm
  // CHECK: fx.ge
  // CHECK: fx.where %{{.*}}, %{{.*}}, %[[INF]]
  // CHECK: fx.softmax
  // CHECK: fx.bmm
  %0 = fx.scaled_dot_product_attention %q, %k, %v {is_causal = true} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  return %0 : tensor<2x4x8x16xf32>
}
