//===- Kernels.h - The kinds of kernels on a GPU ----------------*- C++ -*-===//
//
// Private to the NVPTX target. A kernel has a host function with the context
// and its arguments; it launches device functions that have the arguments
// without the context.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_NVPTX_KERNELS_H
#define FX_LIB_TARGET_NVPTX_KERNELS_H

#include "DeviceLoops.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mlir::fx::nvptx {

/// The gpu.module that device functions go into.
inline constexpr llvm::StringLiteral kDeviceModule = "fx_gpu";
/// The global of type fx_rt_cuda_module, completed by fx-nvptx-to-llvm.
inline constexpr llvm::StringLiteral kModuleGlobal = "fx_cuda_module";

/// The fields of fx_rt_cuda_module.
LLVM::LLVMStructType getModuleStructType(MLIRContext *context);

/// Emits device functions and their launches in the host function of a kernel.
class KernelEmitter {
public:
  KernelEmitter(OpBuilder &b, gpu::GPUModuleOp device, KernelOp kernelOp,
                KernelFunction &host)
      : b(b), device(device), kernelOp(kernelOp), host(host) {}

  /// Fills the host function; failure is an error on the kernel.
  LogicalResult emit();

private:
  /// The whole kernel as one nest of loops; failure without a message if it is
  /// not one.
  FailureOr<LoopKernel> analyzeLoops(std::string *reason);
  LogicalResult emitProduct();
  LogicalResult emitJoin();
  /// A loop nest that writes one element of its tensor for each iteration, at
  /// places that are data.
  LogicalResult emitScatter();

  /// Launches a loop kernel. `buffers` gives tensors of the kernel that are not
  /// its arguments or results.
  struct InnerBuffer {
    Value tensor;
    LoopEmitter::BufferMaker make;
    /// It is there before the kernel starts.
    bool isInput;
  };
  void launchLoops(StringRef suffix, LoopKernel kernel, bool vectors,
                   ArrayRef<InnerBuffer> buffers = {});
  /// A device function of this kernel with its arguments, and `extra` ones
  /// after them.
  gpu::GPUFuncOp createDeviceFunction(StringRef suffix, int64_t blockSize,
                                      KernelFunction &function,
                                      TypeRange extra = {});
  void launch(gpu::GPUFuncOp function, Value grid, int64_t block,
              ValueRange extra = {});

  OpBuilder &b;
  gpu::GPUModuleOp device;
  KernelOp kernelOp;
  KernelFunction &host;
};

} // namespace mlir::fx::nvptx

#endif // FX_LIB_TARGET_NVPTX_KERNELS_H
