// RUN: fx-opt %s -fx-plan-memory -fx-emit-nvptx --split-input-file | FileCheck %s

// A sum: all 32 iterations are threads, and memory adds.
// CHECK-LABEL: func.func private @fx_kernel_0
// CHECK: call @fx_rt_cuda_copy
// CHECK: gpu.launch_func
// CHECK-LABEL: gpu.func @fx_kernel_0
// CHECK-NOT: scf.for
// CHECK: llvm.atomicrmw fadd {{.*}} syncscope("device") monotonic
func.func @scatter_add(%into: tensor<10x8xf32>, %at: tensor<4xi64>, %x: tensor<4x8xf32>) -> tensor<10x8xf32> {
  %0 = fx.kernel generic ins(%into, %at, %x : tensor<10x8xf32>, tensor<4xi64>, tensor<4x8xf32>) -> (tensor<10x8xf32>) {
  ^bb0(%t: tensor<10x8xf32>, %i: tensor<4xi64>, %v: tensor<4x8xf32>):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %r = scf.for %a = %c0 to %c4 step %c1 iter_args(%t0 = %t) -> (tensor<10x8xf32>) {
      %s = scf.for %b = %c0 to %c8 step %c1 iter_args(%t1 = %t0) -> (tensor<10x8xf32>) {
        %k = tensor.extract %i[%a] : tensor<4xi64>
        %row = arith.index_cast %k : i64 to index
        %e = tensor.extract %v[%a, %b] : tensor<4x8xf32>
        %old = tensor.extract %t1[%row, %b] : tensor<10x8xf32>
        %new = arith.addf %old, %e : f32
        %w = tensor.insert %new into %t1[%row, %b] : tensor<10x8xf32>
        scf.yield %w : tensor<10x8xf32>
      }
      scf.yield %s : tensor<10x8xf32>
    }
    fx.kernel_return %r : tensor<10x8xf32>
  }
  return %0 : tensor<10x8xf32>
}

// -----

// The last value written to a place stays: only columns are threads.
// CHECK-LABEL: gpu.func @fx_kernel_0
// CHECK: arith.remui
// CHECK: scf.for
// CHECK: llvm.store %{{.*}} : f32
// CHECK-NOT: atomicrmw
// CHECK: gpu.return
func.func @scatter(%into: tensor<10x8xf32>, %at: tensor<4xi64>, %x: tensor<4x8xf32>) -> tensor<10x8xf32> {
  %0 = fx.kernel generic ins(%into, %at, %x : tensor<10x8xf32>, tensor<4xi64>, tensor<4x8xf32>) -> (tensor<10x8xf32>) {
  ^bb0(%t: tensor<10x8xf32>, %i: tensor<4xi64>, %v: tensor<4x8xf32>):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %r = scf.for %a = %c0 to %c4 step %c1 iter_args(%t0 = %t) -> (tensor<10x8xf32>) {
      %s = scf.for %b = %c0 to %c8 step %c1 iter_args(%t1 = %t0) -> (tensor<10x8xf32>) {
        %k = tensor.extract %i[%a] : tensor<4xi64>
        %row = arith.index_cast %k : i64 to index
        %e = tensor.extract %v[%a, %b] : tensor<4x8xf32>
        %w = tensor.insert %e into %t1[%row, %b] : tensor<10x8xf32>
        scf.yield %w : tensor<10x8xf32>
      }
      scf.yield %s : tensor<10x8xf32>
    }
    fx.kernel_return %r : tensor<10x8xf32>
  }
  return %0 : tensor<10x8xf32>
}
