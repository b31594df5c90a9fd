// Calls of targets without an op of their own.
#ifndef FX_IR_CALLOPS_TD
#define FX_IR_CALLOPS_TD

include "fx/IR/FXBase.td"

def FX_CallOp : FX_Op<"call", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Calls an ATen or custom operator that fx has no op for";
  let description = [{
    `arguments` is the template of the call: an array with one entry for each
    positional argument. An integer, float, boolean or string attribute and
    `unit` (None) stand for themselves, an array for a list, a type for a
    dtype, `#fx.operand<k>`-style references are dictionary attributes
    `{operand = k}`; `{device = "cpu"}`, `{layout = "strided"}`,
    `{memory_format = "contiguous"}`, `{float = "inf"}` likewise. `kwargs`
    holds keyword arguments in the same form. `pure` is false for targets
    whose schema mutates an argument.
    ```mlir
    %0 = fx.call "my.op.default"(%x) {arguments = [{operand = 0 : i64}, 3 : i64], pure} : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins StrAttr:$target, Variadic<FX_TensorOrScalar>:$inputs,
    ArrayAttr:$arguments, OptionalAttr<DictionaryAttr>:$kwargs, UnitAttr:$pure);
  let results = (outs Variadic<AnyType>:$outputs);
  let assemblyFormat = [{
    $target `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs)
  }];
  let hasVerifier = 1;
}

#endif
