"""`pip install .`: the backend is found without an import of ours.

A true installation into an environment of its own: entry points, the place of
the library and its search path are what is tested. It is quick because
build-wheel/ is kept and ccache has the objects of build/.
"""

import os
import pathlib
import re
import site
import subprocess
import sys

import pytest

ROOT = str(pathlib.Path(__file__).resolve().parents[2])

USE_BACKEND = """
import sys
import torch

assert "fx_mlir" in torch._dynamo.list_backends()
assert "fx_mlir" not in sys.modules

torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Linear(8, 16), torch.nn.GELU(), torch.nn.LayerNorm(16),
    torch.nn.Linear(16, 4))
compiled = torch.compile(model, backend="fx_mlir", fullgraph=True)
x = torch.randn(5, 8)
with torch.no_grad():
    torch.testing.assert_close(compiled(x), model(x))

def gradients(function):
    model.zero_grad()
    function(x).square().mean().backward()
    return [p.grad for p in model.parameters()]

expected = gradients(model)
torch.testing.assert_close(gradients(compiled), expected)

import fx_mlir
from fx_mlir import _call, _library
assert _call.call_module().__name__ == "fx_mlir._runtime", "slow calls"
print(fx_mlir.__file__)
print(_library.library()._name)
"""


def _environment(**variables):
    """Ours without what makes the source tree visible."""
    hidden = ("PYTHONPATH", "FX_MLIR_LIBRARY_DIR")
    kept = {k: v for k, v in os.environ.items() if k not in hidden}
    return {**kept, **variables}


def _run(command, **kwargs):
    result = subprocess.run(command, capture_output=True, text=True, **kwargs)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    return result.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of an environment with the package installed."""
    folder = tmp_path_factory.mktemp("environment")
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    python = str(folder / "bin" / "python")
    # What this interpreter has, PyTorch above all, is there too.
    where = _run([python, "-c",
                  "import sysconfig; print(sysconfig.get_path('purelib'))"])
    with open(os.path.join(where.strip(), "outer.pth"), "w") as file:
        file.write("\n".join(site.getsitepackages()) + "\n")
    # tools/setup.sh puts scikit-build-core there if the interpreter has none.
    _run([sys.executable, "-m", "pip", "--python", python, "install", "--quiet",
          "--no-deps", "--no-index", "--no-build-isolation", ROOT],
         env=_environment(PYTHONPATH=os.path.join(ROOT, "build-pip")))
    return python


def test_backend_is_found_without_an_import(python, tmp_path):
    environment = os.path.dirname(os.path.dirname(python))
    paths = _run([python, "-c", USE_BACKEND], cwd=tmp_path, env=_environment())
    for path in paths.splitlines():
        assert path.startswith(environment)


def test_library_does_not_point_to_the_build(python):
    code = "from fx_mlir import _library; print(_library._library_path())"
    library = _run([python, "-c", code], env=_environment()).strip()
    dynamic = _run(["/usr/lib/llvm-22/bin/llvm-readelf", "-d", library])
    assert "/usr/lib/llvm-22/lib" in dynamic
    assert ROOT not in dynamic
    contents = pathlib.Path(library).read_bytes()
    assert os.path.join(ROOT, "build-wheel", "lib").encode() not in contents


@pytest.mark.parametrize("settings, missing", [
    (["-DCMAKE_DISABLE_FIND_PACKAGE_MLIR=ON"], "MLIR"),
    (["-DCMAKE_CXX_COMPILER=clang++-0"], "compiler clang\\+\\+-0"),
])
def test_missing_packages_are_named(settings, missing, tmp_path):
    result = subprocess.run(
        ["cmake", "-G", "Ninja", "-S", ROOT, "-B", str(tmp_path), *settings],
        capture_output=True, text=True)
    assert result.returncode == 1
    text = " ".join(result.stderr.split())
    assert "was not found" in text
    for package in ("clang-22", "libmlir-22-dev", "mlir-22-tools"):
        assert package in text
    assert re.search(missing, text)
