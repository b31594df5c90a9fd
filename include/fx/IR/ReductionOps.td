// Reductions, scans and softmax.
#ifndef FX_IR_REDUCTIONOPS_TD
#define FX_IR_REDUCTIONOPS_TD

include "fx/IR/FXBase.td"

/// `dim` empty means all dimensions. `kind` tells the element type: Sum
/// (bool and integers become i64), Float, Same, Bool, Index.
class FX_Reduction<string mnemonic, string rule, list<string> bindings>
    : FX_InferredOp<mnemonic, rule, [], bindings> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
class FX_DimsReduction<string mnemonic, string kind, string doc,
                       list<string> bindings>
    : FX_Reduction<mnemonic,
        "::mlir::fx::inferReduction(location, adaptor.getSelf(), adaptor.getDim(), adaptor.getKeepdim(), std::nullopt, ::mlir::fx::ReductionKind::" # kind # ", results)",
        bindings> {
  let summary = doc;
  let arguments = (ins AnyRankedTensor:$self,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$dim,
    DefaultValuedAttr<BoolAttr, "false">:$keepdim);
  let results = (outs AnyRankedTensor:$result);
}
class FX_TypedReduction<string mnemonic, string kind, string doc,
                        list<string> bindings>
    : FX_Reduction<mnemonic,
        "::mlir::fx::inferReduction(location, adaptor.getSelf(), adaptor.getDim(), adaptor.getKeepdim(), adaptor.getDtype(), ::mlir::fx::ReductionKind::" # kind # ", results)",
        bindings> {
  let summary = doc;
  let arguments = (ins AnyRankedTensor:$self,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$dim,
    DefaultValuedAttr<BoolAttr, "false">:$keepdim,
    OptionalAttr<TypeAttr>:$dtype);
  let results = (outs AnyRankedTensor:$result);
}

def FX_SumOp : FX_TypedReduction<"sum", "Sum", "Sum of the elements",
    ["aten.sum.dim_IntList(self, dim, keepdim, dtype)",
     "aten.sum.default(self, dtype)"]>;
def FX_MeanOp : FX_TypedReduction<"mean", "Float", "Arithmetic mean",
    ["aten.mean.dim(self, dim, keepdim, dtype)", "aten.mean.default(self, dtype)"]>;
def FX_ProdOp : FX_TypedReduction<"prod", "Sum", "Product of the elements",
    ["aten.prod.dim_int(self, dim, keepdim, dtype)",
     "aten.prod.default(self, dtype)"]>;
def FX_AmaxOp : FX_DimsReduction<"amax", "Same", "Largest element; NaN wins",
    ["aten.amax.default(self, dim, keepdim)", "aten.max.default(self)"]>;
def FX_AminOp : FX_DimsReduction<"amin", "Same", "Smallest element; NaN wins",
    ["aten.amin.default(self, dim, keepdim)", "aten.min.default(self)"]>;
def FX_AnyOp : FX_DimsReduction<"any", "Bool", "Whether an element is not zero",
    ["aten.any.dims(self, dim, keepdim)", "aten.any.dim(self, dim, keepdim)",
     "aten.any.default(self)"]>;
def FX_AllOp : FX_DimsReduction<"all", "Bool", "Whether no element is zero",
    ["aten.all.dims(self, dim, keepdim)", "aten.all.dim(self, dim, keepdim)",
     "aten.all.default(self)"]>;
