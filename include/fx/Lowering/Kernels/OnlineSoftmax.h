//===- OnlineSoftmax.h - Maximum and sum of a softmax in one sweep -*- C++ -*-//
//
// While the elements x of a row pass by, the sum of e^(x - m) is kept relative
// to the largest element m so far; a larger one multiplies it by e^(old - new).
// Such a reduction has two accumulators that belong together.
//
//===----------------------------------------------------------------------===//

#ifndef FX_LOWERING_KERNELS_ONLINESOFTMAX_H
#define FX_LOWERING_KERNELS_ONLINESOFTMAX_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::fx {

/// The largest element of a part of a row, and the sum of e^(x - largest). The
/// sum of elements that are all the same infinity is their number.
struct OnlineSum {
  Value largest, total;
};

/// What two parts are together; of scalars or of vectors, lane by lane. No
/// elements are minus infinity and 0.
OnlineSum combineOnline(OpBuilder &b, Location loc, OnlineSum a, OnlineSum c);

/// Whether a reduction has these two results: its body is combineOnline of the
/// accumulators with (element, 1), and it begins without elements.
bool isOnlineSum(linalg::GenericOp op);

} // namespace mlir::fx

#endif // FX_LOWERING_KERNELS_ONLINESOFTMAX_H
