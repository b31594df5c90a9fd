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

#rows = affine_map<(d0, d1) -> (d0, d1)>
#columns = affine_map<(d0, d1) -> (d1, d0)>

// A transposition: 16 rows are loaded, change places in four steps, and are
// stored as 16 rows. What is left of the rows' length is gathered.
// CHECK-LABEL: func.func private @fx_kernel_
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK-COUNT-16:    llvm.load %{{.*}} : !llvm.ptr -> vector<16xf32>
// CHECK-COUNT-64:    vector.shuffle %{{.*}} : vector<16xf32>, vector<16xf32>
// CHECK-NOT:         gather
// CHECK-COUNT-16:    llvm.store %{{.*}} : vector<16xf32>
// CHECK:           scf.for
// CHECK:             llvm.intr.masked.gather
func.func @transpose(%x: tensor<32x40xf32>) -> tensor<40x32xf32> {
  %0 = fx.kernel loops ins(%x : tensor<32x40xf32>) -> (tensor<40x32xf32>) {
  ^bb0(%a: tensor<32x40xf32>):
    %e = tensor.empty() : tensor<40x32xf32>
    %t = linalg.generic {indexing_maps = [#columns, #rows], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<32x40xf32>) outs(%e : tensor<40x32xf32>) {
    ^bb0(%i: f32, %o: f32):
      linalg.yield %i : f32
    } -> tensor<40x32xf32>
    fx.kernel_return %t : tensor<40x32xf32>
  }
  return %0 : tensor<40x32xf32>
}

// Both parts of a row are written before the next rows: memory is filled from
// begin to end, and threads share the rows of both.
// CHECK-LABEL: func.func private @fx_kernel_{{[0-9]+}}(
// CHECK:         constant @[[BODY:fx_kernel_[0-9]+_body]]
// CHECK:         call @fx_rt_parallel_for
// CHECK:       func.func private @[[BODY]](
// CHECK:         %[[ROWS:.*]] = arith.constant 4 : i64
// CHECK:         scf.for {{.*}} step %[[ROWS]]
// CHECK:           call @fx_kernel_{{[0-9]+}}_part0
// CHECK-NEXT:      call @fx_kernel_{{[0-9]+}}_part1
func.func @side_by_side(%x: tensor<1000x64xf32>, %y: tensor<1000x64xf32>) -> tensor<1000x128xf32> {
  %0 = fx.kernel join ins(%x, %y : tensor<1000x64xf32>, tensor<1000x64xf32>) -> (tensor<1000x128xf32>) {
  ^bb0(%a: tensor<1000x64xf32>, %b: tensor<1000x64xf32>):
    %e = tensor.empty() : tensor<1000x128xf32>
    %part = tensor.empty() : tensor<1000x64xf32>
    %n = linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<1000x64xf32>) outs(%part : tensor<1000x64xf32>) {
    ^bb0(%i: f32, %o: f32):
      %v = arith.negf %i : f32
      linalg.yield %v : f32
    } -> tensor<1000x64xf32>
    %c = linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]} ins(%b : tensor<1000x64xf32>) outs(%part : tensor<1000x64xf32>) {
    ^bb0(%i: f32, %o: f32):
      linalg.yield %i : f32
    } -> tensor<1000x64xf32>
    %left = tensor.insert_slice %n into %e[0, 0] [1000, 64] [1, 1] : tensor<1000x64xf32> into tensor<1000x128xf32>
    %right = tensor.insert_slice %c into %left[0, 64] [1000, 64] [1, 1] : tensor<1000x64xf32> into tensor<1000x128xf32>
    fx.kernel_return %right : tensor<1000x128xf32>
  }
  return %0 : tensor<1000x128xf32>
}
