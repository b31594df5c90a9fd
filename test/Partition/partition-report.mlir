// RUN: fx-opt %s -fx-partition="report=%t.json report-network" -o /dev/null
// RUN: FileCheck %s < %t.json
// RUN: not fx-opt %s -fx-partition="report=%t.missing/report.json" 2>&1 | FileCheck %s --check-prefix=UNWRITABLE
// RUN: not fx-opt %s -fx-partition="mode=best" 2>&1 | FileCheck %s --check-prefix=MODE
// RUN: not fx-opt %s -fx-partition="function=other" 2>&1 | FileCheck %s --check-prefix=FUNCTION

// UNWRITABLE: cannot write the report '{{.*}}report.json'
// MODE: unknown mode 'best': expected 'default' or 'aggressive'
// FUNCTION: no function is named 'other'

// CHECK:      "saved": [
// CHECK:        "name": "x",
// CHECK-NEXT:   "bytes": 16,
// CHECK-NEXT:   "kind": "primal"
// CHECK:      "recomputed": [
// CHECK-NEXT:   "exp"
// CHECK:      "flow_value": 19,
// CHECK-NEXT: "saved_bytes": 16,
// CHECK:      "cut_nodes": [
// CHECK-NEXT:   "x"
// CHECK:      "backward_order": [
// CHECK-NEXT:   "exp",
// CHECK-NEXT:   "mul"
// CHECK:      "sink": [
// CHECK-NEXT:   "t_in",
// CHECK-NEXT:   "mul_in"
// CHECK:      "data_edges": 4,
// CHECK:        "name": "exp",
// CHECK:        "fw_order": 1,
// CHECK-NEXT:   "dist_from_bw": 1,
// CHECK-NEXT:   "bytes": 16,
// CHECK-NEXT:   "flops": 0,
// CHECK-NEXT:   "capacity": 34
func.func @joint(%x: tensor<4xf32> {fx.role = "input", fx.name = "x"},
                 %t: tensor<4xf32> {fx.role = "tangent", fx.name = "t"})
    -> (tensor<4xf32> {fx.role = "output"}, tensor<4xf32> {fx.role = "gradient"}) {
  %0 = fx.exp %x : (tensor<4xf32>) -> tensor<4xf32> loc("exp")
  %1 = fx.neg %0 : (tensor<4xf32>) -> tensor<4xf32> loc("neg")
  %2 = fx.mul %t, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("mul")
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}
