// RUN: fx-opt %s -fx-simplify-splits | FileCheck %s
// RUN: fx-opt %s -fx-simplify-splits=rule=merge_splits_pass | FileCheck %s --check-prefix=ONE
// RUN: fx-opt %s --pre-grad="enable=merge_splits_pass" | FileCheck %s --check-prefix=ONE
// RUN: fx-opt %s --pre-grad | FileCheck %s --check-prefix=OFF
// RUN: not fx-opt %s -fx-simplify-splits=rule=typo 2>&1 | FileCheck %s --check-prefix=TYPO
// TYPO: fx-simplify-splits has no rule 'typo'

// Rule 2.10 under Inductor's keys; off by default.
// OFF-LABEL: @into_one
// OFF: fx.split_with_sizes

// remove_split_with_size_one_pass
// CHECK-LABEL: @into_one
// CHECK-NOT: split
// ONE-LABEL: @into_one
// ONE: split_sizes = array<i64: 4>
func.func @into_one(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %0 = fx.split_with_sizes %x {dim = 0 : i64, split_sizes = array<i64: 4>} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %1 = fx.neg %0 : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}

// merge_splits_pass: dimension -1 is dimension 1.
// CHECK-LABEL: @split_of_part
// CHECK: %[[S:.*]]:4 = fx.split_with_sizes %arg0 {dim = 1 : i64, split_sizes = array<i64: 2, 1, 2, 1>}
// CHECK-NEXT: return %[[S]]#0, %[[S]]#1, %[[S]]#2, %[[S]]#3
// ONE-LABEL: @split_of_part
// ONE: array<i64: 2, 1, 2, 1>
func.func @split_of_part(%x: tensor<4x6xf32>) -> (tensor<4x2xf32>, tensor<4x1xf32>, tensor<4x2xf32>, tensor<4x1xf32>) {
  %0:3 = fx.split_with_sizes %x {dim = 1 : i64, split_sizes = array<i64: 2, 3, 1>} : (tensor<4x6xf32>) -> (tensor<4x2xf32>, tensor<4x3xf32>, tensor<4x1xf32>)
  %1:2 = fx.split_with_sizes %0#1 {dim = -1 : i64, split_sizes = array<i64: 1, 2>} : (tensor<4x3xf32>) -> (tensor<4x1xf32>, tensor<4x2xf32>)
  return %0#0, %1#0, %1#1, %0#2 : tensor<4x2xf32>, tensor<4x1xf32>, tensor<4x2xf32>, tensor<4x1xf32>
}

// The part is used whole, too; the other split is along another dimension.
// CHECK-LABEL: @not_merged
// CHECK-COUNT-3: fx.split_with_sizes
func.func @not_merged(%x: tensor<4x6xf32>) -> (tensor<4x1xf32>, tensor<4x2xf32>, tensor<4x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %0:2 = fx.split_with_sizes %x {dim = 1 : i64, split_sizes = array<i64: 3, 3>} : (tensor<4x6xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>)
  %1:2 = fx.split_with_sizes %0#0 {dim = 1 : i64, split_sizes = array<i64: 1, 2>} : (tensor<4x3xf32>) -> (tensor<4x1xf32>, tensor<4x2xf32>)
  %2:2 = fx.split_with_sizes %0#1 {dim = 0 : i64, split_sizes = array<i64: 2, 2>} : (tensor<4x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  return %1#0, %1#1, %0#0, %2#0, %2#1 : tensor<4x1xf32>, tensor<4x2xf32>, tensor<4x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// merge_getitem_cat_pass
// CHECK-LABEL: @some_parts
// CHECK: %[[S:.*]]:2 = fx.split_with_sizes %arg0 {dim = 1 : i64, split_sizes = array<i64: 1, 5>}
// CHECK-NEXT: %[[N:.*]] = fx.neg %[[S]]#1
// CHECK-NEXT: return %[[S]]#0, %[[N]]
func.func @some_parts(%x: tensor<4x6xf32>) -> (tensor<4x1xf32>, tensor<4x5xf32>) {
  %0:3 = fx.split_with_sizes %x {dim = 1 : i64, split_sizes = array<i64: 1, 2, 3>} : (tensor<4x6xf32>) -> (tensor<4x1xf32>, tensor<4x2xf32>, tensor<4x3xf32>)
  %1 = fx.cat %0#1, %0#2 {dim = 1 : i64} : (tensor<4x2xf32>, tensor<4x3xf32>) -> tensor<4x5xf32>
  %2 = fx.neg %1 : (tensor<4x5xf32>) -> tensor<4x5xf32>
  return %0#0, %2 : tensor<4x1xf32>, tensor<4x5xf32>
}

// mutate_cat_pass: all parts in order are the tensor, neighbours that are used
// elsewhere too are a slice; other orders stay.
// CHECK-LABEL: @parts_in_order
// CHECK: %[[S:.*]]:3 = fx.split_with_sizes
// CHECK: fx.neg %arg0
// CHECK: %[[R:.*]] = fx.slice %arg0 from %{{.*}} to %{{.*}} {dim = 1 : i64}
// CHECK: fx.neg %[[R]]
// CHECK: fx.cat %[[S]]#1, %[[S]]#0
func.func @parts_in_order(%x: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<4x5xf32>, tensor<4x3xf32>) {
  %0:3 = fx.split_with_sizes %x {dim = 1 : i64, split_sizes = array<i64: 1, 2, 3>} : (tensor<4x6xf32>) -> (tensor<4x1xf32>, tensor<4x2xf32>, tensor<4x3xf32>)
  %1 = fx.cat %0#0, %0#1, %0#2 {dim = 1 : i64} : (tensor<4x1xf32>, tensor<4x2xf32>, tensor<4x3xf32>) -> tensor<4x6xf32>
  %2 = fx.neg %1 : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %3 = fx.cat %0#1, %0#2 {dim = -1 : i64} : (tensor<4x2xf32>, tensor<4x3xf32>) -> tensor<4x5xf32>
  %4 = fx.neg %3 : (tensor<4x5xf32>) -> tensor<4x5xf32>
  %5 = fx.cat %0#1, %0#0 {dim = 1 : i64} : (tensor<4x2xf32>, tensor<4x1xf32>) -> tensor<4x3xf32>
  return %2, %4, %5 : tensor<4x6xf32>, tensor<4x5xf32>, tensor<4x3xf32>
}

// unbind_stack_pass, and a stack along another dimension: a transpose.
// CHECK-LABEL: @stack_of_unbind
// CHECK: fx.neg %arg0
// CHECK: fx.stack
// CHECK-NOT: fx.stack
func.func @stack_of_unbind(%x: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %0:2 = fx.unbind %x {dim = 0 : i64} : (tensor<2x2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  %1 = fx.stack %0#0, %0#1 {dim = 0 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %2 = fx.neg %1 : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %3 = fx.stack %0#0, %0#1 {dim = 1 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  return %2, %3 : tensor<2x2xf32>, tensor<2x2xf32>
}

// A cat that is returned is memory of its own.
// CHECK-LABEL: @returned
// CHECK: fx.cat
func.func @returned(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %0:2 = fx.split_with_sizes %x {dim = 1 : i64, split_sizes = array<i64: 1, 5>} : (tensor<4x6xf32>) -> (tensor<4x1xf32>, tensor<4x5xf32>)
  %1 = fx.cat %0#0, %0#1 {dim = 1 : i64} : (tensor<4x1xf32>, tensor<4x5xf32>) -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}
