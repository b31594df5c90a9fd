// RUN: fx-opt %s -fx-fuse-seeds | FileCheck %s
// Rule 3.10, fuse_seed_creation.

// CHECK-LABEL: @three
func.func @three() -> (tensor<i64>, tensor<i64>, tensor<i64>, tensor<i64>) {
  // CHECK: %[[S:.*]] = fx.seeds {count = 4 : i64} : tensor<4xi64>
  // CHECK: %[[A:.*]] = fx.lookup_seed %[[S]] {index = 0 : i64}
  // CHECK: %[[B:.*]] = fx.lookup_seed %[[S]] {index = 1 : i64}
  // CHECK: %[[C:.*]] = fx.lookup_seed %[[S]] {index = 2 : i64}
  // CHECK: %[[D:.*]] = fx.lookup_seed %[[S]] {index = 3 : i64}
  // CHECK-NOT: fx.seeds
  // CHECK: return %[[A]], %[[B]], %[[C]], %[[D]]
  %s0 = fx.seeds {count = 1 : i64} : tensor<1xi64>
  %0 = fx.lookup_seed %s0 {index = 0 : i64} : (tensor<1xi64>) -> tensor<i64>
  %s1 = fx.seeds {count = 2 : i64} : tensor<2xi64>
  %1 = fx.lookup_seed %s1 {index = 0 : i64} : (tensor<2xi64>) -> tensor<i64>
  %2 = fx.lookup_seed %s1 {index = 1 : i64} : (tensor<2xi64>) -> tensor<i64>
  %s2 = fx.seeds {count = 1 : i64} : tensor<1xi64>
  %3 = fx.lookup_seed %s2 {index = 0 : i64} : (tensor<1xi64>) -> tensor<i64>
  return %0, %1, %2, %3 : tensor<i64>, tensor<i64>, tensor<i64>, tensor<i64>
}

// The tensor of seeds itself is returned: its size must stay.
// CHECK-LABEL: @seeds_are_a_value
func.func @seeds_are_a_value() -> (tensor<1xi64>, tensor<i64>) {
  // CHECK-COUNT-2: fx.seeds {count = 1 : i64}
  %s0 = fx.seeds {count = 1 : i64} : tensor<1xi64>
  %s1 = fx.seeds {count = 1 : i64} : tensor<1xi64>
  %0 = fx.lookup_seed %s1 {index = 0 : i64} : (tensor<1xi64>) -> tensor<i64>
  return %s0, %0 : tensor<1xi64>, tensor<i64>
}
