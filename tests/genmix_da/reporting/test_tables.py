"""One run has no tables beside its cards; runs of different splits have tables of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.reporting.content import gather
from genmix_da.reporting.load import load_runs


@pytest.fixture
def of_split(altered: Callable, finished: Any) -> Callable[..., Path]:
    """A copy of the finished run that was asked for another split, or for none."""

    def make(name: str, split: list[int], asked: str | None, **fields: Any) -> Path:
        origin = json.loads(json.dumps(finished.result["provenance"]))
        origin["config"]["split"] = asked
        number = f"{sum(name.encode()):016x}"
        folder: Path = altered(
            name, **{"identity": number, "split": split, "provenance": origin} | fields
        )
        return folder

    return make


def tables_of(*folders: Path, details: int = 6) -> list[tuple[str, str, int]]:
    """(name, title, number of runs) of the tables of a page."""
    content = gather(load_runs(folders), ["genmix-da"], details=details)
    names = [chart.name for chart in content.charts]
    assert len(names) == len(set(names))
    return [(each.name, each.title, len(each.runs)) for each in content.tables]


def test_different_splits_are_not_averaged(of_split: Callable, page_of: Callable) -> None:
    folders = [
        of_split("a", [3, 1, 2], "3/1/2"),
        of_split("b", [2, 2, 2], "2/2/2"),
        of_split("c", [2, 2, 2], "2/2/2", method="lead+genmix[filters]"),
    ]
    assert tables_of(*folders) == [("opda", "OPDA 3/1/2", 1), ("opda-2", "OPDA 2/2/2", 2)]
    page = page_of(*folders, "--details", 0)
    assert 'data-average="lead"' in page
    assert len(re.findall(r">OPDA [\d/]+: average over pairs", page)) == 2
    titles = re.findall(r'class="caption">(OPDA [^<]*H-score, last epoch[^<]*)<', page)
    assert [title.split(",")[0] for title in titles] == ["OPDA 3/1/2", "OPDA 2/2/2"]
    # Each by its method alone: the split is in the title.
    assert {run.title for run in load_runs(folders[:2]).runs} == {
        "Art to Clipart, OPDA 3/1/2, lead, seed 2021",
        "Art to Clipart, OPDA 2/2/2, lead, seed 2021",
    }


def test_a_split_that_was_asked_for_may_be_the_datas_own(of_split: Callable) -> None:
    folders = of_split("a", [3, 1, 2], "3/1/2"), of_split("b", [3, 1, 2], None, seed=1)
    assert tables_of(*folders) == [("opda", "OPDA", 2)]


def test_pairs_whose_data_have_other_splits_stay_together(of_split: Callable) -> None:
    folders = [
        of_split("a", [3, 1, 2], None),
        of_split("b", [2, 2, 2], None, target="Product"),
        of_split("c", [2, 2, 2], "2/2/2", target="Product", seed=1),
    ]
    assert tables_of(*folders) == [("opda", "OPDA own splits", 2), ("opda-2", "OPDA 2/2/2", 1)]


def test_files_of_class_names_are_splits_of_their_own(of_split: Callable) -> None:
    folders = of_split("a", [3, 1, 2], "3/1/2"), of_split("b", [3, 1, 2], "splits/fruit.yaml")
    assert [title for _, title, _ in tables_of(*folders)] == [
        "OPDA 3/1/2",
        "OPDA 3/1/2 (fruit.yaml)",
    ]


def test_one_run_repeats_no_card_in_a_table(finished: Any, page_of: Callable) -> None:
    page = page_of(finished.folder)
    assert "<table" not in page.split('<section id="cost">')[0]
    assert 'href="#tables"' not in page
    graph = finished.result["graph"]["last"]  # what the tables had beside the cards
    assert f"<dt>OSCR</dt><dd>{100 * graph['oscr']:.1f}</dd>" in page
    assert "<table" in page_of(finished.folder, "--details", 0)


def test_published_rows_beside_one_run_stay(
    finished: Any, page_of: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genmix_da.tables import kinds
    from genmix_da.tables.cells import PublishedRow

    kind = kinds.kind_of("opda")
    row = PublishedRow("LEAD", "a paper", {"Ar2Cl": 0.5, "Avg": None})
    monkeypatch.setitem(vars(kind), "published", lambda runs, columns: [row])
    assert "LEAD (published)" in page_of(finished.folder)
