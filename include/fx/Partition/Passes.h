//===- Passes.h - Passes of the partition stage -----------------*- C++ -*-===//

#ifndef FX_PARTITION_PASSES_H
#define FX_PARTITION_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::fx {

#define GEN_PASS_DECL
#include "fx/Partition/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "fx/Partition/Passes.h.inc"

/// The pass fx-partition, which also gives its report, with the network, to
/// `reportText`.
std::unique_ptr<Pass> createPartitionPass(std::string &reportText);

} // namespace mlir::fx

#endif // FX_PARTITION_PASSES_H
