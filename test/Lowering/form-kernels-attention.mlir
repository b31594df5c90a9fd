// RUN: fx-opt %s -fx-lower-to-linalg=keep-attention -fx-verify-linalg=keep-attention -canonicalize -cse -fx-form-kernels -fx-plan-memory | FileCheck %s
// RUN: fx-opt %s -fx-lower-to-linalg=keep-attention -canonicalize -cse -lower-to-cpu | FileCheck %s --check-prefix=CPU
// RUN: not fx-opt %s -fx-lower-to-linalg 2>&1 | FileCheck %s --check-prefix=ERR
// ERR: has no lowering to linalg

// The heads are read where the projection has them and written where the next
// one reads them; nobody needs the logsumexp.
// CHECK-LABEL: func.func @heads
// CHECK-NOT:   linalg
// CHECK:       fx.kernel template ins(%{{.*}} : tensor<2x9x24xf32>
// CHECK-SAME:  -> (tensor<2x9x2x4xf32>)
// CHECK:       tensor.extract_slice
// CHECK:       tensor.extract_slice
// CHECK:       tensor.extract_slice
// CHECK:       fx.flash_attention_for_cpu
// CHECK-NEXT:  linalg.generic
// CHECK:       fx.kernel_return
// CHECK-NOT:   fx.kernel
// CHECK:       return
// CPU:         llvm.func @fx_rt_attention(!llvm.ptr, !llvm.ptr, f64, !llvm.ptr, !llvm.ptr)
// CPU:         llvm.call @fx_rt_attention(
func.func @heads(%x: tensor<2x9x24xf32>) -> tensor<2x9x8xf32> {
  %c0 = arith.constant 0 : i64
  %c8 = arith.constant 8 : i64
  %c16 = arith.constant 16 : i64
  %c24 = arith.constant 24 : i64
  %0 = fx.slice %x from %c0 to %c8 {dim = 2 : i64} : tensor<2x9x24xf32> -> tensor<2x9x8xf32>
  %1 = fx.slice %x from %c8 to %c16 {dim = 2 : i64} : tensor<2x9x24xf32> -> tensor<2x9x8xf32>
  %2 = fx.slice %x from %c16 to %c24 {dim = 2 : i64} : tensor<2x9x24xf32> -> tensor<2x9x8xf32>
  %3 = fx.view %0 sizes = [2, 9, 2, 4] : tensor<2x9x8xf32> -> tensor<2x9x2x4xf32>
  %4 = fx.view %1 sizes = [2, 9, 2, 4] : tensor<2x9x8xf32> -> tensor<2x9x2x4xf32>
  %5 = fx.view %2 sizes = [2, 9, 2, 4] : tensor<2x9x8xf32> -> tensor<2x9x2x4xf32>
  %q = fx.permute %3 dims = [0, 2, 1, 3] : tensor<2x9x2x4xf32> -> tensor<2x2x9x4xf32>
  %k = fx.permute %4 dims = [0, 2, 1, 3] : tensor<2x9x2x4xf32> -> tensor<2x2x9x4xf32>
  %v = fx.permute %5 dims = [0, 2, 1, 3] : tensor<2x9x2x4xf32> -> tensor<2x2x9x4xf32>
  %o, %l = fx.flash_attention_for_cpu %q, %k, %v : (tensor<2x2x9x4xf32>, tensor<2x2x9x4xf32>, tensor<2x2x9x4xf32>) -> (tensor<2x2x9x4xf32>, tensor<2x2x9xf32>)
  %y = fx.permute %o dims = [0, 2, 1, 3] : tensor<2x2x9x4xf32> -> tensor<2x9x2x4xf32>
  %z = fx.view %y sizes = [2, 9, 8] : tensor<2x9x2x4xf32> -> tensor<2x9x8xf32>
  return %z : tensor<2x9x8xf32>
}

// Elements of a row that are no neighbours are copied first; the gradients that
// nobody uses have memory all the same.
// CHECK-LABEL: func.func @backward
// CHECK:       fx.kernel loops
// CHECK:       fx.kernel template
// CHECK-SAME:  -> (tensor<1x2x5x3xf32>, tensor<1x2x5x3xf32>, tensor<1x2x5x3xf32>)
// CHECK-NOT:   linalg.generic
// CHECK:       fx.flash_attention_for_cpu_backward
// CPU:         llvm.call @fx_rt_attention_backward(
func.func @backward(%x: tensor<1x2x3x5xf32>, %g: tensor<1x2x5x3xf32>, %l: tensor<1x2x5xf32>) -> tensor<1x2x5x3xf32> {
  %q = fx.permute %x dims = [0, 1, 3, 2] : tensor<1x2x3x5xf32> -> tensor<1x2x5x3xf32>
  %0:3 = fx.flash_attention_for_cpu_backward %g, %q, %g, %g, %g, %l : (tensor<1x2x5x3xf32>, tensor<1x2x5x3xf32>, tensor<1x2x5x3xf32>, tensor<1x2x5x3xf32>, tensor<1x2x5x3xf32>, tensor<1x2x5xf32>) -> (tensor<1x2x5x3xf32>, tensor<1x2x5x3xf32>, tensor<1x2x5x3xf32>)
  return %0#1 : tensor<1x2x5x3xf32>
}

// Sizes of the results are those of the operands.
// CHECK-LABEL: func.func @dynamic
// CHECK:       %[[N:.*]] = tensor.dim %arg0
// CHECK:       fx.kernel template {{.*}} sizes(%[[N]]
func.func @dynamic(%q: tensor<1x2x?x3xf32>) -> tensor<1x2x?x3xf32> {
  %o, %l = fx.flash_attention_for_cpu %q, %q, %q : (tensor<1x2x?x3xf32>, tensor<1x2x?x3xf32>, tensor<1x2x?x3xf32>) -> (tensor<1x2x?x3xf32>, tensor<1x2x?xf32>)
  return %o : tensor<1x2x?x3xf32>
}
