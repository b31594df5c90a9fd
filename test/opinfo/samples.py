"""Samples of an operator in PyTorch's OpInfo database, and how results are
compared."""

import itertools
import os
import sys

# tools/setup.sh puts expecttest there, which PyTorch's test code imports.
sys.path.append(os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "build-pip"))

import torch
from torch.testing._internal import common_methods_invocations as database
from torch.utils._pytree import tree_leaves, tree_map

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "int64": torch.int64,
    "bool": torch.bool,
}

# Elements of all tensors of a sample; larger samples take long and show nothing
# that smaller ones do not.
MAX_ELEMENTS = 20000
# How many samples an operator is asked for before some of them are chosen.
MAX_GENERATED = 60
MAX_GENERATED_REFERENCE = 300

# Their results are memory that nobody wrote.
UNINITIALIZED = {
    "empty", "empty_like", "empty_permuted", "empty_strided", "new_empty",
    "new_empty_strided",
}

# Which of several equal elements they take is not specified. Those that they
# say to have taken are then taken with `gather`.
ANY_TIE = {"topk", "kthvalue"}

# OpInfo runs random operators with a fixed seed, by a context manager at which
# Dynamo's graph breaks. Here they are run as they are, and their results are
# compared by type and size.
database.wrapper_set_seed = lambda op, *args, **kwargs: op(*args, **kwargs)


def full_name(op):
    return op.name + ("." + op.variant_test_name if op.variant_test_name else "")


def operators():
    """Name -> OpInfo."""
    return {full_name(op): op for op in database.op_db}


def supports(op, dtype, direction):
    if direction == "forward":
        return op.supports_dtype(dtype, "cpu")
    return (op.supports_autograd and dtype.is_floating_point
            and dtype in op.supported_backward_dtypes("cpu"))


def tensors_of(tree):
    return [leaf for leaf in tree_leaves(tree)
            if isinstance(leaf, torch.Tensor)]


def _is_usable(sample):
    tensors = tensors_of((sample.input, sample.args, sample.kwargs))
    return (sum(t.numel() for t in tensors) <= MAX_ELEMENTS
            and all(t.layout == torch.strided and not t.is_quantized
                    for t in tensors))


def choose_samples(op, dtype, requires_grad, count, reference=False):
    """At most `count` samples, spread evenly over those that OpInfo gives.

    Of many operators the `reference` samples have infinities, large and small
    numbers, and strides with gaps.
    """
    torch.manual_seed(0)
    generate = op.reference_inputs if reference else op.sample_inputs
    generated = generate("cpu", dtype, requires_grad=requires_grad)
    limit = MAX_GENERATED_REFERENCE if reference else MAX_GENERATED
    usable = [s for s in itertools.islice(generated, limit) if _is_usable(s)]
    if len(usable) <= count:
        return usable
    step = (len(usable) - 1) / max(count - 1, 1)
    return [usable[round(i * step)] for i in range(count)]


def copy_tensor(tensor, dtype=None):
    """A leaf with its own memory and the same sizes and strides."""
    if tensor.layout != torch.strided:
        return tensor.detach().clone().requires_grad_(tensor.requires_grad)
    with torch.no_grad():
        copy = torch.empty(0, dtype=tensor.dtype)
        copy.set_(tensor.untyped_storage().clone(), tensor.storage_offset(),
                  tensor.size(), tensor.stride())
        if tensor.is_conj():
            copy = copy.conj()
        if tensor.is_neg():
            copy = torch._neg_view(copy)
        if dtype is not None and copy.dtype.is_floating_point:
            copy = copy.to(dtype)
    return copy.requires_grad_(tensor.requires_grad)


def copy_sample(sample, dtype=None):
    """(args, kwargs) with their own memory; one tensor twice stays one."""
    copies = {}

    def copy(leaf):
        if isinstance(leaf, torch.Tensor):
            if id(leaf) not in copies:
                copies[id(leaf)] = copy_tensor(leaf, dtype)
            return copies[id(leaf)]
        if dtype is not None and isinstance(leaf, torch.dtype) and (
                leaf.is_floating_point):
            return dtype
        return leaf

    args = tree_map(copy, (sample.input, *sample.args))
    kwargs = tree_map(copy, dict(sample.kwargs))
    return args, kwargs