def FX_VarMeanOp : FX_Reduction<"var_mean",
    "::mlir::fx::inferVarMean(location, adaptor.getSelf(), adaptor.getDim(), adaptor.getKeepdim(), results)",
    ["aten.var_mean.correction(self, dim, correction, keepdim)"]> {
  let summary = "Variance with divisor n - correction, and mean";
  let arguments = (ins AnyRankedTensor:$self,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$dim,
    DefaultValuedAttr<F64Attr, "1.0">:$correction,
    DefaultValuedAttr<BoolAttr, "false">:$keepdim);
  let results = (outs AnyRankedTensor:$variance, AnyRankedTensor:$mean);
}
def FX_VarOp : FX_Reduction<"var",
    "::mlir::fx::inferReduction(location, adaptor.getSelf(), adaptor.getDim(), adaptor.getKeepdim(), std::nullopt, ::mlir::fx::ReductionKind::Float, results)",
    ["aten.var.correction(self, dim, correction, keepdim)"]> {
  let summary = "Variance with divisor n - correction";
  let arguments = (ins AnyRankedTensor:$self,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$dim,
    DefaultValuedAttr<F64Attr, "1.0">:$correction,
    DefaultValuedAttr<BoolAttr, "false">:$keepdim);
  let results = (outs AnyRankedTensor:$result);
}
class FX_ArgReduction<string mnemonic, string doc> : FX_Reduction<mnemonic,
    "::mlir::fx::inferArgReduction(location, adaptor.getSelf(), adaptor.getDim(), adaptor.getKeepdim(), results)",
    ["aten." # mnemonic # ".default(self, dim, keepdim)"]> {
  let summary = doc;
  let arguments = (ins AnyRankedTensor:$self, OptionalAttr<I64Attr>:$dim,
    DefaultValuedAttr<BoolAttr, "false">:$keepdim);
  let results = (outs AnyRankedTensor:$result);
}
def FX_ArgmaxOp : FX_ArgReduction<"argmax", "Index of the first largest element">;
def FX_ArgminOp : FX_ArgReduction<"argmin", "Index of the first smallest element">;
class FX_ValueIndexReduction<string mnemonic, string packet, string doc>
    : FX_Reduction<mnemonic,
    "::mlir::fx::inferValueIndexReduction(location, adaptor.getSelf(), adaptor.getDim(), adaptor.getKeepdim(), results)",
    ["aten." # packet # ".dim(self, dim, keepdim)"]> {
  let summary = doc;
  let arguments = (ins AnyRankedTensor:$self, I64Attr:$dim,
    DefaultValuedAttr<BoolAttr, "false">:$keepdim);
  let results = (outs AnyRankedTensor:$values, AnyRankedTensor:$indices);
}
def FX_MaxDimOp : FX_ValueIndexReduction<"max_dim", "max",
    "Largest elements along dim and their indices">;
def FX_MinDimOp : FX_ValueIndexReduction<"min_dim", "min",
    "Smallest elements along dim and their indices">;
def FX_CumsumOp : FX_Reduction<"cumsum",
    "::mlir::fx::inferCumulative(location, adaptor.getSelf(), adaptor.getDim(), adaptor.getDtype(), results)",
    ["aten.cumsum.default(self, dim, dtype)"]> {
  let summary = "Sums of all elements up to each index along dim";
  let arguments = (ins AnyRankedTensor:$self, I64Attr:$dim,
                       OptionalAttr<TypeAttr>:$dtype);
  let results = (outs AnyRankedTensor:$result);
}
class FX_Softmax<string mnemonic, string doc> : FX_Reduction<mnemonic,
    "::mlir::fx::inferSoftmax(location, adaptor.getSelf(), adaptor.getDim(), adaptor.getDtype(), results)",
    ["aten." # mnemonic # ".int(self, dim, dtype)",
     "aten._" # mnemonic # ".default(self, dim)"]> {
  let summary = doc;
  let arguments = (ins AnyRankedTensor:$self, I64Attr:$dim,
                       OptionalAttr<TypeAttr>:$dtype);
  let results = (outs AnyRankedTensor:$result);
}
def FX_SoftmaxOp : FX_Softmax<"softmax", "e^x / sum(e^x) along dim">;
def FX_LogSoftmaxOp : FX_Softmax<"log_softmax", "x - log(sum(e^x)) along dim">;
def FX_LogsumexpOp : FX_DimsReduction<"logsumexp", "Float", "log(sum(e^x))",
    ["aten.logsumexp.default(self, dim, keepdim)"]>;

#endif
