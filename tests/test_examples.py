"""The scripts of examples/ do what they say, on drawn images with a tiny network."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from genmix_da.methods import METHODS, Method
from genmix_da.testing import MethodContract

EXAMPLES = Path(__file__).parents[1] / "examples"
TINY: dict[str, Any] = {
    **{"split": "3/1/2", "backbone": "timm:test_efficientnet", "weights": "none"},
    **{"image_size": 32, "batch_size": 8, "source_epochs": 2, "epochs": 2, "device": "cpu"},
}
Load = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    def script(name: str) -> ModuleType:
        spec = spec_from_file_location(name, EXAMPLES / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return script


@pytest.fixture(autouse=True)
def no_method_stays(monkeypatch: pytest.MonkeyPatch) -> Any:
    yield
    if "self-training" in METHODS:
        del METHODS["self-training"]


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.stem)
def test_each_is_one_short_script(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert len(lines) < 80
    assert f"python examples/{file.name}" in "\n".join(lines[:8])


def test_adapt_from_python(
    load: Load, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = data / "Product" / "apple"
    result = load("adapt_from_python").main(
        str(data), "Art", "Clipart", str(photos), out=tmp_path / "run", **TINY
    )
    out = capsys.readouterr().out
    assert f"last      H-score {100 * result.last['h_score']:.1f}" in out
    assert (tmp_path / "run" / "report.html").is_file()
    assert sum(str(photos) in line for line in out.splitlines()) == 12


def test_frozen_table(load: Load, data: Path, tmp_path: Path) -> None:
    options = TINY | {"backbone": "timm:test_efficientnet", "pairs": "Ar2Cl", "seeds": (1, 2)}
    means = load("frozen_table").main(str(data), str(tmp_path / "table"), **options)
    assert {"source-only (frozen)", "lead (frozen)"} <= set(means)
    tables = json.loads((tmp_path / "table" / "table.json").read_text())["tables"]
    (rows,) = (t["rows"] for t in tables if (t["block"], t["metric"]) == ("last", "h_score"))
    assert means == {row["method"]: 100 * row["cells"]["Avg"]["mean"] for row in rows}


def test_targets_without_unknown_classes(
    load: Load, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    closed, pair = TINY | {"split": "4/0/0"}, (str(data), "Art", "Clipart")
    load("adapt_from_python").main(*pair, out=tmp_path / "run", **closed)
    assert "last      accuracy" in capsys.readouterr().out
    found = load("own_method").main(*pair, str(tmp_path / "own"), augment="none", **closed)
    assert "lead           known_accuracy" in capsys.readouterr().out
    table = str(tmp_path / "table")
    means = load("frozen_table").main(str(data), table, pairs="Ar2Cl", seeds=(1,), **closed)
    assert "known_accuracy, mean of all pairs" in capsys.readouterr().out
    assert set(found) == {"self-training", "lead"} and "lead (frozen)" in means


def test_own_method(load: Load, data: Path, tmp_path: Path) -> None:
    options = TINY | {"augment": "none"}
    found = load("own_method").main(str(data), "Art", "Clipart", str(tmp_path / "runs"), **options)
    assert set(found) == {"self-training", "lead"}
    assert (tmp_path / "runs" / "self-training" / "result.json").is_file()


class TestOwnMethod(MethodContract):
    @pytest.fixture
    def method(self, load: Load) -> Method:
        load("own_method")
        return METHODS["self-training"]
