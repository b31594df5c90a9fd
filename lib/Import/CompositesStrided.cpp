//===- CompositesStrided.cpp - Formulas of as_strided ---------------------===//
//
// A value has no strides here. Where the metadata say how PyTorch laid out the
// tensor, `as_strided` is an index into its elements in the order of memory.
//
//===----------------------------------------------------------------------===//

#include "CompositeShapes.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
/// The memory of a tensor that fills it without gaps: its dimensions from the
/// outermost to the innermost, and where it begins.
struct Storage {
  SmallVector<int64_t> order;
  int64_t offset = 0, size = 1;
};

/// Elements of a storage that `as_strided` shows.
struct StridedWindow {
  SmallVector<int64_t> sizes, strides;
  int64_t first = 0;
};
} // namespace

static std::optional<Storage> getStorage(const graph::TensorMeta *meta) {
  if (!meta || !meta->offset.isStatic())
    return std::nullopt;
  Storage storage;
  storage.offset = meta->offset.expr.value;
  SmallVector<int64_t> strides, sizes;
  for (auto [size, stride] : llvm::zip(meta->sizes, meta->strides)) {
    if (!size.isStatic() || !stride.isStatic())
      return std::nullopt;
    sizes.push_back(size.expr.value);
    strides.push_back(stride.expr.value);
    storage.order.push_back(storage.order.size());
  }
  // A dimension of one element may have any stride.
  llvm::stable_sort(storage.order, [&](int64_t a, int64_t b) {
    bool isUnitA = sizes[a] == 1, isUnitB = sizes[b] == 1;
    return isUnitA != isUnitB ? isUnitA : strides[a] > strides[b];
  });
  for (int64_t dim : llvm::reverse(storage.order)) {
    if (sizes[dim] != 1 && strides[dim] != storage.size)
      return std::nullopt;
    storage.size *= sizes[dim];
  }
  return storage;
}

/// The window, if all of it lies in the tensor's own part of the storage.
static std::optional<StridedWindow> getWindow(CompositeBuilder &c,
                                              const Storage &storage) {
  StridedWindow window{c.integers("size"), c.integers("stride"), 0};
  if (c.has("storage_offset"))
    window.first = c.integer("storage_offset") - storage.offset;
  if (c.hasFailed() || window.sizes.size() != window.strides.size())
    return std::nullopt;
  int64_t last = window.first;
  for (auto [size, stride] : llvm::zip(window.sizes, window.strides)) {
    if (size <= 0 || stride < 0 || size > storage.size ||
        stride > storage.size)
      return std::nullopt;
    last += (size - 1) * stride;
  }
  if (window.first < 0 || last >= storage.size)
    return std::nullopt;
  return window;
}

/// Where the elements of the window are in the storage.
static Value buildPlaces(CompositeBuilder &c, const StridedWindow &window) {
  int64_t rank = window.sizes.size();
  Value place = c.full({}, c.i64(window.first), c.getBuilder().getI64Type());
  for (int64_t dim = 0; dim < rank; ++dim) {
    Value step = c.mul(buildIota(c, window.sizes[dim]),
                       c.i64(window.strides[dim]));
    place = c.add(place, alongDim(c, step, dim, rank));
  }
  return place;
}

template <bool scatters>
static Values asStrided(CompositeBuilder &c) {
  std::optional<Storage> storage = getStorage(c.layout("self"));
  if (!storage)
    return c.fail();
  std::optional<StridedWindow> window = getWindow(c, *storage);
  if (!window)
    return c.fail();
  Value x = permuteTo(c, c.value("self"), storage->order);
  Value elements = flattenAll(c, x), places = buildPlaces(c, *window);
  if (!scatters)
    return {takeAlong(c, elements, places, 0)};
  elements = putAlong(c, elements, places, 0, c.value("src"),
                      /*accumulate=*/false);
  return {permuteTo(c, c.view(elements, c.sizesOf(x)),
                    invertPermutationVector(storage->order))};
}

ArrayRef<Composite> fx::getStridedComposites() {
  static constexpr Composite table[] = {
      {"aten.as_strided.default", asStrided<false>},
      {"aten.as_strided_copy.default", asStrided<false>},
      {"aten.as_strided_scatter.default", asStrided<true>},
  };
  return table;
}
