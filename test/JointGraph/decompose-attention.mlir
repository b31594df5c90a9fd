// RUN: fx-opt %s -fx-decompose=fused-attention | FileCheck %s
// RUN: fx-opt %s -fx-decompose="level=core fused-attention" | FileCheck %s --check-prefix=CORE
// RUN: fx-opt %s -fx-decompose=level=core | FileCheck %s --check-prefix=PLAIN

// What a kernel computes is one op, with the options of the attention.
// CHECK-LABEL: @causal
// CHECK:       fx.flash_attention_for_cpu %arg0, %arg1, %arg2 {is_causal = true, scale = 5.000000e-01 : f64}
// CHECK-NOT:   fx.softmax
// PLAIN-LABEL: @causal
// PLAIN-NOT:   fx.flash_attention_for_cpu
func.func @causal(%q: tensor<2x4x?x16xf32>, %k: tensor<2x4x?x16xf32>, %v: tensor<2x4x?x16xf32>) -> tensor<2x4x?x16xf32> {
  %0 = fx.scaled_dot_product_attention %q, %k, %v {is_causal = true, scale = 0.5} : (tensor<2x4x?x16xf32>, tensor<2x4x?x16xf32>, tensor<2x4x?x16xf32>) -> tensor<2x4x?x16xf32>
  return %0 : tensor<2x4x?x16xf32>
}

// Grouped heads, and a mask of booleans that becomes one that is added.
// CHECK-LABEL: @boolean_mask
// CHECK:       %[[ADDED:.*]] = fx.where %arg3
// CHECK:       fx.flash_attention_for_cpu %arg0, %arg1, %arg1, {{.*}} : (tensor<2x4x8x16xbf16>, tensor<2x2x6x16xbf16>, tensor<2x2x6x16xbf16>, tensor<8x6xbf16>)
func.func @boolean_mask(%q: tensor<2x4x8x16xbf16>, %k: tensor<2x2x6x16xbf16>, %unused: i64, %m: tensor<8x6xi1>) -> tensor<2x4x8x16xbf16> {
  %0 = fx.scaled_dot_product_attention %q, %k, %k, %m : (tensor<2x4x8x16xbf16>, tensor<2x2x6x16xbf16>, tensor<2x2x6x16xbf16>, tensor<8x6xi1>) -> tensor<2x4x8x16xbf16>
  return %0 : tensor<2x4x8x16xbf16>
}

// Three dimensions are one batch.
// CHECK-LABEL: @without_batch
// CHECK:       fx.flash_attention_for_cpu {{.*}} -> (tensor<1x4x8x16xf32>, tensor<1x4x8xf32>)
// CHECK:       fx.squeeze
func.func @without_batch(%q: tensor<4x8x16xf32>) -> tensor<4x8x16xf32> {
  %0 = fx.scaled_dot_product_attention %q, %q, %q : (tensor<4x8x16xf32>, tensor<4x8x16xf32>, tensor<4x8x16xf32>) -> tensor<4x8x16xf32>
  return %0 : tensor<4x8x16xf32>
}

// The gradient of a mask needs the scores.
// CHECK-LABEL: @mask_with_gradient
// CHECK-NOT:   fx.flash_attention_for_cpu
// CHECK:       fx.softmax
func.func @mask_with_gradient(%q: tensor<2x4x8x16xf32>, %table: tensor<8x8xf32> {fx.requires_grad}) -> tensor<2x4x8x16xf32> {
  %m = fx.neg %table : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %0 = fx.scaled_dot_product_attention %q, %q, %q, %m : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<8x8xf32>) -> tensor<2x4x8x16xf32>
  return %0 : tensor<2x4x8x16xf32>
}

// No kernel draws random numbers, computes in f64, or has values of a size of
// their own.
// CHECK-LABEL: @not_fused
// CHECK-NOT:   fx.flash_attention_for_cpu
// CHECK:       return
func.func @not_fused(%q: tensor<2x4x8x16xf32>, %d: tensor<2x4x8x16xf64>, %v: tensor<2x4x8x3xf32>) -> (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf64>, tensor<2x4x8x3xf32>) {
  %0 = fx.scaled_dot_product_attention %q, %q, %q {dropout_p = 0.5} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  %1 = fx.scaled_dot_product_attention %d, %d, %d : (tensor<2x4x8x16xf64>, tensor<2x4x8x16xf64>, tensor<2x4x8x16xf64>) -> tensor<2x4x8x16xf64>
  %2 = fx.scaled_dot_product_attention %q, %q, %v : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x3xf32>) -> tensor<2x4x8x3xf32>
  return %0, %1, %2 : tensor<2x4x8x16xf32>, tensor<2x4x8x16xf64>, tensor<2x4x8x3xf32>
}

// CORE-LABEL: @backward
// CORE:       fx.flash_attention_for_cpu_backward
// CORE-LABEL: @backward_of_f64
// CORE-NOT:   fx.flash_attention_for_cpu_backward
// CORE:       return
func.func @backward(%q: tensor<2x4x8x16xf32>, %l: tensor<2x4x8xf32>) -> tensor<2x4x8x16xf32> {
  %0:3 = fx.flash_attention_for_cpu_backward %q, %q, %q, %q, %q, %l : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8xf32>) -> (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>)
  return %0#1 : tensor<2x4x8x16xf32>
}
func.func @backward_of_f64(%q: tensor<2x4x8x16xf64>, %l: tensor<2x4x8xf64>) -> tensor<2x4x8x16xf64> {
  %0:3 = fx.flash_attention_for_cpu_backward %q, %q, %q, %q, %q, %l : (tensor<2x4x8x16xf64>, tensor<2x4x8x16xf64>, tensor<2x4x8x16xf64>, tensor<2x4x8x16xf64>, tensor<2x4x8x16xf64>, tensor<2x4x8xf64>) -> (tensor<2x4x8x16xf64>, tensor<2x4x8x16xf64>, tensor<2x4x8x16xf64>)
  return %0#1 : tensor<2x4x8x16xf64>
}
