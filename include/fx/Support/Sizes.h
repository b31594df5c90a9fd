//===- Sizes.h - Arithmetic on the sizes of tensors -------------*- C++ -*-===//

#ifndef FX_SUPPORT_SIZES_H
#define FX_SUPPORT_SIZES_H

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::fx {

/// The product of `start` and of sizes, an unknown one counted as `dynamic`.
/// For estimates: it stops growing at 2^52, so that sums do not overflow.
inline int64_t estimateProduct(int64_t start, llvm::ArrayRef<int64_t> sizes,
                               int64_t dynamic) {
  constexpr uint64_t limit = uint64_t(1) << 52;
  uint64_t product = start;
  for (int64_t size : sizes)
    product = std::min(limit, llvm::SaturatingMultiply<uint64_t>(
                                  product, ShapedType::isDynamic(size)
                                               ? dynamic
                                               : size));
  return product;
}

} // namespace mlir::fx

#endif // FX_SUPPORT_SIZES_H
