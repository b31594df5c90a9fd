"""The zoo's models by the interpreter, against what PyTorch recorded: inference as
imported, training after autodiff and as forward and backward.
"""

import pytest
import test_zoo_run
from fx_graphs import tool

pytestmark = pytest.mark.skipif(
    not test_zoo_run.MODELS or tool("fx-run") is None,
    reason="needs the model zoo beside the project")

STAGES = {"fwd": ("import", "post-grad"), "train": ("autodiff", "post-grad")}
RUNS = [(model, level, stage) for model, level in test_zoo_run.MODELS for stage in STAGES[level]]


@pytest.mark.parametrize("model, level, stage", RUNS)
def test_model(model, level, stage, tmp_path):
    test_zoo_run.check(model, level, tmp_path, "--interpret", f"--stop-after={stage}")
