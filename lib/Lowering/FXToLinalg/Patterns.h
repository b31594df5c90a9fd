//===- Patterns.h - Conversion patterns of the op families ------*- C++ -*-===//

#ifndef FX_LIB_LOWERING_FXTOLINALG_PATTERNS_H
#define FX_LIB_LOWERING_FXTOLINALG_PATTERNS_H

#include "LinalgBuilder.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::fx {

/// Why an op could not be lowered. (The rewriter's own notifications do not
/// leave a release build of MLIR.)
using Reasons = llvm::DenseMap<Operation *, std::string>;

struct LoweringOptions {
  bool assertIndices = false;
  Reasons *reasons = nullptr;

  /// Records the reason and fails.
  LogicalResult refuse(Operation *op, StringRef reason) const {
    (*reasons)[op] = reason.str();
    return failure();
  }
};

/// A conversion whose results are cast to the converted result types, which
/// may be more precise than what the builders see.
template <typename OpTy>
struct Lowering : OpConversionPattern<OpTy> {
  Lowering(const TypeConverter &converter, MLIRContext *context,
           const LoweringOptions &options)
      : OpConversionPattern<OpTy>(converter, context), options(options) {}

  RankedTensorType resultType(OpTy op, unsigned index = 0) const {
    return cast<RankedTensorType>(this->getTypeConverter()->convertType(
        op->getResult(index).getType()));
  }
  LogicalResult replace(OpTy op, ConversionPatternRewriter &rewriter,
                        ValueRange values) const {
    LinalgBuilder t{rewriter, op.getLoc()};
    SmallVector<Value> results;
    for (auto [i, value] : llvm::enumerate(values))
      results.push_back(isa<RankedTensorType>(value.getType())
                            ? t.castShape(value, resultType(op, i))
                            : value);
    rewriter.replaceOp(op, results);
    return success();
  }
  LoweringOptions options;
};

/// The element type of a tensor in fx, where ui8 is still unsigned.
inline Type getElement(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

/// `dim` counted from the front.
inline int64_t fromFront(int64_t dim, int64_t rank) {
  return dim < 0 ? dim + std::max<int64_t>(rank, 1) : dim;
}
/// Dimensions of a reduction; an empty list means all.
SmallVector<int64_t> getReducedDims(ArrayRef<int64_t> dims, int64_t rank);

#define FX_DECLARE_PATTERNS(Family)                                            \
  void populate##Family##Patterns(const TypeConverter &converter,              \
                                  const LoweringOptions &options,              \
                                  RewritePatternSet &patterns)
FX_DECLARE_PATTERNS(Assertion);
FX_DECLARE_PATTERNS(Pointwise);
FX_DECLARE_PATTERNS(View);
FX_DECLARE_PATTERNS(ViewJoin);
FX_DECLARE_PATTERNS(Creation);
FX_DECLARE_PATTERNS(Reduction);
FX_DECLARE_PATTERNS(Contraction);
FX_DECLARE_PATTERNS(Convolution);
FX_DECLARE_PATTERNS(Pooling);
FX_DECLARE_PATTERNS(Indexing);
FX_DECLARE_PATTERNS(Order);
FX_DECLARE_PATTERNS(Random);
FX_DECLARE_PATTERNS(Symbolic);
FX_DECLARE_PATTERNS(ControlFlow);
#undef FX_DECLARE_PATTERNS

} // namespace mlir::fx

#endif
