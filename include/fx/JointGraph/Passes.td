// Passes of the joint-graph stage.
#ifndef FX_JOINTGRAPH_PASSES_TD
#define FX_JOINTGRAPH_PASSES_TD

include "mlir/Pass/PassBase.td"

def DecomposePass : Pass<"fx-decompose", "mlir::func::FuncOp"> {
  let summary = "Decomposes composite ops";
  let description = [{
    linear(x, W, b) -> addmm(b, view(x), permute(W)), and so on (reference 6.1).

    `level=autodiff` replaces the ops that have no derivative of their own:
    linear, matmul, attention, normalisations, losses, dropout, convolutions of
    a fixed rank, the many spellings of views. `level=core` also replaces
    softmax, variance, mean and other reductions by sums, and the remaining view
    ops, so that the ops that lowering knows are left. Where ATen computes f16
    and bf16 in f32 inside a kernel, the decomposition does too. The new ops
    have the location of the composite. An op that needs a size which is not
    known stays.
  }];
  let options = [Option<"level", "level", "std::string",
      /*default=*/"\"autodiff\"", "`autodiff` or `core`">];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::fx::FXDialect",
                           "mlir::tensor::TensorDialect"];
}

#endif
