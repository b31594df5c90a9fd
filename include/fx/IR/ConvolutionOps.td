// Convolutions and pooling. Layout is NC…: batch, channels, space.
#ifndef FX_IR_CONVOLUTIONOPS_TD
#define FX_IR_CONVOLUTIONOPS_TD

include "fx/IR/FXBase.td"

class FX_Windowed<string mnemonic, string rule, list<string> bindings,
                  list<Trait> traits = []>
    : FX_InferredOp<mnemonic, rule, traits, bindings> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

class FX_ConvNd<string mnemonic> : FX_Windowed<mnemonic,
    "::mlir::fx::inferConvolution(location, adaptor.getInput(), adaptor.getWeight(), adaptor.getStride(), adaptor.getPadding(), adaptor.getDilation(), false, {}, adaptor.getGroups(), results)",
    ["aten." # mnemonic # ".default(input, weight, bias, stride, padding, dilation, groups)"]> {
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$weight,
    Optional<AnyRankedTensor>:$bias, DenseI64ArrayAttr:$stride,
    DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$dilation,
    DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs AnyRankedTensor:$result);
}
def FX_Conv1dOp : FX_ConvNd<"conv1d"> { let summary = "1-d convolution"; }
def FX_Conv2dOp : FX_ConvNd<"conv2d"> { let summary = "2-d convolution"; }
def FX_ConvolutionOp : FX_Windowed<"convolution",
    "::mlir::fx::inferConvolution(location, adaptor.getInput(), adaptor.getWeight(), adaptor.getStride(), adaptor.getPadding(), adaptor.getDilation(), adaptor.getTransposed(), adaptor.getOutputPadding(), adaptor.getGroups(), results)",
    ["aten.convolution.default(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)"]> {
  let summary = "Convolution of any rank, optionally transposed";
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$weight,
    Optional<AnyRankedTensor>:$bias, DenseI64ArrayAttr:$stride,
    DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$dilation, BoolAttr:$transposed,
    DenseI64ArrayAttr:$output_padding, I64Attr:$groups);
  let results = (outs AnyRankedTensor:$result);
}
def FX_ConvolutionBackwardOp : FX_Windowed<"convolution_backward",
    "::mlir::fx::inferConvolutionBackward(location, adaptor.getGradOutput(), adaptor.getInput(), adaptor.getWeight(), adaptor.getOutputMask(), results)",
    ["aten.convolution_backward.default(grad_output, input, weight, bias_sizes, stride, padding, dilation, transposed, output_padding, groups, output_mask)"]> {
  let summary = "Gradients of input, weight and bias";
  let description = [{
    `output_mask` tells which of the three are wanted; only those are results,
    in this order.
  }];
  let arguments = (ins AnyRankedTensor:$grad_output, AnyRankedTensor:$input,
    AnyRankedTensor:$weight, OptionalAttr<DenseI64ArrayAttr>:$bias_sizes,
    DenseI64ArrayAttr:$stride, DenseI64ArrayAttr:$padding,
    DenseI64ArrayAttr:$dilation, BoolAttr:$transposed,
    DenseI64ArrayAttr:$output_padding, I64Attr:$groups,
    DenseBoolArrayAttr:$output_mask);
  let results = (outs Variadic<AnyRankedTensor>:$gradients);
}

class FX_Pool<string mnemonic, string rule, string binding>
    : FX_Windowed<mnemonic, rule, [binding]>;
