// Passes of the joint-graph stage. Rule numbers are those of the reference.
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
    known stays. `level=lowering` is `core` for functions in which fused
    attention is left, and leaves all others alone.

    `fused-attention` is for targets with fused kernels for attention: in place
    of products and a softmax, scaled_dot_product_attention becomes
    flash_attention_for_cpu where such a kernel can compute it (f32, bf16 or
    f16, no dropout, a mask without a gradient), and that op and its backward
    stay.
  }];
  let options = [Option<"level", "level", "std::string",
      /*default=*/"\"autodiff\"", "`autodiff`, `core` or `lowering`">,
    Option<"fusedAttention", "fused-attention", "bool", /*default=*/"false",
      "Keep attention as one op where targets have a kernel for it">,
    Option<"keepAttention", "keep-attention", "bool", /*default=*/"false",
      "Leave fused attention (scores are never a tensor) as it is">];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::fx::FXDialect",
                           "mlir::tensor::TensorDialect"];
}

class FX_JointGraphPass<string flag> : Pass<flag, "mlir::func::FuncOp"> {
  let dependentDialects = ["mlir::arith::ArithDialect"];
}

def RemoveNoopOpsPass : FX_JointGraphPass<"fx-remove-noop-ops"> {
  let summary = "Removes ops that return an operand unchanged";
  let description = [{
    Rule 3.4, one table of op, source and condition: alias, clone, detach, a
    slice that takes all, a view to the same shape, a conversion to the same
    type, cat of one tensor, repeat by 1, pad by 0, rounding of integers, pow by
    the int 1, copy, slice_scatter that overwrites all.

    A result of the function that is a fresh tensor stays one: a clone of an
    argument or of another result that is returned is kept.
  }];
}

def FoldUniformValuesPass : FX_JointGraphPass<"fx-fold-uniform-values"> {
  let summary = "Computes tensors whose elements are all equal";
  let description = [{
    Rule 3.5. Each value is unknown or one scalar that all its elements equal;
    pointwise ops and views of the latter become one `fx.full`. Then
      x + 0, x - 0, x * 1, x / 1 -> x (converted where the type differs)
    for tensors 0 and 1 that do not broadcast x. Only correctly rounded
    functions are computed, so the result does not depend on a math library.

    Not copied from Inductor: the result of x + 0 that a function returns does
    not become the argument x (reference 10.2).
  }];
  let options = [Option<"assumeFinite", "assume-finite", "bool",
      /*default=*/"false",
      "x * 0 -> 0 for the Python int 0 also where x may be NaN or infinite, as "
      "Inductor does; integers need no such assumption">];
}

def RemoveRedundantDtypeViewsPass
    : FX_JointGraphPass<"fx-remove-redundant-dtype-views"> {
  let summary = "Removes views of bits as the type that they have";
  let description = [{
    view(view(x, A), type of x) -> x
    view(x, A), view(x, A) -> the first, twice
    Rule 3.5, `remove_redundant_views`, for calls of aten.view.dtype.
  }];
}

def RemovePointlessViewsPass : FX_JointGraphPass<"fx-remove-pointless-views"> {
  let summary = "Removes views and permutes that cancel out";
  let description = [{
    view(x, shape of x) -> x
    view(view(x, s), shape of x) -> x
    permute(permute(x, p), q) -> x where q undoes p
    Rule 3.6. The inner op of a pair must have no other use: else it stays and
    the pair costs nothing more.
  }];
}

def CollapseConvertsPass : FX_JointGraphPass<"fx-collapse-converts"> {
  let summary = "Collapses chains of floating-point conversions";
  let description = [{
    convert(convert(x, A), B) -> convert(x, B)
    Rule 3.8, `pointless_convert`: x, A, B are f16, bf16, f32 or f64 and A is
    not narrower than B. An f16 between two f32 is kept: it rounds.
  }];
  let options = [Option<"emulatePrecisionCasts", "emulate-precision-casts",
      "bool", /*default=*/"false", "Collapse only if A represents every x">];
}

