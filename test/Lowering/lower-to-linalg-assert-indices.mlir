// RUN: fx-opt %s -fx-lower-to-linalg=assert-indices | FileCheck %s
// RUN: fx-opt %s -fx-lower-to-linalg | FileCheck %s --check-prefix=PLAIN

// All indices are checked before the op, so that its loops have no assertion;
// the op itself reads in bounds whatever the order.
// PLAIN-NOT: cf.assert
// CHECK-LABEL: @gather
// CHECK-SAME:  (%[[X:.*]]: tensor<4xf32>, %[[I:.*]]: tensor<3xi64>)
func.func @gather(%x: tensor<4xf32>, %i: tensor<3xi64>) -> tensor<3xf32> {
  // CHECK:      linalg.generic {{.*}}iterator_types = ["reduction"]} ins(%[[I]]
  // CHECK:        arith.cmpi ult
  // CHECK:        arith.andi
  // CHECK:      %[[HOLDS:.*]] = tensor.extract
  // CHECK-NEXT: cf.assert %[[HOLDS]], "fx.gather: an index is out of range for a dimension of size 4"
  // CHECK:      linalg.generic {{.*}}iterator_types = ["parallel"]} ins(%[[I]]
  // CHECK:        %[[OK:.*]] = arith.cmpi ult
  // CHECK:        %[[AT:.*]] = arith.select %[[OK]]
  // CHECK:        tensor.extract %[[X]][%[[AT]]]
  %0 = fx.gather %x, %i {dim = 0 : i64} : (tensor<4xf32>, tensor<3xi64>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// A single index needs no reduction.
// CHECK-LABEL: @select_one
func.func @select_one(%x: tensor<4x2xf32>, %i: tensor<i64>) -> tensor<2xf32> {
  // CHECK-NOT: "reduction"
  // CHECK:     cf.assert %{{.*}}, "node 'index': an index is out of range for a dimension of size 4"
  %0 = fx.index %x, %i {index_dims = array<i64: 0>} : (tensor<4x2xf32>, tensor<i64>) -> tensor<2xf32> loc("index")
  return %0 : tensor<2xf32>
}

// Indices that PyTorch itself made are not checked.
// CHECK-LABEL: @unsafe_index
// CHECK-NOT: cf.assert
func.func @unsafe_index(%x: tensor<4xf32>, %i: tensor<4xi64>) -> tensor<4xf32> {
  %0 = fx.index %x, %i {index_dims = array<i64: 0>, fx.overload = "aten._unsafe_index.Tensor"} : (tensor<4xf32>, tensor<4xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// PyTorch's own assertions are checked in the same way.
// PLAIN-LABEL: @assertions
// PLAIN-NEXT:  return
// CHECK-LABEL: @assertions
// CHECK:       %[[C:.*]] = tensor.extract
// CHECK:       cf.assert %[[C]], "class values must be smaller than num_classes"
// CHECK:       %[[NONZERO:.*]] = arith.cmpi ne, %{{.*}}, %c0_i64
// CHECK:       cf.assert %[[NONZERO]], "u0 >= 0"
// CHECK-NEXT:  return
func.func @assertions(%x: tensor<i1>, %n: i64) {
  fx.call "aten._assert_async.msg"(%x) {arguments = [{operand = 0 : i64}, "class values must be smaller than num_classes"]} : (tensor<i1>) -> ()
  fx.call "aten._assert_scalar.default"(%n) {arguments = [{operand = 0 : i64}, "u0 >= 0"]} : (i64) -> ()
  fx.call "aten._assert_scalar.default"() {arguments = [true, "holds"]} : () -> ()
  return
}
