// Base classes of the pointwise families.
#ifndef FX_IR_POINTWISEBASE_TD
#define FX_IR_POINTWISEBASE_TD

include "fx/IR/FXBase.td"

/// `kind` tells the element type of the result, as ATen's type promotion:
/// Same (promoted operands), Float (integers become f32), Bool.
class FX_Pointwise<string mnemonic, string kind, list<string> bindings>
    : FX_InferredOp<mnemonic,
        "::mlir::fx::inferPointwise(location, adaptor.getOperands(), "
        "::mlir::fx::PointwiseKind::" # kind # ", results)", [], bindings> {
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

class FX_Unary<string mnemonic, string kind, string doc,
    list<string> bindings = ["aten." # mnemonic # ".default(self)"]>
    : FX_Pointwise<mnemonic, kind, bindings> {
  let summary = doc;
  let arguments = (ins AnyRankedTensor:$self);
}

class FX_Binary<string mnemonic, string kind, string doc,
    list<string> bindings = ["aten." # mnemonic # ".Tensor(self, other)",
                             "aten." # mnemonic # ".Scalar(self, other)"]>
    : FX_Pointwise<mnemonic, kind, bindings> {
  let summary = doc;
  let arguments = (ins FX_TensorOrScalar:$self, FX_TensorOrScalar:$other);
}

#endif
