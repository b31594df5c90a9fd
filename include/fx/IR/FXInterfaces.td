// Interfaces of fx ops. Models that belong to one stage (derivatives, scalar
// bodies, rematerialisation classes) are attached by that stage.
#ifndef FX_IR_FXINTERFACES_TD
#define FX_IR_FXINTERFACES_TD

include "mlir/IR/OpBase.td"

def FX_ATenOpInterface : OpInterface<"ATenOpInterface"> {
  let cppNamespace = "::mlir::fx";
  let description = [{
    An op that stands for one or more ATen overloads. A binding is
    `namespace.op.overload(schema_argument[:op_argument], …, op_argument=literal, …)`;
    see `fx/IR/ATenBinding.h`.
  }];
  let methods = [
    StaticInterfaceMethod<"The bindings, separated by `;`.",
                          "::llvm::StringRef", "getATenBindings", (ins)>,
    StaticInterfaceMethod<[{
      The op's operands and attributes in the order of its definition, as
      `name=kind` separated by `;`.
    }], "::llvm::StringRef", "getArgumentText", (ins)>
  ];
}

def FX_ScalarBodyOpInterface : OpInterface<"ScalarBodyOpInterface"> {
  let cppNamespace = "::mlir::fx";
  let description = [{
    A pointwise op: every result element is a function of the operands'
    elements at the same (broadcast) index.
  }];
  let methods = [
    InterfaceMethod<[{
      Builds the computation of one result element from scalars that are
      already promoted to the compute type of the op, and returns it in the
      result's element type.
    }], "::mlir::Value", "buildScalarBody",
    (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
         "::mlir::ValueRange":$args)>
  ];
}

def FX_DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::mlir::fx";
  let description = "An op with a reverse-mode derivative.";
  let methods = [
    InterfaceMethod<[{
      Builds the gradients of the operands. `gradients` has one value for each
      result, null where the result does not reach the loss. The returned
      vector has one value for each operand, null where `needed` is false for
      it or the op has no derivative in it. Fails with an error on the op.
    }], "::llvm::LogicalResult", "buildGradients",
    (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$gradients,
         "::llvm::ArrayRef<bool>":$needed,
         "::llvm::SmallVectorImpl<::mlir::Value> &":$operandGradients)>
  ];
}

#endif
