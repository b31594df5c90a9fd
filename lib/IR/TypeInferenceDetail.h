//===- TypeInferenceDetail.h - Shared by the type rules ---------*- C++ -*-===//

#ifndef FX_LIB_IR_TYPEINFERENCEDETAIL_H
#define FX_LIB_IR_TYPEINFERENCEDETAIL_H

#include "fx/IR/TypeInference.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/TypeUtilities.h"

namespace mlir::fx {

constexpr int64_t kDynamic = ShapedType::kDynamic;

inline RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}
inline bool isDynamic(int64_t size) { return ShapedType::isDynamic(size); }
inline LogicalResult append(Types &results, Dims shape, Type element) {
  results.push_back(RankedTensorType::get(shape, element));
  return success();
}
/// Whether two sizes may be equal at run time.
inline bool mayEqual(int64_t a, int64_t b) {
  return isDynamic(a) || isDynamic(b) || a == b;
}
/// The more precise of two sizes that are equal.
inline int64_t merge(int64_t a, int64_t b) { return isDynamic(a) ? b : a; }
inline bool hasDynamic(Dims shape) { return llvm::any_of(shape, isDynamic); }

} // namespace mlir::fx

#endif
