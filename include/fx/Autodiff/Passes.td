// Passes of the autodiff stage.
#ifndef FX_AUTODIFF_PASSES_TD
#define FX_AUTODIFF_PASSES_TD

include "mlir/Pass/PassBase.td"

def BuildJointGraphPass : Pass<"fx-build-joint-graph", "mlir::ModuleOp"> {
  let summary = "Differentiates forward functions in reverse mode";
  let description = [{
    f(primals) -> (outputs, mutations)
    becomes, under the same name,
    f(primals, tangents) -> (mutations, outputs, gradients)

    There is a tangent for each floating-point output that depends on an
    argument with `fx.requires_grad`, and a gradient for each such argument that
    an output depends on, named as the argument. Only what lies on a path
    between the two is differentiated. If no argument of the module carries
    `fx.requires_grad`, every floating-point argument counts that is no buffer
    or constant, and a remark of the category `fx-build-joint-graph` says so.
    Results with `fx.mutates` are never differentiated.

    Derivatives are models of `DifferentiableOpInterface`; an op on a path that
    has none is an error: composites must be decomposed first
    (`fx-decompose`). Calls of functions of the module are inlined. Gradients of
    a value with several uses are added in the order in which its users are
    visited, the last one first, as in PyTorch's engine. Functions without such
    a path, private functions, and functions with tangents stay as they are.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::fx::FXDialect",
                           "mlir::tensor::TensorDialect"];
}

def VerifyAutodiffPass : Pass<"fx-verify-autodiff", "mlir::func::FuncOp"> {
  let summary = "Checks the signature of joint functions";
  let description = [{
    Of each function with a tangent or a gradient: tangents follow the primals;
    results are mutations, then outputs, then gradients; a gradient has the name
    and type of an argument that has no other one; each tangent has the type of
    a floating-point output, in order.
  }];
}

#endif
