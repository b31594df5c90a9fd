// Pointwise arithmetic of several operands, and conversion.
#ifndef FX_IR_POINTWISEBINARYOPS_TD
#define FX_IR_POINTWISEBINARYOPS_TD

include "fx/IR/PointwiseBase.td"

class FX_BinaryWithAlpha<string mnemonic, string doc>
    : FX_Pointwise<mnemonic, "Same",
        ["aten." # mnemonic # ".Tensor(self, other, alpha)",
         "aten." # mnemonic # ".Scalar(self, other, alpha)"]> {
  let summary = doc;
  let arguments = (ins FX_TensorOrScalar:$self, FX_TensorOrScalar:$other,
    DefaultValuedAttr<F64Attr, "1.0">:$alpha);
}
def FX_AddOp : FX_BinaryWithAlpha<"add", "self + alpha * other">;
def FX_SubOp : FX_BinaryWithAlpha<"sub", "self - alpha * other">;
def FX_RsubOp : FX_BinaryWithAlpha<"rsub", "other - alpha * self">;
def FX_MulOp : FX_Binary<"mul", "Same", "self * other">;
def FX_DivOp : FX_Pointwise<"div", "Float",
    ["aten.div.Tensor(self, other)", "aten.div.Scalar(self, other)",
     "aten.true_divide.Tensor(self, other)"]> {
  let summary = "self / other, integers as f32";
  let arguments = (ins FX_TensorOrScalar:$self, FX_TensorOrScalar:$other);
}
def FX_DivRoundedOp : FX_Pointwise<"div_rounded", "Same",
    ["aten.div.Tensor_mode(self, other, rounding_mode)",
     "aten.div.Scalar_mode(self, other, rounding_mode)",
     "aten.floor_divide.default(self, other, rounding_mode=floor)"]> {
  let summary = "self / other, rounded to floor or trunc";
  let arguments = (ins FX_TensorOrScalar:$self, FX_TensorOrScalar:$other,
                       StrAttr:$rounding_mode);
  let hasVerifier = 1;
}
def FX_PowOp : FX_Binary<"pow", "Same", "self to the power of other",
    ["aten.pow.Tensor_Scalar(self, exponent:other)",
     "aten.pow.Tensor_Tensor(self, exponent:other)",
     "aten.pow.Scalar(self, exponent:other)"]>;
def FX_MaximumOp : FX_Binary<"maximum", "Same", "The larger; NaN wins",
    ["aten.maximum.default(self, other)", "aten.max.other(self, other)"]>;
def FX_MinimumOp : FX_Binary<"minimum", "Same", "The smaller; NaN wins",
    ["aten.minimum.default(self, other)", "aten.min.other(self, other)"]>;
def FX_RemainderOp : FX_Binary<"remainder", "Same",
    "self - floor(self / other) * other">;
def FX_FmodOp : FX_Binary<"fmod", "Same", "Remainder with the sign of self">;
def FX_Atan2Op : FX_Binary<"atan2", "Float", "Angle of (other, self) in radians",
    ["aten.atan2.default(self, other)"]>;

def FX_FmaOp : FX_Pointwise<"fma", "Same", ["prims.fma.default(a, b, c)"]> {
  let summary = "a * b + c, rounded once";
  let arguments = (ins FX_TensorOrScalar:$a, FX_TensorOrScalar:$b,
                       FX_TensorOrScalar:$c);
}
class FX_AddProduct<string mnemonic, string doc>
    : FX_Pointwise<mnemonic, "Same",
        ["aten." # mnemonic # ".default(self, tensor1, tensor2, value)"]> {
  let summary = doc;
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$tensor1,
    AnyRankedTensor:$tensor2, DefaultValuedAttr<F64Attr, "1.0">:$value);
}
def FX_AddcmulOp : FX_AddProduct<"addcmul", "self + value * tensor1 * tensor2">;
def FX_AddcdivOp : FX_AddProduct<"addcdiv", "self + value * tensor1 / tensor2">;
def FX_LerpOp : FX_Pointwise<"lerp", "Same",
    ["aten.lerp.Scalar(self, end, weight)",
     "aten.lerp.Tensor(self, end, weight)"]> {
  let summary = "self + weight * (end - self)";
  let arguments = (ins AnyRankedTensor:$self, AnyRankedTensor:$end,
                       FX_TensorOrScalar:$weight);
}

def FX_ConvertElementTypeOp : FX_InferredOp<"convert_element_type",
    "::mlir::fx::inferConvert(location, adaptor.getSelf(), adaptor.getDtype(), results)",
    [], ["prims.convert_element_type.default(a:self, dtype)",
         "aten._to_copy.default(self, dtype)", "aten.to.dtype(self, dtype)"]> {
  let summary = "Converts the elements to another type";
  let description = [{
    ```mlir
    %0 = fx.convert_element_type %x {dtype = bf16} : (tensor<4xf32>) -> tensor<4xbf16>
    ```
    Floating point to integer truncates; anything to `i1` is `x != 0`.
  }];
  let arguments = (ins AnyRankedTensor:$self, TypeAttr:$dtype);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

#endif
