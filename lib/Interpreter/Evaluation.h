//===- Evaluation.h - Evaluation of one op ----------------------*- C++ -*-===//

#ifndef FX_LIB_INTERPRETER_EVALUATION_H
#define FX_LIB_INTERPRETER_EVALUATION_H

#include "fx/IR/FXOps.h"
#include "fx/IR/TypeInference.h"
#include "fx/Interpreter/Interpreter.h"
#include "llvm/ADT/StringMap.h"

#include <functional>

namespace mlir::fx::interp {

/// The values of one region that runs.
class Frame {
public:
  explicit Frame(Interpreter &interpreter) : interpreter(interpreter) {}

  /// Runs a region with one block; gives the operands of its terminator.
  FailureOr<std::vector<Tensor>> run(Region &region,
                                     ArrayRef<Tensor> arguments);

  /// Every operand has a value when its op is evaluated.
  const Tensor &get(Value value) const { return values.find(value)->second; }
  int64_t getInteger(Value value) const { return get(value).integer(0); }
  double getReal(Value value) const { return get(value).real(0); }
  /// Sizes of which some are operands.
  Shape getSizes(OperandRange dynamic, ArrayRef<int64_t> fixed) const;

  /// Gives a result its value, which must fit its type.
  LogicalResult set(Value result, Tensor value);
  LogicalResult set(Operation *op, std::vector<Tensor> results);
  /// The same for a result of any element type: `value` is converted.
  LogicalResult setConverted(Value result, const Tensor &value);
  /// A tensor of zeros for a result of `op`.
  FailureOr<Tensor> make(Operation *op, ElementKind kind,
                         ArrayRef<int64_t> shape);
  FailureOr<Tensor> make(Value result, ArrayRef<int64_t> shape);
  FailureOr<Tensor> convert(Operation *op, const Tensor &value,
                            ElementKind kind);

  Interpreter &interpreter;

private:
  LogicalResult evaluate(Operation *op);
  void release(Operation *op);

  llvm::DenseMap<Value, Tensor> values;
  llvm::DenseMap<Value, unsigned> usesLeft;
};

/// An error on an op, with its node.
InFlightDiagnostic emitNodeError(Operation *op);

/// The kind of a value's elements; the interpreter has checked that there is
/// one.
ElementKind getKind(Type type);
inline ElementKind getKind(Value value) { return getKind(value.getType()); }

/// Counts a dimension from the front; of a tensor of rank 0 there is one.
inline int64_t wrapDim(int64_t dim, int64_t rank) {
  return dim < 0 ? dim + std::max<int64_t>(rank, 1) : dim;
}
/// The same for ops whose type rule does not look at it; an error if there is
/// no such dimension.
FailureOr<int64_t> checkDim(Operation *op, int64_t dim, int64_t rank);
/// The dimensions of a reduction: all if none is given.
SmallVector<int64_t> wrapDims(ArrayRef<int64_t> dims, int64_t rank);

/// How each op is evaluated, by its name.
struct Interpreter::Evaluators {
  using Evaluate = std::function<LogicalResult(Operation *, Frame &)>;

  template <typename OpTy>
  void add(LogicalResult (*evaluate)(OpTy, Frame &)) {
    byName[OpTy::getOperationName()] = [=](Operation *op, Frame &frame) {
      return evaluate(cast<OpTy>(op), frame);
    };
  }
  llvm::StringMap<Evaluate> byName;
};

// One for each family, in the family's file.
void addPointwiseUnary(Interpreter::Evaluators &evaluators);
void addPointwiseBinary(Interpreter::Evaluators &evaluators);
void addComparison(Interpreter::Evaluators &evaluators);
void addView(Interpreter::Evaluators &evaluators);
void addCreation(Interpreter::Evaluators &evaluators);
void addReduction(Interpreter::Evaluators &evaluators);
void addContraction(Interpreter::Evaluators &evaluators);
void addAttention(Interpreter::Evaluators &evaluators);
void addConvolution(Interpreter::Evaluators &evaluators);
void addPooling(Interpreter::Evaluators &evaluators);
void addNormalization(Interpreter::Evaluators &evaluators);
void addIndexing(Interpreter::Evaluators &evaluators);
void addRandom(Interpreter::Evaluators &evaluators);
void addSymbolic(Interpreter::Evaluators &evaluators);
void addControlFlow(Interpreter::Evaluators &evaluators);
void addCall(Interpreter::Evaluators &evaluators);

/// Element `index` of the streams of `fx.random`.
double drawUniform(int64_t seed, uint64_t index);
double drawNormal(int64_t seed, uint64_t index);

} // namespace mlir::fx::interp

#endif
