"""Calls around AOTAutograd's wrappers do what eager code does."""

import copy
import gc
import threading
import weakref

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from checks import assert_same


@pytest.fixture
def roads(monkeypatch):
    """Why each compiled graph takes AOTAutograd's road; None for a shortcut."""
    from fx_mlir import _inference, _shortcuts

    taken = []
    why_not = _shortcuts.why_not
    make_call = _inference.make_call

    def note(*args):
        taken.append(why_not(*args))
        return taken[-1]

    def note_direct(*args):
        taken.append(None)
        return make_call(*args)

    monkeypatch.setattr(_shortcuts, "why_not", note)
    monkeypatch.setattr(_inference, "make_call", note_direct)
    return taken


def compiled(function, **options):
    return torch.compile(function, backend="fx_mlir", fullgraph=True, **options)


def leaf(*shape):
    return torch.randn(*shape, requires_grad=True)


def twin(tensor):
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)


def smooth(x, w):
    return (x * w).tanh() * w


def test_inference_and_training(compiler, roads):
    f = compiled(smooth)
    x, w = torch.randn(5, 3), leaf(3)
    with torch.no_grad():
        y = f(x, w)
    assert not y.requires_grad
    assert_same(y, smooth(x, w).detach(), "no_grad")
    v = twin(w)
    for _ in range(3):
        y, z = f(x, w), smooth(x, v)
        assert y.grad_fn.name() == "CompiledFunctionBackward"
        assert_same(y, z, "output")
        y.square().sum().backward()
        z.square().sum().backward()
        assert_same(w.grad, v.grad, "gradient")
    assert roads == [None, None]


def test_inference_mode(compiler, roads):
    f = compiled(smooth)
    x, w = torch.randn(5, 3), leaf(3)
    with torch.inference_mode():
        y = f(x, w)
    assert y.is_inference() and not y.requires_grad
    assert_same(y, smooth(x, w).detach().clone(), "output")
    assert roads == [None]


def test_a_tensor_of_inference_mode_cannot_be_saved(compiler):
    f = compiled(smooth)
    with torch.inference_mode():
        x = torch.randn(5, 3)
    with pytest.raises(RuntimeError, match="[Ii]nference tensors"):
        f(x, leaf(3))


def test_grad_enabled_inside_no_grad(compiler):
    def f(x, w):
        with torch.enable_grad():
            return smooth(x, w)

    x, w = torch.randn(5, 3), leaf(3)
    with torch.no_grad():
        y = compiled(f)(x, w)
        assert not torch.is_grad_enabled()
    assert y.requires_grad
    (gradient,) = torch.autograd.grad(y.sum(), w)
    assert_same(gradient, torch.autograd.grad(f(x, w).sum(), w)[0], "gradient")


def test_retain_graph(compiler, roads):
    f = compiled(smooth)
    x, w = leaf(4, 3), leaf(3)
    y = f(x, w).sum()
    first = torch.autograd.grad(y, (x, w), retain_graph=True)
    second = torch.autograd.grad(y, (x, w))
    for a, b in zip(first, second):
        assert torch.equal(a, b)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        torch.autograd.grad(y, (x, w))
    assert roads == [None]


