"""Rewrites keep the values: the lit tests' functions before and after.

Each function of test/{PreGrad,JointGraph,PostGrad}/*.mlir is written as Python
before and after the passes of its RUN lines; both run in eager PyTorch on the
same inputs, plain and with NaN, infinities and signed zeros.
"""

import functools
import os
import re
import subprocess

import pytest

import torch

TEST_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.get("FX_BIN", os.path.join(os.path.dirname(TEST_DIR), "build", "bin"))

# These round differently: a product and a sum become one op, a factor moves, a
# conversion to bf16 on the way to f16 is left out (rule 3.8).
APPROXIMATE = {
    "fold-conv-batch-norm": 1e-5, "fuse-addmm": 1e-5, "unfuse-bias-add": 1e-5,
    "scale-softmax": 1e-3, "fold-constant-cumsum": 1e-3, "collapse-converts": 1e-2,
    "fuse-attention": 1e-4, "decompose-mm": 1e-4, "batch-linear": 1e-5,
}
# ATen's fused attention gives other values where scores are NaN or infinite.
FINITE = {"fuse-attention"}
# Functions whose values are random or that PyTorch has no op for.
NOT_COMPARABLE = re.compile(r"fx\.seeds|fx\.dropout .*train = true|fx\.call ")


def functions(path):
    """The text of each function of a file, without its comments."""
    text = "\n".join(
        line for line in open(path).read().splitlines() if not line.lstrip().startswith("//")
    )
    for match in re.finditer(r"^func\.func @(\w+).*?^}", text, re.S | re.M):
        yield match.group(1), match.group(0)


def cases():
    for stage in ("PreGrad", "JointGraph", "PostGrad"):
        folder = os.path.join(TEST_DIR, stage)
        for file in sorted(os.listdir(folder)):
            path = os.path.join(folder, file)
            name, extension = os.path.splitext(file)
            if extension != ".mlir" or name.startswith("verify"):
                continue
            if f"-fx-{name}" not in open(path).read():
                continue
            runs = re.findall(r"^// RUN: fx-opt %s (.*?) \|", open(path).read(), re.M)
            for flags in runs:
                passes = [flag for flag in flags.split() if flag.startswith("-fx-")]
                # Not a rewrite that keeps NaN.
                if any("assume-finite" in flag for flag in passes):
                    continue
                for function, text in functions(path):
                    if not NOT_COMPARABLE.search(text):
                        yield pytest.param(name, passes, function, text,
                                           id=f"{' '.join(passes)} @{function}")


@functools.lru_cache(maxsize=None)
def run_tool(tool, *flags, text):
    done = subprocess.run([os.path.join(BIN, tool), *flags], input=text,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def load(text, function):
    scope = {}
    exec(run_tool("fx-translate", "--fx-to-python", text=text), scope)
    return scope[function], scope["SIGNATURES"][function]["arguments"]


def make_input(argument, special, generator):
    if argument["shape"] is None:
        return 4
    shape = [4 if size is None else size for size in argument["shape"]]
    if not argument["dtype"].is_floating_point:
        return torch.randint(0, 2, shape, generator=generator).to(argument["dtype"])
    value = torch.randn(shape, generator=generator, dtype=torch.float64)
    if special and value.numel() > 2:
        picks = torch.tensor([float("nan"), float("inf"), float("-inf"), 0.0, -0.0])
        flat = value.view(-1)
        count = min(len(picks), flat.numel() // 2)
        where = torch.randperm(flat.numel(), generator=generator)[:count]
        flat[where] = picks[:count].double()
    return value.to(argument["dtype"])


@pytest.mark.parametrize("name, passes, function, text", list(cases()))
def test_same_values(name, passes, function, text):
    before, arguments = load(text, function)
    after, _ = load(run_tool("fx-opt", *passes, text=text), function)
    generator = torch.Generator().manual_seed(0)
    for special in (False, True)[:1 if name in FINITE else 2]:
        inputs = [make_input(argument, special, generator) for argument in arguments]
        expected = before(*[x.clone() if isinstance(x, torch.Tensor) else x for x in inputs])
        actual = after(*[x.clone() if isinstance(x, torch.Tensor) else x for x in inputs])
        assert len(expected) == len(actual)
        for want, have in zip(expected, actual):
            if not isinstance(want, torch.Tensor):
                assert want == have
                continue
            tolerance = APPROXIMATE.get(name, 0)
            torch.testing.assert_close(have, want, equal_nan=True, rtol=tolerance,
                                       atol=tolerance)


def storages(tensors):
    return [t.untyped_storage().data_ptr() if isinstance(t, torch.Tensor) else None
            for t in tensors]


@pytest.mark.parametrize("name, passes, function, text", list(cases()))
def test_fresh_results_stay_fresh(name, passes, function, text):
    """A result that shared no memory with an argument or result does not."""
    before, arguments = load(text, function)
    after, _ = load(run_tool("fx-opt", *passes, text=text), function)
    generator = torch.Generator().manual_seed(0)
    inputs = [make_input(argument, False, generator) for argument in arguments]
    taken = {s for s in storages(inputs) if s}
    old, new = before(*inputs), after(*inputs)
    for i, (was, now) in enumerate(zip(storages(old), storages(new))):
        if was in taken or was is None or was == 0:
            continue
        assert now not in taken
        for j in range(i):
            if storages(old)[j] != was:
                assert storages(new)[j] != now


MODELS = os.path.join(TEST_DIR, "Integration", "Inputs")
PIPELINE = """
    -fx-normalize-ops -fx-sink-cat-after-pointwise -fx-remove-inactive-dropout
    -fx-fold-conv-batch-norm -fx-verify-pre-grad
    -fx-decompose=level=core
    -fx-remove-noop-ops -fx-fold-uniform-values -fx-remove-pointless-views
    -fx-collapse-converts -fx-bmm-to-mm -fx-scatter-upon-const-tensor
    -fx-scale-softmax -fx-replace-random -fx-fuse-seeds -fx-verify-joint-graph
    -fx-eliminate-dead-code -fx-reorder-for-locality -fx-merge-views
    -fx-remove-identity-ops -fx-fold-constant-cumsum -fx-cancel-split-cat
    -fx-gather-before-pointwise -fx-fuse-addmm -fx-reuse-partial-reduction
    -fx-dedupe-sym-size
    -fx-eliminate-dead-code -fx-verify-post-grad
""".split()


@pytest.mark.parametrize("model", sorted(os.listdir(MODELS)) if os.path.isdir(MODELS) else [])
def test_model(model):
    """All rules of the three stages one after the other on a whole forward."""
    path = os.path.join(MODELS, model, "fwd.pt2")
    text = subprocess.run([os.path.join(BIN, "fx-translate"), "--import-pt2", path],
                          capture_output=True, text=True, check=True).stdout
    function = re.search(r"func\.func @(\w+)", text).group(1)
    before, arguments = load(text, function)
    after, _ = load(run_tool("fx-opt", *PIPELINE, text=text), function)
    generator = torch.Generator().manual_seed(0)
    inputs = []
    for argument in arguments:
        value = make_input(argument, False, generator)
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            # Variances are positive; small weights keep deep models finite.
            value = value.abs() + 0.5 if "var" in argument["name"] else value * 0.1
        inputs.append(value)
    for want, have in zip(before(*inputs), after(*inputs)):
        assert torch.isfinite(want.double()).all()
        torch.testing.assert_close(have, want, rtol=1e-3, atol=1e-4)