def _same_structure(actual, expected):
    """What differs in type, dtype or size, or None."""
    if len(actual) != len(expected):
        return f"{len(actual)} results instead of {len(expected)}"
    for a, e in zip(actual, expected):
        if isinstance(e, torch.Tensor):
            if not isinstance(a, torch.Tensor):
                return f"a {type(a).__name__} instead of a tensor"
            if a.dtype != e.dtype:
                return f"dtype {a.dtype} instead of {e.dtype}"
            if a.shape != e.shape:
                return f"sizes {list(a.shape)} instead of {list(e.shape)}"
    return None


def _difference(actual, expected, exact):
    """How far two tensors or numbers are apart, or None if they agree.

    `exact` is the result in 64 bits, if known. Where eager itself is inexact,
    a result may be as far from the exact one as eager is (times four).
    """
    try:
        torch.testing.assert_close(actual, expected, equal_nan=True,
                                   check_stride=False)
        return None
    except AssertionError as error:
        message = " ".join(str(error).split())
    if (exact is None or not isinstance(expected, torch.Tensor)
            or not expected.dtype.is_floating_point
            or not isinstance(exact, torch.Tensor)
            or exact.shape != expected.shape):
        return message
    a, e, x = (t.detach().to(torch.float64) for t in (actual, expected, exact))
    finite = torch.isfinite(e) & torch.isfinite(x)
    if not torch.equal(torch.isfinite(a), torch.isfinite(e)):
        return message
    if not torch.equal(a[~finite].nan_to_num(), e[~finite].nan_to_num()):
        return message
    a, e, x = a[finite], e[finite], x[finite]
    if x.numel() == 0:
        return message
    epsilon = torch.finfo(expected.dtype).eps
    scale = max(1.0, x.abs().max().item())
    eager_error = (e - x).abs().max().item()
    bound = 4 * eager_error + 8 * epsilon * scale
    return None if (a - x).abs().max().item() <= bound else message


def compare(actual, expected, exact, values=True):
    """What differs between two results, or None. Without `values` only types
    and sizes are compared."""
    actual, expected = tree_leaves(actual), tree_leaves(expected)
    problem = _same_structure(actual, expected)
    if problem or not values:
        return problem
    exact = tree_leaves(exact) if exact is not None else []
    if len(exact) != len(expected):
        exact = [None] * len(expected)
    for index, (a, e, x) in enumerate(zip(actual, expected, exact)):
        if isinstance(e, (torch.Tensor, int, float, complex)):
            problem = _difference(a, e, x)
        else:
            problem = None if a == e else f"{a!r} instead of {e!r}"
        if problem:
            return f"result {index}: {problem}" if len(expected) > 1 else problem
    return None


def is_differentiable(tensor):
    return (isinstance(tensor, torch.Tensor) and tensor.requires_grad
            and (tensor.is_floating_point() or tensor.is_complex()))


def cotangents(outputs):
    """Fixed numbers to start a backward with."""
    generator = torch.Generator().manual_seed(1)
    return [
        torch.rand(t.shape, generator=generator,
                   dtype=torch.float64).add_(0.5).to(t.dtype)
        for t in outputs
    ]


def gradients(results, leaves):
    """The gradients of the differentiable results to the leaves."""
    outputs = [t for t in tensors_of(results) if is_differentiable(t)]
    return torch.autograd.grad(outputs, leaves, cotangents(outputs),
                               allow_unused=True)


def _chosen_dim(args, kwargs):
    return kwargs.get("dim", args[2] if len(args) > 2 else -1)


def repeats(name, indices, args, kwargs):
    """Whether topk chose an element twice."""
    if name != "topk" or indices.dim() == 0:
        return False
    order = indices.sort(_chosen_dim(args, kwargs)).values
    return bool((order.diff(dim=_chosen_dim(args, kwargs)) == 0).any())


def take_by(name, indices, args, kwargs):
    """What topk or kthvalue gives with these indices."""
    x, keepdim = args[0], True
    dim = _chosen_dim(args, kwargs)
    if name == "kthvalue":
        keepdim = kwargs.get("keepdim", args[3] if len(args) > 3 else False)
    if x.dim() == 0:
        return x.gather(0, indices), indices
    places = indices if keepdim else indices.unsqueeze(dim)
    values = x.gather(dim, places)
    return (values if keepdim else values.squeeze(dim)), indices


def is_random(run):
    """Whether two runs with different seeds give different results."""
    torch.manual_seed(1)
    first = tree_leaves(run())
    torch.manual_seed(2)
    second = tree_leaves(run())
    return compare(first, second, None) is not None

