// RUN: fx-opt %s --fx-to-linalg | FileCheck %s
// RUN: fx-opt %s --fx-to-linalg -fx-form-kernels | FileCheck %s --check-prefix=KERNELS

// A schedule for a peak of memory computes `exp` twice, so that the first copy
// is dead while the product is made; CSE must not bring it back.
// CHECK-LABEL: func.func @scheduled
// CHECK-COUNT-2: math.exp
// KERNELS-LABEL: func.func @scheduled
// KERNELS-COUNT-2: math.exp
// KERNELS-NOT: keep_apart
func.func @scheduled(%x: tensor<64x64xf32>)
    -> (tensor<64x64xf32>, tensor<64x64xf32>)
    attributes {scheduled_for_memory} {
  %0 = fx.exp %x : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %1 = fx.mm %0, %0 : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %2 = fx.exp %x {fx.copy = 1} : (tensor<64x64xf32>) -> tensor<64x64xf32>
  return %1, %2 : tensor<64x64xf32>, tensor<64x64xf32>
}

// CHECK-LABEL: func.func @free
// CHECK-COUNT-1: math.exp
// CHECK-NOT: math.exp
func.func @free(%x: tensor<64x64xf32>)
    -> (tensor<64x64xf32>, tensor<64x64xf32>) {
  %0 = fx.exp %x : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %1 = fx.mm %0, %0 : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %2 = fx.exp %x {fx.copy = 1} : (tensor<64x64xf32>) -> tensor<64x64xf32>
  return %1, %2 : tensor<64x64xf32>, tensor<64x64xf32>
}
