//===- Driver.cpp - Loads the CUDA driver ---------------------------------===//

#include "Driver.h"
#include "fx/Runtime/Cuda.h"
#include "fx/Runtime/Runtime.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

using namespace fxrt::cuda;

namespace {
Driver driver;
bool isUsable;
char problem[512];
pthread_once_t once = PTHREAD_ONCE_INIT;

void load() {
  // Never closed: the driver does not survive that.
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    snprintf(problem, sizeof(problem),
             "no NVIDIA driver: libcuda.so.1 cannot be loaded (%s)",
             reason ? reason : "unknown reason");
    return;
  }
  struct {
    const char *symbol;
    void *member;
  } functions[] = {
#define FX_CUDA_ENTRY(symbol, member, parameters) {#symbol, &driver.member},
      FX_CUDA_DRIVER_FUNCTIONS(FX_CUDA_ENTRY)
#undef FX_CUDA_ENTRY
  };
  for (auto &function : functions) {
    void *address = dlsym(library, function.symbol);
    if (!address) {
      snprintf(problem, sizeof(problem),
               "the NVIDIA driver is too old: libcuda.so.1 has no %s",
               function.symbol);
      return;
    }
    memcpy(function.member, &address, sizeof(address));
  }
  if (CUresult result = driver.init(0)) {
    char text[256];
    describeResult(result, text, sizeof(text));
    snprintf(problem, sizeof(problem),
             "no GPU: the NVIDIA driver does not start: %s", text);
    return;
  }
  isUsable = true;
}
} // namespace

const Driver *fxrt::cuda::loadDriver() {
  pthread_once(&once, load);
  return isUsable ? &driver : nullptr;
}

const char *fxrt::cuda::driverProblem() { return problem; }

void fxrt::cuda::describeResult(CUresult result, char *text, size_t size) {
  const char *name = nullptr, *meaning = nullptr;
  driver.getErrorName(result, &name);
  driver.getErrorString(result, &meaning);
  if (name)
    snprintf(text, size, "%s (%s)", name, meaning ? meaning : "");
  else
    snprintf(text, size, "CUDA error %d", result);
}

int32_t fx_rt_cuda_device_count(void) {
  const Driver *loaded = loadDriver();
  if (!loaded) {
    fx_rt_set_error(driverProblem());
    return 0;
  }
  int count = 0;
  if (CUresult result = loaded->deviceGetCount(&count)) {
    char text[256], message[512];
    describeResult(result, text, sizeof(text));
    snprintf(message, sizeof(message), "cannot count the GPUs: %s", text);
    fx_rt_set_error(message);
    return 0;
  }
  if (count == 0)
    fx_rt_set_error("no GPU: the NVIDIA driver finds none");
  return count;
}
