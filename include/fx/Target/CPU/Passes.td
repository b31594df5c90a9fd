//===- Passes.td - From kernels to the LLVM dialect --------*- tablegen -*-===//

#ifndef FX_TARGET_CPU_PASSES_TD
#define FX_TARGET_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def ReserveScratchPass
    : Pass<"fx-reserve-scratch", "::mlir::func::FuncOp"> {
  let summary = "Notes what template kernels need beside their operands";
  let description = [{
    Asks the run-time library how much memory a product or convolution packs its
    operands into, for this machine's instruction set. `fx.scratch` on a kernel
    is the bytes that it is to be lent, which fx-plan-memory finds a place for,
    and those of each packing buffer of a thread.
  }];
}

def UseFrozenWeightsPass
    : Pass<"fx-use-frozen-weights", "::mlir::func::FuncOp"> {
  let summary = "Marks template kernels whose weights never change";
  let description = [{
    An argument of the function with `fx.frozen` has the same values in every
    call. Products whose right side it is and convolutions whose weight it is
    are marked with `fx.frozen`, too: the run-time library then prepares it
    (packed panels, Winograd's filters) in the first call only.
  }];
}

def EmitCPUPass : Pass<"fx-emit-cpu", "::mlir::ModuleOp"> {
  let summary = "Emits each fx.kernel as a function, and the entry points";
  let description = [{
    Each `func.func` becomes an entry point of the C interface (see CPU.h) that
    calls one function for each kernel. Kernels that are equal up to locations
    share a function. The result is scf, arith, math and vector code on pointers
    of the LLVM dialect.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "unsigned", /*default=*/"512",
           "Width of the vector registers: 512, 256 or 128">
  ];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::math::MathDialect",
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::memref::MemRefDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect", "::mlir::affine::AffineDialect",
    "::mlir::cf::ControlFlowDialect"];
}

def CPUToLLVMPass : Pass<"fx-cpu-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lowers emitted kernels and entry points to the LLVM dialect";
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // FX_TARGET_CPU_PASSES_TD
