//===- Creation.cpp - Tensors from scalars --------------------------------===//

#include "Patterns.h"

using namespace mlir;
using namespace mlir::fx;

namespace {
struct FullLowering : Lowering<FullOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(FullOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value scalar = t.scalars().cast(
        adaptor.getFillValue(), op.getFillValue().getType(), op.getDtype());
    return replace(op, rewriter,
                   t.filled(t.refineSizes(resultType(op),
                                          t.givenSizes(op.getStaticSize(),
                                                       adaptor.getSize())),
                            scalar));
  }
};

struct EmptyLowering : Lowering<EmptyOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(EmptyOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    return replace(op, rewriter,
                   t.empty(t.refineSizes(resultType(op),
                                         t.givenSizes(op.getStaticSize(),
                                                      adaptor.getSize())),
                           getSignlessType(op.getDtype())));
  }
};

struct FullLikeLowering : Lowering<FullLikeOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(FullLikeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value scalar = t.scalars().cast(adaptor.getFillValue(),
                                    op.getFillValue().getType(),
                                    getElement(op.getResult()));
    return replace(
        op, rewriter,
        t.filled(t.refineSizes(resultType(op), t.sizesOf(adaptor.getSelf())),
                 scalar));
  }
};

struct ScalarTensorLowering : Lowering<ScalarTensorOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(ScalarTensorOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value scalar =
        t.scalars().cast(adaptor.getS(), op.getS().getType(), op.getDtype());
    return replace(op, rewriter, t.filled({}, scalar));
  }
};

/// start + step * i in the type `wide`.
static Value buildRamp(LinalgBuilder &t, const Sizes &sizes, Type wide,
                       Value start, Value step, Type dtype) {
  return t.generate(
      sizes, getSignlessType(dtype),
      [&](ScalarBuilder &s, ValueRange indices) -> Value {
        Type i64 = s.b.getI64Type();
        Value i = s.op<arith::IndexCastOp>(i64, indices[0]);
        Value value =
            s.add(wide, start, s.mul(wide, step, s.cast(i, i64, wide)));
        return s.cast(value, wide, dtype);
      });
}

/// Integers are computed in i64, floating-point numbers in f64 as in ATen.
struct ArangeLowering : Lowering<ArangeOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(ArangeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    ScalarBuilder s = t.scalars();
    bool isInteger = llvm::all_of(op->getOperandTypes(), [](Type type) {
      return isa<IntegerType>(type);
    });
    Type wide = isInteger && !isFloatType(op.getDtype())
                    ? Type(rewriter.getI64Type())
                    : Type(rewriter.getF64Type());
    auto widen = [&](Value value, Value fxValue, Type to) {
      return s.cast(value, fxValue.getType(), to);
    };
    RankedTensorType type = resultType(op);
    OpFoldResult length = t.constantSize(type.getDimSize(0));
    if (type.isDynamicDim(0))
      length = buildLength(s, isInteger ? rewriter.getI64Type()
                                        : Type(rewriter.getF64Type()),
                           op, adaptor, widen);
    return replace(op, rewriter,
                   buildRamp(t, {length}, wide,
                             widen(adaptor.getStart(), op.getStart(), wide),
                             widen(adaptor.getStep(), op.getStep(), wide),
                             op.getDtype()));
  }

private:
  /// ceil((end - start) / step), at least 0.
  template <typename Widen>
  static Value buildLength(ScalarBuilder &s, Type type, ArangeOp op,
                           OpAdaptor adaptor, Widen widen) {
    Value start = widen(adaptor.getStart(), op.getStart(), type);
    Value end = widen(adaptor.getEnd(), op.getEnd(), type);
    Value step = widen(adaptor.getStep(), op.getStep(), type);
    Value distance = s.sub(type, end, start), count;
    Type i64 = s.b.getI64Type();
    if (isFloatType(type)) {
      count = s.op<math::CeilOp>(s.div(type, distance, step));
      count = s.cast(count, type, i64);
    } else {
      // Rounds away from zero: add step less its sign.
      Value isUp = s.compare(type, Relation::Gt, step, s.constantInt(type, 0));
      Value sign =
          s.select(isUp, s.constantInt(type, 1), s.constantInt(type, -1));
      count = s.div(type, s.sub(type, s.add(type, distance, step), sign), step);
    }
    count = s.op<arith::MaxSIOp>(count, s.constantInt(i64, 0));
    return s.toIndex(count, i64);
  }
};

struct IotaLowering : Lowering<IotaOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(IotaOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    ScalarBuilder s = t.scalars();
    Type i64 = rewriter.getI64Type();
    RankedTensorType type = resultType(op);
    OpFoldResult length = t.constantSize(type.getDimSize(0));
    if (type.isDynamicDim(0))
      length = s.toIndex(adaptor.getLength(), i64);
    return replace(op, rewriter,
                   buildRamp(t, {length}, i64,
                             s.constantInt(i64, op.getStart()),
                             s.constantInt(i64, op.getStep()), op.getDtype()));
  }
};

/// The first half counts from start, the second from end, as in ATen.
struct LinspaceLowering : Lowering<LinspaceOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(LinspaceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    ScalarBuilder s = t.scalars();
    Type dtype = op.getDtype(), i64 = rewriter.getI64Type();
    // Integers are spaced in f32 and truncated.
    Type wide =
        isFloatType(dtype) ? getComputeType(dtype) : rewriter.getF32Type();
    Value start = s.cast(adaptor.getStart(), op.getStart().getType(), wide);
    Value end = s.cast(adaptor.getEnd(), op.getEnd().getType(), wide);
    int64_t steps = op.getSteps();
    if (steps == 1)
      return replace(op, rewriter,
                     t.filled({t.constantSize(1)}, s.cast(start, wide, dtype)));
    Value step = s.div(wide, s.sub(wide, end, start),
                       s.constant(wide, static_cast<double>(steps - 1)));
    Value result = t.generate(
        {t.constantSize(steps)}, getSignlessType(dtype),
        [&](ScalarBuilder &s, ValueRange indices) -> Value {
          Value i = s.op<arith::IndexCastOp>(i64, indices[0]);
          Value fromEnd = s.sub(i64, s.constantInt(i64, steps - 1), i);
          Value low =
              s.add(wide, start, s.mul(wide, step, s.cast(i, i64, wide)));
          Value high =
              s.sub(wide, end, s.mul(wide, step, s.cast(fromEnd, i64, wide)));
          Value isLow =
              s.compare(i64, Relation::Lt, i, s.constantInt(i64, steps / 2));
          return s.cast(s.select(isLow, low, high), wide, dtype);
        });
    return replace(op, rewriter, result);
  }
};
} // namespace

void fx::populateCreationPatterns(const TypeConverter &converter,
                                  const LoweringOptions &options,
                                  RewritePatternSet &patterns) {
  patterns.add<FullLowering, EmptyLowering, FullLikeLowering,
               ScalarTensorLowering, ArangeLowering, IotaLowering,
               LinspaceLowering>(converter, patterns.getContext(), options);
}
