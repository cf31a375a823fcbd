"""Manifests and records that were edited or damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from genmix_da.reporting.gallery_manifest import read_manifest, read_record


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "[]", '{"status": "lost"}'], ids=range(4))
def test_lines_that_cannot_be_used_are_counted(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.jsonl").write_text(f'{{"status": "kept"}}\n{text}\n')
    lines, bad = read_manifest(tmp_path)
    assert ([line.status for line in lines], bad) == (["kept"], 1)


@pytest.mark.parametrize("value", ["1" + "0" * 400, "-1e999", "NaN", '"much"', "[1]", "null"])
def test_a_similarity_that_is_no_number_is_none(tmp_path: Path, value: str) -> None:
    line = f'{{"status": "kept", "similarity": {value}, "threshold": 0.5}}'
    (tmp_path / "manifest.jsonl").write_text(line)
    ((found,), bad) = read_manifest(tmp_path)
    assert (found.similarity, found.threshold, bad) == (None, 0.5, 0)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "[]"], ids=range(3))
def test_a_record_that_cannot_be_read_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "augment.json").write_text(text)
    assert read_record(tmp_path) == {}
