// SymInts: sizes known at run time. Arithmetic on them is upstream's arith.
#ifndef FX_IR_SYMBOLICOPS_TD
#define FX_IR_SYMBOLICOPS_TD

include "fx/IR/FXBase.td"

def FX_SymSizeOp : FX_Op<"sym_size", [Pure], ["aten.sym_size.int(self, dim)"]> {
  let summary = "The size of a dimension";
  let arguments = (ins AnyRankedTensor:$self, I64Attr:$dim);
  let results = (outs I64:$result);
  let assemblyFormat = "$self attr-dict `:` type($self)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

#endif
