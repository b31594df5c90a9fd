// RUN: fx-opt %s -fx-plan-memory -fx-emit-cpu=vector-bits=512 --split-input-file | FileCheck %s

// Sums of rows: threads share the columns, vectors add, the place of a row is
// read once.
// CHECK-LABEL: func.func private @fx_kernel_0_scatter_body
// CHECK:       scf.for
// CHECK:         llvm.load {{.*}} -> i64
// CHECK:         scf.for
// CHECK-NOT:     -> i64
// CHECK:           llvm.load {{.*}} -> vector<32xf32>
// CHECK:           arith.addf {{.*}} : vector<32xf32>
// CHECK:           llvm.store {{.*}} : vector<32xf32>
// CHECK-LABEL: func.func private @fx_kernel_0_before_body
// CHECK:       "llvm.intr.memcpy"
func.func @rows(%into: tensor<100x128xf32>, %at: tensor<400xi64>, %x: tensor<400x128xf32>) -> tensor<100x128xf32> {
  %0 = fx.kernel generic ins(%into, %at, %x : tensor<100x128xf32>, tensor<400xi64>, tensor<400x128xf32>) -> (tensor<100x128xf32>) {
  ^bb0(%t: tensor<100x128xf32>, %i: tensor<400xi64>, %v: tensor<400x128xf32>):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c400 = arith.constant 400 : index
    %c128 = arith.constant 128 : index
    %r = scf.for %a = %c0 to %c400 step %c1 iter_args(%t0 = %t) -> (tensor<100x128xf32>) {
      %s = scf.for %b = %c0 to %c128 step %c1 iter_args(%t1 = %t0) -> (tensor<100x128xf32>) {
        %k = tensor.extract %i[%a] : tensor<400xi64>
        %row = arith.index_cast %k : i64 to index
        %e = tensor.extract %v[%a, %b] : tensor<400x128xf32>
        %old = tensor.extract %t1[%row, %b] : tensor<100x128xf32>
        %new = arith.addf %old, %e : f32
        %w = tensor.insert %new into %t1[%row, %b] : tensor<100x128xf32>
        scf.yield %w : tensor<100x128xf32>
      }
      scf.yield %s : tensor<100x128xf32>
    }
    fx.kernel_return %r : tensor<100x128xf32>
  }
  return %0 : tensor<100x128xf32>
}

// -----

// A place of its own for each element along a row: rows are shared, the
// elements of one are written in their order.
// CHECK-LABEL: func.func private @fx_kernel_0_scatter
// CHECK:       scf.for
// CHECK:         scf.for
// CHECK:           llvm.store %{{.*}} : f32
// CHECK-NOT:   vector
// The fill goes to the result.
// CHECK-LABEL: func.func private @fx_kernel_0_before
// CHECK:         llvm.store {{.*}} : vector
func.func @elements(%at: tensor<8x9xi64>, %x: tensor<8x9xf32>) -> tensor<8x32xf32> {
  %0 = fx.kernel generic ins(%at, %x : tensor<8x9xi64>, tensor<8x9xf32>) -> (tensor<8x32xf32>) {
  ^bb0(%i: tensor<8x9xi64>, %v: tensor<8x9xf32>):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %c9 = arith.constant 9 : index
    %zero = arith.constant 0.0 : f32
    %none = tensor.empty() : tensor<8x32xf32>
    %t = linalg.fill ins(%zero : f32) outs(%none : tensor<8x32xf32>) -> tensor<8x32xf32>
    %r = scf.for %a = %c0 to %c8 step %c1 iter_args(%t0 = %t) -> (tensor<8x32xf32>) {
      %s = scf.for %b = %c0 to %c9 step %c1 iter_args(%t1 = %t0) -> (tensor<8x32xf32>) {
        %k = tensor.extract %i[%a, %b] : tensor<8x9xi64>
        %column = arith.index_cast %k : i64 to index
        %e = tensor.extract %v[%a, %b] : tensor<8x9xf32>
        %w = tensor.insert %e into %t1[%a, %column] : tensor<8x32xf32>
        scf.yield %w : tensor<8x32xf32>
      }
      scf.yield %s : tensor<8x32xf32>
    }
    fx.kernel_return %r : tensor<8x32xf32>
  }
  return %0 : tensor<8x32xf32>
}

// -----

// Rows that differ from lane to lane: vectors are gathered and scattered; the
// last one is masked.
// CHECK-LABEL: func.func private @fx_kernel_0_scatter
// CHECK:         llvm.intr.masked.gather
// CHECK:         arith.addf {{.*}} : vector<16xf32>
// CHECK:         llvm.intr.masked.scatter
// CHECK:       scf.if
// CHECK:         llvm.intr.masked.scatter
func.func @columns(%into: tensor<10x40xf32>, %at: tensor<5x40xi64>, %x: tensor<5x40xf32>) -> tensor<10x40xf32> {
  %0 = fx.kernel generic ins(%into, %at, %x : tensor<10x40xf32>, tensor<5x40xi64>, tensor<5x40xf32>) -> (tensor<10x40xf32>) {
  ^bb0(%t: tensor<10x40xf32>, %i: tensor<5x40xi64>, %v: tensor<5x40xf32>):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c5 = arith.constant 5 : index
    %c40 = arith.constant 40 : index
    %r = scf.for %a = %c0 to %c5 step %c1 iter_args(%t0 = %t) -> (tensor<10x40xf32>) {
      %s = scf.for %b = %c0 to %c40 step %c1 iter_args(%t1 = %t0) -> (tensor<10x40xf32>) {
        %k = tensor.extract %i[%a, %b] : tensor<5x40xi64>
        %row = arith.index_cast %k : i64 to index
        %e = tensor.extract %v[%a, %b] : tensor<5x40xf32>
        %old = tensor.extract %t1[%row, %b] : tensor<10x40xf32>
        %new = arith.addf %old, %e : f32
        %w = tensor.insert %new into %t1[%row, %b] : tensor<10x40xf32>
        scf.yield %w : tensor<10x40xf32>
      }
      scf.yield %s : tensor<10x40xf32>
    }
    fx.kernel_return %r : tensor<10x40xf32>
  }
  return %0 : tensor<10x40xf32>
}
