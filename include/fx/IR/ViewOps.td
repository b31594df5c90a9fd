// Shape and view ops: the elements stay, the indices change.
#ifndef FX_IR_VIEWOPS_TD
#define FX_IR_VIEWOPS_TD

include "fx/IR/FXBase.td"

class FX_View<string mnemonic, string rule, list<string> bindings,
              list<Trait> traits = []>
    : FX_InferredOp<mnemonic, rule, traits, bindings> {
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

/// Sizes that mix constants and SymInts print as `[%n, 2, 2]`; in the static
/// array a dynamic entry is `ShapedType::kDynamic`.
class FX_Sized<string mnemonic, string rule, list<string> bindings>
    : FX_View<mnemonic, rule, bindings> {
  let arguments = (ins AnyRankedTensor:$self, Variadic<I64>:$size,
                       DenseI64ArrayAttr:$static_size);
  let assemblyFormat = [{
    $self `sizes` `=` custom<DynamicIndexList>($size, $static_size)
    attr-dict `:` type($self) `->` type($result)
  }];
}

def FX_ViewOp : FX_Sized<"view",
    "::mlir::fx::inferView(location, adaptor.getSelf(), adaptor.getStaticSize(), results)",
    ["aten.view.default(self, size)", "aten.reshape.default(self, shape:size)",
     "aten._unsafe_view.default(self, size)"]> {
  let summary = "The elements in row-major order under another shape";
  let description = [{
    One size may be -1 and is then inferred.
    ```mlir
    %0 = fx.view %x sizes = [2, -1] : tensor<4x3xf32> -> tensor<2x6xf32>
    ```
  }];
}
def FX_ExpandOp : FX_Sized<"expand",
    "::mlir::fx::inferExpand(location, adaptor.getSelf(), adaptor.getStaticSize(), results)",
    ["aten.expand.default(self, size)"]> {
  let summary = "Repeats dimensions of size 1; -1 keeps a size";
}
def FX_RepeatOp : FX_Sized<"repeat",
    "::mlir::fx::inferRepeat(location, adaptor.getSelf(), adaptor.getStaticSize(), results)",
    ["aten.repeat.default(self, repeats:size)"]> {
  let summary = "Tiles the tensor `size[i]` times along dimension i";
}

def FX_PermuteOp : FX_View<"permute",
    "::mlir::fx::inferPermute(location, adaptor.getSelf(), adaptor.getDims(), results)",
    ["aten.permute.default(self, dims)"]> {
  let summary = "Reorders the dimensions of a tensor";
  let description = [{
    Result dimension `i` is input dimension `dims[i]`.
    ```mlir
    %t = fx.permute %x dims = [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$self, DenseI64ArrayAttr:$dims);
  let assemblyFormat = "$self `dims` `=` $dims attr-dict `:` type($self) `->` type($result)";
  let hasFolder = 1;
}
def FX_TransposeOp : FX_View<"transpose",
    "::mlir::fx::inferTranspose(location, adaptor.getSelf(), adaptor.getDim0(), adaptor.getDim1(), results)",
    ["aten.transpose.int(self, dim0, dim1)"]> {
  let summary = "Exchanges two dimensions";
  let arguments = (ins AnyRankedTensor:$self, I64Attr:$dim0, I64Attr:$dim1);
}
def FX_TOp : FX_View<"t", "::mlir::fx::inferT(location, adaptor.getSelf(), results)",
    ["aten.t.default(self)"]> {
  let summary = "Transposes a matrix; vectors and scalars stay";
  let arguments = (ins AnyRankedTensor:$self);
}
def FX_UnsqueezeOp : FX_View<"unsqueeze",
    "::mlir::fx::inferUnsqueeze(location, adaptor.getSelf(), adaptor.getDim(), results)",
    ["aten.unsqueeze.default(self, dim)"]> {
  let summary = "Inserts a dimension of size 1 before `dim`";
  let arguments = (ins AnyRankedTensor:$self, I64Attr:$dim);
}
def FX_SqueezeOp : FX_View<"squeeze",
    "::mlir::fx::inferSqueeze(location, adaptor.getSelf(), adaptor.getDim(), results)",
    ["aten.squeeze.dims(self, dim)", "aten.squeeze.dim(self, dim)",
     "aten.squeeze.default(self)"]> {
  let summary = "Removes those of the given dimensions whose size is 1; all of them if none is given";
  let arguments = (ins AnyRankedTensor:$self,
                       OptionalAttr<DenseI64ArrayAttr>:$dim);
}
def FX_FlattenOp : FX_View<"flatten",
    "::mlir::fx::inferFlatten(location, adaptor.getSelf(), adaptor.getStartDim(), adaptor.getEndDim(), results)",
    ["aten.flatten.using_ints(self, start_dim, end_dim)"]> {
  let summary = "Merges the dimensions start_dim to end_dim";
  let arguments = (ins AnyRankedTensor:$self,
    DefaultValuedAttr<I64Attr, "0">:$start_dim,
    DefaultValuedAttr<I64Attr, "-1">:$end_dim);
}

def FX_SliceOp : FX_View<"slice",
    "::mlir::fx::inferSlice(location, adaptor.getSelf(), adaptor.getDim(), adaptor.getStart(), adaptor.getEnd(), adaptor.getStep(), results)",
    ["aten.slice.Tensor(self, dim, start, end, step)"], [AttrSizedOperandSegments]> {
  let summary = "Every step-th element from start to end (exclusive) along dim";
  let description = [{
    Negative bounds count from the end, bounds are clamped to the size, an
    absent start is 0 and an absent end the size.
    ```mlir
    %0 = fx.slice %x from %c0 to %c2 {dim = 1 : i64, step = 1 : i64} : …
    ```
  }];
  let arguments = (ins AnyRankedTensor:$self, DefaultValuedAttr<I64Attr, "0">:$dim,
    Optional<I64>:$start, Optional<I64>:$end, DefaultValuedAttr<I64Attr, "1">:$step);
  let assemblyFormat = [{
    $self (`from` $start^)? (`to` $end^)? attr-dict `:` type($self) `->` type($result)
  }];
}
def FX_SelectOp : FX_View<"select",
    "::mlir::fx::inferSelect(location, adaptor.getSelf(), adaptor.getDim(), results)",
    ["aten.select.int(self, dim, index)"]> {
  let summary = "The element `index` along dim; the dimension disappears";
  let arguments = (ins AnyRankedTensor:$self, I64Attr:$dim, I64:$index);
}
def FX_SliceScatterOp : FX_View<"slice_scatter",
    "::mlir::fx::inferLike(adaptor.getSelf(), results)",
    ["aten.slice_scatter.default(self, src, dim, start, end, step)"],
    [AttrSizedOperandSegments]> {
  let summary = "self with a slice replaced by src";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$src,
    DefaultValuedAttr<I64Attr, "0">:$dim, Optional<I64>:$start, Optional<I64>:$end,
    DefaultValuedAttr<I64Attr, "1">:$step);
  let assemblyFormat = [{
    $self `,` $src (`from` $start^)? (`to` $end^)? attr-dict `:`
    functional-type(operands, results)
  }];
}
def FX_SelectScatterOp : FX_View<"select_scatter",
    "::mlir::fx::inferLike(adaptor.getSelf(), results)",
    ["aten.select_scatter.default(self, src, dim, index)"]> {
  let summary = "self with the element `index` along dim replaced by src";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$src, I64Attr:$dim,
                       I64:$index);
}
def FX_CatOp : FX_View<"cat",
    "::mlir::fx::inferCat(location, adaptor.getTensors(), adaptor.getDim(), results)",
    ["aten.cat.default(tensors, dim)", "aten.concat.default(tensors, dim)"]> {
  let summary = "Joins tensors along a dimension";
  let description = "Empty one-dimensional tensors are skipped, as in ATen.";
  let arguments = (ins Variadic<AnyRankedTensor>:$tensors,
                       DefaultValuedAttr<I64Attr, "0">:$dim);
}
def FX_StackOp : FX_View<"stack",
    "::mlir::fx::inferStack(location, adaptor.getTensors(), adaptor.getDim(), results)",
    ["aten.stack.default(tensors, dim)"]> {
  let summary = "Joins tensors along a new dimension";
  let arguments = (ins Variadic<AnyRankedTensor>:$tensors,
                       DefaultValuedAttr<I64Attr, "0">:$dim);
}
class FX_Split<string mnemonic, string rule, list<string> bindings>
    : FX_InferredOp<mnemonic, rule, [], bindings> {
  let results = (outs Variadic<AnyRankedTensor>:$parts);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
def FX_SplitOp : FX_Split<"split",
    "::mlir::fx::inferSplit(location, adaptor.getSelf(), adaptor.getSplitSize(), adaptor.getDim(), results)",
    ["aten.split.Tensor(self, split_size, dim)"]> {
  let summary = "Parts of size split_size along dim; the last may be smaller";
  let arguments = (ins AnyRankedTensor:$self, I64Attr:$split_size,
                       DefaultValuedAttr<I64Attr, "0">:$dim);
}
def FX_SplitWithSizesOp : FX_Split<"split_with_sizes",
    "::mlir::fx::inferSplitWithSizes(location, adaptor.getSelf(), adaptor.getSplitSizes(), adaptor.getDim(), results)",
    ["aten.split_with_sizes.default(self, split_sizes, dim)"]> {
  let summary = "Parts of the given sizes along dim";
  let arguments = (ins AnyRankedTensor:$self, DenseI64ArrayAttr:$split_sizes,
                       DefaultValuedAttr<I64Attr, "0">:$dim);
}
def FX_ChunkOp : FX_Split<"chunk",
    "::mlir::fx::inferChunk(location, adaptor.getSelf(), adaptor.getChunks(), adaptor.getDim(), results)",
    ["aten.chunk.default(self, chunks, dim)"]> {
  let summary = "At most `chunks` parts of equal size along dim";
  let arguments = (ins AnyRankedTensor:$self, I64Attr:$chunks,
                       DefaultValuedAttr<I64Attr, "0">:$dim);
}
def FX_UnbindOp : FX_Split<"unbind",
    "::mlir::fx::inferUnbind(location, adaptor.getSelf(), adaptor.getDim(), results)",
    ["aten.unbind.int(self, dim)"]> {
  let summary = "The slices along dim, without that dimension";
  let arguments = (ins AnyRankedTensor:$self,
                       DefaultValuedAttr<I64Attr, "0">:$dim);
}
def FX_FlipOp : FX_View<"flip", "::mlir::fx::inferLike(adaptor.getSelf(), results)",
    ["aten.flip.default(self, dims)", "prims.rev.default(a:self, dims)"]> {
  let summary = "Reverses the order of elements along dims";
  let arguments = (ins AnyRankedTensor:$self, DenseI64ArrayAttr:$dims);
}
def FX_ConstantPadNdOp : FX_View<"constant_pad_nd",
    "::mlir::fx::inferConstantPadNd(location, adaptor.getSelf(), adaptor.getPad(), results)",
    ["aten.constant_pad_nd.default(self, pad, value)"]> {
  let summary = "Pads with a value: [last.low, last.high, before_last.low, …]; negative pads crop";
  let arguments = (ins AnyRankedTensor:$self, FX_Scalar:$value, DenseI64ArrayAttr:$pad);
}
def FX_RepeatInterleaveOp : FX_View<"repeat_interleave",
    "::mlir::fx::inferRepeatInterleave(location, adaptor.getSelf(), adaptor.getRepeats(), adaptor.getDim(), results)",
    ["aten.repeat_interleave.self_int(self, repeats, dim)"]> {
  let summary = "Repeats each element `repeats` times along dim (flattened without dim)";
  let arguments = (ins AnyRankedTensor:$self, I64Attr:$repeats,
                       OptionalAttr<I64Attr>:$dim);
}
class FX_Triangle<string mnemonic, string doc> : FX_View<mnemonic,
    "::mlir::fx::inferLike(adaptor.getSelf(), results)",
    ["aten." # mnemonic # ".default(self, diagonal)"]> {
  let summary = doc;
  let arguments = (ins AnyRankedTensor:$self,
                       DefaultValuedAttr<I64Attr, "0">:$diagonal);
}
def FX_TrilOp : FX_Triangle<"tril", "Zeroes the elements above the diagonal">;
def FX_TriuOp : FX_Triangle<"triu", "Zeroes the elements below the diagonal">;

#endif
