//===- FunctionGroup.h - Functions run together on drawn inputs -*- C++ -*-===//

#ifndef FX_LIB_COMPILER_FUNCTIONGROUP_H
#define FX_LIB_COMPILER_FUNCTIONGROUP_H

#include "fx/Interpreter/Interpreter.h"

#include <map>

namespace mlir::fx {

/// A function, or a forward with its backward.
struct FunctionGroup {
  func::FuncOp first, backward;

  bool contains(Operation *op) const {
    return op == first || (backward && op == backward);
  }
};

/// The groups of a module in its order: functions that are called from
/// outside.
std::vector<FunctionGroup> getGroups(ModuleOp module);

/// Values for arguments, the same ones for the same names: drawn when first
/// asked for, by the types.
class DrawnInputs {
public:
  /// What integers are, which are often indices or numbers of something: 0 or
  /// 1 are in range nearly everywhere.
  enum Integers { ZeroOrOne, Zero, Three };

  /// `size` is that of dimensions which are not known.
  DrawnInputs(int64_t size, Integers integers)
      : size(size), integers(integers) {}

  /// None if there are no values of this type.
  std::optional<interp::Tensor> get(StringRef key, Type type, StringRef role);

private:
  int64_t size;
  Integers integers;
  std::map<std::string, interp::Tensor> values;
};

/// A result, and what another order of operations may change, relative to its
/// largest element: that of the narrowest type on the way to it.
struct GroupResult {
  interp::Tensor value;
  double tolerance;
};

/// The results of a group by what they are ("output 0", "gradient w").
struct GroupResults {
  std::map<std::string, GroupResult> values;
  /// Seeds that were drawn.
  unsigned seeds = 0;
};

/// Runs a group; errors are diagnostics. With `isExact` tolerances are those of
/// constants that a pass rounds to their type, since nothing else is rounded.
FailureOr<GroupResults> runGroup(const FunctionGroup &group,
                                 DrawnInputs &inputs, bool isExact);

} // namespace mlir::fx

#endif
