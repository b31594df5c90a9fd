"""lit configuration: tests are .mlir files and small scripts, one folder a stage."""

import ctypes
import os
import shutil

import lit.formats

config.name = "fx-mlir"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.fx_build_dir, "test")
config.excludes = ["Inputs", "CMakeLists.txt", "python"]

bin_dir = os.path.join(config.fx_build_dir, "bin")
config.environment["PATH"] = os.pathsep.join(
    [bin_dir, config.llvm_tools_dir, os.environ["PATH"]]
)
config.substitutions.append(("%fx_src", config.fx_source_dir))
config.substitutions.append(("%fx_lib", os.path.join(config.fx_build_dir, "lib")))
config.substitutions.append(("%python", config.python))

# The workshop's shared data; tests that use it are extra checks.
shared = os.path.join(config.fx_source_dir, "..", "shared")
if os.path.isdir(os.path.join(shared, "oracle")):
    config.available_features.add("shared")
    config.substitutions.append(("%shared", shared))
# Nothing that is built without the sanitizers can load what is built with them,
# and their shadow memory needs more address space than a test may limit.
if config.has_asan:
    config.available_features.add("asan")
elif shutil.which("mlir-opt-22"):
    config.available_features.add("mlir-opt-22")
if shutil.which("ptxas"):
    config.available_features.add("ptxas")


def has_gpu():
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int()
    started = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    return started and count.value > 0


if not has_gpu():
    config.available_features.add("no-gpu")
