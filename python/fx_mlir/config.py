"""Options of the backend `fx_mlir`.

An option is set for one compilation by `torch.compile(..., options={...})`, or
for all by assigning to the attribute here: `fx_mlir.config.opt_level = 1`.
"""

from typing import Any, Dict, NamedTuple, Optional, Tuple

# What differentiates: "aot" takes PyTorch's joint graph, "fx" builds the
# gradients in C++ from the forward graph, where that is known to be safe.
autodiff: str = "aot"
# Leave operators that cannot be compiled to PyTorch, and compile the rest.
# Without it a graph with such an operator is an error that names it.
fallback: bool = True
# Where code runs: "cpu" or "nvptx".
target: str = "cpu"
# Effort of LLVM, 0 to 3. 0 compiles fastest.
opt_level: int = 2
# Of graphs without gradients: parameters and buffers do not change, so what
# products and convolutions prepare of them is kept. It takes memory, and keeps
# them alive.
freezing: bool = False
# Of graphs without gradients: products, convolutions and other operators that
# are kernels of their own are timed beside PyTorch's, which stay calls where
# they are clearly faster. Timings are kept as `cache` says; `fallback` must be
# on. `freezing` prepares no weights in a graph that is split by this.
autotune: bool = False
# Form fused kernels.
fuse: bool = True
# Options of the pass fx-partition, as text: "mode=aggressive".
partition: str = ""
# Pass pipelines run at the named places, as text. The first two also take a
# function of a torch.fx.Graph, which it changes.
pre_grad_custom: str = ""
joint_custom_pre: str = ""
joint_custom_post: str = ""
post_grad_custom_pre: str = ""
post_grad_custom_post: str = ""
# Files of PDL patterns (.pdll, .mlir) applied at the named places.
pre_grad_custom_patterns: str = ""
joint_custom_pre_patterns: str = ""
joint_custom_post_patterns: str = ""
post_grad_custom_pre_patterns: str = ""
post_grad_custom_post_patterns: str = ""
# Passes of the stages that do not run: names with commas.
pre_grad_disable: str = ""
joint_disable: str = ""
post_grad_disable: str = ""
# Passes of the stages that are off by default.
pre_grad_enable: str = ""
joint_enable: str = ""
post_grad_enable: str = ""
# Print the time of each stage to stderr.
print_times: bool = False
# Check the IR after every pass.
verify: bool = False
# Keep compiled code on disk for later processes, in a folder of Inductor's cache
# (TORCHINDUCTOR_CACHE_DIR). With partition options, custom passes or patterns,
# `verify` or `print_times` a graph is always compiled.
cache: bool = True
# A folder that receives each graph as JSON (readable by fx-translate).
dump_dir: str = ""

_CHOICES: Dict[str, Tuple[Any, ...]] = {
    "autodiff": ("aot", "fx"),
    "target": ("cpu", "nvptx"),
    "opt_level": (0, 1, 2, 3),
}

# Options that may be Python functions: afterwards the graph is C++'s.
_FUNCTIONS = ("pre_grad_custom", "joint_custom_pre")

# `torch.compile(mode=...)`: named sets of options.
MODES: Dict[str, Dict[str, Any]] = {
    "default": {},
    "fast-compile": {"opt_level": 0},
    # Inductor's names. Calls are as short as they can be in any mode.
    "reduce-overhead": {},
    "max-autotune": {"autotune": True},
    "max-autotune-no-cudagraphs": {"autotune": True},
}

_TYPES: Dict[str, type] = {
    name: kind
    for name, kind in __annotations__.items()
    if isinstance(kind, type)
}


# The options of one compilation.
Options = NamedTuple("Options", list(_TYPES.items()))  # type: ignore[misc]


def list_options():
    """The names of all options."""
    return list(_TYPES)


def list_modes():
    """The names of all modes."""
    return list(MODES)


def _check(name: str, value: Any) -> Any:
    if name not in _TYPES:
        raise RuntimeError(
            f"Unexpected option {name!r} for backend 'fx_mlir', known options: "
            f"{', '.join(_TYPES)}"
        )
    kind = _TYPES[name]
    if name in _FUNCTIONS and callable(value):
        return value
    # bool is an int in Python, but opt_level=True is a mistake.
    if type(value) is not kind:
        raise RuntimeError(
            f"Unexpected type of option {name!r} for backend 'fx_mlir': got "
            f"{type(value).__name__}, expected {kind.__name__}"
        )
    choices = _CHOICES.get(name)
    if choices and value not in choices:
        raise RuntimeError(
            f"Unexpected value {value!r} of option {name!r} for backend "
            f"'fx_mlir', known values: {', '.join(map(str, choices))}"
        )
    return value


def for_compiler(options: Options) -> Dict[str, Any]:
    """The options that the C++ compiler takes."""
    return {name: "" if name in _FUNCTIONS and callable(value) else value
            for name, value in options._asdict().items()}


def resolve(mode: Optional[str] = None, options: Any = None) -> Options:
    """The module's values, changed by a mode or by a dictionary of options."""
    if mode is not None and mode not in MODES:
        raise RuntimeError(
            f"Unrecognized mode={mode!r} for backend 'fx_mlir', should be one "
            f"of: {', '.join(MODES)}"
        )
    if options is not None and not isinstance(options, dict):
        raise RuntimeError(
            "Options of backend 'fx_mlir' are given as a dictionary, got "
            f"{type(options).__name__}; known options: {', '.join(_TYPES)}"
        )
    values = {name: _check(name, globals()[name]) for name in _TYPES}
    values.update(MODES[mode or "default"])
    for name, value in (options or {}).items():
        name = str(name).replace("-", "_")
        values[name] = _check(name, value)
    return Options(**values)
