// Gather, scatter and advanced indexing.
#ifndef FX_IR_INDEXINGOPS_TD
#define FX_IR_INDEXINGOPS_TD

include "fx/IR/FXBase.td"

class FX_Indexing<string mnemonic, string rule, list<string> bindings,
                  list<Trait> traits = []>
    : FX_InferredOp<mnemonic, rule, traits, bindings> {
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
def FX_EmbeddingOp : FX_Indexing<"embedding",
    "::mlir::fx::inferEmbedding(location, adaptor.getWeight(), adaptor.getIndices(), results)",
    ["aten.embedding.default(weight, indices, padding_idx)"]> {
  let summary = "Rows of weight; the row padding_idx takes no gradient";
  let arguments = (ins AnyRankedTensor:$weight, AnyRankedTensor:$indices,
                       DefaultValuedAttr<I64Attr, "-1">:$padding_idx);
}
def FX_GatherOp : FX_Indexing<"gather",
    "::mlir::fx::inferGather(location, adaptor.getSelf(), adaptor.getIndex(), results)",
    ["aten.gather.default(self, dim, index)"]> {
  let summary = "result[i][j] = self[i][index[i][j]] for dim = 1";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$index, I64Attr:$dim);
}
def FX_ScatterOp : FX_Indexing<"scatter",
    "::mlir::fx::inferLike(adaptor.getSelf(), results)",
    ["aten.scatter.src(self, dim, index, src)",
     "aten.scatter.value(self, dim, index, value:src)"]> {
  let summary = "self with self[i][index[i][j]] = src[i][j] for dim = 1";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$index,
                       FX_TensorOrScalar:$src, I64Attr:$dim);
}
def FX_ScatterAddOp : FX_Indexing<"scatter_add",
    "::mlir::fx::inferLike(adaptor.getSelf(), results)",
    ["aten.scatter_add.default(self, dim, index, src)"]> {
  let summary = "self with self[i][index[i][j]] += src[i][j] for dim = 1";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$index,
                       AnyRankedTensor:$src, I64Attr:$dim);
}
def FX_IndexSelectOp : FX_Indexing<"index_select",
    "::mlir::fx::inferIndexSelect(location, adaptor.getSelf(), adaptor.getIndex(), adaptor.getDim(), results)",
    ["aten.index_select.default(self, dim, index)"]> {
  let summary = "The slices of self along dim that a vector of indices names";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$index, I64Attr:$dim);
}
defvar indexDimsDoc = [{
    `index_dims[k]` is the dimension that `indices[k]` indexes (ascending);
    the other dimensions are taken whole (`None` or `:` in PyTorch). Index
    tensors are broadcast together; negative indices count from the end. The
    broadcast dimensions replace the indexed ones where these are adjacent,
    else they come first.
  }];
def FX_IndexOp : FX_Indexing<"index",
    "::mlir::fx::inferIndex(location, adaptor.getSelf(), adaptor.getIndices(), adaptor.getIndexDims(), results)",
    ["aten.index.Tensor(self, indices)", "aten._unsafe_index.Tensor(self, indices)"]> {
  let summary = "Advanced indexing";
  let description = indexDimsDoc;
  let arguments = (ins AnyRankedTensor:$self, Variadic<AnyRankedTensor>:$indices,
                       DenseI64ArrayAttr:$index_dims);
}
def FX_IndexPutOp : FX_Indexing<"index_put",
    "::mlir::fx::inferLike(adaptor.getSelf(), results)",
    ["aten.index_put.default(self, indices, values, accumulate)",
     "aten._unsafe_index_put.default(self, indices, values, accumulate)"]> {
  let summary = "self with self[indices] = values, or += with accumulate";
  let description = indexDimsDoc;
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$values,
    Variadic<AnyRankedTensor>:$indices, DenseI64ArrayAttr:$index_dims,
    DefaultValuedAttr<BoolAttr, "false">:$accumulate);
}
def FX_MaskedIndexPutAccumulateOp : FX_Indexing<"masked_index_put_accumulate",
    "::mlir::fx::inferLike(adaptor.getSelf(), results)",
    ["aten._unsafe_masked_index_put_accumulate.default(self, mask, indices, values)"]> {
  let summary = "self with self[indices] += values where mask";
  let description = indexDimsDoc;
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$mask,
    AnyRankedTensor:$values, Variadic<AnyRankedTensor>:$indices,
    DenseI64ArrayAttr:$index_dims);
}

#endif