defvar poolWindow = "adaptor.getKernelSize(), adaptor.getStride(), adaptor.getPadding(), adaptor.getDilation(), adaptor.getCeilMode()";
def FX_MaxPool2dOp : FX_Pool<"max_pool2d",
    !strconcat("::mlir::fx::inferPool(location, adaptor.getSelf(), ", poolWindow, ", /*indices=*/{}, results)"),
    "aten.max_pool2d.default(self, kernel_size, stride, padding, dilation, ceil_mode)"> {
  let summary = "Largest element of each window";
  let description = "An empty `stride` is the kernel size.";
  let arguments = (ins AnyRankedTensor:$self, DenseI64ArrayAttr:$kernel_size,
    DenseI64ArrayAttr:$stride, DenseI64ArrayAttr:$padding,
    DenseI64ArrayAttr:$dilation, BoolAttr:$ceil_mode);
  let results = (outs AnyRankedTensor:$result);
}
def FX_MaxPool2dWithIndicesOp : FX_Pool<"max_pool2d_with_indices",
    !strconcat("::mlir::fx::inferPool(location, adaptor.getSelf(), ", poolWindow, ", 64, results)"),
    "aten.max_pool2d_with_indices.default(self, kernel_size, stride, padding, dilation, ceil_mode)"> {
  let summary = "Largest element of each window and its index in the input plane (row * width + column)";
  let arguments = (ins AnyRankedTensor:$self, DenseI64ArrayAttr:$kernel_size,
    DenseI64ArrayAttr:$stride, DenseI64ArrayAttr:$padding,
    DenseI64ArrayAttr:$dilation, BoolAttr:$ceil_mode);
  let results = (outs AnyRankedTensor:$result, AnyRankedTensor:$indices);
}
def FX_MaxPool2dWithIndicesBackwardOp : FX_Pool<"max_pool2d_with_indices_backward",
    "::mlir::fx::inferLike(adaptor.getSelf(), results)",
    "aten.max_pool2d_with_indices_backward.default(grad_output, self, kernel_size, stride, padding, dilation, ceil_mode, indices)"> {
  let summary = "Adds each gradient to the element its window chose";
  let arguments = (ins AnyRankedTensor:$grad_output, AnyRankedTensor:$self,
    AnyRankedTensor:$indices, DenseI64ArrayAttr:$kernel_size,
    DenseI64ArrayAttr:$stride, DenseI64ArrayAttr:$padding,
    DenseI64ArrayAttr:$dilation, BoolAttr:$ceil_mode);
  let results = (outs AnyRankedTensor:$result);
}
def FX_LowMemoryMaxPoolWithOffsetsOp : FX_Pool<"low_memory_max_pool_with_offsets",
    !strconcat("::mlir::fx::inferPool(location, adaptor.getSelf(), ", poolWindow, ", 8, results)"),
    "prims._low_memory_max_pool_with_offsets.default(self, kernel_size, stride, padding, dilation, ceil_mode)"> {
  let summary = "Largest element of each window and its offset in the window, as i8";
  let arguments = (ins AnyRankedTensor:$self, DenseI64ArrayAttr:$kernel_size,
    DenseI64ArrayAttr:$stride, DenseI64ArrayAttr:$padding,
    DenseI64ArrayAttr:$dilation, BoolAttr:$ceil_mode);
  let results = (outs AnyRankedTensor:$result, AnyRankedTensor:$offsets);
}
def FX_LowMemoryMaxPoolOffsetsToIndicesOp : FX_Pool<"low_memory_max_pool_offsets_to_indices",
    "::mlir::fx::inferLikeWithDtype(adaptor.getOffsets(), ::mlir::IntegerType::get(context, 64), results)",
    "prims._low_memory_max_pool_offsets_to_indices.default(self:offsets, kernel_size, input_size, stride, padding, dilation)"> {
  let summary = "Offsets in windows to indices in the input plane";
  let arguments = (ins AnyRankedTensor:$offsets, DenseI64ArrayAttr:$kernel_size,
    DenseI64ArrayAttr:$input_size, DenseI64ArrayAttr:$stride,
    DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$dilation);
  let results = (outs AnyRankedTensor:$result);
}
def FX_AvgPool2dOp : FX_Pool<"avg_pool2d",
    "::mlir::fx::inferPool(location, adaptor.getSelf(), adaptor.getKernelSize(), adaptor.getStride(), adaptor.getPadding(), {}, adaptor.getCeilMode(), /*indices=*/{}, results)",
    "aten.avg_pool2d.default(self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)"> {
  let summary = "Mean of each window";
  let arguments = (ins AnyRankedTensor:$self, DenseI64ArrayAttr:$kernel_size,
    DenseI64ArrayAttr:$stride, DenseI64ArrayAttr:$padding, BoolAttr:$ceil_mode,
    BoolAttr:$count_include_pad, OptionalAttr<I64Attr>:$divisor_override);
  let results = (outs AnyRankedTensor:$result);
}
def FX_AvgPool2dBackwardOp : FX_Pool<"avg_pool2d_backward",
    "::mlir::fx::inferLike(adaptor.getSelf(), results)",
    "aten.avg_pool2d_backward.default(grad_output, self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)"> {
  let summary = "Spreads each gradient over its window";
  let arguments = (ins AnyRankedTensor:$grad_output, AnyRankedTensor:$self,
    DenseI64ArrayAttr:$kernel_size, DenseI64ArrayAttr:$stride,
    DenseI64ArrayAttr:$padding, BoolAttr:$ceil_mode, BoolAttr:$count_include_pad,
    OptionalAttr<I64Attr>:$divisor_override);
  let results = (outs AnyRankedTensor:$result);
}
def FX_AdaptiveAvgPool2dOp : FX_Pool<"adaptive_avg_pool2d",
    "::mlir::fx::inferAdaptivePool(location, adaptor.getSelf(), adaptor.getOutputSize(), results)",
    "aten.adaptive_avg_pool2d.default(self, output_size)"> {
  let summary = "Mean over windows that divide the plane into output_size parts";
  let arguments = (ins AnyRankedTensor:$self, DenseI64ArrayAttr:$output_size);
  let results = (outs AnyRankedTensor:$result);
}

#endif
