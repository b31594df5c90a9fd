//===- Random.cpp - Random numbers as functions of seed and index ---------===//

#include "Patterns.h"

using namespace mlir;
using namespace mlir::fx;

/// The four words of Philox4x32-10 for a counter (a 64-bit block number) and a
/// key (the seed), as in fx/Runtime/Philox.h.
static std::array<Value, 4> buildPhilox(ScalarBuilder &s, Value seed,
                                        Value counter) {
  Type i32 = s.b.getI32Type(), i64 = s.b.getI64Type();
  Value shift = s.constantInt(i64, 32);
  auto low = [&](Value x) { return s.op<arith::TruncIOp>(i32, x); };
  auto high = [&](Value x) { return low(s.op<arith::ShRUIOp>(x, shift)); };
  auto product = [&](uint32_t factor, Value x) {
    return s.op<arith::MulIOp>(s.constantInt(i64, factor),
                               s.op<arith::ExtUIOp>(i64, x));
  };
  auto exclusive = [&](Value a, Value b) { return s.op<arith::XOrIOp>(a, b); };
  Value c0 = low(counter), c1 = high(counter);
  Value c2 = s.constantInt(i32, 0), c3 = c2;
  Value k0 = low(seed), k1 = high(seed);
  for (int round = 0; round < 10; ++round) {
    Value p0 = product(0xD2511F53u, c0), p1 = product(0xCD9E8D57u, c2);
    Value n0 = exclusive(exclusive(high(p1), c1), k0);
    Value n2 = exclusive(exclusive(high(p0), c3), k1);
    c1 = low(p1);
    c3 = low(p0);
    c0 = n0;
    c2 = n2;
    k0 = s.op<arith::AddIOp>(k0, s.constantInt(i32, (int32_t)0x9E3779B9u));
    k1 = s.op<arith::AddIOp>(k1, s.constantInt(i32, (int32_t)0xBB67AE85u));
  }
  return {c0, c1, c2, c3};
}

/// The 24 high bits of a word as a number in [0, 1).
static Value buildUniform(ScalarBuilder &s, Value word) {
  Type i32 = s.b.getI32Type(), f32 = s.b.getF32Type();
  Value bits = s.op<arith::ShRUIOp>(word, s.constantInt(i32, 8));
  return s.op<arith::MulFOp>(s.op<arith::UIToFPOp>(f32, bits),
                             s.constantFloat(f32, 1.0 / 16777216.0));
}

namespace {
struct LookupSeedLowering : Lowering<LookupSeedOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(LookupSeedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    Value slice = t.slice(adaptor.getSeeds(), {t.constantSize(op.getIndex())},
                          {t.constantSize(1)}, {t.constantSize(1)});
    return replace(op, rewriter, t.dropUnitDims(slice, 0));
  }
};

/// Each element computes its own block: word (offset + i) mod 4 for rand. For
/// randn the words of a pair (an even element and the next) give both numbers
/// by Box-Muller, the cosine to the even one.
struct RandomLowering : Lowering<RandomOp> {
  using Lowering::Lowering;
  LogicalResult
  matchAndRewrite(RandomOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LinalgBuilder t{rewriter, op.getLoc()};
    bool isNormal = op.getMode() == "randn";
    if (!isNormal && op.getMode() != "rand")
      return this->options.refuse(op, "mode is not rand or randn");
    RankedTensorType type = resultType(op);
    Sizes sizes = t.refineSizes(
        type, t.givenSizes(op.getStaticSize(), adaptor.getSize()));
    SmallVector<Value> extents;
    for (OpFoldResult size : sizes)
      extents.push_back(t.asValue(size));
    Value seedTensor = adaptor.getSeed();
    int64_t offset = op.getOffset();
    Value result = t.generic(
        seedTensor, t.empty(sizes, type.getElementType()),
        {AffineMap::get(type.getRank(), 0, {}, rewriter.getContext()),
         rewriter.getMultiDimIdentityMap(type.getRank())},
        SmallVector<utils::IteratorType>(type.getRank(),
                                         utils::IteratorType::parallel),
        [&](ScalarBuilder &s, ValueRange args) {
          Value linear = s.constantIndex(0);
          for (auto [i, extent] : llvm::enumerate(extents))
            linear = s.addIndex(s.mulIndex(linear, extent),
                                s.op<linalg::IndexOp>((int64_t)i));
          Value value = buildElement(s, args[0], s.addIndex(linear, offset),
                                     isNormal);
          return SmallVector<Value>{
              s.cast(value, s.b.getF32Type(), type.getElementType())};
        });
    return replace(op, rewriter, result);
  }

private:
  static Value buildElement(ScalarBuilder &s, Value seed, Value position,
                            bool isNormal) {
    Type i64 = s.b.getI64Type(), f32 = s.b.getF32Type();
    Value index = s.op<arith::IndexCastOp>(i64, position);
    Value one = s.constantInt(i64, 1), two = s.constantInt(i64, 2);
    std::array<Value, 4> words =
        buildPhilox(s, seed, s.op<arith::ShRUIOp>(index, two));
    auto bit = [&](Value mask) {
      return s.compare(i64, Relation::Ne, s.andI(index, mask),
                       s.constantInt(i64, 0));
    };
    Value isOdd = bit(one), isUpper = bit(two);
    Value even = s.select(isUpper, words[2], words[0]);
    Value odd = s.select(isUpper, words[3], words[1]);
    if (!isNormal)
      return buildUniform(s, s.select(isOdd, odd, even));
    // 1 - u is in (0, 1], so the logarithm is finite.
    Value u = s.sub(f32, s.constant(f32, 1.0), buildUniform(s, even));
    Value radius = s.op<math::SqrtOp>(
        s.mul(f32, s.constant(f32, -2.0), s.op<math::LogOp>(u)));
    Value angle = s.mul(f32, s.constant(f32, 6.283185307179586),
                        buildUniform(s, odd));
    return s.mul(f32, radius,
                 s.select(isOdd, s.op<math::SinOp>(angle),
                          s.op<math::CosOp>(angle)));
  }
};
} // namespace

void fx::populateRandomPatterns(const TypeConverter &converter,
                                const LoweringOptions &options,
                                RewritePatternSet &patterns) {
  patterns.add<LookupSeedLowering, RandomLowering>(
      converter, patterns.getContext(), options);
}
