"""The entry point of `torch.compile`: light, heavy modules come when called."""

import sys


def _check_platform():
    if sys.platform == "win32":
        raise RuntimeError("Backend 'fx_mlir' does not support Windows yet")


def inductor(gm, example_inputs, *, mode=None, options=None):
    """Compiles a Dynamo graph."""
    _check_platform()
    from . import config
    from ._compile_fx import compile

    return compile(gm, example_inputs, config.resolve(mode, options))


def backend(gm, example_inputs, *, mode=None, options=None):
    """`torch.compile(model, backend="fx_mlir")`."""
    return inductor(gm, example_inputs, mode=mode, options=options)
