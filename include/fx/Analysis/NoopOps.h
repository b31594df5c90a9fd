//===- NoopOps.h - Ops that compute one of their operands -------*- C++ -*-===//

#ifndef FX_ANALYSIS_NOOPOPS_H
#define FX_ANALYSIS_NOOPOPS_H

#include "mlir/IR/Operation.h"

namespace mlir::fx {

enum class NoopTable {
  /// The table of Inductor's remove_noop_ops (reference 3.4). What it leaves is
  /// seen by the partitioner, whose answer depends on it.
  Inductor,
  /// Also identities that Inductor leaves to code generation.
  Extended
};

/// The operand that an op with one result returns unchanged, with the same
/// type; null if it does anything else. Does not look at aliasing.
Value getNoopSource(Operation *op, NoopTable table = NoopTable::Inductor);

/// Replaces the ops of a function that are no-ops by their sources, in one
/// sweep, except where that would make a fresh result share memory. Returns
/// whether there were any.
bool removeNoopOps(Operation *function, NoopTable table);

} // namespace mlir::fx

#endif
