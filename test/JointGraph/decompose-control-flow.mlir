// RUN: fx-opt %s -fx-decompose=level=core | FileCheck %s

// CHECK-LABEL: func @scan
// CHECK-SAME:    %[[H:.*]]: tensor<4xf32>, %[[X:.*]]: tensor<9x4xf32>
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK-DAG:     %[[N:.*]] = arith.constant 9 : i64
// CHECK:         %[[YS:.*]] = fx.full %{{.*}} sizes = [9, 4] {dtype = f32}
// CHECK:         %[[R:.*]]:3 = fx.while carried(%[[ZERO]], %[[H]], %[[YS]] : i64, tensor<4xf32>, tensor<9x4xf32>) additional(%[[N]], %[[X]] : i64, tensor<9x4xf32>)
// CHECK:         ^bb0(%[[I:.*]]: i64, %{{.*}}: tensor<4xf32>, %{{.*}}: tensor<9x4xf32>, %[[M:.*]]: i64, %{{.*}}: tensor<9x4xf32>):
// CHECK:           %[[GO:.*]] = arith.cmpi slt, %[[I]], %[[M]]
// CHECK:           fx.yield %[[GO]]
// CHECK:         } do {
// CHECK:         ^bb0(%[[I:.*]]: i64, %[[C:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<9x4xf32>, %{{.*}}: i64, %[[XS:.*]]: tensor<9x4xf32>):
// CHECK:           %[[S:.*]] = fx.select %[[XS]], %[[I]]
// CHECK:           %[[A:.*]] = fx.add %[[C]], %[[S]]
// CHECK:           %[[NEXT:.*]] = arith.addi %[[I]],
// CHECK:           %[[NEW:.*]] = fx.select_scatter %[[Y]], %[[A]]
// CHECK:           fx.yield %[[NEXT]], %[[A]], %[[NEW]]
// CHECK:         return %[[R]]#1, %[[R]]#2
func.func @scan(%h: tensor<4xf32>, %x: tensor<9x4xf32>) -> (tensor<4xf32>, tensor<9x4xf32>) {
  %0:2 = fx.scan init(%h : tensor<4xf32>) xs(%x : tensor<9x4xf32>) -> tensor<4xf32>, tensor<9x4xf32> {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    %1 = fx.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    fx.yield %1, %1 : tensor<4xf32>, tensor<4xf32>
  }
  return %0#0, %0#1 : tensor<4xf32>, tensor<9x4xf32>
}

// CHECK-LABEL: func @map
// CHECK:         fx.while
// CHECK-NOT:     fx.map
func.func @map(%x: tensor<9x4xf32>, %w: tensor<4xf32>) -> tensor<9x4xf32> {
  %0 = fx.map xs(%x : tensor<9x4xf32>) additional(%w : tensor<4xf32>) -> tensor<9x4xf32> {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    %1 = fx.mul %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    fx.yield %1 : tensor<4xf32>
  }
  return %0 : tensor<9x4xf32>
}
