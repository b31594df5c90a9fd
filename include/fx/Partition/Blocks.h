//===- Blocks.h - Where the forward is narrow -----------------------------===//

#ifndef FX_PARTITION_BLOCKS_H
#define FX_PARTITION_BLOCKS_H

#include "fx/Partition/UnitGraph.h"

namespace mlir::fx {

/// The forward as a chain of blocks, cut where little memory lives from one
/// forward unit to another (between the layers of a model).
struct Blocks {
  uint32_t count = 1;
  /// For each unit; an unclaimed one is in the last block of its operands.
  std::vector<uint32_t> ofUnit;
  /// For each block the storages that enter it, ascending.
  std::vector<std::vector<StorageId>> entering;
  /// Storages that enter any block.
  llvm::BitVector crosses;
  /// For each storage the block that pays for saving it: where it is made, or,
  /// if it crosses, the next one, which it is saved for.
  std::vector<uint32_t> home;
  /// For each backward unit, in order, the last block that it or a later one
  /// uses a storage of.
  std::vector<uint32_t> ofBackwardStep;
};

/// Cuts behind a forward unit where the live bytes are a prominent minimum. The
/// `times` of the units merge blocks in which next to nothing happens.
Blocks findBlocks(const UnitGraph &graph, ArrayRef<int64_t> times);

} // namespace mlir::fx

#endif // FX_PARTITION_BLOCKS_H
