//===- Order.cpp - Sorting, selection, running extrema --------------------===//
//
// An element becomes an unsigned number whose order is that of the elements:
// NaN is larger than all numbers, zeros of both signs are equal. With the place
// in the row behind it no two are equal, so that every order is stable.
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <type_traits>

using namespace fxrt;

namespace {

/// Bits of a half precision type, by what it is.
struct BFloat16 {
  uint16_t bits;
};
struct Half {
  uint16_t bits;
};

template <typename To, typename From> To bitsOf(From value) {
  To bits;
  static_assert(sizeof bits == sizeof value);
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// The order of floats in their bits, of which `infinity` has no fraction.
template <typename Bits> Bits orderOfBits(Bits bits, Bits infinity) {
  constexpr int kSign = sizeof(Bits) * 8 - 1;
  Bits sign = Bits(1) << kSign, size = bits & Bits(~sign);
  // No branches: signs are hard to predict.
  Bits flip = Bits(-Bits(bits >> kSign)) | sign;
  Bits key = size == 0 ? sign : Bits(bits ^ flip);
  return size > infinity ? Bits(~Bits(0)) : key;
}

uint32_t getKey(float x) {
  return orderOfBits<uint32_t>(bitsOf<uint32_t>(x), 0x7F800000u);
}
uint64_t getKey(double x) {
  return orderOfBits<uint64_t>(bitsOf<uint64_t>(x), 0x7FF0000000000000u);
}
uint32_t getKey(BFloat16 x) { return orderOfBits<uint16_t>(x.bits, 0x7F80); }
uint32_t getKey(Half x) { return orderOfBits<uint16_t>(x.bits, 0x7C00); }
uint32_t getKey(int8_t x) { return uint8_t(x) ^ 0x80u; }
uint32_t getKey(int16_t x) { return uint16_t(x) ^ 0x8000u; }
uint32_t getKey(int32_t x) { return uint32_t(x) ^ 0x80000000u; }
uint64_t getKey(int64_t x) { return uint64_t(x) ^ (uint64_t(1) << 63); }

/// A key and the place that it was at.
struct Packed {
  uint64_t bits;
  static Packed make(uint32_t key, uint32_t place) {
    return {uint64_t(key) << 32 | place};
  }
  uint32_t place() const { return uint32_t(bits); }
  uint32_t key() const { return uint32_t(bits >> 32); }
  bool operator<(const Packed &other) const { return bits < other.bits; }
};
struct Pair {
  uint64_t bits;
  uint32_t at;
  static Pair make(uint64_t key, uint32_t place) { return {key, place}; }
  uint32_t place() const { return at; }
  uint64_t key() const { return bits; }
  bool operator<(const Pair &other) const {
    return bits != other.bits ? bits < other.bits : at < other.at;
  }
};

/// Radix sort by the bytes of the keys, from the last to the first; those that
/// all keys share are left out. `items` are in the order of their places; the
/// result is in `items` or in `other`.
template <typename Item> Item *sortItems(Item *items, Item *other, int64_t count) {
  using Key = decltype(items->key());
  if (count < 48) {
    std::sort(items, items + count);
    return items;
  }
  constexpr int kBytes = sizeof(Key);
  uint32_t starts[kBytes][256];
  std::memset(starts, 0, sizeof starts);
  for (int64_t i = 0; i < count; ++i) {
    Key key = items[i].key();
    for (int byte = 0; byte < kBytes; ++byte)
      ++starts[byte][(key >> (8 * byte)) & 255];
  }
  for (int byte = 0; byte < kBytes; ++byte) {
    uint32_t *start = starts[byte], next = 0;
    if (start[(items[0].key() >> (8 * byte)) & 255] == count)
      continue;
    for (int digit = 0; digit < 256; ++digit) {
      uint32_t number = start[digit];
      start[digit] = next;
      next += number;
    }
    for (int64_t i = 0; i < count; ++i)
      other[start[(items[i].key() >> (8 * byte)) & 255]++] = items[i];
    std::swap(items, other);
  }
  return items;
}

/// Elements that are looked at together.
constexpr int64_t kBlock = 16;

/// The rows of a tensor along one dimension.
struct Rows {
  const fx_rt_order *order;
  /// Of a row, the offset of its first element.
  int64_t start(int64_t row, int64_t length) const {
    return row / order->inner * length * order->inner + row % order->inner;
  }
};

template <typename T> struct OrderOfRows {
  using Key = decltype(getKey(T()));
  using Item = std::conditional_t<sizeof(Key) == 4, Packed, Pair>;

  static void run(void *closure, int64_t begin, int64_t end) {
    const fx_rt_order &order = *static_cast<const fx_rt_order *>(closure);
    Rows rows{&order};
    const T *input = static_cast<const T *>(order.input);
    Key flip = order.descending ? ~Key(0) : Key(0);
    bool selects = 4 * getLimit(order) < order.length;
    int64_t capacity = maxOf(selects ? getLimit(order) : order.length, 1);
    auto *memory =
        static_cast<Item *>(std::malloc(2 * capacity * sizeof(Item)));
    if (!memory)
      std::abort();
    for (int64_t row = begin; row < end; ++row) {
      const T *x = input + rows.start(row, order.length);
      int64_t size = order.length;
      if (selects)
        size = select(order, x, flip, memory);
      else
        for (int64_t i = 0; i < size; ++i)
          memory[i] = Item::make(getKey(x[i * order.inner]) ^ flip, i);
      Item *items = sortItems(memory, memory + capacity, size);
      int64_t to = rows.start(row, order.count);
      if (order.indices)
        for (int64_t i = 0; i < order.count; ++i)
          order.indices[to + i * order.inner] = items[i].place();
      if (order.values)
        for (int64_t i = 0; i < order.count; ++i)
          static_cast<T *>(order.values)[to + i * order.inner] =
              x[items[i].place() * order.inner];
    }
    std::free(memory);
  }

  static bool isAnyBelow(const T *x, Key flip, Key bound) {
    bool any = false;
    for (int64_t i = 0; i < kBlock; ++i)
      any |= (getKey(x[i]) ^ flip) < bound;
    return any;
  }

  /// How many candidates a selection collects.
  static int64_t getLimit(const fx_rt_order &order) {
    return 2 * order.count + 128;
  }

  /// The first `count` items, in the order of their places: candidates below a
  /// bound, from which the best are taken whenever there are too many.
  static int64_t select(const fx_rt_order &order, const T *x, Key flip,
                        Item *items) {
    int64_t count = order.count, limit = getLimit(order), size = 0;
    if (count == 0)
      return 0;
    Key bound = ~Key(0);
    bool isFull = false;
    for (int64_t i = 0; i < order.length; ++i) {
      // Most blocks have none.
      if (isFull && order.inner == 1)
        while (i + kBlock < order.length && !isAnyBelow(x + i, flip, bound))
          i += kBlock;
      Key key = getKey(x[i * order.inner]) ^ flip;
      // Of equal keys the first ones are in already.
      if (isFull && key >= bound)
        continue;
      items[size++] = Item::make(key, i);
      if (size == limit) {
        std::nth_element(items, items + (count - 1), items + size);
        size = count;
        bound = items[size - 1].key();
        isFull = true;
      }
    }
    if (size > count) {
      std::nth_element(items, items + (count - 1), items + size);
      size = count;
    }
    // The radix sort keeps the order of places.
    std::sort(items, items + size, [](const Item &a, const Item &b) {
      return a.place() < b.place();
    });
    return size;
  }
};

template <typename T> struct RunningExtrema {
  using Key = decltype(getKey(T()));

  static void run(void *closure, int64_t begin, int64_t end) {
    const fx_rt_order &order = *static_cast<const fx_rt_order *>(closure);
    Rows rows{&order};
    // NaN stays the largest in both directions.
    constexpr Key kNaN = sizeof(T) == 2 ? Key(0xFFFF) : ~Key(0);
    constexpr bool isFloat = !std::is_integral_v<T>;
    Key flip = order.descending ? Key(0) : kNaN;
    for (int64_t row = begin; row < end; ++row) {
      int64_t at = rows.start(row, order.length), best = 0;
      const T *x = static_cast<const T *>(order.input) + at;
      Key bestKey = 0;
      auto getOrdered = [&](int64_t i) {
        Key key = getKey(x[i * order.inner]);
        return isFloat && key == kNaN ? key : Key(key ^ flip);
      };
      for (int64_t i = 0; i < order.length; ++i) {
        // In most blocks nothing changes.
        if (i > 0 && order.inner == 1)
          while (i + kBlock < order.length) {
            bool any = false;
            for (int64_t j = i; j < i + kBlock; ++j)
              any |= getOrdered(j) >= bestKey;
            if (any)
              break;
            if (order.indices)
              std::fill_n(order.indices + at + i, kBlock, best);
            if (order.values)
              std::fill_n(static_cast<T *>(order.values) + at + i, kBlock,
                          x[best]);
            i += kBlock;
          }
        Key key = getOrdered(i);
        if (i == 0 || key >= bestKey) {
          bestKey = key;
          best = i;
        }
        if (order.indices)
          order.indices[at + i * order.inner] = best;
        if (order.values)
          static_cast<T *>(order.values)[at + i * order.inner] =
              x[best * order.inner];
      }
    }
  }
};

template <template <typename> typename Algorithm>
void runRows(void *context, const fx_rt_order &order, int64_t cost) {
  void (*body)(void *, int64_t, int64_t) = nullptr;
  switch (order.type) {
  case FX_RT_ORDER_F32:
    body = Algorithm<float>::run;
    break;
  case FX_RT_ORDER_F64:
    body = Algorithm<double>::run;
    break;
  case FX_RT_ORDER_BF16:
    body = Algorithm<BFloat16>::run;
    break;
  case FX_RT_ORDER_F16:
    body = Algorithm<Half>::run;
    break;
  case FX_RT_ORDER_I8:
    body = Algorithm<int8_t>::run;
    break;
  case FX_RT_ORDER_I16:
    body = Algorithm<int16_t>::run;
    break;
  case FX_RT_ORDER_I32:
    body = Algorithm<int32_t>::run;
    break;
  case FX_RT_ORDER_I64:
    body = Algorithm<int64_t>::run;
    break;
  }
  // A chunk of a thread has 2 ** 14 elements or so.
  int64_t work = maxOf(order.length * cost, 1);
  fx_rt_parallel_for(context, body, const_cast<fx_rt_order *>(&order),
                     order.outer * order.inner,
                     maxOf(1, (1 << 14) / work));
}

} // namespace

extern "C" {

void fx_rt_sort(void *context, const fx_rt_order *order) {
  runRows<OrderOfRows>(context, *order, 8);
}

void fx_rt_cumulative_extremum(void *context, const fx_rt_order *order) {
  runRows<RunningExtrema>(context, *order, 2);
}

} // extern "C"
