// Matrix products and attention.
#ifndef FX_IR_CONTRACTIONOPS_TD
#define FX_IR_CONTRACTIONOPS_TD

include "fx/IR/FXBase.td"

class FX_Contraction<string mnemonic, string rule, list<string> bindings,
                     list<Trait> traits = []>
    : FX_InferredOp<mnemonic, rule, traits, bindings> {
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def FX_MmOp : FX_Contraction<"mm",
    "::mlir::fx::inferMm(location, adaptor.getSelf(), adaptor.getMat2(), results)",
    ["aten.mm.default(self, mat2)"]> {
  let summary = "Product of two matrices";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$mat2);
}
def FX_BmmOp : FX_Contraction<"bmm",
    "::mlir::fx::inferBmm(location, adaptor.getSelf(), adaptor.getMat2(), results)",
    ["aten.bmm.default(self, mat2)"]> {
  let summary = "Products of two batches of matrices";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$mat2);
}
def FX_AddmmOp : FX_Contraction<"addmm",
    "::mlir::fx::inferAddmm(location, adaptor.getSelf(), adaptor.getMat1(), adaptor.getMat2(), results)",
    ["aten.addmm.default(self, mat1, mat2, beta, alpha)"]> {
  let summary = "beta * self + alpha * (mat1 @ mat2), self is broadcast";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$mat1,
    AnyRankedTensor:$mat2, DefaultValuedAttr<F64Attr, "1.0">:$beta,
    DefaultValuedAttr<F64Attr, "1.0">:$alpha);
}
def FX_BaddbmmOp : FX_Contraction<"baddbmm",
    "::mlir::fx::inferBaddbmm(location, adaptor.getSelf(), adaptor.getBatch1(), adaptor.getBatch2(), results)",
    ["aten.baddbmm.default(self, batch1, batch2, beta, alpha)"]> {
  let summary = "beta * self + alpha * (batch1 @ batch2), self is broadcast";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$batch1,
    AnyRankedTensor:$batch2, DefaultValuedAttr<F64Attr, "1.0">:$beta,
    DefaultValuedAttr<F64Attr, "1.0">:$alpha);
}
def FX_MatmulOp : FX_Contraction<"matmul",
    "::mlir::fx::inferMatmul(location, adaptor.getSelf(), adaptor.getOther(), results)",
    ["aten.matmul.default(self, other)"]> {
  let summary = "numpy's matmul: vectors, matrices and broadcast batches";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$other);
}
def FX_LinearOp : FX_Contraction<"linear",
    "::mlir::fx::inferLinear(location, adaptor.getInput(), adaptor.getWeight(), adaptor.getBias(), results)",
    ["aten.linear.default(input, weight, bias)"]> {
  let summary = "input @ weight^T + bias over the last dimension";
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$weight,
                       Optional<AnyRankedTensor>:$bias);
}
def FX_OuterOp : FX_Contraction<"outer",
    "::mlir::fx::inferOuter(location, adaptor.getSelf(), adaptor.getVec2(), results)",
    ["aten.outer.default(self, vec2)"]> {
  let summary = "Products of all pairs of elements of two vectors";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$vec2);
}
def FX_ScaledDotProductAttentionOp : FX_Contraction<"scaled_dot_product_attention",
    "::mlir::fx::inferAttention(location, adaptor.getQuery(), adaptor.getValue(), results)",
    ["aten.scaled_dot_product_attention.default(query, key, value, attn_mask, dropout_p, is_causal, scale)"]> {
  let summary = "softmax(query @ key^T * scale + attn_mask) @ value";
  let description = [{
    `scale` is 1/sqrt(head size) if absent; a boolean mask keeps where true.
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$key,
    AnyRankedTensor:$value, Optional<AnyRankedTensor>:$attn_mask,
    DefaultValuedAttr<F64Attr, "0.0">:$dropout_p,
    DefaultValuedAttr<BoolAttr, "false">:$is_causal, OptionalAttr<F64Attr>:$scale);
}
def FX_FlashAttentionForCpuOp : FX_InferredOp<"flash_attention_for_cpu",
    "::mlir::fx::inferFlashAttention(location, adaptor.getQuery(), adaptor.getValue(), results)", [],
    ["aten._scaled_dot_product_flash_attention_for_cpu.default(query, key, value, dropout_p, is_causal, attn_mask, scale)"]> {
  let summary = "Attention and the logarithm of the softmax' denominator";
  let description = "`logsumexp` is f32 [batch, heads, queries], natural logarithm.";
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$key,
    AnyRankedTensor:$value, Optional<AnyRankedTensor>:$attn_mask,
    DefaultValuedAttr<F64Attr, "0.0">:$dropout_p,
    DefaultValuedAttr<BoolAttr, "false">:$is_causal, OptionalAttr<F64Attr>:$scale);
  let results = (outs AnyRankedTensor:$output, AnyRankedTensor:$logsumexp);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
def FX_FlashAttentionForCpuBackwardOp : FX_InferredOp<"flash_attention_for_cpu_backward",
    "::mlir::fx::inferLikeEach({adaptor.getQuery(), adaptor.getKey(), adaptor.getValue()}, results)", [],
    ["aten._scaled_dot_product_flash_attention_for_cpu_backward.default(grad_out, query, key, value, out, logsumexp, dropout_p, is_causal, attn_mask, scale)"]> {
  let summary = "Gradients of query, key and value";
  let arguments = (ins AnyRankedTensor:$grad_out, AnyRankedTensor:$query,
    AnyRankedTensor:$key, AnyRankedTensor:$value, AnyRankedTensor:$out,
    AnyRankedTensor:$logsumexp, Optional<AnyRankedTensor>:$attn_mask,
    DefaultValuedAttr<F64Attr, "0.0">:$dropout_p,
    DefaultValuedAttr<BoolAttr, "false">:$is_causal, OptionalAttr<F64Attr>:$scale);
  let results = (outs AnyRankedTensor:$grad_query, AnyRankedTensor:$grad_key,
                      AnyRankedTensor:$grad_value);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

#endif
