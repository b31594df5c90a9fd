//===- Interpreter.h - Runs fx functions without code -----------*- C++ -*-===//
//
// Slow, obvious, exact: each op is evaluated for itself in double precision or
// in exact integers, and its results are rounded once to their element type.
// Nothing is shared with decompositions or lowerings, so that both can be
// checked against it. Functions may be of
// any stage up to PostGrad.
//
//===----------------------------------------------------------------------===//

#ifndef FX_INTERPRETER_INTERPRETER_H
#define FX_INTERPRETER_INTERPRETER_H

#include "fx/Interpreter/Tensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <random>

namespace mlir::fx::interp {

class Interpreter {
public:
  /// Seeds (of arguments, `fx.seeds` and dropout) are drawn from a generator
  /// in the order in which they are met.
  explicit Interpreter(ModuleOp module, uint64_t seed = 0);
  ~Interpreter();

  /// Runs a function of the module. What cannot be run is an error on the op,
  /// with its node.
  FailureOr<std::vector<Tensor>> call(func::FuncOp function,
                                      ArrayRef<Tensor> arguments);

  /// Whether there is an evaluation for an op of this name.
  bool knows(StringRef name) const;

  /// A fresh seed.
  int64_t drawSeed() {
    ++numSeeds;
    return static_cast<int64_t>(generator());
  }
  /// How many were drawn.
  unsigned countSeeds() const { return numSeeds; }
  ModuleOp getModule() const { return module; }

  struct Evaluators;

private:
  friend class Frame;
  ModuleOp module;
  std::mt19937_64 generator;
  std::unique_ptr<Evaluators> evaluators;
  unsigned depth = 0, numSeeds = 0;
};

/// Whether `tensor` is a value of a type: a tensor type or that of a scalar.
bool fits(const Tensor &tensor, Type type);

} // namespace mlir::fx::interp

#endif
