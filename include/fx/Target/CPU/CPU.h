//===- CPU.h - Compiled code for the host ------------------------*- C++ -*-===//
//
// From a module of functions on tensors in upstream IR (linalg, tensor, arith,
// math, scf) to machine code: in this process (JIT), as an object file, or as
// a shared library.
//
// Each function NAME becomes
//   int32_t NAME(void *ctx, void *const *args, void *const *results,
//                const int64_t *sizes);
//   int32_t NAME_result_sizes(const int64_t *sizes, int64_t *resultSizes);
// `sizes` are the `?` dimensions of the arguments in order, `resultSizes`
// receives all dimensions of all results. Zero is success.
//
//===----------------------------------------------------------------------===//

#ifndef FX_TARGET_CPU_CPU_H
#define FX_TARGET_CPU_CPU_H

#include "fx/Support/CompileStatistics.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace mlir::fx {
class ProgressBar;
} // namespace mlir::fx

namespace mlir::fx::cpu {

struct CPUOptions {
  /// The target triple; empty is this machine's.
  std::string triple;
  /// LLVM's name of the processor; empty is this machine's, or any one if the
  /// triple is of another kind, "native" is this machine's.
  std::string cpu;
  /// LLVM feature string; empty is that of the processor.
  std::string features;
  /// 0 to 3. 2 is meant for use; 0 compiles fastest.
  unsigned optLevel = 2;
  /// Run the verifier between passes.
  bool verifyPasses = false;
  /// Form fused kernels; off gives one scalar kernel for each function.
  bool fuse = true;
  /// Give each intermediate tensor memory of its own at run time, to find
  /// accesses beyond it (FX_RT_GUARD_PAGES).
  bool separateBuffers = false;
  /// Print compile times to stderr.
  bool printTimes = false;
  /// Receives compile times and the number of kernels; may be null.
  CompileStatistics *statistics = nullptr;
  /// Is told what is being done; may be null.
  ProgressBar *progress = nullptr;
  /// Threads that generate code: 0 is FX_COMPILE_THREADS in the environment,
  /// else as many as the process may use processors.
  unsigned threads = 0;
  /// All code in one object file, as emitObject() needs it. Else there are
  /// several for large modules, whatever the number of threads.
  bool singleObject = false;
  /// Keep the optimised LLVM IR for getLLVMIR().
  bool keepLLVMIR = false;
  /// Assembly text in the place of object files.
  bool assembly = false;
  /// Functions of the run-time library that a shared library exports besides
  /// those that every one does.
  std::vector<std::string> exports;
};

/// LLVM's names of the processors of a triple; `error` is set on failure.
FailureOr<std::vector<std::string>> listProcessors(const CPUOptions &options,
                                                   std::string &error);

/// The C signature of an entry point.
using EntryPoint = int32_t (*)(void *context, void *const *args,
                               void *const *results, const int64_t *sizes);
using ResultSizes = int32_t (*)(const int64_t *sizes, int64_t *resultSizes);

/// Machine code of a module. It needs no MLIRContext.
class CompiledModule {
public:
  virtual ~CompiledModule();
  /// The address of a function; loads the code on the first call.
  virtual llvm::Expected<void *> lookup(StringRef name) = 0;
  /// The contents of the object files.
  virtual ArrayRef<std::string> getObjects() = 0;
  /// Writes the object file, of which there must be one alone: see
  /// CPUOptions::singleObject. It needs libFXRuntime.a.
  virtual llvm::Error emitObject(StringRef path) = 0;
  /// Links a shared library that needs nothing but the C library. It exports
  /// the functions and the run-time library's C interface. `extraObjects` are
  /// object files to link in.
  virtual llvm::Error
  emitSharedLibrary(StringRef path,
                    ArrayRef<std::string> extraObjects = {}) = 0;
  /// The optimised LLVM IR as text; empty unless CPUOptions::keepLLVMIR.
  virtual StringRef getLLVMIR() = 0;
};

/// Compiles a copy of the module; errors are diagnostics on it.
FailureOr<std::unique_ptr<CompiledModule>>
compileForCPU(ModuleOp module, const CPUOptions &options = {});

/// Compiles a module that is in the LLVM dialect; errors are diagnostics on
/// `source`, the module that it was made from.
FailureOr<std::unique_ptr<CompiledModule>>
compileLLVMModule(ModuleOp source, ModuleOp module, const CPUOptions &options);

/// Code that getObjects() gave in this process or another one on this machine.
std::unique_ptr<CompiledModule> loadObjects(std::vector<std::string> objects);

/// From linalg on tensors to the LLVM dialect.
void buildLowerToCPUPipeline(OpPassManager &pm, const CPUOptions &options);

/// Adds the dialects, interfaces and translations that compileForCPU needs.
/// Call it before the context is made.
void registerCPUDialects(DialectRegistry &registry);

} // namespace mlir::fx::cpu

#endif // FX_TARGET_CPU_CPU_H
