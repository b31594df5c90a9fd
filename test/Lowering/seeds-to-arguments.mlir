// RUN: fx-opt %s -split-input-file -fx-seeds-to-arguments -verify-diagnostics | FileCheck %s

// CHECK-LABEL: @two_seeds
// CHECK-SAME:  (%{{.*}}: tensor<2xf32>, %[[A:.*]]: tensor<1xi64> {fx.name = "seeds", fx.role = "seed"}, %[[B:.*]]: tensor<3xi64> {fx.role = "seed"})
func.func @two_seeds(%x: tensor<2xf32>) -> (tensor<1xi64>, tensor<3xi64>) {
  %0 = fx.seeds {count = 1 : i64} : tensor<1xi64> loc("seeds")
  %1 = fx.seeds {count = 3 : i64} : tensor<3xi64> loc(unknown)
  // CHECK: return %[[A]], %[[B]]
  return %0, %1 : tensor<1xi64>, tensor<3xi64>
}

// Nothing to do: the signature stays.
// CHECK-LABEL: @no_seeds() {
func.func @no_seeds() {
  return
}

// -----

// A caller would not pass the new argument.
func.func @called() -> tensor<1xi64> {
  // expected-error @below {{seeds in 'called', which is called from this module}}
  %0 = fx.seeds {count = 1 : i64} : tensor<1xi64>
  return %0 : tensor<1xi64>
}
func.func @caller() -> tensor<1xi64> {
  // expected-note @below {{this call would not pass the seeds}}
  %0 = func.call @called() : () -> tensor<1xi64>
  return %0 : tensor<1xi64>
}
