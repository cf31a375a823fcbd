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

NAMES = [
    *("__version__", "adapt", "augment_folder", "classify", "evaluate", "load_model"),
    *("predict", "report", "table", "train_source_model"),
]


def test_names_at_the_top() -> None:
    assert dir(genmix_da) == NAMES == genmix_da.__all__
    assert all(callable(getattr(genmix_da, name)) for name in NAMES[1:] if name != "classify")
    with pytest.raises(AttributeError, match="adapted"):
        _ = genmix_da.adapted


def test_the_names_stay_functions_when_everything_is_imported() -> None:
    code = (
        "import genmix_da.reporting.page, genmix_da.tables.run, genmix_da.use.predict, genmix_da\n"
        f"print([callable(getattr(genmix_da, n)) for n in {NAMES[1:]!r} if n != 'classify'])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" not in out.stdout


@pytest.mark.parametrize(
    ("options", "config"), [(AdaptOptions, AdaptConfig), (ClassifyOptions, ClassifyConfig)]
)
def test_options_are_the_fields_of_the_configuration(options: Any, config: Any) -> None:
    typed = {name: value.__forward_arg__ for name, value in options.__annotations__.items()}
    assert typed == {field.name: field.type for field in dataclasses.fields(config)}


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
