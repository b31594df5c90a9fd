//===- NVPTX.h - Compiled code for NVIDIA GPUs -------------------*- C++ -*-===//
//
// From a module of functions on tensors in upstream IR to host code that runs
// device code. The entry points are those of CPU.h, with tensors in device
// memory: pointers among `args` and `results` are device pointers aligned to 16
// bytes, but for scalars, which are in host memory. Work is put on the
// context's stream (fx_rt_cuda_set_stream) and not waited for.
//
//===----------------------------------------------------------------------===//

#ifndef FX_TARGET_NVPTX_NVPTX_H
#define FX_TARGET_NVPTX_NVPTX_H

#include "fx/Target/CPU/CPU.h"

namespace mlir::fx::nvptx {

struct NVPTXOptions {
  /// LLVM's and ptxas' name of the GPU architecture.
  std::string arch = "sm_90";
  /// Embed machine code too where `ptxas` is found; PTX alone is compiled by
  /// the driver when it is loaded.
  bool cubin = true;
  /// Of the host code.
  cpu::CPUOptions host;
};

/// Compiles a copy of the module; errors are diagnostics on it. `ptx`, if not
/// null, receives the device code as text.
FailureOr<std::unique_ptr<cpu::CompiledModule>>
compileForNVPTX(ModuleOp module, const NVPTXOptions &options,
                std::string *ptx = nullptr);

/// From linalg on tensors to the LLVM dialect, device code embedded as PTX.
void buildLowerToNVPTXPipeline(OpPassManager &pm, const NVPTXOptions &options);

/// Adds the dialects and translations that compileForNVPTX needs besides
/// those of the CPU.
void registerNVPTXDialects(DialectRegistry &registry);

} // namespace mlir::fx::nvptx

#endif // FX_TARGET_NVPTX_NVPTX_H
