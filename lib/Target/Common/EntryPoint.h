//===- EntryPoint.h - The host code of a compiled function ------*- C++ -*-===//
//
// Private to the targets.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LIB_TARGET_COMMON_ENTRYPOINT_H
#define FX_LIB_TARGET_COMMON_ENTRYPOINT_H

#include "KernelFunction.h"

namespace mlir::fx::target {

/// The functions of the runtime that manage the memory of tensors.
struct MemoryFunctions {
  StringRef workspace = "fx_rt_workspace";
  StringRef alloc = "fx_rt_alloc";
  StringRef release = "fx_rt_free";
};

/// Where the tensors of a compiled function are, and how its host code gets at
/// them. The base class is for tensors in host memory.
class EntryPointTarget {
public:
  virtual ~EntryPointTarget() = default;
  virtual MemoryFunctions getMemoryFunctions() const { return {}; }
  /// Code at the start of a call: an i32 that is not zero on failure, or null
  /// if nothing is to be done.
  virtual Value emitBegin(OpBuilder &b, Location loc, Value context) {
    return {};
  }
  /// Code at the end of a call: its status, an i32.
  virtual Value emitEnd(OpBuilder &b, Location loc, Value context);
  /// A tensor argument or result that the caller gives.
  virtual void emitCheck(OpBuilder &b, Location loc, Value context,
                         Value pointer, int64_t index, bool isResult) {}
  /// The address where kernels read a constant of the host program.
  virtual Value emitConstant(OpBuilder &b, Location loc, Value context,
                             Value host, Value bytes) {
    return host;
  }
  /// The value of type `type` at `address`, which is where tensors are.
  virtual Value emitRead(OpBuilder &b, Location loc, Value context, Type type,
                         Value address);
  virtual void emitCopy(OpBuilder &b, Location loc, Value context, Value to,
                        Value from, Value bytes);
};

/// Replaces `source` by its entry point and its function of result sizes.
/// `kernels` gives the emitted function of every fx.kernel.
LogicalResult
emitEntryPoint(func::FuncOp source,
               const llvm::DenseMap<Operation *, func::FuncOp> &kernels,
               EntryPointTarget &target);

} // namespace mlir::fx::target

#endif // FX_LIB_TARGET_COMMON_ENTRYPOINT_H
