//===- Frozen.cpp - What is prepared of weights that never change ---------===//
//
// A store is a table of lists. Forms are only ever added, so that threads look
// them up without a lock; two that make the same form at one time both add it.
//
//===----------------------------------------------------------------------===//

#include "Frozen.h"

#include <atomic>
#include <new>
#include <stdlib.h>
#include <string.h>

using namespace fxrt;

namespace {
/// In front of each form, a multiple of the alignment.
struct alignas(64) Entry {
  FrozenKey key;
  Entry *next;

  float *form() { return reinterpret_cast<float *>(this + 1); }
};

struct Store {
  static constexpr size_t kLists = 64;
  std::atomic<Entry *> lists[kLists];

  std::atomic<Entry *> &getList(const void *weight) {
    return lists[reinterpret_cast<uintptr_t>(weight) / 64 % kLists];
  }
};

bool operator==(const FrozenKey &a, const FrozenKey &b) {
  return a.weight == b.weight && a.kind == b.kind && a.type == b.type &&
         !memcmp(a.values, b.values, sizeof(a.values));
}

std::atomic<Store *> &getStore(void **store) {
  static_assert(sizeof(std::atomic<Store *>) == sizeof(void *), "");
  return *reinterpret_cast<std::atomic<Store *> *>(store);
}
} // namespace

const float *fxrt::findFrozen(void **store, const FrozenKey &key) {
  Store *table = getStore(store).load(std::memory_order_acquire);
  if (!table)
    return nullptr;
  Entry *entry = table->getList(key.weight).load(std::memory_order_acquire);
  while (entry && !(entry->key == key))
    entry = entry->next;
  return entry ? entry->form() : nullptr;
}

float *fxrt::allocateFrozen(const FrozenKey &key, int64_t count) {
  size_t bytes = sizeof(Entry) + size_t(count) * sizeof(float);
  void *memory = allocateAligned(bytes);
  if (!memory) {
    reportOutOfMemory(int64_t(bytes));
    return nullptr;
  }
  return (new (memory) Entry{key, nullptr})->form();
}

void fxrt::keepFrozen(void **store, float *form) {
  Entry *entry = reinterpret_cast<Entry *>(form) - 1;
  std::atomic<Store *> &slot = getStore(store);
  Store *table = slot.load(std::memory_order_acquire);
  if (!table) {
    void *memory = calloc(1, sizeof(Store));
    if (!memory)
      // The form leaks; without memory for a table this does not matter.
      return;
    Store *made = static_cast<Store *>(memory);
    if (slot.compare_exchange_strong(table, made, std::memory_order_acq_rel))
      table = made;
    else
      free(made);
  }
  std::atomic<Entry *> &list = table->getList(entry->key.weight);
  entry->next = list.load(std::memory_order_relaxed);
  while (!list.compare_exchange_weak(entry->next, entry,
                                     std::memory_order_release,
                                     std::memory_order_relaxed))
    ;
}

void fx_rt_release_frozen(void **store) {
  Store *table = getStore(store).exchange(nullptr);
  if (!table)
    return;
  for (std::atomic<Entry *> &list : table->lists)
    for (Entry *entry = list.load(); entry;) {
      Entry *next = entry->next;
      free(entry);
      entry = next;
    }
  free(table);
}
