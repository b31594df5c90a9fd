// Pointwise functions of one tensor.
#ifndef FX_IR_POINTWISEUNARYOPS_TD
#define FX_IR_POINTWISEUNARYOPS_TD

include "fx/IR/PointwiseBase.td"

def FX_NegOp : FX_Unary<"neg", "Same", "-x">;
def FX_AbsOp : FX_Unary<"abs", "Same", "|x|">;
def FX_SignOp : FX_Unary<"sign", "Same", "-1, 0 or 1; 0 for NaN, as ATen">;
def FX_ReluOp : FX_Unary<"relu", "Same", "max(x, 0), NaN stays NaN">;
def FX_FloorOp : FX_Unary<"floor", "Same", "Rounds towards minus infinity">;
def FX_CeilOp : FX_Unary<"ceil", "Same", "Rounds towards infinity">;
def FX_RoundOp : FX_Unary<"round", "Same", "Rounds half to even">;
def FX_TruncOp : FX_Unary<"trunc", "Same", "Rounds towards zero">;
def FX_ExpOp : FX_Unary<"exp", "Float", "e^x">;
def FX_Exp2Op : FX_Unary<"exp2", "Float", "2^x">;
def FX_Expm1Op : FX_Unary<"expm1", "Float", "e^x - 1, accurate near zero">;
def FX_LogOp : FX_Unary<"log", "Float", "Natural logarithm">;
def FX_Log1pOp : FX_Unary<"log1p", "Float", "log(1 + x), accurate near zero">;
def FX_Log2Op : FX_Unary<"log2", "Float", "Logarithm to the base 2">;
def FX_SqrtOp : FX_Unary<"sqrt", "Float", "Square root">;
def FX_RsqrtOp : FX_Unary<"rsqrt", "Float", "1 / sqrt(x)">;
def FX_ReciprocalOp : FX_Unary<"reciprocal", "Float", "1 / x">;
def FX_SinOp : FX_Unary<"sin", "Float", "Sine of radians">;
def FX_CosOp : FX_Unary<"cos", "Float", "Cosine of radians">;
def FX_TanhOp : FX_Unary<"tanh", "Float", "Hyperbolic tangent">;
def FX_SigmoidOp : FX_Unary<"sigmoid", "Float", "1 / (1 + e^-x)">;
def FX_ErfOp : FX_Unary<"erf", "Float", "Error function">;
def FX_SiluOp : FX_Unary<"silu", "Float", "x * sigmoid(x)">;
def FX_HardswishOp : FX_Unary<"hardswish", "Float",
    "x * clamp(x + 3, 0, 6) / 6">;
def FX_HardsigmoidOp : FX_Unary<"hardsigmoid", "Float",
    "clamp(x + 3, 0, 6) / 6">;

def FX_GeluOp : FX_Pointwise<"gelu", "Float",
    ["aten.gelu.default(self, approximate)"]> {
  let summary = "x * Phi(x); `approximate` is none (erf) or tanh";
  let arguments = (ins AnyRankedTensor:$self,
    DefaultValuedStrAttr<StrAttr, "none">:$approximate);
  let hasVerifier = 1;
}
def FX_HardtanhOp : FX_Pointwise<"hardtanh", "Same",
    ["aten.hardtanh.default(self, min_val, max_val)"]> {
  let summary = "clamp(x, min_val, max_val)";
  let arguments = (ins AnyRankedTensor:$self,
    DefaultValuedAttr<F64Attr, "-1.0">:$min_val,
    DefaultValuedAttr<F64Attr, "1.0">:$max_val);
}
def FX_LeakyReluOp : FX_Pointwise<"leaky_relu", "Float",
    ["aten.leaky_relu.default(self, negative_slope)"]> {
  let summary = "x where x > 0, else negative_slope * x";
  let arguments = (ins AnyRankedTensor:$self,
    DefaultValuedAttr<F64Attr, "0.01">:$negative_slope);
}

#endif
