"""All models of the zoo through torch.compile: right, and what falls back.

Needs ../shared/zoo. With FX_ZOO_TABLE=FILE the table is written there.
"""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

import zoo_check
from conftest import ROOT


def find_zoo():
    for folder in Path(ROOT).parents:
        path = folder / "shared" / "zoo" / "zoo.py"
        if path.exists():
            return path
    return None


def load_zoo():
    spec = importlib.util.spec_from_file_location("zoo", find_zoo())
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look for their module.
    sys.modules["zoo"] = module
    spec.loader.exec_module(module)
    return module


ZOO = load_zoo() if find_zoo() else None

pytestmark = [
    pytest.mark.skipif(ZOO is None, reason="needs the model zoo beside the project"),
    pytest.mark.usefixtures("compiler"),
]


@pytest.mark.parametrize("name", ZOO.REGISTRY if ZOO else ["none"])
def test_model(name):
    results = zoo_check.check(ZOO, name)
    table = os.environ.get("FX_ZOO_TABLE")
    for what, reports in results.items():
        line = f"| {name} | {what} | {zoo_check.describe(reports)} |"
        print(line)
        if table:
            with open(table, "a", encoding="utf-8") as file:
                file.write(line + "\n")
