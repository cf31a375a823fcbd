"""The names at the top: what they are, that they are typed, and that results read as before."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import genmix_da
from genmix_da.adaptation.config import AdaptConfig
from genmix_da.adaptation.options import AdaptOptions
from genmix_da.classify.config import ClassifyConfig
from genmix_da.classify.options import ClassifyOptions
from genmix_da.runs.result import RunResult
from genmix_da.selfsupervised.config import SelfSupervisedConfig
from genmix_da.selfsupervised.options import SelfSupervisedOptions

NAMES = [
    *("__version__", "adapt", "augment_folder", "classify", "evaluate", "load_model"),
    *("predict", "report", "selfsupervised", "table", "train_source_model"),
]
ROOMS = ("classify", "selfsupervised")


def test_names_at_the_top() -> None:
    assert dir(genmix_da) == NAMES == genmix_da.__all__
    assert all(callable(getattr(genmix_da, name)) for name in NAMES[1:] if name not in ROOMS)
    with pytest.raises(AttributeError, match="adapted"):
        _ = genmix_da.adapted


def test_the_names_stay_functions_when_everything_is_imported() -> None:
    code = (
        "import genmix_da.reporting.page, genmix_da.tables.run, genmix_da.use.predict, genmix_da\n"
        f"print([callable(getattr(genmix_da, n)) for n in {NAMES[1:]!r} if n not in {ROOMS}])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" not in out.stdout


@pytest.mark.parametrize(
    ("options", "config"),
    [
        (AdaptOptions, AdaptConfig),
        (ClassifyOptions, ClassifyConfig),
        (SelfSupervisedOptions, SelfSupervisedConfig),
    ],
)
def test_options_are_the_fields_of_the_configuration(options: Any, config: Any) -> None:
    typed = {name: value.__forward_arg__ for name, value in options.__annotations__.items()}
    assert typed == {field.name: field.type for field in dataclasses.fields(config)}


def test_what_a_run_gives_equals_its_files(data: Path, tmp_path: Path) -> None:
    result = genmix_da.adapt(
        src="Art",
        tgt="Clipart",
        data=str(data),
        split="3/1/2",
        augment="none",
        backbone="timm:test_efficientnet",
        weights="none",
        image_size=32,
        batch_size=8,
        source_epochs=1,
        epochs=1,
        device="cpu",
        out=tmp_path / "run",
    )
    assert result.as_dict() == json.loads((result.folder / "result.json").read_text())


def test_a_table_from_python(data: Path, tmp_path: Path) -> None:
    made = genmix_da.table(
        pairs=["Ar2Cl"],
        methods="source-only",
        seeds=[1],
        out=tmp_path / "table",
        data=str(data),
        split="3/1/2",
        backbone="timm:test_efficientnet",
        weights="none",
        image_size=32,
        batch_size=8,
        source_epochs=1,
        device="cpu",
    )
    assert (made.failed, made.folder) == ((), tmp_path / "table")
    assert made.as_dict() == json.loads((made.folder / "table.json").read_text())
    assert {file.name for file in made.files} >= {"table.md", "runs.csv", "table.json"}


def test_a_result_reads_like_result_json(finished: Any) -> None:
    record = json.loads((finished.folder / "result.json").read_text())
    result = RunResult(record, Path(finished.folder))
    assert (result.as_dict(), dict(result), result == record) == (record, record, True)
    assert result.last == record["scores"]["last"]
    assert (result.oracle, result.selected) == (
        record["scores"]["oracle"],
        record["scores"]["selected"],
    )
    assert (result.method, result.setting) == ("lead", "opda")
    assert result.identity == record["identity"]
