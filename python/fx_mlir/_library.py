"""The C++ compiler, `libFXMLIRC`, through ctypes."""

import ctypes
import functools
import json
import os
import sys


def _library_path():
    name = "libFXMLIRC.dylib" if sys.platform == "darwin" else "libFXMLIRC.so"
    folders = [os.path.join(os.path.dirname(__file__), "lib")]
    if os.environ.get("FX_MLIR_LIBRARY_DIR"):
        folders.insert(0, os.environ["FX_MLIR_LIBRARY_DIR"])
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return path
    raise RuntimeError(
        f"{name} was not found in {' or '.join(folders)}. Set "
        "FX_MLIR_LIBRARY_DIR to the build's lib folder, or install the package"
    )


@functools.lru_cache(maxsize=None)
def library():
    """The loaded library with its functions declared."""
    path = _library_path()
    try:
        lib = ctypes.CDLL(path)
    except OSError as error:
        raise RuntimeError(
            f"{path} cannot be loaded: {error}. fx_mlir needs MLIR 22 as "
            "Debian packages it: apt install libmlir-22"
        ) from None
    lib.fx_compile_graph.restype = ctypes.c_void_p
    lib.fx_compile_graph.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t,
        ctypes.POINTER(ctypes.c_void_p),
    ]
    lib.fx_check_graph.restype = ctypes.c_void_p
    lib.fx_check_graph.argtypes = lib.fx_compile_graph.argtypes
    lib.fx_partition_graph.restype = ctypes.c_void_p
    lib.fx_partition_graph.argtypes = lib.fx_compile_graph.argtypes
    lib.fx_export_python.restype = ctypes.c_void_p
    lib.fx_export_python.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
        ctypes.POINTER(ctypes.c_void_p),
    ]
    lib.fx_module_statistics.restype = ctypes.c_char_p
    lib.fx_module_statistics.argtypes = [ctypes.c_void_p]
    lib.fx_module_describe.restype = ctypes.c_char_p
    lib.fx_module_describe.argtypes = [ctypes.c_void_p]
    lib.fx_module_lookup.restype = ctypes.c_void_p
    lib.fx_module_lookup.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    lib.fx_module_destroy.restype = None
    lib.fx_module_destroy.argtypes = [ctypes.c_void_p]
    lib.fx_string_free.restype = None
    lib.fx_string_free.argtypes = [ctypes.c_void_p]
    return lib


def runtime_functions():
    """Addresses of fx_rt_set_num_threads, fx_rt_last_error and of the memory of
    tensors: fx_rt_tensor_acquire, fx_rt_tensor_release."""
    lib = library()
    return tuple(
        ctypes.cast(getattr(lib, name), ctypes.c_void_p).value
        for name in ("fx_rt_set_num_threads", "fx_rt_last_error",
                     "fx_rt_tensor_acquire", "fx_rt_tensor_release")
    )


class CompiledModule:
    """Machine code of one graph: an inference function, or two for training."""

    def __init__(self, handle):
        self._handle = handle
        self._lib = library()
        description = json.loads(self._lib.fx_module_describe(handle))
        self.functions = {f["name"]: f for f in description["functions"]}

    def statistics(self):
        """`stages`, pairs of names and milliseconds, and `kernels`."""
        return json.loads(self._lib.fx_module_statistics(self._handle))

    def address(self, name):
        """The address of an entry point; raises if the module has none."""
        address = self._lib.fx_module_lookup(self._handle, name.encode())
        if not address:
            raise RuntimeError(f"compiled module has no function {name!r}")
        return address

    def __del__(self):
        if self._handle:
            self._lib.fx_module_destroy(self._handle)


def compile_graph(text, options):
    """Compiles a graph in JSON with a dictionary of options."""
    lib = library()
    encoded = json.dumps(options).encode()
    error = ctypes.c_void_p()
    handle = lib.fx_compile_graph(text, len(text), encoded, len(encoded),
                                  ctypes.byref(error))
    if handle:
        return CompiledModule(handle)
    message = _take_string(error) or "unknown error"
    raise RuntimeError(f"fx_mlir could not compile the graph: {message}")


def check_graph(text, options):
    """What of a graph cannot be compiled: dictionaries of node, message and
    line."""
    lib = library()
    encoded = json.dumps(options).encode()
    error = ctypes.c_void_p()
    answer = ctypes.c_void_p(lib.fx_check_graph(
        text, len(text), encoded, len(encoded), ctypes.byref(error)))
    if answer:
        return json.loads(_take_string(answer))
    message = _take_string(error) or "unknown error"
    raise RuntimeError(f"fx_mlir could not read the graph: {message}")


def partition_graph(text, options):
    """The report of fx-partition on a joint graph in JSON; `options` are its
    options as text."""
    lib = library()
    encoded = options.encode()
    error = ctypes.c_void_p()
    answer = ctypes.c_void_p(lib.fx_partition_graph(
        text, len(text), encoded, len(encoded), ctypes.byref(error)))
    if answer:
        return json.loads(_take_string(answer))
    message = _take_string(error) or "unknown error"
    raise RuntimeError(f"fx_mlir could not partition the graph: {message}")


def export_python(source, pipeline):
    """The Python file of an fx module, given as bytes."""
    lib = library()
    error = ctypes.c_void_p()
    answer = ctypes.c_void_p(lib.fx_export_python(
        source, len(source), pipeline.encode(), ctypes.byref(error)))
    if answer:
        return _take_string(answer)
    raise RuntimeError(f"fx_mlir could not export the module: {_take_string(error)}")


def _take_string(pointer):
    """The text of a string that the library made; frees it."""
    if not pointer:
        return ""
    text = ctypes.string_at(pointer).decode(errors="replace")
    library().fx_string_free(pointer)
    return text
