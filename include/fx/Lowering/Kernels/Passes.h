//===- Passes.h - Kernel formation and memory planning ----------*- C++ -*-===//

#ifndef FX_LOWERING_KERNELS_PASSES_H
#define FX_LOWERING_KERNELS_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::fx {

#define GEN_PASS_DECL
#include "fx/Lowering/Kernels/Passes.h.inc"

/// Name of the attribute with the places of a kernel's results.
inline constexpr llvm::StringLiteral kPlacementAttr = "fx.placement";
/// Name of the function attribute with the size of the workspace.
inline constexpr llvm::StringLiteral kWorkspaceAttr = "fx.workspace_bytes";
/// The placement of a buffer that is allocated at run time.
inline constexpr int64_t kDynamicPlacement = -1000000;

/// The value that owns the memory of a tensor: looks through reshapes and
/// casts between kernels.
Value getStorage(Value tensor);

#define GEN_PASS_REGISTRATION
#include "fx/Lowering/Kernels/Passes.h.inc"

} // namespace mlir::fx

#endif // FX_LOWERING_KERNELS_PASSES_H
