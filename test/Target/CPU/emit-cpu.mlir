// RUN: fx-opt %s -fx-plan-memory -fx-emit-cpu | FileCheck %s
// RUN: fx-opt %s -fx-plan-memory -fx-emit-cpu -fx-cpu-to-llvm | FileCheck %s --check-prefix=LLVM

#id = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func.func @negate_twice(
// CHECK-SAME: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr) -> i32
// CHECK: call @fx_rt_workspace
// CHECK-COUNT-2: call @fx_kernel_0
// CHECK-LABEL: func.func @negate_twice_result_sizes
// Full vectors, then a masked one; two equal kernels share a function.
// CHECK-LABEL: func.func private @fx_kernel_0
// CHECK: scf.for
// CHECK: llvm.load %{{.*}} : !llvm.ptr -> vector<32xf32>
// CHECK: arith.negf {{.*}} : vector<32xf32>
// CHECK: llvm.intr.masked.store
// CHECK-NOT: @fx_kernel_1
// LLVM: llvm.func @negate_twice(
func.func @negate_twice(%x: tensor<100xf32>) -> tensor<100xf32> {
  %0 = fx.kernel loops ins(%x : tensor<100xf32>) -> (tensor<100xf32>) {
  ^bb0(%a: tensor<100xf32>):
    %e = tensor.empty() : tensor<100xf32>
    %n = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%a : tensor<100xf32>) outs(%e : tensor<100xf32>) {
    ^bb0(%i: f32, %o: f32):
      %v = arith.negf %i : f32
      linalg.yield %v : f32
    } -> tensor<100xf32>
    fx.kernel_return %n : tensor<100xf32>
  }
  %1 = fx.kernel loops ins(%0 : tensor<100xf32>) -> (tensor<100xf32>) {
  ^bb0(%a: tensor<100xf32>):
    %e = tensor.empty() : tensor<100xf32>
    %n = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%a : tensor<100xf32>) outs(%e : tensor<100xf32>) {
    ^bb0(%i: f32, %o: f32):
      %v = arith.negf %i : f32
      linalg.yield %v : f32
    } -> tensor<100xf32>
    fx.kernel_return %n : tensor<100xf32>
  }
  return %1 : tensor<100xf32>
}
