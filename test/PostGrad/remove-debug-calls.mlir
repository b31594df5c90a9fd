// RUN: fx-opt %s -fx-remove-debug-calls | FileCheck %s
// Rules 5.4 and 5.6.

// CHECK-LABEL: @debug
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
func.func @debug(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[R:.*]] = fx.relu %[[X]]
  // CHECK-NEXT: return %[[R]]
  %0 = fx.call "profiler._record_function_enter_new.default"() {arguments = ["step"]} : () -> i64
  fx.call "aten._assert_tensor_metadata.default"(%x) {arguments = [{operand = 0 : i64}]} : (tensor<4xf32>) -> ()
  %1 = fx.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  fx.call "profiler._record_function_exit._RecordFunction"(%0) {arguments = [{operand = 0 : i64}]} : (i64) -> ()
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @other_assertion
func.func @other_assertion(%x: tensor<i1>) {
  // CHECK: fx.call "aten._assert_async.default"
  fx.call "aten._assert_async.default"(%x) {arguments = [{operand = 0 : i64}]} : (tensor<i1>) -> ()
  return
}
