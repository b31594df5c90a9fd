// The interface of ops that can be saved or recomputed for the backward.
#ifndef FX_ANALYSIS_REMATERIALIZATION_TD
#define FX_ANALYSIS_REMATERIALIZATION_TD

include "mlir/IR/OpBase.td"

def FX_RematerializationOpInterface
    : OpInterface<"RematerializationOpInterface"> {
  let cppNamespace = "::mlir::fx";
  let description = [{
    What the partitioner asks an op: the classes that decide whether it may be
    recomputed and what it fuses with, and what a recomputation costs. Models
    are attached from a table for fx ops (see OpCategories.cpp); ops of another
    dialect take part by attaching their own. An op without the interface is
    never recomputed.
  }];
  let methods = [
    InterfaceMethod<"The classes of the op.",
                    "::mlir::fx::RematClass", "getRematClasses", (ins)>,
    InterfaceMethod<[{
      The floating-point operations of matrix products, convolutions and
      attention; 0 for ops whose cost is their memory traffic.
    }], "int64_t", "getFlops", (ins)>,
    InterfaceMethod<[{
      The bytes that the op reads and writes when it is not fused.
      `dynamicSize` stands for each size that is not known.
    }], "int64_t", "getBytesMoved", (ins "int64_t":$dynamicSize)>
  ];
}

#endif
