//===- TypeInference.h - Result types of fx ops -----------------*- C++ -*-===//
//
// The one type rule of the dialect: promotion and broadcasting as in ATen.
// Every function appends the inferred types to `results`, or emits an error at
// `location` (if there is one) and fails. Dimensions are `ShapedType::kDynamic`
// where they are not known; a `?` is never 1 at run time and two `?` in the
// same broadcast position are equal.
//
//===----------------------------------------------------------------------===//

#ifndef FX_IR_TYPEINFERENCE_H
#define FX_IR_TYPEINFERENCE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ValueRange.h"

#include <optional>

namespace mlir::fx {

using MaybeLoc = std::optional<Location>;
using Types = llvm::SmallVectorImpl<Type>;
using Dims = llvm::ArrayRef<int64_t>;

/// Element type of a pointwise result: the promoted operands, the same with
/// integers as f32, or i1.
enum class PointwiseKind { Same, Float, Bool };
/// Element type of a reduction: bool and integers as i64, integers refused,
/// unchanged, or i1.
enum class ReductionKind { Sum, Float, Same, Bool };

/// Whether `actual` may stand where `inferred` was inferred: equal element
/// types and compatible shapes.
bool areCompatibleResultTypes(TypeRange inferred, TypeRange actual);

/// ATen's result_type: tensors with dimensions outrank tensors of rank 0,
/// which outrank Python scalars, unless the category (bool, integer, floating
/// point) is higher.
Type promoteElementTypes(ValueRange operands);
/// The type that two element types promote to.
Type promoteTypes(Type a, Type b);
/// The type in which a kernel computes: f32 for f16 and bf16, else itself.
Type getComputeType(Type element);
bool isBoolType(Type element);
bool isFloatType(Type element);
bool isIntType(Type element);

/// The numpy broadcast of two shapes.
FailureOr<SmallVector<int64_t>> broadcastShapes(MaybeLoc location, Dims a,
                                                Dims b);
/// Wraps a negative dimension and checks its range.
FailureOr<int64_t> normalizeDim(MaybeLoc location, int64_t dim, int64_t rank);
/// The same for a list; an empty list means every dimension. Ascending.
FailureOr<SmallVector<int64_t>> normalizeDims(MaybeLoc location, Dims dims,
                                              int64_t rank);

LogicalResult inferPointwise(MaybeLoc, ValueRange operands, PointwiseKind,
                             Types &results);
LogicalResult inferConvert(MaybeLoc, Value self, Type dtype, Types &results);
LogicalResult inferWhere(MaybeLoc, Value condition, Value self, Value other,
                         Types &results);
LogicalResult inferMaskedFill(MaybeLoc, Value self, Value mask, Value value,
                              Types &results);
LogicalResult inferLike(Value self, Types &results);
LogicalResult inferLikeEach(ArrayRef<Value> values, Types &results);
LogicalResult inferLikeWithDtype(Value self, std::optional<Type> dtype,
                                 Types &results);

LogicalResult inferView(MaybeLoc, Value self, Dims sizes, Types &results);
LogicalResult inferExpand(MaybeLoc, Value self, Dims sizes, Types &results);
LogicalResult inferRepeat(MaybeLoc, Value self, Dims repeats, Types &results);
LogicalResult inferPermute(MaybeLoc, Value self, Dims dims, Types &results);
LogicalResult inferTranspose(MaybeLoc, Value self, int64_t dim0, int64_t dim1,
                             Types &results);
LogicalResult inferT(MaybeLoc, Value self, Types &results);
LogicalResult inferUnsqueeze(MaybeLoc, Value self, int64_t dim, Types &results);
LogicalResult inferSqueeze(MaybeLoc, Value self,
                           std::optional<ArrayRef<int64_t>> dims,
                           Types &results);
LogicalResult inferFlatten(MaybeLoc, Value self, int64_t start, int64_t end,
                           Types &results);
LogicalResult inferSlice(MaybeLoc, Value self, int64_t dim, Value start,
                         Value end, int64_t step, Types &results);
LogicalResult inferSelect(MaybeLoc, Value self, int64_t dim, Types &results);
LogicalResult inferCat(MaybeLoc, ValueRange tensors, int64_t dim,
                       Types &results);
LogicalResult inferStack(MaybeLoc, ValueRange tensors, int64_t dim,
                         Types &results);
LogicalResult inferSplit(MaybeLoc, Value self, int64_t size, int64_t dim,
                         Types &results);
LogicalResult inferSplitWithSizes(MaybeLoc, Value self, Dims sizes, int64_t dim,
                                  Types &results);
LogicalResult inferChunk(MaybeLoc, Value self, int64_t chunks, int64_t dim,
                         Types &results);
LogicalResult inferUnbind(MaybeLoc, Value self, int64_t dim, Types &results);
LogicalResult inferConstantPadNd(MaybeLoc, Value self, Dims pad,
                                 Types &results);
LogicalResult inferRepeatInterleave(MaybeLoc, Value self, int64_t repeats,
                                    std::optional<int64_t> dim, Types &results);

LogicalResult inferFull(MaybeLoc, Dims sizes, Type dtype, Types &results);
LogicalResult inferArange(MaybeLoc, Value start, Value end, Value step,
                          Type dtype, Types &results);
LogicalResult inferIota(MaybeLoc, Value length, Type dtype, Types &results);
LogicalResult inferLinspace(MaybeLoc, int64_t steps, Type dtype,
                            Types &results);

LogicalResult inferReduction(MaybeLoc, Value self, Dims dims, bool keepdim,
                             std::optional<Type> dtype, ReductionKind,
                             Types &results);
LogicalResult inferVarMean(MaybeLoc, Value self, Dims dims, bool keepdim,
                           Types &results);
LogicalResult inferArgReduction(MaybeLoc, Value self,
                                std::optional<int64_t> dim, bool keepdim,
                                Types &results);
LogicalResult inferValueIndexReduction(MaybeLoc, Value self, int64_t dim,
                                       bool keepdim, Types &results);
LogicalResult inferCumulative(MaybeLoc, Value self, int64_t dim,
                              std::optional<Type> dtype, Types &results);
LogicalResult inferSoftmax(MaybeLoc, Value self, int64_t dim,
                           std::optional<Type> dtype, Types &results);

LogicalResult inferMm(MaybeLoc, Value a, Value b, Types &results);
LogicalResult inferBmm(MaybeLoc, Value a, Value b, Types &results);
LogicalResult inferAddmm(MaybeLoc, Value self, Value a, Value b,
                         Types &results);
LogicalResult inferBaddbmm(MaybeLoc, Value self, Value a, Value b,
                           Types &results);
LogicalResult inferMatmul(MaybeLoc, Value a, Value b, Types &results);
LogicalResult inferLinear(MaybeLoc, Value input, Value weight, Value bias,
                          Types &results);
LogicalResult inferOuter(MaybeLoc, Value a, Value b, Types &results);
LogicalResult inferAttention(MaybeLoc, Value query, Value value,
                             Types &results);
LogicalResult inferFlashAttention(MaybeLoc, Value query, Value value,
                                  Types &results);

LogicalResult inferConvolution(MaybeLoc, Value input, Value weight, Dims stride,
                               Dims padding, Dims dilation, bool transposed,
                               Dims outputPadding, int64_t groups,
                               Types &results);
LogicalResult inferConvolutionBackward(MaybeLoc, Value gradOutput, Value input,
                                       Value weight, ArrayRef<bool> mask,
                                       Types &results);
/// Windows over the last two dimensions; with `indexBits` a second result
/// of integers of that width.
LogicalResult inferPool(MaybeLoc, Value self, Dims kernel, Dims stride,
                        Dims padding, Dims dilation, bool ceilMode,
                        std::optional<unsigned> indexBits, Types &results);
LogicalResult inferAdaptivePool(MaybeLoc, Value self, Dims outputSize,
                                Types &results);

LogicalResult inferNativeLayerNorm(MaybeLoc, Value input, Dims normalizedShape,
                                   Types &results);
LogicalResult inferBatchNorm(MaybeLoc, Value input, Value runningMean,
                             Value runningVar, bool saved, Types &results);
LogicalResult inferCrossEntropy(MaybeLoc, Value self, Value target,
                                int64_t reduction, Types &results);
LogicalResult inferPairLoss(MaybeLoc, Value self, Value target,
                            int64_t reduction, Types &results);

LogicalResult inferEmbedding(MaybeLoc, Value weight, Value indices,
                             Types &results);
LogicalResult inferGather(MaybeLoc, Value self, Value index, Types &results);
LogicalResult inferIndexSelect(MaybeLoc, Value self, Value index, int64_t dim,
                               Types &results);
LogicalResult inferIndex(MaybeLoc, Value self, ValueRange indices,
                         Dims indexDims, Types &results);
LogicalResult inferLookupSeed(MaybeLoc, Value seeds, Types &results);

} // namespace mlir::fx

#endif
