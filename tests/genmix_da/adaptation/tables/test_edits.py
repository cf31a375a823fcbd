"""A source's edits, spread over jobs, give the table that one job gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from genmix_da.augment import pipeline

OPTIONS = ("--pairs", "Ar2Cl", "--methods", "lead+genmix", "--seeds", "1")


def test_shared_edits_give_the_same_table(
    table: Callable, numbers: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for parts in (1, 3):
        monkeypatch.setenv("GENMIX_DA_CACHE", str(tmp_path / f"cache{parts}"))
        out = tmp_path / f"out{parts}"
        if parts > 1:
            edited = _edits_left(monkeypatch)
        said = table(*OPTIONS, "--edit-shards", parts, "--out", out)
        assert said.code == 0, said
        found.append(numbers(out))
    assert found[0] == found[1]
    assert set(edited) == {0}  # the job that composes found every edit made
    edits = [
        {file.name: file.read_bytes() for file in (tmp_path / f"cache{n}/edits").rglob("*.jpg")}
        for n in (1, 3)
    ]
    assert edits[0]
    assert edits[0] == edits[1]


def _edits_left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many edits each composing job still had to make."""
    left: list[int] = []
    select = pipeline.select_edits

    def counted(*arguments: object) -> object:
        selection = select(*arguments)  # type: ignore[arg-type]
        left.append(selection.made)
        return selection

    monkeypatch.setattr(pipeline, "select_edits", counted)
    return left


def test_no_part_is_refused(table: Callable, tmp_path: Path) -> None:
    said = table(*OPTIONS, "--edit-shards", 0, "--out", tmp_path / "out")
    assert said.code == 2
    assert "--edit-shards" in said.err
