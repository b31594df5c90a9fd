//===- Rematerialization.h - Classes and costs of recomputation -----------===//
//
// Numbers in comments are sections of functorch's min-cut partitioner in the
// project's reference (4.3: op categories).
//
//===----------------------------------------------------------------------===//

#ifndef FX_ANALYSIS_REMATERIALIZATION_H
#define FX_ANALYSIS_REMATERIALIZATION_H

#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/BitmaskEnum.h"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::fx {

LLVM_ENABLE_BITMASK_ENUMS_IN_NAMESPACE();

/// The categories of an op, by its ATen packet [4.3].
enum class RematClass : uint32_t {
  None = 0,
  /// A view: never banned, saved at its logical size.
  View = 1 << 0,
  /// Cheap enough to be computed again in the backward.
  Recomputable = 1 << 1,
  /// Draws random numbers, yet fuses with its neighbours.
  Random = 1 << 2,
  /// Never recomputed even if everything else may be.
  ComputeIntensive = 1 << 3,
  /// Any producer fuses into it (`cat`), though it is no fusible producer.
  FusesProducers = 1 << 4,
  /// The result shares the storage of the first operand.
  SharesStorage = 1 << 5,
  /// Equal calls have different results: not merged [4.1.2].
  NotMergeable = 1 << 6,
  /// Exempt from the ban rules (`lift_fresh`) [4.4].
  NeverBanned = 1 << 7,
  /// The result must be saved (functional collectives) [4.1.3].
  MustSave = 1 << 8,
  /// Operands after the first are elements of a list, which the size rule for
  /// reductions does not count [4.4.4].
  ListOperands = 1 << 9,
  /// Draws from a state, so that a second call gives other numbers: never
  /// recomputed in any mode. functorch's aggressive modes do, which changes the
  /// gradients.
  Draws = 1 << 10,
  LLVM_MARK_AS_BITMASK_ENUM(Draws)
};

inline bool hasAny(RematClass classes, RematClass mask) {
  return (classes & mask) != RematClass::None;
}

/// Whether a loop over `producer` can take `consumer` in [4.3, is_fusible].
inline bool isFusible(RematClass producer, RematClass consumer) {
  constexpr RematClass fusible = RematClass::Recomputable | RematClass::Random;
  return hasAny(consumer, RematClass::FusesProducers) ||
         (hasAny(producer, fusible) && hasAny(consumer, fusible));
}

/// The classes of an ATen packet such as `aten.add`; None if it is in no
/// category.
RematClass getRematClassesOfPacket(StringRef packet);


/// The classes of any op; None if it does not have the interface.
RematClass getRematClasses(Operation *op);

/// On an op that an ATen overload of another packet than the op's first binding
/// was imported as: that overload, since the categories may differ
/// (`aten.index` may be recomputed, `aten._unsafe_index` may not).
inline constexpr llvm::StringLiteral kOverloadAttr = "fx.overload";
/// On a function whose ops stand in an order that was chosen for its memory:
/// later stages should not bring together what stands far apart. It has no
/// dialect's prefix since it outlives the fx dialect.
inline constexpr llvm::StringLiteral kScheduledAttr = "scheduled_for_memory";
/// On such a function: the bytes that a training step may take.
inline constexpr llvm::StringLiteral kPeakBudgetAttr = "peak_budget";
/// On a linalg op of a function that is scheduled for its memory: a number of
/// its own, so that no pass takes two for one value. What is computed twice was
/// so that the first copy may die.
inline constexpr llvm::StringLiteral kKeepApartAttr = "keep_apart";
/// On an op with `fx.remat`: the number of its checkpointed region.
inline constexpr llvm::StringLiteral kRematRegionAttr = "fx.remat_region";

/// On an op: the name of the region that it belongs to. On a joint function: the
/// bytes that each region may keep from the forward for the backward, as numbers
/// or as text ("8MiB"), and those that may be alive at one time. On a called
/// function: the bytes that each call may keep.
inline constexpr llvm::StringLiteral kRegionAttr = "fx.region";
inline constexpr llvm::StringLiteral kRegionBudgetsAttr = "fx.region_budgets";
inline constexpr llvm::StringLiteral kFunctionPeakBudgetAttr = "fx.peak_budget";
inline constexpr llvm::StringLiteral kMemoryBudgetAttr = "fx.memory_budget";

/// On an argument of a joint function: what each of its dimensions is expected
/// to be, for those that are not known.
inline constexpr llvm::StringLiteral kSizeHintsAttr = "fx.size_hints";

/// The size of a value: elements times their width for a tensor, with
/// `dynamicSize` for each unknown dimension, 1 for a SymInt or other scalar.
int64_t getSizeInBytes(Type type, int64_t dynamicSize);

/// Attaches RematerializationOpInterface to the ops of the fx dialect and of
/// upstream's dialects on tensors.
void registerRematerializationModels(DialectRegistry &registry);
/// The second part of it: `linalg`, `tensor`, `arith` (SymInt arithmetic, too)
/// and `math`.
void registerUpstreamRematerializationModels(DialectRegistry &registry);

} // namespace mlir::fx

#include "fx/Analysis/RematerializationInterface.h.inc"

#endif // FX_ANALYSIS_REMATERIALIZATION_H
