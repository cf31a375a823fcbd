"""The worked examples of docs/architecture.md are whole: entered where it says, they run."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from genmix_da.augment import editors
from genmix_da.classify import augmentations
from genmix_da.cli import main
from genmix_da.methods import METHODS, Method
from genmix_da.testing import MethodContract

PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"
Example = Callable[[str], ModuleType]
TINY = ("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32")


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """The module that a section of the page shows."""

    def shown(heading: str) -> ModuleType:
        section = PAGE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
        (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
        module = ModuleType(f"example_{heading.rpartition(' ')[2]}")
        monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look it up
        exec(compile(code, PAGE.name, "exec"), vars(module))
        return module

    return shown


def call(*arguments: object) -> None:
    assert main([str(argument) for argument in arguments]) == 0


def read(file: Path) -> Any:
    return json.loads(file.read_text())


def test_a_method_is_added(
    example: Example, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = example("Add a method").METHODS[0]
    monkeypatch.setitem(METHODS, method.name, method)
    arguments = ("adapt", "--src", "Art", "--tgt", "Clipart", "--data", data, *TINY)
    arguments += ("--source-epochs", 1, "--epochs", 2, "--batch-size", 8, "--split", "3/1/2")
    call(*arguments, "--method", method.name, "--out", tmp_path / "run")
    result = read(tmp_path / "run" / "result.json")
    assert (result["method"], result["status"]) == ("tent", "done")
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    losses = [json.loads(line)["losses"].get("entropy") for line in lines]
    assert losses[0] is None and losses[2] < losses[1]


class TestTheMethodThatIsShown(MethodContract):
    @pytest.fixture
    def method(self, example: Example) -> Method:
        shown: Method = example("Add a method").METHODS[0]
        return shown


def test_an_editor_is_added(
    example: Example, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(editors.EDITORS, "poster", example("Add an editor").PosterEditor)
    arguments = ("augment", data / "Art", tmp_path / "made", "--editor", "poster")
    call(*arguments, "--features", "off", "--per-image", 1, "--edit-size", 20)
    lines = (tmp_path / "made" / "manifest.jsonl").read_text().splitlines()
    kept = [json.loads(line) for line in lines if json.loads(line)["status"] == "kept"]
    assert len(kept) == 72
    assert {line["editor"] for line in kept} == {"poster"}


def test_an_augmentation_is_added(
    example: Example, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = example("Add an augmentation")
    monkeypatch.setitem(sys.modules, f"{augmentations.__name__}.solarise", module)
    monkeypatch.setitem(augmentations.AUGMENTATIONS, "solarise", "solarise:Solarise")
    arguments = ("classify", "train", "--data", data / "Art", *TINY, "--epochs", 1)
    arguments += ("--batch-size", 8, "--augment", "solarise", "--augment-option", "level=100")
    call(*arguments, "--out", tmp_path / "run")
    result = read(tmp_path / "run" / "result.json")
    assert result["augment"] == {"name": "solarise", "level": 100}
