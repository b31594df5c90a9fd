//===- PrepareOps.h - What makes more ops fit into kernels ------*- C++ -*-===//

#ifndef FX_LIB_LOWERING_KERNELS_PREPAREOPS_H
#define FX_LIB_LOWERING_KERNELS_PREPAREOPS_H

#include "mlir/IR/Block.h"

namespace mlir::fx {

/// Rewrites the ops of a block before kernels are formed: named structured ops
/// become generic ones, products and scatters read through copies, pads become
/// joins unless a convolution pads by itself (`hostTemplates`), and each use of a
/// fill has its own.
void prepareOps(Block &block, bool hostTemplates);

} // namespace mlir::fx

#endif // FX_LIB_LOWERING_KERNELS_PREPAREOPS_H
