//===- Passes.h - Kernel formation and memory planning ----------*- C++ -*-===//

#ifndef FX_LOWERING_KERNELS_PASSES_H
#define FX_LOWERING_KERNELS_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

#include <limits>

namespace mlir::fx {

#define GEN_PASS_DECL
#include "fx/Lowering/Kernels/Passes.h.inc"

/// Name of the attribute with the places of a kernel's results.
inline constexpr llvm::StringLiteral kPlacementAttr = "fx.placement";
/// Name of the function attribute with the size of the workspace.
inline constexpr llvm::StringLiteral kWorkspaceAttr = "fx.workspace_bytes";
/// The placement of a buffer that is allocated at run time.
inline constexpr int64_t kDynamicPlacement = -1000000;

/// On a backward function: the forward that it belongs to, where its arguments
/// come from, and the results of the forward that a step returns. They have no
/// dialect's prefix since they outlive the fx dialect.
inline constexpr llvm::StringLiteral kStepForwardAttr = "step_forward";
inline constexpr llvm::StringLiteral kStepArgumentsAttr = "step_arguments";
inline constexpr llvm::StringLiteral kStepResultsAttr = "step_results";
/// An argument of the backward that is one of the step, too.
inline constexpr int64_t kStepOwnArgument = std::numeric_limits<int64_t>::min();
/// On a function whose results stay in its workspace.
inline constexpr llvm::StringLiteral kOwnResultsAttr = "results_in_workspace";
/// The offsets of such results that no kernel writes.
inline constexpr llvm::StringLiteral kResultPlacementAttr =
    "fx.result_placement";

/// On an argument of a function: it has the same values in every call. On a
/// template kernel: so has its weight. Takes no value.
inline constexpr llvm::StringLiteral kFrozenAttr = "fx.frozen";

/// On a kernel: the bytes that it is to be lent, and those of each buffer that a
/// thread keeps; and the offset of what is lent.
inline constexpr llvm::StringLiteral kScratchAttr = "fx.scratch";
inline constexpr llvm::StringLiteral kScratchPlacementAttr =
    "fx.scratch_placement";
/// On a function: the bytes of all buffers that a thread keeps.
inline constexpr llvm::StringLiteral kThreadScratchAttr = "fx.thread_scratch";

/// The value that owns the memory of a tensor: looks through reshapes and
/// casts between kernels.
Value getStorage(Value tensor);

/// What fx-build-step calls the step of a backward.
std::string getStepName(StringRef backward);

#define GEN_PASS_REGISTRATION
#include "fx/Lowering/Kernels/Passes.h.inc"

} // namespace mlir::fx

#endif // FX_LOWERING_KERNELS_PASSES_H
