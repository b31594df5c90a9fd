"""What is compiled goes when it is no longer used."""

import gc

import torch
from torch import nn


def live():
    """How many objects of the package are alive."""
    from fx_mlir import _call, _library, _shortcuts

    module = _call.call_module()
    kinds = (_library.CompiledModule, _shortcuts.Parts, module.Function,
             module.Shortcut)
    gc.collect()
    return sum(isinstance(o, kinds) for o in gc.get_objects())


def test_compiled_code_is_freed(compiler):
    def cycle(width):
        torch._dynamo.reset()
        model = nn.Sequential(nn.Linear(width, 4), nn.Tanh())
        f = torch.compile(lambda x: model(x).sum(), backend="fx_mlir")
        f(torch.randn(3, width)).backward()
        with torch.no_grad():
            f(torch.randn(3, width))

    cycle(2)
    torch._dynamo.reset()
    before = live()
    for width in range(3, 6):
        cycle(width)
    torch._dynamo.reset()
    assert live() <= before
