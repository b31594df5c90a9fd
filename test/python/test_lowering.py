"""Every op that fx-lower-to-linalg knows, against eager PyTorch."""

import os

import pytest

torch = pytest.importorskip("torch")

import lowering_cases  # noqa: E402
import lowering_harness as harness  # noqa: E402

missing = [name for name, path in harness.TOOLS.items() if not path]
if not os.path.exists(harness.FX_OPT):
    missing.append(harness.FX_OPT)
pytestmark = pytest.mark.skipif(bool(missing), reason=f"needs {missing}")

CASES = lowering_cases.all_cases()


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return harness.compile_cases(CASES, tmp_path_factory.mktemp("lowering"))


@pytest.mark.parametrize("index", range(len(CASES)),
                         ids=[f"{i}-{case.op}" for i, case in enumerate(CASES)])
def test_op(library, index):
    harness.check(library, CASES[index])
