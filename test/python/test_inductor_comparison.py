"""tools/compare-with-inductor.py: a small model, and what an explanation covers."""

import importlib.machinery
import importlib.util
import json
import subprocess
import sys

import model_zoo
import pytest
from fx_graphs import ROOT, tool

TOOL = ROOT / "tools" / "compare-with-inductor.py"

pytest.importorskip("torch._inductor")
pytestmark = pytest.mark.skipif(tool("fx-opt") is None, reason="needs the tools")


def load():
    loader = importlib.machinery.SourceFileLoader("compare_with_inductor", str(TOOL))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


@pytest.mark.skipif(model_zoo.ZOO is None, reason="needs the model zoo beside the project")
def test_a_model_has_no_unexplained_difference(compiler):
    done = subprocess.run(
        [sys.executable, str(TOOL), "--zoo", str(model_zoo.ZOO.parent), "--runs", "1", "lenet",
         "cond_net", "lstm_module"],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "lenet inference: 30 nodes, 0 differences" in done.stdout
    assert "lenet training: " in done.stdout and "skipped" not in done.stdout
    # Branches have operators, which are counted beside those around them.
    assert "cond_net inference: 20 nodes, 0 differences" in done.stdout
    assert "cond_net training: 86 nodes" in done.stdout


def test_explanations():
    compare = load()
    entries = json.loads(compare.EXPLANATIONS.read_text())
    assert len({entry["name"] for entry in entries}) == len(entries)
    for entry in entries:
        assert entry["verdict"] in ("better", "deliberate", "measurement") and entry["why"]
    # A product or an exponential more has none in a graph that is only read.
    assert compare.explain(entries, "lenet", "joint", "aten.mm", 3, 4) is None
    assert compare.explain(entries, "lenet", "forward", "aten.exp", 1, 2) is None
    assert compare.explain(entries, "lenet", "joint", "aten.clone", 1, 0)["name"] == "layouts"


def test_seconds_of_a_report():
    compare = load()
    report = """    0.0336 (100.0%)  root
    0.0213 ( 63.5%)  Parser
    0.0094 ( 27.9%)  Output
    0.0016 (  4.8%)  PartitionPass
    0.0003 (  1.0%)  DecomposePass
    0.0336 (100.0%)  Total
"""
    assert compare.stage_seconds(report) == pytest.approx(0.0013)
