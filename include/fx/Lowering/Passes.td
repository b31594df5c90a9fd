// Passes of the Lowering stage: fx to linalg on tensors.
#ifndef FX_LOWERING_PASSES_TD
#define FX_LOWERING_PASSES_TD

include "mlir/Pass/PassBase.td"

def SeedsToArgumentsPass
    : Pass<"fx-seeds-to-arguments", "::mlir::func::FuncOp"> {
  let summary = "Turns fx.seeds into function arguments of role seed";
  let description = [{
    A function compiled on its own has no generator to draw seeds from: each
    `fx.seeds` becomes a further argument (after the others, in the order of
    the ops) with `fx.role = "seed"` and the op's FX node name, which the
    runtime advances between calls. A function that is called from the module
    is refused, its callers would not pass the seeds.
  }];
  let dependentDialects = ["::mlir::fx::FXDialect"];
}

def LowerToLinalgPass : Pass<"fx-lower-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lowers fx ops to linalg, tensor, arith, math and scf";
  let description = [{
    Works on functions of core-level fx ops; the result is pure upstream IR on
    tensors, without fx ops, types or attributes (`fx-verify-linalg` checks
    it). What the compiler needs of `fx.role` and `fx.name` it reads before.

    * `ui8` becomes `i8`; the ops are chosen for unsigned values.
    * f16 and bf16 are computed in f32 and rounded once at the end of each op;
      sums and products of matrices are accumulated in f32.
    * A Python scalar is not rounded to a half type first, except in
      comparisons, remainder and fmod, as in eager PyTorch.
    * Dimensions of size 1 broadcast; a `?` is never 1 at run time.
    * Negative indices count from the end in every indexing op. Indices beyond
      that are the caller's error: no clamping, reads and writes go where they
      point. `assert-indices` checks each index tensor at run time (a cf.assert
      before the op), and no access is out of bounds.
    * Integer division by zero gives an unspecified value, but does not trap.
    * `keep-attention` leaves flash_attention_for_cpu and its backward as they
      are, for a target that makes kernels of them.
    * fx.random: Philox4x32-10 as documented at the op. randn takes the two
      words of an even and the following odd element by Box-Muller: the even
      one gets the cosine, the odd one the sine.

    An op without lowering (`fx.call` and what the earlier stages decompose) is
    an error that names the op, its FX node and its Python line; every one is
    reported.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::cf::ControlFlowDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"
  ];
  let options = [Option<"assertIndices", "assert-indices", "bool",
      /*default=*/"false", "Check every index at run time (cf.assert)">,
    Option<"keepAttention", "keep-attention", "bool", /*default=*/"false",
      "Leave attention with its logsumexp to the target's kernels">];
}

def VerifyLinalgPass : Pass<"fx-verify-linalg", "::mlir::ModuleOp"> {
  let summary = "Checks that no fx op, type or attribute is left";
  let description = [{
    The contract between fx-lower-to-linalg and what follows: only upstream
    dialects, no attribute of the fx dialect, no ui8, no leftover
    materialisation. With `keep-attention`, attention may be left.
  }];
  let options = [Option<"keepAttention", "keep-attention", "bool",
      /*default=*/"false", "Accept what fx-lower-to-linalg keeps with it">];
}

#endif
