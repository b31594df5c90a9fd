//===- FakeDriver.cpp - A CUDA driver for machines without a GPU ----------===//
//
// libcuda.so.1 for tests: device memory is host memory, work is done at once,
// and the one kernel is that of AxpyKernel.h. What is tested is our side: which
// functions are called with what.
//
//===----------------------------------------------------------------------===//

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

namespace {
enum { Success, InvalidValue, OutOfMemory, InvalidPtx = 218, NotFound = 500 };

thread_local void *currentContext;
char primaryContext;

std::mutex mutex;
std::map<uint64_t, size_t> blocks;

/// Whether a range lies in one block of device memory.
bool isDevice(uint64_t address, size_t bytes) {
  std::lock_guard<std::mutex> lock(mutex);
  auto it = blocks.upper_bound(address);
  if (it == blocks.begin())
    return false;
  --it;
  return address + bytes <= it->first + it->second;
}
void *at(uint64_t address) { return reinterpret_cast<void *>(address); }
} // namespace

extern "C" {

int cuInit(unsigned) { return Success; }

int cuGetErrorName(int error, const char **name) {
  *name = error == InvalidValue  ? "CUDA_ERROR_INVALID_VALUE"
          : error == OutOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == InvalidPtx  ? "CUDA_ERROR_INVALID_PTX"
          : error == NotFound    ? "CUDA_ERROR_NOT_FOUND"
                                 : nullptr;
  return *name ? Success : InvalidValue;
}
int cuGetErrorString(int, const char **text) {
  *text = "from the fake driver";
  return Success;
}

int cuDeviceGetCount(int *count) {
  *count = 1;
  return Success;
}
int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return Success;
}
/// Compute capability 9.0.
int cuDeviceGetAttribute(int *value, int attribute, int) {
  *value = attribute == 75 ? 9 : 0;
  return Success;
}
int cuDevicePrimaryCtxRetain(void **context, int) {
  *context = &primaryContext;
  return Success;
}
int cuCtxGetCurrent(void **context) {
  *context = currentContext;
  return Success;
}
int cuCtxSetCurrent(void *context) {
  currentContext = context;
  return Success;
}
int cuCtxPushCurrent_v2(void *context) { return cuCtxSetCurrent(context); }
int cuCtxPopCurrent_v2(void **context) { return cuCtxGetCurrent(context); }
int cuCtxGetDevice(int *device) {
  *device = 0;
  return currentContext ? Success : InvalidValue;
}

/// A module is its text, a function its name.
int cuModuleLoadDataEx(void **module, const void *image, unsigned count,
                       int *options, void **values) {
  if (std::strstr(static_cast<const char *>(image), "this is wrong")) {
    for (unsigned i = 0; i < count; ++i)
      if (options[i] == 5) // CU_JIT_ERROR_LOG_BUFFER
        std::strcpy(static_cast<char *>(values[i]), "syntax error");
    return InvalidPtx;
  }
  *module = const_cast<void *>(image);
  return Success;
}
int cuModuleUnload(void *) { return Success; }
int cuModuleGetFunction(void **function, void *module, const char *name) {
  *function = const_cast<char *>(name);
  return std::strstr(static_cast<const char *>(module), name) ? Success
                                                              : NotFound;
}
int cuLaunchKernel(void *function, unsigned gridX, unsigned, unsigned,
                   unsigned blockX, unsigned, unsigned, unsigned, void *,
                   void **params, void **) {
  if (std::strcmp(static_cast<char *>(function), "fx_test_axpy") != 0)
    return InvalidValue;
  auto x = *static_cast<uint64_t *>(params[0]);
  auto y = *static_cast<uint64_t *>(params[1]);
  float a = *static_cast<float *>(params[2]);
  uint32_t n = *static_cast<uint32_t *>(params[3]);
  if (!isDevice(x, n * 4) || !isDevice(y, n * 4))
    return InvalidValue;
  for (uint32_t i = 0; i < gridX * blockX && i < n; ++i)
    static_cast<float *>(at(y))[i] += a * static_cast<float *>(at(x))[i];
  return Success;
}

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  void *memory = nullptr;
  if (bytes == 0)
    return InvalidValue;
  if (bytes > size_t(1) << 36 || posix_memalign(&memory, 256, bytes) != 0)
    return OutOfMemory;
  *address = reinterpret_cast<uint64_t>(memory);
  std::lock_guard<std::mutex> lock(mutex);
  blocks[*address] = bytes;
  return Success;
}
int cuMemFree_v2(uint64_t address) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!blocks.erase(address))
    return InvalidValue;
  free(at(address));
  return Success;
}
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void *) {
  if (!isDevice(to, bytes) || !isDevice(from, bytes))
    return InvalidValue;
  std::memmove(at(to), at(from), bytes);
  return Success;
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *) {
  if (!isDevice(from, bytes))
    return InvalidValue;
  std::memcpy(to, at(from), bytes);
  return Success;
}
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *) {
  if (!isDevice(to, bytes))
    return InvalidValue;
  std::memcpy(at(to), from, bytes);
  return Success;
}
int cuMemsetD8Async(uint64_t to, unsigned char value, size_t count, void *) {
  if (!isDevice(to, count))
    return InvalidValue;
  std::memset(at(to), value, count);
  return Success;
}
int cuMemsetD32Async(uint64_t to, unsigned value, size_t count, void *) {
  if (to % 4 != 0 || !isDevice(to, count * 4))
    return InvalidValue;
  for (size_t i = 0; i < count; ++i)
    static_cast<unsigned *>(at(to))[i] = value;
  return Success;
}
int cuMemsetD2D8Async(uint64_t to, size_t pitch, unsigned char value,
                      size_t width, size_t height, void *) {
  if (pitch < width || !isDevice(to, pitch * (height - 1) + width))
    return InvalidValue;
  for (size_t row = 0; row < height; ++row)
    std::memset(at(to + row * pitch), value, width);
  return Success;
}

int cuStreamSynchronize(void *) { return Success; }
int cuStreamIsCapturing(void *, int *status) {
  *status = 0;
  return Success;
}
int cuStreamWaitEvent(void *, void *, unsigned) { return Success; }
int cuEventCreate(void **event, unsigned) {
  *event = &primaryContext;
  return Success;
}
int cuEventRecord(void *, void *) { return Success; }
int cuEventDestroy_v2(void *) { return Success; }
}
