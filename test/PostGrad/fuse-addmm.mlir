// RUN: fx-opt %s -fx-fuse-addmm | FileCheck %s
// RUN: fx-opt %s -fx-fuse-addmm=gpu | FileCheck %s --check-prefix=GPU
// Rule 5.7, addmm.

// CHECK-LABEL: @bias_right
// CHECK-SAME: (%[[A:.*]]: tensor<2x3xf32>, %[[B:.*]]: tensor<3x4xf32>, %[[C:.*]]: tensor<4xf32>)
// GPU-LABEL: @bias_right
// GPU: fx.addmm
func.func @bias_right(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>, %c: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK-NEXT: fx.addmm %[[C]], %[[A]], %[[B]] :
  // CHECK-NEXT: return
  %0 = fx.mm %a, %b : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %1 = fx.add %0, %c : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// 10.1: Inductor forgets alpha. On the left it scales c.
// CHECK-LABEL: @alpha_of_bias
func.func @alpha_of_bias(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>, %c: tensor<2x1xf32>) -> tensor<2x4xf32> {
  // CHECK-NEXT: fx.addmm {{.*}} {beta = 2.000000e+00 : f64} :
  %0 = fx.mm %a, %b : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %1 = fx.add %0, %c {alpha = 2.0 : f64} : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// CHECK-LABEL: @alpha_of_product
func.func @alpha_of_product(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>, %c: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK-NEXT: fx.addmm {{.*}} {alpha = 3.000000e+00 : f64} :
  %0 = fx.mm %a, %b : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %1 = fx.add %c, %0 {alpha = 3.0 : f64} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// addmm would not read an operand that it multiplies by 0: NaN is lost.
// CHECK-LABEL: @alpha_zero
func.func @alpha_zero(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>, %c: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: fx.add
  // CHECK-NOT: fx.addmm
  %0 = fx.mm %a, %b : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %1 = fx.add %0, %c {alpha = 0.0 : f64} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// CHECK-LABEL: @product_is_used
func.func @product_is_used(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>, %c: tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK-NOT: fx.addmm
  %0 = fx.mm %a, %b : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %1 = fx.add %0, %c : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<2x4xf32>
}

// CHECK-LABEL: @does_not_fit
func.func @does_not_fit(%a: tensor<1x3xf32>, %b: tensor<3x4xf32>, %c: tensor<5x4xf32>, %d: tensor<4xf64>, %e: tensor<2x1x4xf32>) -> (tensor<5x4xf32>, tensor<1x4xf64>, tensor<2x1x4xf32>, tensor<1x4xf32>) {
  // CHECK-NOT: fx.addmm
  %one = arith.constant 1 : i64
  %0 = fx.mm %a, %b : (tensor<1x3xf32>, tensor<3x4xf32>) -> tensor<1x4xf32>
  %1 = fx.add %0, %c : (tensor<1x4xf32>, tensor<5x4xf32>) -> tensor<5x4xf32>
  %2 = fx.mm %a, %b : (tensor<1x3xf32>, tensor<3x4xf32>) -> tensor<1x4xf32>
  %3 = fx.add %2, %d : (tensor<1x4xf32>, tensor<4xf64>) -> tensor<1x4xf64>
  %4 = fx.mm %a, %b : (tensor<1x3xf32>, tensor<3x4xf32>) -> tensor<1x4xf32>
  %5 = fx.add %4, %e : (tensor<1x4xf32>, tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
  %6 = fx.mm %a, %b : (tensor<1x3xf32>, tensor<3x4xf32>) -> tensor<1x4xf32>
  %7 = fx.add %6, %one : (tensor<1x4xf32>, i64) -> tensor<1x4xf32>
  return %1, %3, %5, %7 : tensor<5x4xf32>, tensor<1x4xf64>, tensor<2x1x4xf32>, tensor<1x4xf32>
}

// On a GPU the users' kernel adds; the left product wins where both fit.
// CHECK-LABEL: @pointwise_users
// CHECK: %[[OTHER:.*]] = fx.mm
// CHECK: fx.addmm %[[OTHER]], %{{.*}}, %{{.*}} :
// GPU-LABEL: @pointwise_users
// GPU-NOT: fx.addmm
func.func @pointwise_users(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) -> tensor<8xf32> {
  %0 = fx.mm %a, %b : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %1 = fx.mm %a, %b : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %2 = fx.add %0, %1 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = fx.view %2 sizes = [8] : tensor<2x4xf32> -> tensor<8xf32>
  %4 = fx.relu %3 : (tensor<8xf32>) -> tensor<8xf32>
  return %4 : tensor<8xf32>
}
