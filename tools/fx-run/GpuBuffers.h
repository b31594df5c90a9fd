//===- GpuBuffers.h - Tensors of a call on the GPU --------------*- C++ -*-===//

#ifndef FX_TOOLS_FX_RUN_GPUBUFFERS_H
#define FX_TOOLS_FX_RUN_GPUBUFFERS_H

#include "Runner.h"

namespace mlir::fx {

/// Device memory of one call, through the library's own run-time library: the
/// tool's would have a context of its own. Freed with the object.
class GpuBuffers {
public:
  /// An error if the library lacks a function or the machine a GPU.
  static llvm::Expected<std::unique_ptr<GpuBuffers>>
  create(const ModelCode &code);
  ~GpuBuffers();

  /// Puts device memory in the place of each tensor's host pointer, with a copy
  /// of its contents. Scalars stay where they are.
  llvm::Error upload(llvm::ArrayRef<BufferDescription> buffers,
                     llvm::ArrayRef<size_t> bytes,
                     std::vector<const void *> &pointers);
  /// The same for results, without contents.
  llvm::Error allocate(llvm::ArrayRef<BufferDescription> buffers,
                       llvm::ArrayRef<NumpyArray> arrays,
                       std::vector<void *> &pointers);
  /// Copies results back.
  llvm::Error download(llvm::ArrayRef<BufferDescription> buffers,
                       std::vector<NumpyArray> &arrays,
                       llvm::ArrayRef<void *> pointers);
  llvm::Error synchronize();

private:
  GpuBuffers() = default;
  llvm::Error lastFailure();

  const char *(*lastError)();
  int32_t (*deviceCount)();
  int32_t (*begin)(void *, void *module);
  int32_t (*end)(void *);
  void *(*alloc)(void *, int64_t);
  void (*free)(void *, void *);
  void (*read)(void *, void *, const void *, int64_t);
  void (*write)(void *, void *, const void *, int64_t);
  int32_t (*wait)(void *);
  std::vector<void *> owned;
};

} // namespace mlir::fx

#endif
