// The fx dialect: PyTorch's FX graphs on builtin tensors.
#ifndef FX_IR_FXDIALECT_TD
#define FX_IR_FXDIALECT_TD

include "mlir/IR/OpBase.td"

def FX_Dialect : Dialect {
  let name = "fx";
  let cppNamespace = "::mlir::fx";
  let summary = "PyTorch FX graphs as functional ops on builtin tensors";
  let description = [{
    Functions are `func.func`, values are builtin tensors without encodings,
    SymInts are `i64`, Python scalars are `i64`, `f64` or `i1` operands that
    stay unrounded. Promotion and broadcasting are implicit as in ATen.

    Roles of arguments and results are attributes of the function: `fx.role`
    (argument: parameter, buffer, input, constant, seed, tangent, saved;
    result: output, loss, gradient, mutation, saved), `fx.name`,
    `fx.requires_grad`, `fx.mutates`. The name of a value's FX node is the
    `NameLoc` of its op; an op with several results also has
    `fx.result_names`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::tensor::TensorDialect"];
  let hasConstantMaterializer = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let hasOperationAttrVerify = 1;
  let extraClassDeclaration = [{
    /// Adds the ops of one family; each is defined in the family's own file.
    void addPointwiseUnaryOps();
    void addPointwiseBinaryOps();
    void addComparisonOps();
    void addViewOps();
    void addCreationOps();
    void addReductionOps();
    void addContractionOps();
    void addConvolutionOps();
    void addNormalizationOps();
    void addIndexingOps();
    void addRandomOps();
    void addSymbolicOps();
    void addCallOps();
    void addKernelOps();
  }];
}

#endif
