//===- Model.cpp - Description and weights of a compiled model ------------===//
//
// Linked into a shared library together with the data object that fx-compile
// writes; nothing else refers to this file.
//
//===----------------------------------------------------------------------===//

#include <stdint.h>
#include <string.h>

extern "C" {

struct FxModelWeight {
  const char *name;
  const void *bytes;
  int64_t size;
};

extern const char fx_model_json[];
extern const FxModelWeight fx_model_weight_table[];

__attribute__((visibility("default"))) const char *fx_model_describe(void) {
  return fx_model_json;
}

__attribute__((visibility("default"))) const void *
fx_model_weight(const char *name, int64_t *bytes) {
  for (const FxModelWeight *weight = fx_model_weight_table; weight->name;
       ++weight) {
    if (strcmp(weight->name, name) != 0)
      continue;
    if (bytes)
      *bytes = weight->size;
    return weight->bytes;
  }
  return nullptr;
}
}
