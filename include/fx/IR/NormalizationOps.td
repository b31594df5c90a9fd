// Normalisation, dropout and losses: composites of the torch level.
#ifndef FX_IR_NORMALIZATIONOPS_TD
#define FX_IR_NORMALIZATIONOPS_TD

include "fx/IR/FXBase.td"

class FX_Composite<string mnemonic, string rule, list<string> bindings,
                   list<Trait> traits = []>
    : FX_InferredOp<mnemonic, rule, traits, bindings>;

def FX_LayerNormOp : FX_Composite<"layer_norm",
    "::mlir::fx::inferLike(adaptor.getInput(), results)",
    ["aten.layer_norm.default(input, normalized_shape, weight, bias, eps)"],
    [AttrSizedOperandSegments]> {
  let summary = "Normalises over the last dimensions, then scales and shifts";
  let arguments = (ins AnyRankedTensor:$input, Optional<AnyRankedTensor>:$weight,
    Optional<AnyRankedTensor>:$bias, DenseI64ArrayAttr:$normalized_shape,
    DefaultValuedAttr<F64Attr, "1.0e-5">:$eps);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input (`weight` $weight^)? (`bias` $bias^)? attr-dict `:`
    functional-type(operands, results)
  }];
}
def FX_NativeLayerNormOp : FX_Composite<"native_layer_norm",
    "::mlir::fx::inferNativeLayerNorm(location, adaptor.getInput(), adaptor.getNormalizedShape(), results)",
    ["aten.native_layer_norm.default(input, normalized_shape, weight, bias, eps)"],
    [AttrSizedOperandSegments]> {
  let summary = "layer_norm with the mean and 1/standard deviation of each row";
  let arguments = (ins AnyRankedTensor:$input, Optional<AnyRankedTensor>:$weight,
    Optional<AnyRankedTensor>:$bias, DenseI64ArrayAttr:$normalized_shape, F64Attr:$eps);
  let results = (outs AnyRankedTensor:$result, AnyRankedTensor:$mean,
                      AnyRankedTensor:$rstd);
  let assemblyFormat = [{
    $input (`weight` $weight^)? (`bias` $bias^)? attr-dict `:`
    functional-type(operands, results)
  }];
}
class FX_BatchNormArguments {
  dag value = (ins AnyRankedTensor:$input, Optional<AnyRankedTensor>:$weight,
    Optional<AnyRankedTensor>:$bias, Optional<AnyRankedTensor>:$running_mean,
    Optional<AnyRankedTensor>:$running_var, BoolAttr:$training,
    F64Attr:$momentum, F64Attr:$eps);
}
defvar batchNormFormat = [{
    $input (`weight` $weight^)? (`bias` $bias^)?
    (`running_mean` $running_mean^)? (`running_var` $running_var^)? attr-dict
    `:` functional-type(operands, results)
  }];
def FX_BatchNormOp : FX_Composite<"batch_norm",
    "::mlir::fx::inferBatchNorm(location, adaptor.getInput(), adaptor.getRunningMean(), adaptor.getRunningVar(), /*saved=*/false, results)",
    ["aten.batch_norm.default(input, weight, bias, running_mean, running_var, training, momentum, eps)"],
    [AttrSizedOperandSegments]> {
  let summary = "Normalises each channel (dimension 1) over batch and space";
  let description = [{
    Functional: the second and third result are the running statistics after
    the call (unchanged in evaluation mode); they are there exactly when the
    running statistics are operands. With `training` the statistics are the
    batch's: biased variance for the result, unbiased for `running_var`.
  }];
  let arguments = FX_BatchNormArguments<>.value;
  let results = (outs AnyRankedTensor:$result, Variadic<AnyRankedTensor>:$running);
  let assemblyFormat = batchNormFormat;
}
def FX_NativeBatchNormOp : FX_Composite<"native_batch_norm",
    "::mlir::fx::inferBatchNorm(location, adaptor.getInput(), adaptor.getRunningMean(), adaptor.getRunningVar(), /*saved=*/true, results)",
    ["aten._native_batch_norm_legit_functional.default(input, weight, bias, running_mean, running_var, training, momentum, eps)",
     "aten._native_batch_norm_legit_no_training.default(input, weight, bias, running_mean, running_var, momentum, eps, training=False)"],
    [AttrSizedOperandSegments]> {
  let summary = "batch_norm with the saved mean and 1/standard deviation";
  let description = [{
    Results: normalised input, saved mean, saved 1/standard deviation (both
    empty in evaluation mode), then the running statistics after the call.
  }];
  let arguments = FX_BatchNormArguments<>.value;
  let results = (outs AnyRankedTensor:$result, AnyRankedTensor:$save_mean,
    AnyRankedTensor:$save_rstd, Variadic<AnyRankedTensor>:$running);
  let assemblyFormat = batchNormFormat;
}
def FX_DropoutOp : FX_Composite<"dropout",
    "::mlir::fx::inferLike(adaptor.getInput(), results)",
    ["aten.dropout.default(input, p, train)"]> {
  let summary = "Zeroes elements with probability p and scales the rest by 1/(1-p)";
  let arguments = (ins AnyRankedTensor:$input, F64Attr:$p, BoolAttr:$train);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
def FX_CrossEntropyLossOp : FX_Composite<"cross_entropy_loss",
    "::mlir::fx::inferCrossEntropy(location, adaptor.getSelf(), adaptor.getTarget(), adaptor.getReduction(), results)",
    ["aten.cross_entropy_loss.default(self, target, weight, reduction, ignore_index, label_smoothing)"]> {
  let summary = "Negative log-likelihood of log_softmax(self) over dimension 1";
  let description = [{
    `target` holds class indices, or probabilities if it is floating point.
    `reduction` is 0 (none), 1 (mean) or 2 (sum).
  }];
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$target,
    Optional<AnyRankedTensor>:$weight, DefaultValuedAttr<I64Attr, "1">:$reduction,
    DefaultValuedAttr<I64Attr, "-100">:$ignore_index,
    DefaultValuedAttr<F64Attr, "0.0">:$label_smoothing);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
def FX_MseLossOp : FX_Composite<"mse_loss",
    "::mlir::fx::inferPairLoss(location, adaptor.getSelf(), adaptor.getTarget(), adaptor.getReduction(), results)",
    ["aten.mse_loss.default(self, target, reduction)"]> {
  let summary = "Squared differences; reduction 0 (none), 1 (mean) or 2 (sum)";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$target,
                       DefaultValuedAttr<I64Attr, "1">:$reduction);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

#endif
