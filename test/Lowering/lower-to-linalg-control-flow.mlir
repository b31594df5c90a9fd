// RUN: fx-opt %s -fx-lower-to-linalg -canonicalize | FileCheck %s

// CHECK-LABEL: func @cond
// CHECK-SAME:    %[[P:.*]]: tensor<i1>, %[[X:.*]]: tensor<4xi8>
// CHECK:         %[[GO:.*]] = tensor.extract %[[P]][]
// CHECK:         %[[R:.*]] = scf.if %[[GO]] -> (tensor<4xi8>) {
// CHECK:           linalg.generic
// CHECK:           scf.yield
// CHECK:         } else {
// CHECK-NEXT:      scf.yield %[[X]]
// CHECK:         return %[[R]]
func.func @cond(%p: tensor<i1>, %x: tensor<4xui8>) -> tensor<4xui8> {
  %0 = fx.cond %p, %x : (tensor<i1>, tensor<4xui8>) -> tensor<4xui8> {
  ^bb0(%a: tensor<4xui8>):
    %1 = fx.mul %a, %a : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
    fx.yield %1 : tensor<4xui8>
  } else {
  ^bb0(%a: tensor<4xui8>):
    fx.yield %a : tensor<4xui8>
  }
  return %0 : tensor<4xui8>
}

// A number other than zero is true.
// CHECK-LABEL: func @number
// CHECK:         %[[E:.*]] = tensor.extract
// CHECK:         arith.cmpf une, %[[E]],
func.func @number(%p: tensor<1xf32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = fx.cond %p, %x : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = fx.sin %a : (tensor<4xf32>) -> tensor<4xf32>
    fx.yield %1 : tensor<4xf32>
  } else {
  ^bb0(%a: tensor<4xf32>):
    fx.yield %a : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// What stays the same is no operand of the loop.
// CHECK-LABEL: func @loop
// CHECK-SAME:    %[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>
// CHECK:         %[[R:.*]]:2 = scf.while (%[[I:.*]] = %{{.*}}, %[[A:.*]] = %[[X]]) : (i64, tensor<4xf32>) -> (i64, tensor<4xf32>) {
// CHECK:           %[[GO:.*]] = arith.cmpi slt, %[[I]],
// CHECK:           scf.condition(%[[GO]]) %[[I]], %[[A]]
// CHECK:         } do {
// CHECK:         ^bb0(%[[I:.*]]: i64, %[[A:.*]]: tensor<4xf32>):
// CHECK:           linalg.generic {{.*}} ins(%[[A]], %[[Y]] :
// CHECK:           %[[N:.*]] = arith.addi %[[I]],
// CHECK:           scf.yield %[[N]],
// CHECK:         return %[[R]]#1
func.func @loop(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %i = arith.constant 0 : i64
  %0:2 = fx.while carried(%i, %x : i64, tensor<4xf32>) additional(%y : tensor<4xf32>)
      -> i64, tensor<4xf32> {
  ^bb0(%a: i64, %b: tensor<4xf32>, %c: tensor<4xf32>):
    %n = arith.constant 7 : i64
    %go = arith.cmpi slt, %a, %n : i64
    fx.yield %go : i1
  } do {
  ^bb0(%a: i64, %b: tensor<4xf32>, %c: tensor<4xf32>):
    %one = arith.constant 1 : i64
    %1 = fx.mul %b, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %2 = arith.addi %a, %one : i64
    fx.yield %2, %1 : i64, tensor<4xf32>
  }
  return %0#1 : tensor<4xf32>
}
