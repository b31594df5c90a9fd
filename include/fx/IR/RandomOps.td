// Random numbers as functions of a seed: recomputing one gives the same bits.
#ifndef FX_IR_RANDOMOPS_TD
#define FX_IR_RANDOMOPS_TD

include "fx/IR/FXBase.td"

def FX_SeedsOp : FX_Op<"seeds", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>],
    ["prims.inductor_seeds.default(count, device=cpu)"]> {
  let summary = "`count` fresh 64-bit seeds";
  let description = [{
    The only source of randomness in a graph. It has the effect of a write, so
    that it is neither merged nor recomputed. Stand-alone lowering replaces it
    by an argument with the role `seed`.
  }];
  let arguments = (ins I64Attr:$count);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasVerifier = 1;
}
def FX_LookupSeedOp : FX_InferredOp<"lookup_seed",
    "::mlir::fx::inferLookupSeed(location, adaptor.getSeeds(), results)", [],
    ["prims.inductor_lookup_seed.default(seeds, index)"]> {
  let summary = "One of the seeds, a tensor of rank 0";
  let arguments = (ins AnyRankedTensor:$seeds, I64Attr:$index);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
def FX_RandomOp : FX_InferredOp<"random",
    "::mlir::fx::inferFull(location, adaptor.getStaticSize(), ::mlir::Float32Type::get(context), results)", [],
    ["prims.inductor_random.default(size, seed, mode)"]> {
  let summary = "Uniform numbers in [0, 1) or standard normal numbers";
  let description = [{
    Element i (row-major) is a function of seed and `offset` + i alone:
    Philox4x32-10 with key = seed and counter = (offset + i) / 4, word
    (offset + i) mod 4. `mode` is `rand` or `randn`.
  }];
  let arguments = (ins AnyRankedTensor:$seed, Variadic<I64>:$size,
    DenseI64ArrayAttr:$static_size, StrAttr:$mode,
    DefaultValuedAttr<I64Attr, "0">:$offset);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $seed `sizes` `=` custom<DynamicIndexList>($size, $static_size) attr-dict
    `:` type($seed) `->` type($result)
  }];
}

#endif
