// RUN: fx-opt %s --fx-to-linalg -fx-online-softmax | FileCheck %s
// RUN: fx-opt %s --fx-to-linalg -fx-online-softmax=min-elements=101 | FileCheck %s --check-prefix=SHORT
// RUN: fx-opt %s --fx-to-linalg -fx-online-softmax -fx-form-kernels -fx-plan-memory -fx-emit-cpu | FileCheck %s --check-prefix=CPU

// One reduction with the maximum and the sum; rows without a finite element are
// seen to afterwards. On a CPU lanes have pairs of their own, which are combined
// half by half.
// CHECK-LABEL: func.func @softmax
// CHECK: %[[BOTH:.*]]:2 = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK-SAME: outs(%{{.*}}, %{{.*}} : tensor<8xf32>, tensor<8xf32>)
// CHECK-COUNT-1: math.exp
// CHECK: %[[LARGEST:.*]] = arith.maximumf
// CHECK: linalg.yield %[[LARGEST]], %{{.*}} : f32, f32
// CHECK: linalg.generic {{.*}} ins(%[[BOTH]]#0, %[[BOTH]]#1
// CHECK: math.absf
// CHECK: 0x7F800000
// CHECK: 0x7FC00000
// CHECK: arith.select
// CHECK-NOT: "reduction"]
// CHECK: return
// SHORT-LABEL: func.func @softmax
// SHORT-COUNT-2: "reduction"]
// SHORT-NOT: math.absf
// SHORT: return
// CPU-LABEL: func.func private @fx_kernel_0
// CPU: scf.for {{.*}} iter_args({{.*}}) -> (vector<[[W:[0-9]+]]xf32>, vector<[[W]]xf32>)
// CPU: arith.maximumf {{.*}} : vector<[[W]]xf32>
// CPU: vector.shuffle
// CPU: vector.extract
func.func @softmax(%x: tensor<8x100xf32>) -> tensor<8x100xf32> {
  %0 = fx.softmax %x {dim = 1 : i64} : (tensor<8x100xf32>) -> tensor<8x100xf32>
  return %0 : tensor<8x100xf32>
}

// Along two dimensions, written out, without kept dimensions between. A row of a
// size that is not known is long.
// CHECK-LABEL: func.func @written_out
// CHECK-COUNT-1: "reduction"]
// CHECK-NOT: "reduction"]
// CHECK: return
// SHORT-LABEL: func.func @written_out
// SHORT-COUNT-1: "reduction"]
// SHORT-NOT: "reduction"]
// SHORT: return
func.func @written_out(%x: tensor<8x?x4xf32>) -> tensor<8x1x1xf32> {
  %0 = fx.amax %x {dim = array<i64: 1, 2>, keepdim = true} : (tensor<8x?x4xf32>) -> tensor<8x1x1xf32>
  %1 = fx.sub %x, %0 : (tensor<8x?x4xf32>, tensor<8x1x1xf32>) -> tensor<8x?x4xf32>
  %2 = fx.exp %1 : (tensor<8x?x4xf32>) -> tensor<8x?x4xf32>
  %3 = fx.sum %2 {dim = array<i64: 1, 2>, keepdim = true} : (tensor<8x?x4xf32>) -> tensor<8x1x1xf32>
  return %3 : tensor<8x1x1xf32>
}

// The maximum of another tensor, along another dimension, of all elements; a
// smaller one, where infinities differ.
// CHECK-LABEL: func.func @kept
// CHECK-COUNT-8: iterator_types = [{{.*}}"reduction"
// CHECK: return
func.func @kept(%x: tensor<9x9xf32>, %y: tensor<9x9xf32>) -> (tensor<9x1xf32>, tensor<9x1xf32>, tensor<9x1xf32>, tensor<9x1xf32>) {
  %0 = fx.amax %y {dim = array<i64: 1>, keepdim = true} : (tensor<9x9xf32>) -> tensor<9x1xf32>
  %1 = fx.sub %x, %0 : (tensor<9x9xf32>, tensor<9x1xf32>) -> tensor<9x9xf32>
  %2 = fx.exp %1 : (tensor<9x9xf32>) -> tensor<9x9xf32>
  %3 = fx.sum %2 {dim = array<i64: 1>, keepdim = true} : (tensor<9x9xf32>) -> tensor<9x1xf32>
  %4 = fx.amax %x {dim = array<i64: 0>, keepdim = true} : (tensor<9x9xf32>) -> tensor<1x9xf32>
  %5 = fx.sub %x, %4 : (tensor<9x9xf32>, tensor<1x9xf32>) -> tensor<9x9xf32>
  %6 = fx.exp %5 : (tensor<9x9xf32>) -> tensor<9x9xf32>
  %7 = fx.sum %6 {dim = array<i64: 1>, keepdim = true} : (tensor<9x9xf32>) -> tensor<9x1xf32>
  %8 = fx.amax %x {keepdim = true} : (tensor<9x9xf32>) -> tensor<1x1xf32>
  %9 = fx.sub %x, %8 : (tensor<9x9xf32>, tensor<1x1xf32>) -> tensor<9x9xf32>
  %10 = fx.exp %9 : (tensor<9x9xf32>) -> tensor<9x9xf32>
  %11 = fx.sum %10 {dim = array<i64: 1>, keepdim = true} : (tensor<9x9xf32>) -> tensor<9x1xf32>
  %12 = fx.logsumexp %x {dim = array<i64: 1>, keepdim = true} : (tensor<9x9xf32>) -> tensor<9x1xf32>
  return %3, %7, %11, %12 : tensor<9x1xf32>, tensor<9x1xf32>, tensor<9x1xf32>, tensor<9x1xf32>
}
