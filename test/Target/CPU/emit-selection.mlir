// RUN: fx-opt %s -fx-form-kernels -fx-plan-memory -fx-emit-cpu | FileCheck %s
// An argmax along a row takes the lanes of contiguous loads, each with its own
// best element; at the end halves are compared by the same condition.

#full = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: func.func private @fx_kernel_0
// CHECK-NOT: masked.gather
// CHECK: llvm.load {{.*}} -> vector<[[W:[0-9]+]]xf32>
// CHECK: arith.cmpf ogt, {{.*}} : vector<[[W]]xf32>
// CHECK: vector.shuffle {{.*}} : vector<[[W]]xf32>, vector<[[W]]xf32>
// CHECK: vector.shuffle {{.*}} [1] : vector<2xi64>, vector<2xi64>
// CHECK: vector.extract {{.*}} : i64 from vector<1xi64>
func.func @argmax(%x: tensor<64x1024xf32>, %v: tensor<64xf32>, %i: tensor<64xi64>) -> tensor<64xi64> {
  %low = arith.constant 0xFF800000 : f32
  %none = arith.constant 9223372036854775807 : i64
  %ev = tensor.empty() : tensor<64xf32>
  %ei = tensor.empty() : tensor<64xi64>
  %v0 = linalg.fill ins(%low : f32) outs(%ev : tensor<64xf32>) -> tensor<64xf32>
  %i0 = linalg.fill ins(%none : i64) outs(%ei : tensor<64xi64>) -> tensor<64xi64>
  %best:2 = linalg.generic {indexing_maps = [#full, #row, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<64x1024xf32>) outs(%v0, %i0 : tensor<64xf32>, tensor<64xi64>) {
  ^bb0(%a: f32, %m: f32, %p: i64):
    %n = linalg.index 1 : index
    %k = arith.index_cast %n : index to i64
    %more = arith.cmpf ogt, %a, %m : f32
    %same = arith.cmpf oeq, %a, %m : f32
    %less = arith.cmpi slt, %k, %p : i64
    %first = arith.andi %same, %less : i1
    %c = arith.ori %more, %first : i1
    %m1 = arith.select %c, %a, %m : f32
    %p1 = arith.select %c, %k, %p : i64
    linalg.yield %m1, %p1 : f32, i64
  } -> (tensor<64xf32>, tensor<64xi64>)
  return %best#1 : tensor<64xi64>
}
