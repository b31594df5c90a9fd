// Passes of the pre-grad stage. Rule numbers are those of the reference.
#ifndef FX_PREGRAD_PASSES_TD
#define FX_PREGRAD_PASSES_TD

include "mlir/Pass/PassBase.td"

class FX_PreGradPass<string flag> : Pass<flag, "mlir::func::FuncOp"> {
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::tensor::TensorDialect"];
}

def NormalizeOpsPass : FX_PreGradPass<"fx-normalize-ops"> {
  let summary = "Gives one meaning one spelling";
  let description = [{
    t(x), transpose(x, i, j) -> permute(x, dims)
    split(x, n), chunk(x, n) -> split_with_sizes(x, sizes)
    rsub(a, b) -> sub(b, a) for tensors
    Rules 2.1 and 2.10 (`normalization_pass`) as far as import leaves anything;
    rules on views and splits then have one form to match. Unknown sizes along
    the split dimension stay as they are.
  }];
}

def RemoveInactiveDropoutPass
    : FX_PreGradPass<"fx-remove-inactive-dropout"> {
  let summary = "Removes dropout that keeps every element";
  let description = [{
    dropout(x, p, train=false) -> x, dropout(x, 0, train) -> x
    Rule 2.4, `remove_identity`, for what is left of the identity modules. As in
    eager the result is x itself.
  }];
}

def SinkCatAfterPointwisePass
    : FX_PreGradPass<"fx-sink-cat-after-pointwise"> {
  let summary = "Applies relu and tanh before a cat";
  let description = [{
    relu(view(cat(xs, dim))) -> view(cat([relu(x) for x in xs], dim))
    Rule 2.2, also for tanh and for any number of views: each producer's kernel
    applies the function. The cat and the views have no other use, all xs one
    element type.
  }];
}

def FoldConvBatchNormPass : FX_PreGradPass<"fx-fold-conv-batch-norm"> {
  let summary = "Folds batch norm in evaluation mode into the convolution";
  let description = [{
    batch_norm(conv(x, w, b)) -> conv(x, w * c, beta + c * (b - mean)) with
      c = gamma * rsqrt(var + eps)
    Rules 2.4 (`fuse_conv_bn`, with weights frozen) and 2.7
    (`efficient_conv_bn_eval`), both off by default. Convolutions that are not
    transposed, and linear on matrices. The convolution has no other use. The
    products round differently.
  }];
}

def ApplyGumbelMaxTrickPass
    : FX_PreGradPass<"fx-apply-gumbel-max-trick"> {
  let summary = "Samples from logits without the softmax";
  let description = [{
    argmax(softmax(x, -1) / e, -1, keepdim) -> argmax(x - log(e), -1, keepdim)
      for e drawn by exponential_(1)
    Rule 2.8. The softmax, e and the quotient have no other use.
  }];
}

def SimplifySplitsPass : FX_PreGradPass<"fx-simplify-splits"> {
  let summary = "Merges and cancels splits, cats, unbinds and stacks";
  let description = [{
    Rules 2.10 under Inductor's keys, all off by default, after
    fx-normalize-ops:
    remove_split_with_size_one_pass: split(x, [n]) -> x
    merge_splits_pass: a split of a part of a split, along one dimension -> one
    merge_getitem_cat_pass: cat of neighbouring parts -> one part
    mutate_cat_pass: cat of all parts -> x, of some -> a slice of x
    unbind_stack_pass: stack(unbind(x, d), d) -> x
    A cat or stack that a function returns stays: its memory is its own.
  }];
  let options = [Option<"rule", "rule", "std::string", /*default=*/"",
      "The key of one rule; all of them without">];
}

def BatchLinearPass : FX_PreGradPass<"fx-batch-linear"> {
  let summary = "Makes linears of one input one linear";
  let description = [{
    linear(x, w1, b1), linear(x, w2, b2), …
      -> split(linear(x, cat(w1, w2, …), cat(b1, b2, …)))
    Rule 2.9, `batch_linear_lhs`, off by default. All have a bias, or none has.
  }];
  let options = [
    Option<"minFuseSetSize", "min-fuse-set-size", "unsigned", /*default=*/"5",
      "The least number of linears">,
    Option<"maxFuseSetSize", "max-fuse-set-size", "unsigned",
      /*default=*/"300", "The greatest number of linears">];
}

def LiftQuantizePass : FX_PreGradPass<"fx-lift-quantize"> {
  let summary = "Quantises before views, not after them";
  let description = [{
    quantize(view(x)) -> view(quantize(x))
    Rule 2.11, `quant_lift_up`: per-tensor quantisation (calls of
    quantized_decomposed.quantize_per_tensor) with a scale that is a number, and
    any chain of views that nothing else uses. What makes x can then be fused
    with its quantisation.
  }];
}

def LowerQuantizedPass : FX_PreGradPass<"fx-lower-quantized"> {
  let summary = "Computes with the integers of quantised tensors";
  let description = [{
    linear(dequantize(x), dequantize(w), b) is a product of 8-bit integers, summed
    in 32 bits, times the scales; w may have a scale and a zero point for each row.
    So are mm and addmm. What else calls quantize_per_tensor,
    dequantize_per_tensor and dequantize_per_channel of quantized_decomposed, with
    scales of tensors that are numbers, becomes arithmetic.
  }];
}

def VerifyPreGradPass : FX_PreGradPass<"fx-verify-pre-grad"> {
  let summary = "Checks what the pre-grad stage may see";
  let description = [{
    Functions before autodiff: no tangents, saved values or gradients; a result
    with `fx.mutates` has the role mutation and names an argument.
  }];
}

#endif
