"""Python functions in hooks: they change the graph before it is compiled."""

from torch.fx.node import map_arg

from . import _torch_compat as compat


def apply_to_dynamo_graph(hook, gm):
    """Calls a hook on Dynamo's graph; AOTAutograd traces what it leaves."""
    if callable(hook):
        hook(gm.graph)
        gm.graph.lint()
        gm.recompile()


def apply_to_aten_graph(hook, gm):
    """Calls a hook on a graph of ATen operators, and finds out the values of
    the nodes that it made."""
    if not callable(hook):
        return
    hook(gm.graph)
    gm.graph.lint()
    gm.recompile()
    new = [n for n in gm.graph.nodes
           if n.op not in ("placeholder", "output") and "val" not in n.meta]
    if not new:
        return
    fake_mode = compat.fake_mode_of(
        [n.meta.get("val") for n in gm.graph.nodes])
    for node in new:
        if node.op != "call_function":
            raise RuntimeError(
                f"the hook {hook!r} made the node {node.name!r}, a {node.op}; "
                "a graph of ATen operators has calls of functions only")
        args, kwargs = map_arg((node.args, node.kwargs), lambda n: n.meta["val"])
        with fake_mode:
            node.meta["val"] = node.target(*args, **kwargs)
