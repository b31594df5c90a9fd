"""Every op that fx-lower-to-linalg knows, against eager PyTorch."""

import lowering_cases
import lowering_harness as harness
import pytest

CASES = lowering_cases.all_cases()


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return harness.compile_cases(CASES, tmp_path_factory.mktemp("lowering"))


@pytest.mark.parametrize("index", range(len(CASES)),
                         ids=[f"{i}-{case.op}" for i, case in enumerate(CASES)])
def test_op(library, index):
    harness.check(library, CASES[index])
