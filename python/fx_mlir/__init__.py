"""A graph compiler for PyTorch, built on MLIR.

    torch.compile(model, backend="fx_mlir")

Importing the package is cheap: PyTorch's compiler stack and our library are
loaded when something is compiled.
"""

from . import config

__version__ = "0.1.0"
__all__ = ["compile", "config", "counters", "empty_cache", "explain",
           "partition", "partition_for_inductor", "to_fx"]


def compile(gm, example_inputs, options=None):
    """Compiles a captured graph: `compile(gm, inputs)(*inputs)`.

    `gm` is a `torch.fx.GraphModule` as Dynamo gives it to a backend. `options`
    is a dictionary of the options in `fx_mlir.config`.
    """
    from ._backend import inductor

    return inductor(gm, example_inputs, options=options)


def empty_cache():
    """Gives memory of freed tensors that is kept for the next call back to the
    system. The environment variable FX_RT_TENSOR_CACHE_BYTES limits it (1 GiB;
    0 keeps nothing)."""
    from ._library import library

    library().fx_rt_tensor_trim()


def __getattr__(name):
    # These need PyTorch.
    if name in ("counters", "explain"):
        from . import _report

        return getattr(_report, name)
    if name == "partition":
        from ._partition import partition

        return partition
    if name == "partition_for_inductor":
        from ._partition_inductor import partition_for_inductor

        return partition_for_inductor
    if name == "to_fx":
        from ._export import to_fx

        return to_fx
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _register_backend():
    # An installed package is found by its entry point; a source tree on
    # PYTHONPATH has none.
    from importlib.metadata import entry_points

    if entry_points(group="torch_dynamo_backends", name="fx_mlir"):
        return
    try:
        from torch._dynamo.backends.registry import register_backend
    except ImportError:  # Without PyTorch the options can still be read.
        return
    from ._backend import backend

    register_backend(backend, name="fx_mlir")


_register_backend()
