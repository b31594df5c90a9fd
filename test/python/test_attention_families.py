"""Inductor's families of attention patterns: each is found and keeps its values.

The functions are those of the installed PyTorch. Each is traced as Inductor
traces it, for inference and, where Inductor has a training pattern without
dropout, with its gradients.
"""

import inspect

import pytest
import torch
from fx_graphs import run, tool

fx_mlir = pytest.importorskip("fx_mlir")
families = pytest.importorskip("torch._inductor.fx_passes.fuse_attention")

pytestmark = pytest.mark.skipif(tool("fx-opt") is None, reason="needs the tools")

NUMBERS = range(1, 31)
# Those that take [batch, heads, length, head]; the others exchange the middle.
HEADS_FIRST = {1, 2, 3, 4, 5, 6, 19, 24, 28}
# They convert the probabilities to f16.
HALF = {7, 8, 9, 10}
MASKS = {15: "keys", 17: "keys", 20: "keys", 18: "bool"}
INFERENCE_ONLY = {13, 15, *range(17, 25)}
B, H, S, D = 2, 4, 8, 16


def make_arguments(number, dtype):
    """Arguments by name; dropout is that of a model in evaluation."""
    generator = torch.Generator().manual_seed(number)
    shape = (B, H, S, D) if number in HEADS_FIRST else (B, S, H, D)
    if number == 13:
        shape = (B * H, S, D)
    values = {name: torch.randn(shape, generator=generator).to(dtype)
              for name in ("query", "key", "value")}
    mask = torch.randn(B, 1, 1, S, generator=generator).to(dtype)
    if number in MASKS:
        mask = torch.arange(S).expand(B, S) < 5 if MASKS[number] == "keys" else \
            torch.ones(1, 1, S, S, dtype=torch.bool).tril()
        mask = mask.to(dtype) if MASKS[number] == "keys" else mask
    values["query"] = (values["query"] * 0.5).detach()
    # Families 29 and 30 scale both query and key.
    values |= {"attn_mask": mask, "attention_mask": mask, "inv_scale": 0.5 if number >= 29 else 4.0, "inv_scale_factor": 4.0,
               "scale_factor": 0.25, "dropout_p": 0.0,
               "causal_mask": torch.ones(1, 1, S, S, dtype=torch.bool).tril()}
    function = getattr(families, f"_sfdp_pattern_{number}")
    return function, {name: values[name] for name in inspect.signature(function).parameters}


def trace(function, arguments, training):
    """The graph that AOTAutograd hands to a compiler, as an fx module."""
    from functorch.compile import make_boxed_func
    from torch._functorch.aot_autograd import aot_function

    from fx_mlir import _torch_compat as compat
    from fx_mlir._graph_json import encode_graph

    texts = []

    def encode(gm, **options):
        texts.append(encode_graph(gm, **options).text)

    def partition(gm, joint_inputs, *, num_fwd_outputs, **kwargs):
        encode(gm, num_fwd_outputs=num_fwd_outputs)
        return compat.default_partition(gm, joint_inputs, num_fwd_outputs=num_fwd_outputs, **kwargs)

    def compile(gm, _):
        if not training:
            encode(gm)
        return make_boxed_func(gm.forward)

    tensors = [v for v in arguments.values() if isinstance(v, torch.Tensor)]

    def call(*tensors):
        given = iter(tensors)
        return function(**{k: next(given) if isinstance(v, torch.Tensor) else v
                           for k, v in arguments.items()})

    for tensor in tensors:
        if training and tensor.is_floating_point() and tensor is not arguments.get("attn_mask"):
            tensor.requires_grad_()
    with torch.set_grad_enabled(training):
        aot_function(call, fw_compiler=compile, partition_fn=partition,
                     decompositions=compat.decompositions())(*tensors)
    return texts[0]


FUSE = "func.func(fx-remove-noop-ops,fx-fold-uniform-values,fx-remove-pointless-views," \
    "fx-collapse-converts,fx-fuse-attention,fx-verify-joint-graph)"


def check(number, dtype, training, tmp_path):
    function, arguments = make_arguments(number, dtype)
    path = tmp_path / "graph.json"
    text = trace(function, arguments, training)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    module = run("fx-translate", "--import-fx-json", str(path))
    fused = run("fx-opt", f"--pass-pipeline=builtin.module({FUSE})", "--mlir-print-debuginfo",
                text=module)
    assert fused.count("fx.flash_attention_for_cpu ") == 1, fused
    assert fused.count("fx.flash_attention_for_cpu_backward ") == int(training)
    assert "fx.bmm" not in fused and "fx.exp " not in fused
    before, after = fx_mlir.to_fx(module), fx_mlir.to_fx(fused)
    generator = torch.Generator().manual_seed(0)
    tensors = [v.detach() for v in arguments.values() if isinstance(v, torch.Tensor)]
    shapes = [a["shape"] for a in before.meta["signature"]["arguments"]]
    tensors += [torch.randn(s, generator=generator).to(dtype) for s in shapes[len(tensors):]]
    tolerance = {} if dtype == torch.float32 else {"atol": 4e-2, "rtol": 4e-2}
    for want, have in zip(before(*tensors), after(*tensors), strict=True):
        torch.testing.assert_close(have, want, **tolerance)


@pytest.mark.parametrize("number", NUMBERS)
def test_inference(number, tmp_path):
    check(number, torch.float16 if number in HALF else torch.float32, False, tmp_path)


@pytest.mark.parametrize("number", sorted(set(NUMBERS) - INFERENCE_ONLY))
def test_training(number, tmp_path):
    check(number, torch.float16 if number in HALF else torch.float32, True, tmp_path)


@pytest.mark.parametrize("number", [1, 11, 14, 16, 21, 29])
def test_half(number, tmp_path):
    check(number, torch.bfloat16, False, tmp_path)
