//===- KernelOps.td - Fusion groups of the lowering --------*- tablegen -*-===//
//
// A kernel is a region over tensors that becomes one piece of generated code
// (or one call of a library template). It is the only fx op that exists below
// linalg.
//
//===----------------------------------------------------------------------===//

#ifndef FX_IR_KERNELOPS_TD
#define FX_IR_KERNELOPS_TD

include "fx/IR/FXBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def FX_KernelKind : I32EnumAttr<"KernelKind",
    "how the code of a kernel is made", [
  I32EnumAttrCase<"Generic", 0, "generic">,
  I32EnumAttrCase<"Loops", 1, "loops">,
  I32EnumAttrCase<"Template", 2, "template">,
  I32EnumAttrCase<"Join", 3, "join">
]> {
  let cppNamespace = "::mlir::fx";
}

def FX_KernelOp : FX_Op<"kernel", [
    Pure, IsolatedFromAbove, AttrSizedOperandSegments,
    SingleBlock]> {
  let summary = "A fusion group that becomes one compiled kernel";
  let description = [{
    The region computes tensors from tensors and scalars with upstream ops only
    (linalg, tensor, arith, math, scf). `sizes` are the dynamic dimensions of
    the results, in result order.
    ```mlir
    %r = fx.kernel loops ins(%x : tensor<4xf32>) -> (tensor<4xf32>) {
    ^bb0(%a: tensor<4xf32>):
      ...
      fx.kernel_return %0 : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$inputs, Variadic<Index>:$sizes,
                       FX_KernelKind:$kind);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $kind (`ins` `(` $inputs^ `:` type($inputs) `)`)? (`sizes` `(` $sizes^ `)`)?
    attr-dict-with-keyword `->` `(` type($results) `)` $body
  }];
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The dimensions of a result: constants, or operands among `sizes`.
    ::llvm::SmallVector<::mlir::OpFoldResult> getResultSizes(unsigned index);
  }];
}

def FX_KernelReturnOp : FX_Op<"kernel_return", [
    Pure, ReturnLike, Terminator, HasParent<"KernelOp">]> {
  let summary = "Gives the results of a kernel";
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

#endif // FX_IR_KERNELOPS_TD
