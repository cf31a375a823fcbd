"""The run folder: files are replaced as a whole, and nothing that is not JSON is written."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from genmix_da.errors import UserError
from genmix_da.runs.folder import RunFolder, write_csv


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_refuses_what_is_not_a_number(tmp_path: Path, value: float) -> None:
    run = RunFolder(tmp_path / "deep" / "run")
    run.write_json("result.json", {"status": "done"})
    with pytest.raises(ValueError, match="JSON"):
        run.write_json("result.json", {"status": "done", "score": value})
    assert run.result() == {"status": "done"}
    assert [file.name for file in run.path.iterdir()] == ["result.json"]


@pytest.mark.parametrize("status", ["incomplete", "failed"])
def test_only_a_finished_result_is_a_result(tmp_path: Path, status: str) -> None:
    run = RunFolder(tmp_path)
    assert run.result() is None
    run.write_json("result.json", {"status": status})
    assert run.result() is None


def test_folder_belongs_to_one_run(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.open("one", {"lr": 1}, resume=False)
    run.open("one", {"lr": 1}, resume=True)
    with pytest.raises(UserError, match="lr 1 instead of 2"):
        run.open("two", {"lr": 2}, resume=True)
    with pytest.raises(UserError, match="its data or weights have changed"):
        run.open("two", {"lr": 1}, resume=True)


@pytest.mark.parametrize("content", ["", "- a list", "text"])
def test_config_that_is_no_mapping_is_another_run(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(UserError, match="holds another run"):
        RunFolder(tmp_path).open("one", {"lr": 1}, resume=True)


def test_log_level_of_the_caller_is_left_alone(tmp_path: Path) -> None:
    package = logging.getLogger("genmix_da")
    before = package.level
    package.setLevel(logging.NOTSET)
    try:
        with RunFolder(tmp_path).logging():
            logging.getLogger("genmix_da.somewhere").info("kept")
        assert package.level == logging.NOTSET
    finally:
        package.setLevel(before)
    assert "INFO kept" in (tmp_path / "log.txt").read_text()


def test_csv_quotes_and_keeps_bytes(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    write_csv(file, ("path", "predicted"), [("a,b \u3042", 'say "x"'), (os.fsdecode(b"\xe9"), "")])
    lines = file.read_bytes().splitlines()
    assert lines == [b"path,predicted", '"a,b \u3042","say ""x"""'.encode(), b"\xe9,"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]  # no temporary file is left
