//===- Runner.h - Calls compiled models on NumPy arrays ---------*- C++ -*-===//

#ifndef FX_TOOLS_FX_RUN_RUNNER_H
#define FX_TOOLS_FX_RUN_RUNNER_H

#include "fx/Support/ModelDescription.h"
#include "fx/Support/NumpyIO.h"

#include <functional>
#include <optional>

namespace mlir::fx {

/// Where the code and the weights of a model come from: a shared library or
/// the compiler in this process.
struct ModelCode {
  ModelDescription description;
  /// The address of a symbol, null if there is none.
  std::function<void *(llvm::StringRef)> lookup;
  /// The bytes of a parameter, buffer or constant.
  std::function<std::optional<llvm::StringRef>(llvm::StringRef)> weight;
  /// Runs a function without code, on arguments of the given shapes; empty if
  /// there is code.
  std::function<llvm::Expected<std::vector<NumpyArray>>(
      const FunctionDescription &, llvm::ArrayRef<const void *>,
      llvm::ArrayRef<std::vector<int64_t>>)>
      interpret;
};

/// The NumPy type of a dtype; bfloat16 travels as int16.
std::optional<NumpyType> getNumpyType(llvm::StringRef dtype);

/// Opens a shared library that fx-compile wrote.
llvm::Expected<ModelCode> loadSharedLibrary(llvm::StringRef path);

struct RunOptions {
  /// Seed of random ops.
  uint64_t seed = 0;
  /// Number of timed calls after the first; 0 measures nothing.
  unsigned bench = 0;
  /// Print planned and measured memory.
  bool memory = false;
  /// The function to run; empty for the forward and the backward of a training
  /// step, or the first function.
  std::string function;
};

/// Runs the model once: an inference function, or forward and backward of a
/// training step. `inputs` are matched by name, else by position (`in_0`,
/// `train_in_0`, `arr_0`, …). The results are named `out_<k>`, `loss`,
/// `grad_<parameter>` and `mut_<buffer>`.
llvm::Expected<std::vector<NamedNumpyArray>>
runModel(const ModelCode &code, llvm::ArrayRef<NamedNumpyArray> inputs,
         const RunOptions &options);

} // namespace mlir::fx

#endif
