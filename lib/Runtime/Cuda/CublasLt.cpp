//===- CublasLt.cpp - Loads cuBLASLt --------------------------------------===//

#include "CublasLt.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

using namespace fxrt::cuda;

namespace {
CublasLt library;
bool isUsable;
char problem[512];
pthread_once_t once = PTHREAD_ONCE_INIT;

/// The copy that the process has already (PyTorch's, in Python), else the
/// newest that is installed.
void *open() {
  const char *names[] = {"libcublasLt.so.13", "libcublasLt.so.12",
                         "libcublasLt.so",
                         "/usr/local/cuda/lib64/libcublasLt.so"};
  for (const char *name : names)
    if (void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD))
      return handle;
  for (const char *name : names) {
    if (void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL))
      return handle;
    const char *reason = dlerror();
    if (name == names[0])
      snprintf(problem, sizeof(problem),
               "matrix products need cuBLASLt: %s cannot be loaded (%s)", name,
               reason ? reason : "unknown reason");
  }
  return nullptr;
}

void load() {
  void *handle = open();
  if (!handle)
    return;
  struct {
    const char *symbol;
    void *member;
  } functions[] = {
#define FX_CUBLASLT_ENTRY(symbol, member, parameters)                          \
  {#symbol, &library.member},
      FX_CUBLASLT_FUNCTIONS(FX_CUBLASLT_ENTRY)
#undef FX_CUBLASLT_ENTRY
  };
  for (auto &function : functions) {
    void *address = dlsym(handle, function.symbol);
    if (!address) {
      snprintf(problem, sizeof(problem),
               "matrix products need cuBLASLt: the library has no %s",
               function.symbol);
      return;
    }
    memcpy(function.member, &address, sizeof(address));
  }
  void *name = dlsym(handle, "cublasLtGetStatusName");
  memcpy(&library.getStatusName, &name, sizeof(name));
  isUsable = true;
}
} // namespace

const CublasLt *fxrt::cuda::loadCublasLt() {
  pthread_once(&once, load);
  return isUsable ? &library : nullptr;
}

const char *fxrt::cuda::cublasLtProblem() { return problem; }
