//===- ControlFlowOps.td - Higher-order operators ----------*- tablegen -*-===//
//
// Regions are isolated from above: as in FX's closed subgraphs, values come in
// through operands, which are the arguments of the region's block.
//
//===----------------------------------------------------------------------===//

#ifndef FX_IR_CONTROLFLOWOPS_TD
#define FX_IR_CONTROLFLOWOPS_TD

include "fx/IR/FXBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

class FX_ControlFlowOp<string mnemonic, list<Trait> traits = []>
    : FX_Op<mnemonic, !listconcat(traits, [
        IsolatedFromAbove, RecursiveMemoryEffects, SingleBlock])> {
  let results = (outs Variadic<FX_TensorOrScalar>:$results);
  let hasRegionVerifier = 1;
}

def FX_YieldOp : FX_Op<"yield", [Pure, ReturnLike, Terminator]> {
  let summary = "Gives the results of a region of a control flow op";
  let arguments = (ins Variadic<FX_TensorOrScalar>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

def FX_CondOp : FX_ControlFlowOp<"cond"> {
  let summary = "One of two regions, chosen by a boolean (torch.cond)";
  let description = [{
    `pred` is a boolean or a tensor of one element. Both regions take `inputs`.
    ```mlir
    %r = fx.cond %p, %x : (tensor<i1>, tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>):
      %0 = fx.sin %a : (tensor<4xf32>) -> tensor<4xf32>
      fx.yield %0 : tensor<4xf32>
    } else {
    ^bb0(%a: tensor<4xf32>):
      fx.yield %a : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins FX_TensorOrScalar:$pred,
                       Variadic<FX_TensorOrScalar>:$inputs);
  let regions = (region SizedRegion<1>:$thenRegion, SizedRegion<1>:$elseRegion);
  let assemblyFormat = [{
    operands attr-dict `:` functional-type(operands, results) $thenRegion `else`
    $elseRegion
  }];
}

def FX_WhileOp : FX_ControlFlowOp<"while", [AttrSizedOperandSegments]> {
  let summary = "Repeats a region while another gives true (while_loop)";
  let description = [{
    Both regions take the carried values and then `additional`, which stay the
    same. The first region yields a boolean or a tensor of one element, the
    second the next carried values; the last ones are the results.
    ```mlir
    %r = fx.while carried(%x : tensor<4xf32>) additional(%y : tensor<4xf32>)
        -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
      ...
      fx.yield %go : tensor<i1>
    } do {
    ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
      ...
      fx.yield %next : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<FX_TensorOrScalar>:$carried,
                       Variadic<FX_TensorOrScalar>:$additional);
  let regions = (region SizedRegion<1>:$condRegion, SizedRegion<1>:$bodyRegion);
  let assemblyFormat = [{
    `carried` `(` ($carried^ `:` type($carried))? `)`
    (`additional` `(` $additional^ `:` type($additional) `)`)?
    attr-dict-with-keyword (`->` type($results)^)? $condRegion `do` $bodyRegion
  }];
}

def FX_ScanOp : FX_ControlFlowOp<"scan", [AttrSizedOperandSegments]> {
  let summary = "A recurrence over the first dimension (scan)";
  let description = [{
    The region takes the carried values, one slice of each of `xs` along its
    first dimension, and `additional`. It yields the next carried values and
    slices; the results are the last carried values and the stacked slices.
    ```mlir
    %last, %ys = fx.scan init(%h : tensor<4xf32>) xs(%x : tensor<9x4xf32>)
        -> tensor<4xf32>, tensor<9x4xf32> {
    ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
      %0 = fx.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      fx.yield %0, %0 : tensor<4xf32>, tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<FX_TensorOrScalar>:$init,
                       Variadic<AnyRankedTensor>:$xs,
                       Variadic<FX_TensorOrScalar>:$additional);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`init` `(` $init^ `:` type($init) `)`)? `xs` `(` $xs `:` type($xs) `)`
    (`additional` `(` $additional^ `:` type($additional) `)`)?
    attr-dict-with-keyword (`->` type($results)^)? $body
  }];
}

def FX_MapOp : FX_ControlFlowOp<"map", [AttrSizedOperandSegments]> {
  let summary = "A region for each slice along the first dimension (map)";
  let description = [{
    The region takes one slice of each of `xs` and `additional`; what it yields
    is stacked along a new first dimension.
    ```mlir
    %r = fx.map xs(%x : tensor<9x4xf32>) additional(%w : tensor<4xf32>)
        -> tensor<9x4xf32> {
    ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
      %0 = fx.mul %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      fx.yield %0 : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$xs,
                       Variadic<FX_TensorOrScalar>:$additional);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `xs` `(` $xs `:` type($xs) `)`
    (`additional` `(` $additional^ `:` type($additional) `)`)?
    attr-dict-with-keyword (`->` type($results)^)? $body
  }];
}

#endif
