//===- UnitGraph.h - What allocates, and what is allocated ----------------===//
//
// The joint graph as a memory planner sees it. A unit is a call that allocates;
// a storage is one block of memory: a result of a unit. Views and elements of
// tuples are other names of a storage. Inputs and constants belong to the
// caller and count nothing.
//
//===----------------------------------------------------------------------===//

#ifndef FX_PARTITION_UNITGRAPH_H
#define FX_PARTITION_UNITGRAPH_H

#include "fx/Partition/Rules.h"

namespace mlir::fx {

using UnitId = uint32_t;
using StorageId = uint32_t;

/// What the machine does in a unit of time, for the price of a recomputation.
struct CostModel {
  enum class Objective : uint8_t {
    /// Operations of products and convolutions; bytes only break ties.
    Flops,
    /// The same, and what a code generator that fuses would still pay for
    /// memory traffic.
    Fused,
    /// The larger of both, nothing fused.
    Roofline
  };
  Objective objective = Objective::Flops;
  int64_t flopsPerNanosecond = 116;
  int64_t bytesPerMicrosecond = 25800;
};

struct Unit {
  enum class Kind : uint8_t {
    /// The forward needs it.
    Forward,
    /// Depends on a tangent: runs once, in the backward.
    Backward,
    /// Depends on the forward alone, and only the backward needs it.
    Unclaimed
  };

  NodeId node;
  Kind kind;
  /// A second run would give other results or have effects twice.
  bool runsOnce = false;
  RematPolicy policy = RematPolicy::Free;
  RematPreference preference = RematPreference::None;
  bool isFusible = false;
  int64_t flops = 0;
  /// Read and written if nothing is fused.
  int64_t bytesMoved = 0;
  /// Of all results.
  int64_t bytes = 0;
  /// Different storages, in operand order.
  SmallVector<StorageId, 4> operands;
  SmallVector<StorageId, 2> results;
};

struct Storage {
  /// A result that nothing uses has no node.
  static constexpr NodeId noNode = ~0u;

  NodeId node;
  UnitId owner;
  int64_t bytes;
  /// Returned by the forward or by the backward.
  bool isForwardOutput = false, isBackwardOutput = false;
  SmallVector<UnitId, 4> users;
};

/// Units and storages, both numbered in joint-graph order.
struct UnitGraph {
  static constexpr UnitId noUnit = ~0u;

  std::vector<Unit> units;
  std::vector<Storage> storages;
  /// The units of these kinds.
  std::vector<UnitId> forward, backward;
  /// For each node the unit that it is the call of, or `noUnit`.
  std::vector<UnitId> unitOfNode;
  /// For each node the storages that it shows; none for inputs and views of
  /// them, several for tuples.
  std::vector<SmallVector<StorageId, 1>> storagesOfNode;
  /// Each unit once.
  int64_t flops = 0;

  const Unit &owner(StorageId s) const { return units[storages[s].owner]; }
  bool isBackward(StorageId s) const {
    return owner(s).kind == Unit::Kind::Backward;
  }
};

UnitGraph buildUnitGraph(const JointGraph &graph, const NodeInfo &info);

/// Picoseconds of a run with nothing fused.
int64_t getRoofline(const Unit &unit, const CostModel &model);

/// For each unit what one more run is priced at, in picoseconds: at least 1 for
/// forward units, 0 for others (an unclaimed unit has to run once anyway). A
/// preference of the program makes it four times as much or as little.
std::vector<int64_t> getPrices(const UnitGraph &graph, const CostModel &model);

} // namespace mlir::fx

#endif // FX_PARTITION_UNITGRAPH_H
