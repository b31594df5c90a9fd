//===- JointFunction.h - A joint function and its graph -------------------===//

#ifndef FX_PARTITION_JOINTFUNCTION_H
#define FX_PARTITION_JOINTFUNCTION_H

#include "fx/Partition/Rules.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir::fx {

/// Whether a function has the roles of a joint function: primals, and tangents
/// among the arguments or gradients among the results.
bool isJointFunction(func::FuncOp function);

/// Starts an error on a function without printing its body.
InFlightDiagnostic emitErrorOn(func::FuncOp function, const Twine &message);

/// Whether an op is a Python scalar: a literal, no node.
bool isLiteral(Operation *op);

/// Removes dead ops and merges equal ones as functorch does before it
/// partitions [4.1.1, 4.1.2].
void simplifyJointFunction(func::FuncOp function);

/// A joint function, its graph, and what each node stands for.
struct JointFunction {
  func::FuncOp function;
  JointGraph graph;
  /// For each node its op; null for inputs. An element has the op of its tuple.
  std::vector<Operation *> ops;
  /// For each node its value; null for tuples, valueless nodes, the output.
  std::vector<Value> values;
  llvm::DenseMap<Value, NodeId> nodeOf;
  /// Which results of the function each part returns.
  SmallVector<unsigned> forwardResults, backwardResults;

  Location getLoc(NodeId node) const;
};

/// Builds the graph of a joint function with one block; an error is emitted if
/// its roles do not make it one. `dynamicSize` stands for each unknown
/// dimension.
FailureOr<JointFunction> buildJointFunction(func::FuncOp function,
                                            int64_t dynamicSize);

/// On an op that the backward computes once more than the one before it: the
/// number of the copy. It keeps equal ops apart.
inline constexpr llvm::StringLiteral kCopyAttr = "fx.copy";

/// Writes the forward and the backward function in front of the joint one.
/// With `peakBudget` they are marked as being in an order for it.
void splitJointFunction(const JointFunction &joint,
                        const Extraction &extraction, StringRef forwardName,
                        StringRef backwardName,
                        std::optional<int64_t> peakBudget);

} // namespace mlir::fx

#endif // FX_PARTITION_JOINTFUNCTION_H
