"""The zoo's models by the interpreter, against what PyTorch recorded: inference as
imported, training after autodiff and as forward and backward.
"""

import pytest
import test_zoo_run
from fx_graphs import tool

pytestmark = pytest.mark.skipif(
    not test_zoo_run.MODELS or tool("fx-run") is None,
    reason="needs the model zoo beside the project")

# Another type over the same bits.
REFUSED = {("views_strided", "fwd"): "aten.view.dtype"}
STAGES = {"fwd": ("import", "post-grad"), "train": ("autodiff", "post-grad")}
RUNS = [(model, level, stage) for model, level in test_zoo_run.MODELS for stage in STAGES[level]]


@pytest.mark.parametrize("model, level, stage", RUNS)
def test_model(model, level, stage, tmp_path):
    flags = "--interpret", f"--stop-after={stage}"
    if (model, level) not in REFUSED:
        test_zoo_run.check(model, level, tmp_path, *flags)
        return
    with pytest.raises(test_zoo_run.Refused, match=REFUSED[model, level]):
        test_zoo_run.check(model, level, tmp_path, *flags)