def test_a_gradient_cannot_be_differentiated(compiler, roads):
    x, w = leaf(4, 3), leaf(3)
    y = compiled(smooth)(x, w)
    (gradient,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    want = torch.autograd.grad(smooth(x, w).sum(), x)[0]
    assert_same(gradient.detach(), want, "gradient")
    assert gradient.requires_grad
    with pytest.raises(RuntimeError, match="double backward"):
        gradient.sum().backward()
    assert roads == [None]


def test_some_gradients(compiler, roads):
    f = compiled(smooth)
    x, w = leaf(4, 3), leaf(3)
    for inputs in ((x,), (w,), (w, x)):
        got = torch.autograd.grad(f(x, w).sum(), inputs)
        want = torch.autograd.grad(smooth(x, w).sum(), inputs)
        for a, b in zip(got, want):
            assert_same(a, b, "gradient")
    frozen = torch.randn(3)
    (got,) = torch.autograd.grad(f(x, frozen).sum(), x)
    (want,) = torch.autograd.grad(smooth(x, frozen).sum(), x)
    assert_same(got, want, "gradient")
    assert roads == [None, None]


def several(x, w):
    y = x * w
    return y.tanh(), (y * 2).detach() + 1, y.argmax(1), (x.exp() * w)


def test_outputs_with_and_without_gradients(compiler, roads):
    f = compiled(several)
    x, w = leaf(4, 3), leaf(3)
    got, want = f(x, w), several(x, w)
    for i, (a, b) in enumerate(zip(got, want)):
        assert a.requires_grad == b.requires_grad
        assert_same(a, b, f"output {i}")
    for pick in ((0,), (3,), (0, 3)):
        got, want = f(x, w), several(x, w)
        a = torch.autograd.grad(sum(got[i].sum() for i in pick), (x, w))
        b = torch.autograd.grad(sum(want[i].sum() for i in pick), (x, w))
        for p, q in zip(a, b):
            assert_same(p, q, f"gradient of outputs {pick}")
    assert roads == [None]


def test_an_output_that_is_saved(compiler, roads):
    f = compiled(lambda x: torch.softmax(x, 1))
    x = leaf(4, 3)
    y = f(x)
    reference = weakref.ref(y.grad_fn)
    (y * torch.arange(3.0)).sum().backward()
    v = twin(x)
    (torch.softmax(v, 1) * torch.arange(3.0)).sum().backward()
    assert_same(x.grad, v.grad, "gradient")
    del y
    assert reference() is None  # no cycle between the output and its node
    assert roads == [None]


@pytest.mark.parametrize("make", [
    lambda g: g.t().contiguous().t(),
    lambda g: g[:1].expand(4, 3),
    lambda g: torch.zeros(4, 6)[:, ::2].copy_(g),
], ids=["transposed", "expanded", "with gaps"])
def test_layouts_of_gradients(compiler, make):
    f = compiled(smooth)
    x, w, g = leaf(4, 3), leaf(3), make(torch.randn(4, 3))
    got = torch.autograd.grad(f(x, w), (x, w), g)
    want = torch.autograd.grad(smooth(x, w), (x, w), g)
    for a, b in zip(got, want):
        torch.testing.assert_close(a, b)


def test_a_saved_input_is_modified(compiler, roads):
    x, w = torch.randn(4, 3), leaf(3)
    y = compiled(smooth)(x, w)
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    assert roads == [None]


def test_a_parameter_is_updated_between_calls(compiler, roads):
    f = compiled(smooth)
    x, w = torch.randn(4, 3), leaf(3)
    v = twin(w)
    for _ in range(4):
        for run, p in ((f, w), (smooth, v)):
            p.grad = None
            run(x, p).sum().backward()
            with torch.no_grad():
                p -= 0.1 * p.grad
    assert_same(w, v, "parameter")
    assert roads == [None]


def test_an_input_that_is_a_view_is_saved(compiler, roads):
    base, w = leaf(6, 3), leaf(3)
    x = base[1:5]
    y = compiled(smooth)(x, w)
    got = torch.autograd.grad(y.sum(), (base, w))
    want = torch.autograd.grad(smooth(base[1:5], w).sum(), (base, w))
    for a, b in zip(got, want):
        assert_same(a, b, "gradient")
    assert roads == [None]


def test_an_input_that_needs_no_gradient_is_not_followed(compiler, roads):
    def f(x, y):
        return x * y.detach()

    x, z = leaf(3), leaf(3)
    y = z * 2
    y.sum().backward()  # frees what y's gradient needs
    out = compiled(f)(x, y * y)
    out.sum().backward()
    assert roads == ["an input is to be detached"]


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.linear = nn.Linear(3, 3)

    def forward(self, x):
        return torch.tanh(self.norm(self.linear(x)))


def test_buffers_that_are_written(compiler, roads):
    torch.manual_seed(1)
    model = Norm()
    other = copy.deepcopy(model)
    f = compiled(model)
    x = torch.randn(8, 3)
    for run, m in ((f, model), (other, other)):
        for _ in range(3):
            before = m.norm.num_batches_tracked._version
            run(x).square().mean().backward()
            assert m.norm.num_batches_tracked._version > before
    for a, b in zip(model.buffers(), other.buffers()):
        assert_same(a, b, "buffer")
    for a, b in zip(model.parameters(), other.parameters()):
        assert_same(a.grad, b.grad, "gradient")
    assert roads == [None]


def test_tensor_hooks(compiler, roads):
    f = compiled(smooth)
    x, w = leaf(4, 3), leaf(3)
    v, seen = twin(w), []
    for run, p in ((f, w), (smooth, v)):
        handle = p.register_hook(lambda g: seen.append(g.clone()) or g * 2)
        y = run(x, p)
        y.register_hook(lambda g: seen.append(g.clone()) or g * 3)
        after = []
        p.register_post_accumulate_grad_hook(lambda t: after.append(t.grad.clone()))
        y.sum().backward()
        handle.remove()
        assert len(after) == 1  # as DistributedDataParallel listens
    assert_same(w.grad, v.grad, "gradient")
    assert_same(seen[0], seen[2], "gradient of the output")
    assert_same(seen[1], seen[3], "gradient of the parameter")
    assert roads == [None]


def test_hooks_of_the_node(compiler):
    x, w = leaf(4, 3), leaf(3)
    y = compiled(smooth)(x, w)
    calls = []
    y.grad_fn.register_prehook(lambda g: calls.append("before"))
    y.grad_fn.register_hook(lambda i, o: calls.append("after"))
    y.sum().backward()
    assert calls == ["before", "after"]


def test_hooks_of_saved_tensors(compiler, roads):
    f = compiled(smooth)
    x, w = leaf(4, 3), leaf(3)
    packed = []

    def pack(tensor):
        packed.append(tensor)
        return tensor.numpy(force=True).copy()

    with torch.autograd.graph.saved_tensors_hooks(pack, torch.from_numpy):
        y = f(x, w)
    assert packed
    got = torch.autograd.grad(y.sum(), (x, w))
    want = torch.autograd.grad(smooth(x, w).sum(), (x, w))
    for a, b in zip(got, want):
        assert_same(a, b, "gradient")
    assert roads == [None]


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoint_around(compiler, roads, reentrant):
    f = compiled(smooth)
    x, w = leaf(4, 3), leaf(3)
    y = checkpoint(f, x, w, use_reentrant=reentrant)
    y.sum().backward()
    p, q = twin(x), twin(w)
    smooth(p, q).sum().backward()
    assert_same(x.grad, p.grad, "gradient")
    assert_same(w.grad, q.grad, "gradient")
    assert set(roads) == {None}


def test_autocast(compiler, roads):
    def f(x, w):
        return torch.tanh(x @ w)

    x, w = torch.randn(4, 3), leaf(3, 5)
    g = compiled(f)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, z = g(x, w), f(x, w)
    assert y.dtype == z.dtype == torch.bfloat16
    (a,), (b,) = (torch.autograd.grad(t.float().sum(), w) for t in (y, z))
    torch.testing.assert_close(a, b, atol=0.05, rtol=0.05)
    assert roads == [None]


def test_threads(compiler, roads):
    f = compiled(smooth)
    x = torch.randn(64, 3)
    f(x, leaf(3)).sum().backward()
    errors = []

    def work(seed):
        try:
            w = torch.full((3,), float(seed), requires_grad=True)
            v = twin(w)
            for _ in range(50):
                w.grad = v.grad = None
                f(x, w).sum().backward()
                smooth(x, v).sum().backward()
                assert_same(w.grad, v.grad, "gradient")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors, errors
    assert set(roads) == {None}


def test_dynamic_sizes(compiler, roads):
    f = compiled(lambda x, w: (x * w).tanh() * x.shape[0], dynamic=True)
    w = leaf(3)
    for n in (4, 7, 2):
        x = leaf(n, 3)
        got = torch.autograd.grad(f(x, w).sum(), (x, w))
        want = torch.autograd.grad(((x * w).tanh() * n).sum(), (x, w))
        for a, b in zip(got, want):
            assert_same(a, b, "gradient")
    assert roads == [None]


@pytest.mark.parametrize("f, reason", [
    (lambda x, w: (x * w).view(-1), None),
    (lambda x, w: (x * w, w.view(-1)), "outputs are views"),
    (lambda x, w: (x * w, x), None),
    (lambda x, w: (lambda y: (y, y[0]))(x * w), "outputs are views"),
    (lambda x, w: x.add_(1) * w, None),
], ids=["one view", "view of input", "input", "view of output", "mutation"])
def test_what_is_left_to_aot_autograd(compiler, roads, f, reason):
    x, w = torch.randn(4, 3), leaf(3)
    x2, w2 = twin(x), twin(w)
    got, want = compiled(f)(x, w), f(x2, w2)
    got, want = (t if isinstance(t, tuple) else (t,) for t in (got, want))
    for a, b in zip(got, want):
        assert_same(a, b, "output")
    assert_same(x, x2, "input")
    got[0].sum().backward()
    want[0].sum().backward()
    assert_same(w.grad, w2.grad, "gradient")
    assert roads == [reason]


def test_errors_leave_nothing_behind(compiler):
    f = compiled(smooth)
    x, w = leaf(4, 3), leaf(3)
    y = f(x, w)
    with pytest.raises(RuntimeError):
        y.backward(torch.ones(5, 5))
    y.sum().backward()
    with torch.autograd.graph.saved_tensors_hooks(
            lambda t: 1 / 0, lambda t: t), pytest.raises(ZeroDivisionError):
        f(x, w)
    assert torch.is_grad_enabled()
    f(x, w).sum().backward()


def test_saved_tensors_are_freed(compiler, roads):
    f = compiled(smooth)
    f(leaf(4, 3), leaf(3)).sum().backward()

    def live():
        gc.collect()
        return sum(isinstance(o, torch.Tensor) for o in gc.get_objects())

    before = live()
    x, w = leaf(4, 3), leaf(3)
    for _ in range(20):
        y = f(x, w)
        y.sum().backward()
        f(x, w)  # never differentiated
    x_reference, node = weakref.ref(x), weakref.ref(y.grad_fn)
    del x, w, y
    assert live() <= before
    assert x_reference() is None and node() is None
    assert roads == [None]


def test_compiled_autograd(compiler):
    x, w = leaf(4, 3), leaf(3)
    y = compiled(smooth)(x, w)
    with torch._dynamo.compiled_autograd._enable(
            torch.compile(backend="eager")):
        y.sum().backward()
    p, q = twin(x), twin(w)
    smooth(p, q).sum().backward()
    assert_same(x.grad, p.grad, "gradient")
    assert_same(w.grad, q.grad, "gradient")


def test_transforms_of_torch_func(compiler):
    def loss(w, x):
        return smooth(x, w).square().sum()

    x, w = torch.randn(4, 3), torch.randn(3)
    got = compiled(lambda w, x: torch.func.grad(loss)(w, x))(w, x)
    assert_same(got, torch.func.grad(loss)(w, x), "gradient")
    # Around a compiled function Dynamo does not take part.
    got = torch.func.vmap(torch.compile(smooth, backend="fx_mlir"),
                          in_dims=(0, None))(x, w)
    assert_same(got, torch.func.vmap(smooth, in_dims=(0, None))(x, w), "vmap")


def test_deterministic_mode_is_asked_for_later(compiler):
    x, w = leaf(4, 3), leaf(3)
    y = compiled(smooth)(x, w)
    torch.use_deterministic_algorithms(True)
    try:
        with pytest.raises(RuntimeError, match="deterministic"):
            y.sum().backward()
    finally:
        torch.use_deterministic_algorithms(False)
    compiled(smooth)(x, w).sum().backward()


def test_subclasses_take_the_other_road(compiler, roads):
    from torch.testing._internal.two_tensor import TwoTensor

    x, w = TwoTensor(torch.randn(4, 3), torch.randn(4, 3)), leaf(3)
    y, z = compiled(smooth)(x, w), smooth(x, w)
    assert type(y) is type(z) is TwoTensor
    assert_same(y.a.detach(), z.a.detach(), "output")
    assert_same(y.b.detach(), z.b.detach(), "output")
    assert roads == ["AOTAutograd changed the inputs"]


def test_outputs_of_subclasses_take_the_other_road(compiler, roads):
    from torch.testing._internal.two_tensor import TwoTensor

    def f(x, w):
        return TwoTensor(x * w, x + w)

    x, w = torch.randn(4, 3), leaf(3)
    y, z = compiled(f)(x, w), f(x, w)
    assert type(y) is type(z) is TwoTensor
    assert_same(y.a.detach(), z.a.detach(), "output")
    assert roads and None not in roads
