// Comparisons, logic, selection and copies: pointwise ops without arithmetic.
#ifndef FX_IR_COMPARISONOPS_TD
#define FX_IR_COMPARISONOPS_TD

include "fx/IR/PointwiseBase.td"

def FX_EqOp : FX_Binary<"eq", "Bool", "self == other">;
def FX_NeOp : FX_Binary<"ne", "Bool", "self != other">;
def FX_LtOp : FX_Binary<"lt", "Bool", "self < other">;
def FX_LeOp : FX_Binary<"le", "Bool", "self <= other">;
def FX_GtOp : FX_Binary<"gt", "Bool", "self > other">;
def FX_GeOp : FX_Binary<"ge", "Bool", "self >= other">;
class FX_Logical<string mnemonic, string doc> : FX_Binary<mnemonic, "Bool", doc,
    ["aten." # mnemonic # ".default(self, other)"]>;
def FX_LogicalAndOp : FX_Logical<"logical_and", "self != 0 and other != 0">;
def FX_LogicalOrOp : FX_Logical<"logical_or", "self != 0 or other != 0">;
def FX_LogicalXorOp : FX_Logical<"logical_xor", "(self != 0) != (other != 0)">;
def FX_LogicalNotOp : FX_Unary<"logical_not", "Bool", "self == 0">;
def FX_IsnanOp : FX_Unary<"isnan", "Bool", "Whether the element is NaN">;
def FX_IsinfOp : FX_Unary<"isinf", "Bool", "Whether the element is infinite">;
def FX_BitwiseNotOp : FX_Unary<"bitwise_not", "Same", "Flips all bits; `not` of a bool">;
def FX_BitwiseAndOp : FX_Binary<"bitwise_and", "Same", "self & other",
    ["aten.bitwise_and.Tensor(self, other)", "aten.bitwise_and.Scalar(self, other)",
     "aten.__and__.Tensor(self, other)", "aten.__and__.Scalar(self, other)"]>;
def FX_BitwiseOrOp : FX_Binary<"bitwise_or", "Same", "self | other",
    ["aten.bitwise_or.Tensor(self, other)", "aten.bitwise_or.Scalar(self, other)",
     "aten.__or__.Tensor(self, other)", "aten.__or__.Scalar(self, other)"]>;
def FX_BitwiseXorOp : FX_Binary<"bitwise_xor", "Same", "self ^ other",
    ["aten.bitwise_xor.Tensor(self, other)", "aten.bitwise_xor.Scalar(self, other)"]>;

def FX_WhereOp : FX_InferredOp<"where",
    "::mlir::fx::inferWhere(location, adaptor.getCondition(), adaptor.getSelf(), adaptor.getOther(), results)",
    [], ["aten.where.self(condition, self, other)",
         "aten.where.ScalarOther(condition, self, other)",
         "aten.where.ScalarSelf(condition, self, other)",
         "aten.where.Scalar(condition, self, other)"]> {
  let summary = "condition ? self : other";
  let arguments = (ins AnyRankedTensor:$condition, FX_TensorOrScalar:$self,
                       FX_TensorOrScalar:$other);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
def FX_MaskedFillOp : FX_InferredOp<"masked_fill",
    "::mlir::fx::inferMaskedFill(location, adaptor.getSelf(), adaptor.getMask(), adaptor.getValue(), results)",
    [], ["aten.masked_fill.Scalar(self, mask, value)",
         "aten.masked_fill.Tensor(self, mask, value)"]> {
  let summary = "mask ? value : self, in the type of self";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$mask,
                       FX_TensorOrScalar:$value);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
def FX_ClampOp : FX_InferredOp<"clamp",
    "::mlir::fx::inferPointwise(location, adaptor.getOperands(), ::mlir::fx::PointwiseKind::Same, results)",
    [AttrSizedOperandSegments],
    ["aten.clamp.default(self, min, max)", "aten.clamp.Tensor(self, min, max)"]> {
  let summary = "min(max(self, min), max); either bound may be absent";
  let arguments = (ins AnyRankedTensor:$self, Optional<FX_TensorOrScalar>:$min,
                       Optional<FX_TensorOrScalar>:$max);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $self (`min` $min^)? (`max` $max^)? attr-dict `:`
    functional-type(operands, results)
  }];
}
def FX_ClampMinOp : FX_Pointwise<"clamp_min", "Same",
    ["aten.clamp_min.default(self, min)", "aten.clamp_min.Tensor(self, min)"]> {
  let summary = "max(self, min)";
  let arguments = (ins AnyRankedTensor:$self, FX_TensorOrScalar:$min);
}
def FX_ClampMaxOp : FX_Pointwise<"clamp_max", "Same",
    ["aten.clamp_max.default(self, max)", "aten.clamp_max.Tensor(self, max)"]> {
  let summary = "min(self, max)";
  let arguments = (ins AnyRankedTensor:$self, FX_TensorOrScalar:$max);
}

/// Ops that return their operand. They are kept by import: each is a node of
/// the graph whose aliasing and gradient behaviour differ.
class FX_Identity<string mnemonic, string doc, list<string> bindings>
    : FX_Pointwise<mnemonic, "Same", bindings> {
  let summary = doc;
  let arguments = (ins AnyRankedTensor:$self);
}
def FX_AliasOp : FX_Identity<"alias", "The same tensor under another name",
    ["aten.alias.default(self)"]>;
def FX_DetachOp : FX_Identity<"detach", "The same tensor, no gradient flows",
    ["aten.detach.default(self)"]>;
def FX_CloneOp : FX_Identity<"clone", "A copy of the tensor",
    ["aten.clone.default(self)", "aten.lift_fresh_copy.default(self)"]>;
def FX_ContiguousOp : FX_Identity<"contiguous",
    "The tensor with a dense row-major layout", ["aten.contiguous.default(self)"]>;
def FX_CopyOp : FX_InferredOp<"copy",
    "::mlir::fx::inferLike(adaptor.getSelf(), results)", [],
    ["aten.copy.default(self, src)", "aten.copy_.default(self, src)"]> {
  let summary = "src broadcast and converted to the type of self";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$src);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

#endif
