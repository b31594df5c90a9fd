// Passes of the post-grad stage. Rule numbers are those of the reference.
#ifndef FX_POSTGRAD_PASSES_TD
#define FX_POSTGRAD_PASSES_TD

include "mlir/Pass/PassBase.td"

class FX_PostGradPass<string flag> : Pass<flag, "mlir::func::FuncOp"> {
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::tensor::TensorDialect"];
}

def EliminateDeadCodePass : FX_PostGradPass<"fx-eliminate-dead-code"> {
  let summary = "Erases ops whose results nothing uses";
  let description = [{
    Rule 5.1 and the scheduler's `use_dce`. Unlike upstream's passes it folds
    and merges nothing, and it erases unused `fx.seeds` (reference 9.4: a random
    op is impure only where eager's random state must advance).
  }];
}

def ReorderForLocalityPass : FX_PostGradPass<"fx-reorder-for-locality"> {
  let summary = "Moves producers to just before their last consumer";
  let description = [{
    Rule 5.2, for inference. Ops are visited last to first; each pulls the
    producers of its operands whose users were all visited to just before
    itself, the last operand closest. Nothing moves across an op with side
    effects, ops with several results and `fx.seeds` stay.
  }];
}

def RemoveDebugCallsPass : FX_PostGradPass<"fx-remove-debug-calls"> {
  let summary = "Erases profiler marks and metadata assertions";
  let description = [{
    Rules 5.4 and 5.6: calls to profiler._record_function_enter(_new), _exit and
    aten._assert_tensor_metadata, which do not compute anything and would keep
    rules that count users from matching.
  }];
}

def RemoveIdentityOpsPass : FX_PostGradPass<"fx-remove-identity-ops"> {
  let summary = "Removes what is a no-op for code generation";
  let description = [{
    Rule 5.5: the table of `fx-remove-noop-ops` again, and identities that
    Inductor leaves to code generation (expand, permute, flatten and squeeze
    that change nothing, x * 1 and x / 1 by a Python number). The partitioner
    has run, so its answer does not depend on them any more.
  }];
}

def MergeViewsPass : FX_PostGradPass<"fx-merge-views"> {
  let summary = "Makes a chain of views or permutes one op";
  let description = [{
    view(view(x, s), t) -> view(x, t)
    permute(permute(x, p), q) -> permute(x, p after q)
    Also where other ops use the inner one: views cost nothing, and a view that
    ends at the shape of x then is a no-op. Inductor's lowering does the same;
    before the partitioner it would change what is saved (3.6 merges less).
  }];
}

def FuseAddmmPass : FX_PostGradPass<"fx-fuse-addmm"> {
  let summary = "Fuses a matrix product and an addition";
  let description = [{
    add(mm(a, b), c, alpha=k) -> addmm(c, a, b, beta=k, alpha=1)
    add(c, mm(a, b), alpha=k) -> addmm(c, a, b, beta=1, alpha=k)
    Rule 5.7, `addmm`: c is a tensor of the same element type that broadcasts to
    the product, which has no other user. Inductor drops k (reference 10.1); a
    factor 0 is left alone, as addmm would not multiply by it.
  }];
  let options = [Option<"isGPU", "gpu", "bool", /*default=*/"false",
      "Leave an addition whose users are all pointwise to their kernel">];
}

def UnfuseBiasAddPass : FX_PostGradPass<"fx-unfuse-bias-add"> {
  let summary = "Splits an addmm whose users are all pointwise";
  let description = [{
    addmm(c, a, b, beta, alpha) -> beta * c + alpha * mm(a, b)
    Rule 5.7, `unfuse_bias_add_to_pointwise`, for GPUs: the addition joins the
    kernel of the users. Not for f16 and bf16, where it would round twice.
  }];
}

def CancelSplitCatPass : FX_PostGradPass<"fx-cancel-split-cat"> {
  let summary = "Cancels splits and cats of the same parts";
  let description = [{
    cat(all parts of split(x, dim), dim) -> x
    split(cat(xs, dim), dim) -> xs where the sizes are those of xs
    cat([c, slice(c, 1, 0, k)], 1) -> cat([*xs, slice(xs[0], 1, 0, k)], 1)
      with c = cat(xs, 1) and k not larger than xs[0]
    Rule 5.7. A cat that goes has no other use. A returned cat does not become
    an argument.
  }];
}

def GatherBeforePointwisePass : FX_PostGradPass<"fx-gather-before-pointwise"> {
  let summary = "Applies pointwise ops to what a gather takes";
  let description = [{
    gather(f(x, y), dim, index) -> f(gather(x, dim, index), y)
    x has the shape of f's result, y is a scalar or stays the same along dim; an
    eighth of the elements at most are taken. A cross entropy then takes its
    class from the logits, and the logarithms of all probabilities are not
    written. Inductor's lowering computes f where it is read; here a gather reads
    memory.
  }];
}

def FoldConstantCumsumPass : FX_PostGradPass<"fx-fold-constant-cumsum"> {
  let summary = "Computes the running sum of a constant";
  let description = [{
    cumsum(full(shape, c), dim) -> expand(view((1, 2, …) * c))
    Rule 5.7, `pointless_cumsum_replacement`.
  }];
}

def ReusePartialReductionPass
    : FX_PostGradPass<"fx-reuse-partial-reduction"> {
  let summary = "Computes a full maximum from a partial one";
  let description = [{
    amax(x), amax(x, dims) -> amax(amax(x, dims)); the same for amin
    Rule 5.7, `reuse_partial`: x has at least 4096 elements.
  }];
}

def DedupeSymSizePass : FX_PostGradPass<"fx-dedupe-sym-size"> {
  let summary = "Keeps one sym_size for each dimension of a tensor";
  let description = [{
    Also merges equal Python constants. Sizes of views and results that follow
    from the operand's size by the type rule are not looked at.
  }];
}

def DecomposeMmPass : FX_PostGradPass<"fx-decompose-mm"> {
  let summary = "Makes products that memory bounds sums of products";
  let description = [{
    mm(a, b) -> sum(unsqueeze(a, 2) * unsqueeze(b, 0), 1), and addmm
    Rule 5.10, `decompose_mm_pass`, off by default: one row on a CPU, at least
    10240 rows of fewer than 32 elements on a GPU. The sum can then be fused
    with what is around it.
  }];
  let options = [Option<"isGPU", "gpu", "bool", /*default=*/"false",
      "The sizes for a GPU">];
}

def VerifyPostGradPass : FX_PostGradPass<"fx-verify-post-grad"> {
  let summary = "Checks what the post-grad stage leaves";
  let description = [{
    No dead op and no op that only has a meaning before autodiff (detach,
    dropout, alias) is left; a function either returns what it saves or returns
    gradients, not both.
  }];
}

#endif
