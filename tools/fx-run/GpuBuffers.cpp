//===- GpuBuffers.cpp - Tensors of a call on the GPU ----------------------===//

#include "GpuBuffers.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir::fx;
using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;

Expected<std::unique_ptr<GpuBuffers>>
GpuBuffers::create(const ModelCode &code) {
  std::unique_ptr<GpuBuffers> buffers(new GpuBuffers);
  std::string missing;
  auto find = [&](llvm::StringRef name, auto &function) {
    void *symbol = code.lookup(name);
    if (!symbol && missing.empty())
      missing = name.str();
    function = reinterpret_cast<std::decay_t<decltype(function)>>(symbol);
  };
  find("fx_rt_last_error", buffers->lastError);
  find("fx_rt_cuda_device_count", buffers->deviceCount);
  find("fx_rt_cuda_begin", buffers->begin);
  find("fx_rt_cuda_end", buffers->end);
  find("fx_rt_cuda_alloc", buffers->alloc);
  find("fx_rt_cuda_free", buffers->free);
  find("fx_rt_cuda_read", buffers->read);
  find("fx_rt_cuda_write", buffers->write);
  find("fx_rt_cuda_synchronize", buffers->wait);
  if (!missing.empty())
    return llvm::createStringError("the code runs on a GPU but has no " +
                                   missing);
  if (buffers->deviceCount() == 0)
    return buffers->lastFailure();
  return std::move(buffers);
}

GpuBuffers::~GpuBuffers() {
  for (void *block : owned)
    free(nullptr, block);
}

Error GpuBuffers::lastFailure() {
  return llvm::createStringError(llvm::StringRef(lastError()));
}

Error GpuBuffers::upload(ArrayRef<BufferDescription> buffers,
                         ArrayRef<size_t> bytes,
                         std::vector<const void *> &pointers) {
  if (begin(nullptr, nullptr) != 0)
    return lastFailure();
  for (auto [buffer, size, pointer] :
       llvm::zip_equal(buffers, bytes, pointers)) {
    if (!buffer.isTensor)
      continue;
    void *memory = alloc(nullptr, static_cast<int64_t>(size));
    if (!memory)
      break;
    owned.push_back(memory);
    write(nullptr, memory, pointer, static_cast<int64_t>(size));
    pointer = memory;
  }
  return end(nullptr) != 0 ? lastFailure() : Error::success();
}

Error GpuBuffers::allocate(ArrayRef<BufferDescription> buffers,
                           ArrayRef<NumpyArray> arrays,
                           std::vector<void *> &pointers) {
  if (begin(nullptr, nullptr) != 0)
    return lastFailure();
  for (auto [buffer, array, pointer] :
       llvm::zip_equal(buffers, arrays, pointers)) {
    if (!buffer.isTensor)
      continue;
    void *memory = alloc(nullptr, static_cast<int64_t>(array.numBytes()));
    if (!memory)
      break;
    owned.push_back(memory);
    pointer = memory;
  }
  return end(nullptr) != 0 ? lastFailure() : Error::success();
}

Error GpuBuffers::download(ArrayRef<BufferDescription> buffers,
                           std::vector<NumpyArray> &arrays,
                           ArrayRef<void *> pointers) {
  if (begin(nullptr, nullptr) != 0)
    return lastFailure();
  for (auto [buffer, array, pointer] :
       llvm::zip_equal(buffers, arrays, pointers))
    if (buffer.isTensor)
      read(nullptr, array.data(), pointer,
           static_cast<int64_t>(array.numBytes()));
  return end(nullptr) != 0 ? lastFailure() : Error::success();
}

Error GpuBuffers::synchronize() {
  return wait(nullptr) != 0 ? lastFailure() : Error::success();
}
