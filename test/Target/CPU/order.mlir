// RUN: fx-opt %s --fx-to-linalg | FileCheck %s --check-prefix=LINALG
// RUN: fx-opt %s -fx-form-kernels -fx-plan-memory -fx-emit-cpu | FileCheck %s

// Rows of 100 in order, the largest first. Without the runtime an element's
// place is counted.
// LINALG-LABEL: @indices
// LINALG:       linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
// LINALG:         arith.cmpf
// LINALG:       scf.for
// LINALG:         tensor.insert
// CHECK-LABEL: func.func private @fx_kernel_0
// Only the places are asked for.
// CHECK:         llvm.mlir.zero
// CHECK:         call @fx_rt_sort
func.func @indices(%x: tensor<7x100xf32>) -> tensor<7x100xi64> {
  %v, %i = fx.call "aten.sort.stable"(%x) {arguments = [{operand = 0 : i64}], kwargs = {descending = true, dim = 1 : i64, stable = true}, pure} : (tensor<7x100xf32>) -> (tensor<7x100xf32>, tensor<7x100xi64>)
  return %i : tensor<7x100xi64>
}

// LINALG-LABEL: @largest
// LINALG:       tensor.extract_slice
// CHECK:       call @fx_rt_sort
func.func @largest(%x: tensor<7x100xf32>) -> (tensor<7x5xf32>, tensor<7x5xi64>) {
  %v, %i = fx.call "aten.topk.default"(%x) {arguments = [{operand = 0 : i64}, 5 : i64, 1 : i64, true, true], pure} : (tensor<7x100xf32>) -> (tensor<7x5xf32>, tensor<7x5xi64>)
  return %v, %i : tensor<7x5xf32>, tensor<7x5xi64>
}

// LINALG-LABEL: @running
// LINALG:       linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
// CHECK:       call @fx_rt_cumulative_extremum
func.func @running(%x: tensor<7x100xi32>) -> (tensor<7x100xi32>, tensor<7x100xi64>) {
  %v, %i = fx.call "aten.cummin.default"(%x) {arguments = [{operand = 0 : i64}, 0 : i64], pure} : (tensor<7x100xi32>) -> (tensor<7x100xi32>, tensor<7x100xi64>)
  return %v, %i : tensor<7x100xi32>, tensor<7x100xi64>
}
