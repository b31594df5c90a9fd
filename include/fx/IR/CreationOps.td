// Ops that make tensors from scalars.
#ifndef FX_IR_CREATIONOPS_TD
#define FX_IR_CREATIONOPS_TD

include "fx/IR/FXBase.td"

class FX_Creation<string mnemonic, string rule, list<string> bindings>
    : FX_InferredOp<mnemonic, rule, [], bindings> {
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def FX_FullOp : FX_Creation<"full",
    "::mlir::fx::inferFull(location, adaptor.getStaticSize(), adaptor.getDtype(), results)",
    ["aten.full.default(size, fill_value, dtype)",
     "aten.ones.default(size, dtype, fill_value=1)",
     "aten.zeros.default(size, dtype, fill_value=0)"]> {
  let summary = "A tensor of one value";
  let description = [{
    ```mlir
    %0 = fx.full %c1 sizes = [2, %n] {dtype = f32} : i64 -> tensor<2x?xf32>
    ```
  }];
  let arguments = (ins FX_Scalar:$fill_value, Variadic<I64>:$size,
                       DenseI64ArrayAttr:$static_size, TypeAttr:$dtype);
  let assemblyFormat = [{
    $fill_value `sizes` `=` custom<DynamicIndexList>($size, $static_size)
    attr-dict `:` type($fill_value) `->` type($result)
  }];
}
def FX_EmptyOp : FX_Creation<"empty",
    "::mlir::fx::inferFull(location, adaptor.getStaticSize(), adaptor.getDtype(), results)",
    ["aten.empty.memory_format(size, dtype)",
     "aten.empty_permuted.default(size, dtype)"]> {
  let summary = "A tensor whose elements are not initialised";
  let arguments = (ins Variadic<I64>:$size, DenseI64ArrayAttr:$static_size,
                       TypeAttr:$dtype);
  let assemblyFormat = [{
    `sizes` `=` custom<DynamicIndexList>($size, $static_size)
    attr-dict `:` type($result)
  }];
}
def FX_FullLikeOp : FX_Creation<"full_like",
    "::mlir::fx::inferLikeWithDtype(adaptor.getSelf(), adaptor.getDtype(), results)",
    ["aten.full_like.default(self, fill_value, dtype)",
     "aten.ones_like.default(self, dtype, fill_value=1)",
     "aten.zeros_like.default(self, dtype, fill_value=0)"]> {
  let summary = "A tensor of one value with the shape of another";
  let arguments = (ins AnyRankedTensor:$self, FX_Scalar:$fill_value,
                       OptionalAttr<TypeAttr>:$dtype);
}
def FX_ScalarTensorOp : FX_Creation<"scalar_tensor",
    "::mlir::fx::inferFull(location, {}, adaptor.getDtype(), results)",
    ["aten.scalar_tensor.default(s, dtype)"]> {
  let summary = "A tensor of rank 0";
  let arguments = (ins FX_Scalar:$s, TypeAttr:$dtype);
}
def FX_ArangeOp : FX_Creation<"arange",
    "::mlir::fx::inferArange(location, adaptor.getStart(), adaptor.getEnd(), adaptor.getStep(), adaptor.getDtype(), results)",
    ["aten.arange.start_step(start, end, step, dtype)",
     "aten.arange.start(start, end, dtype, step=1)",
     "aten.arange.default(end, dtype, start=0, step=1)"]> {
  let summary = "start, start + step, … below end";
  let arguments = (ins FX_Scalar:$start, FX_Scalar:$end, FX_Scalar:$step,
                       TypeAttr:$dtype);
}
def FX_IotaOp : FX_Creation<"iota",
    "::mlir::fx::inferIota(location, adaptor.getLength(), adaptor.getDtype(), results)",
    ["prims.iota.default(length, start, step, dtype)"]> {
  let summary = "start, start + step, … : `length` integers";
  let arguments = (ins I64:$length, I64Attr:$start, I64Attr:$step, TypeAttr:$dtype);
}
def FX_LinspaceOp : FX_Creation<"linspace",
    "::mlir::fx::inferLinspace(location, adaptor.getSteps(), adaptor.getDtype(), results)",
    ["aten.linspace.default(start, end, steps, dtype)"]> {
  let summary = "`steps` values from start to end, both included";
  let arguments = (ins FX_Scalar:$start, FX_Scalar:$end, I64Attr:$steps,
                       TypeAttr:$dtype);
}

#endif
