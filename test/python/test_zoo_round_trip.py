"""Each archive as text, as bytecode and as Python that gives what was recorded."""

import pytest
import model_zoo
from fx_graphs import ROOT, tool

OWN = ROOT / "test" / "Import" / "Inputs"
pytestmark = pytest.mark.skipif(tool("fx-translate") is None, reason="needs the tools")
# One refuses on purpose: it writes through an expanded view.
NAMES = sorted(path.name for path in OWN.glob("*.pt2") if path.stem != "written-expand")


@pytest.mark.parametrize("name", NAMES)
def test_own(name, tmp_path):
    text = model_zoo.import_program(OWN / name)
    model_zoo.check_round_trip(text, tmp_path)
    module = model_zoo.to_python(text, tmp_path / "module.py")
    assert callable(module.main)


@pytest.mark.parametrize("model, level", model_zoo.files(model_zoo.ZOO))
def test_zoo(model, level, tmp_path):
    path = model_zoo.ZOO / model / f"{level}.pt2"
    text = model_zoo.import_program(path)
    model_zoo.check_round_trip(text, tmp_path)
    model_zoo.check_export(path, text, tmp_path)
