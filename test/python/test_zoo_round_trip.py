"""Each archive as text, as bytecode and as Python that gives what was recorded."""

import pytest
import zoo
from fx_graphs import ROOT, tool

OWN = ROOT / "test" / "Import" / "Inputs"
pytestmark = pytest.mark.skipif(tool("fx-translate") is None, reason="needs the tools")
# One refuses on purpose: it writes through an expanded view.
NAMES = sorted(path.name for path in OWN.glob("*.pt2") if path.stem != "written-expand")


@pytest.mark.parametrize("name", NAMES)
def test_own(name, tmp_path):
    text = zoo.import_program(OWN / name)
    zoo.check_round_trip(text, tmp_path)
    module = zoo.to_python(text, tmp_path / "module.py")
    assert callable(module.main)


@pytest.mark.parametrize("model, level", zoo.files(zoo.ZOO))
def test_zoo(model, level, tmp_path):
    path = zoo.ZOO / model / f"{level}.pt2"
    text = zoo.import_program(path)
    zoo.check_round_trip(text, tmp_path)
    zoo.check_export(path, text, tmp_path)
