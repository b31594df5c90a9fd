//===- GuardPages.cpp - Memory that ends at a page nobody may touch -------===//
//
// For tests, with FX_RT_GUARD_PAGES=1: compiled code that reads or writes
// beyond a buffer stops at once. A write shortly before one is found when the
// buffer is freed, and what is read before it was written is not a number.
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace fxrt;

namespace {
constexpr int kUnwritten = 0xff;

/// On a page of its own at the start of a mapping. The next page and the last
/// one are guards; the buffer is at the end of those between.
struct GuardedMapping {
  size_t bytes;
  char *data;
};

size_t getPageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }
} // namespace

bool fxrt::usesGuardPages() {
  static const bool isOn = [] {
    const char *text = getenv("FX_RT_GUARD_PAGES");
    return text && atoi(text) != 0;
  }();
  return isOn;
}

void *fxrt::allocateGuarded(size_t bytes, size_t alignment) {
  size_t page = getPageSize();
  // An empty buffer still has an address of its own.
  size_t size = bytes ? bytes : alignment;
  if (size > SIZE_MAX / 2)
    return nullptr;
  size_t room = (size + alignment - 1) / alignment * alignment;
  size_t inside = (room + page - 1) / page * page;
  void *memory = mmap(nullptr, inside + 3 * page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return nullptr;
  char *start = static_cast<char *>(memory);
  char *begin = start + 2 * page, *end = begin + inside;
  memset(begin, kUnwritten, inside);
  auto *mapping = static_cast<GuardedMapping *>(memory);
  mapping->bytes = inside + 3 * page;
  mapping->data = end - room;
  mprotect(start + page, page, PROT_NONE);
  mprotect(end, page, PROT_NONE);
  return mapping->data;
}

void fxrt::freeGuarded(void *data) {
  if (!data)
    return;
  size_t page = getPageSize();
  auto address = reinterpret_cast<uintptr_t>(data);
  char *begin = reinterpret_cast<char *>(address / page * page);
  auto *mapping = reinterpret_cast<GuardedMapping *>(begin - 2 * page);
  for (char *byte = begin; byte != data; ++byte)
    if (*byte != static_cast<char>(kUnwritten)) {
      fprintf(stderr,
              "fx runtime: a write %td bytes before the buffer at %p\n",
              static_cast<char *>(data) - byte, data);
      abort();
    }
  munmap(mapping, mapping->bytes);
}