def BmmToMmPass : FX_JointGraphPass<"fx-bmm-to-mm"> {
  let summary = "Makes a batch of one matrix product a matrix product";
  let description = [{
    bmm(a, b) -> unsqueeze(mm(squeeze(a, 0), squeeze(b, 0)), 0) for batch 1
    Rule 3.8, `bmm_to_mm`. Inductor does it on GPUs only.
  }];
}

def ScatterUponConstTensorPass
    : FX_JointGraphPass<"fx-scatter-upon-const-tensor"> {
  let summary = "Makes a scatter of a scalar into a constant a selection";
  let description = [{
    scatter(full(shape, background), dim, index, value)
      -> where(index == iota(shape[dim]), value, background)
    Rule 3.8, `scatter_upon_const_tensor`: index has size 1 along dim and the
    size of the result along the others. In the backward of every cross-entropy.
  }];
}

def IndexByPermutationPass : FX_JointGraphPass<"fx-index-by-permutation"> {
  let summary = "Indexes by a random permutation without checks and collisions";
  let description = [{
    index(x, [randperm(n)[:k]]) -> _unsafe_index(x, …)
    index_put(x, [randperm(n)[:k]], y, accumulate)
      -> _unsafe_index_put(x, …, _unsafe_index(x, …) + y)
    Rule 3.8, `randperm_index` and `randperm_index_add` (import makes an
    index_put of index_add): n is the first size of x, so the indices are in
    range and differ, and nothing has to be added one by one.
  }];
}

def FuseAttentionPass : FX_JointGraphPass<"fx-fuse-attention"> {
  let summary = "Makes attention that is written out one op";
  let description = [{
    bmm(softmax(mask(bmm(q, k^T) * c)), v)
      -> flash_attention_for_cpu(q, k, v, mask, scale = c)
    and, where the function has the gradients of q, k and v, the products with
    the gradient of the softmax between them
      -> flash_attention_for_cpu_backward
    Rule 3.8b. Inductor's 30 families are one walk from the softmax to both
    products: scales by numbers on the scores or, without gradients, on q and k;
    biases, and selections that hide scores; conversions and views of batch and
    heads in any place; `_safe_softmax`. The scores must have no other use. A
    trained bias has one, and stays.

    A selection by `key <= query`, made of iotas or as tril of ones, becomes
    is_causal; other masks become one tensor.

    As in Inductor, a row that is hidden by minus infinity in all places gives
    zeros instead of NaN. Dropout of the probabilities is left as it is: on a CPU
    Inductor's replacement is the same arithmetic.
  }];
}

def ScaleSoftmaxPass : FX_JointGraphPass<"fx-scale-softmax"> {
  let summary = "Subtracts the maximum before a softmax is scaled";
  let description = [{
    s - amax(s, dim) with s = x * c or x / c
      -> where(all(isfinite(s), dim), (x*g - amax(x*g, dim)) * (g*c),
               s - amax(s, dim)) with g = sign(c)
    Rule 3.9, `mul_softmax` and `div_softmax`, for Python numbers c; s may be
    converted to another type in between.
  }];
}

def ReplaceRandomPass : FX_JointGraphPass<"fx-replace-random"> {
  let summary = "Makes random ops functions of a seed";
  let description = [{
    rand, randn, rand_like, randn_like (as calls) and dropout
      -> random(lookup_seed(seeds(1), 0)) and pointwise ops
    Rule 3.10, `replace_random`. dropout(x, p) -> (random > p) * x * 1/(1-p).
    Calls with a generator or pinned memory stay.
  }];
}

def FuseSeedsPass : FX_JointGraphPass<"fx-fuse-seeds"> {
  let summary = "Makes the seeds of a function with one op";
  let description = [{
    n ops `fx.seeds` -> one with the sum of their counts at the first
    Rule 3.10, `fuse_seed_creation`. Lookups keep their order.
  }];
}

def VerifyJointGraphPass : FX_JointGraphPass<"fx-verify-joint-graph"> {
  let summary = "Checks what the joint-graph stage leaves";
  let description = [{
    No op of the torch level (composites, spellings with a canonical form) and
    no random call is left; a block has at most one `fx.seeds`; a function with
    gradients as results has tangents or a loss.
  }];
}

#endif
