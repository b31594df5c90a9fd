// RUN: fx-opt %s --split-input-file --joint-graph --post-grad=inference=true --fx-to-linalg \
// RUN:   | fx-opt --split-input-file -fx-form-kernels=host-templates=false -fx-plan-memory -fx-emit-nvptx \
// RUN:   | FileCheck %s

// The entry point starts and ends a call, and asks where tensors are aligned.
// CHECK-LABEL: func.func @pointwise(
// CHECK: call @fx_rt_cuda_begin
// CHECK: call @fx_rt_cuda_check_alignment
// CHECK: call @fx_kernel_0
// CHECK: %[[STATUS:.*]] = call @fx_rt_cuda_end
// CHECK: return %[[STATUS]]
// 262144 points, 4 for each thread, 256 threads for each block.
// CHECK-LABEL: func.func private @fx_kernel_0
// CHECK: %[[GRID:.*]] = arith.constant 256 : i64
// CHECK: gpu.launch_func @fx_gpu::@fx_kernel_0 blocks in (%[[GRID]],
// CHECK-LABEL: gpu.func @fx_kernel_0
// CHECK-SAME: kernel attributes {known_block_size = array<i32: 256, 1, 1>}
// CHECK: gpu.thread_id x
// CHECK: scf.if
// CHECK-COUNT-2: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr -> vector<4xf32>
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>
func.func @pointwise(%x: tensor<1024x256xf32>, %b: tensor<256xf32>) -> tensor<1024x256xf32> {
  %0 = fx.add %x, %b : (tensor<1024x256xf32>, tensor<256xf32>) -> tensor<1024x256xf32>
  %1 = fx.exp %0 : (tensor<1024x256xf32>) -> tensor<1024x256xf32>
  return %1 : tensor<1024x256xf32>
}

// -----

// Small tensors need all threads that there are; elements alone.
// CHECK-LABEL: gpu.func @fx_kernel_0
// CHECK: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr -> f32
func.func @small(%x: tensor<10x7xf32>) -> tensor<10x7xf32> {
  %0 = fx.neg %x : (tensor<10x7xf32>) -> tensor<10x7xf32>
  return %0 : tensor<10x7xf32>
}

// -----

// A warp and more for each row: shuffles, and shared memory between warps.
// Three sweeps, and only the last one stores.
// CHECK-LABEL: gpu.func @fx_kernel_0
// CHECK: scf.for
// CHECK: arith.maximumf
// CHECK: vector.reduction <maximumf>
// CHECK: gpu.shuffle xor
// CHECK: gpu.barrier
// CHECK: scf.for
// CHECK: vector.reduction <add>
// CHECK: gpu.shuffle xor
// CHECK: scf.for
// CHECK: llvm.store %{{.*}} vector<4xf32>
// CHECK: gpu.return
func.func @softmax(%x: tensor<512x4000xf32>) -> tensor<512x4000xf32> {
  %0 = fx.softmax %x {dim = 1 : i64} : (tensor<512x4000xf32>) -> tensor<512x4000xf32>
  return %0 : tensor<512x4000xf32>
}

// -----

// Neighbouring threads take neighbouring columns, and share rows through
// memory. Two groups of 32 columns leave most of a GPU idle: the rows are
// divided among 8 blocks each, and a second kernel adds what they found.
// CHECK-LABEL: func.func private @fx_kernel_0
// CHECK: %[[BYTES:.*]] = arith.constant 4096 : i64
// CHECK: %[[PARTS:.*]] = call @fx_rt_cuda_alloc(%{{.*}}, %[[BYTES]])
// CHECK: %[[GRID:.*]] = arith.constant 16 : i64
// CHECK: gpu.launch_func @fx_gpu::@fx_kernel_0_partial blocks in (%[[GRID]],
// CHECK: gpu.launch_func @fx_gpu::@fx_kernel_0 {{.*}} args({{.*}}%[[PARTS]] :
// CHECK: call @fx_rt_cuda_free(%{{.*}}, %[[PARTS]])
// CHECK: llvm.mlir.global internal @fx_kernel_0_partial_shared_0() {addr_space = 3
// CHECK: gpu.func @fx_kernel_0_partial
// CHECK-SAME: known_block_size = array<i32: 1024, 1, 1>
// CHECK-NOT: gpu.shuffle
// CHECK: gpu.barrier
// CHECK: gpu.return
// CHECK: gpu.func @fx_kernel_0(
// CHECK-NOT: gpu.barrier
// CHECK: gpu.return
func.func @columns(%x: tensor<4096x64xf32>) -> tensor<64xf32> {
  %0 = fx.sum %x {dim = array<i64: 0>, keepdim = false} : (tensor<4096x64xf32>) -> tensor<64xf32>
  return %0 : tensor<64xf32>
}

// -----

// cuBLASLt reads the weight as it is stored; what follows is one kernel that
// works in place.
// CHECK-LABEL: func.func private @fx_kernel_0
// CHECK: call @fx_rt_cuda_gemm
// CHECK: gpu.launch_func @fx_gpu::@fx_kernel_0_epilogue
// CHECK-NOT: gpu.launch_func
// CHECK: return
func.func @linear(%b: tensor<64xf32>, %x: tensor<32x16xf32>, %w: tensor<64x16xf32>) -> tensor<32x64xf32> {
  %t = fx.permute %w dims = [1, 0] : tensor<64x16xf32> -> tensor<16x64xf32>
  %0 = fx.addmm %b, %x, %t : (tensor<64xf32>, tensor<32x16xf32>, tensor<16x64xf32>) -> tensor<32x64xf32>
  %1 = fx.relu %0 : (tensor<32x64xf32>) -> tensor<32x64xf32>
  return %1 : tensor<32x64xf32>
}

// -----

// The number of blocks follows from the size at run time.
// CHECK-LABEL: func.func private @fx_kernel_0
// CHECK-SAME: %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %[[N:[a-z0-9]+]]: i64
// CHECK: arith.muli %[[N]]
// CHECK: %[[GRID:.*]] = arith.divui
// CHECK: gpu.launch_func @fx_gpu::@fx_kernel_0 blocks in (%[[GRID]],
func.func @dynamic(%x: tensor<?x7xf32>) -> tensor<?x7xf32> {
  %0 = fx.neg %x : (tensor<?x7xf32>) -> tensor<?x7xf32>
  return %0 : tensor<?x7xf32>
}

// -----

// A concatenation: each part writes its slice.
// CHECK-LABEL: func.func private @fx_kernel_0
// CHECK: gpu.launch_func @fx_gpu::@fx_kernel_0_part0
// CHECK: gpu.launch_func @fx_gpu::@fx_kernel_0_part1
func.func @join(%x: tensor<4x3xf32>, %y: tensor<4x5xf32>) -> tensor<4x8xf32> {
  %0 = fx.cat %x, %y {dim = 1 : i64} : (tensor<4x3xf32>, tensor<4x5xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
