//===- Passes.td - From kernels to gpu and to PTX ----------*- tablegen -*-===//

#ifndef FX_TARGET_NVPTX_PASSES_TD
#define FX_TARGET_NVPTX_PASSES_TD

include "mlir/Pass/PassBase.td"

def EmitNVPTXPass : Pass<"fx-emit-nvptx", "::mlir::ModuleOp"> {
  let summary = "Emits each fx.kernel as gpu kernels, and the entry points";
  let description = [{
    Each `func.func` becomes an entry point of the C interface (see CPU.h; here
    tensors are in device memory) that calls one host function for each kernel.
    That function launches `gpu.func` kernels of the `gpu.module` @fx_gpu, or
    calls cuBLASLt through the runtime for a matrix product. Kernels that are
    equal up to locations share their functions.

    Pointwise kernels have a thread for each point, or for 16 bytes of points
    where memory is contiguous. The threads of a block share the rows of a
    reduction: neighbours along a row when that is contiguous, otherwise
    neighbours across rows.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::math::MathDialect",
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::func::FuncDialect", "::mlir::tensor::TensorDialect",
    "::mlir::cf::ControlFlowDialect"];
}

def NVPTXToLLVMPass : Pass<"fx-nvptx-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lowers gpu.module to PTX, and launches to calls of the runtime";
  let description = [{
    Device code is lowered to the LLVM dialect, translated and compiled to PTX
    in this process; with the program `ptxas` in PATH also to machine code of
    the architecture. Both become constants of the host module. gpu.launch_func
    becomes a call of fx_rt_cuda_launch.
  }];
  let options = [
    Option<"arch", "arch", "std::string", /*default=*/"\"sm_90\"",
           "The GPU architecture, as LLVM and ptxas name it">,
    Option<"cubin", "cubin", "bool", /*default=*/"true",
           "Embed machine code too if ptxas is found">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect",
                           "::mlir::cf::ControlFlowDialect"];
}

#endif // FX_TARGET_NVPTX_PASSES_TD
