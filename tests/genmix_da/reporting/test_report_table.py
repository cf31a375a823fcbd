"""A report of many runs: averages, heat map, differences, and who is shown in detail."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.reporting.comparisons import heat_map
from genmix_da.reporting.content import detailed_runs, gather
from genmix_da.reporting.load import load_runs
from genmix_da.reporting.tables import wanted
from genmix_da.runs.seal import seal

PAIRS = (("Art", "Clipart"), ("Clipart", "Product"), ("Product", "Art"))
METHODS = ("lead", "lead+genmix[filters]")


@pytest.fixture
def table(altered: Callable, tmp_path: Path) -> Path:
    """Three pairs, two methods, two seeds, each with a score of its own."""
    root = tmp_path / "table"
    number = 0
    for source, target in PAIRS:
        for method in METHODS:
            for seed in (1, 2):
                number += 1
                folder = altered(f"table/run{number}")
                content = json.loads((folder / "result.json").read_text())
                content |= {
                    "identity": f"{number:016x}",
                    "source": source,
                    "target": target,
                    "method": method,
                    "seed": seed,
                    "graph": None,  # as runs of earlier versions: one row each
                }
                for block in content["scores"].values():
                    block["h_score"] = 0.3 + number / 100
                (folder / "result.json").write_text(json.dumps(seal(content)))
    return root


def test_averages_are_those_of_the_tables(table: Path, page_of: Callable) -> None:
    page = page_of(table)
    pattern = r'data-average="([^"]*)" data-value="([^"]*)"'
    shown = {html.unescape(m): float(v) for m, v in re.findall(pattern, page)}
    # Runs 1 2 | 5 6 | 9 10 are lead's, 3 4 | 7 8 | 11 12 are those with GenMix.
    assert shown == pytest.approx({METHODS[0]: 0.3 + 0.055, METHODS[1]: 0.3 + 0.075})


def test_a_run_with_the_graph_step_is_two_rows(altered: Callable) -> None:
    loaded = load_runs([altered("run")])
    assert [item.method for item in wanted(loaded.runs)] == ["lead", "lead+graph"]
    (grid, *_) = gather(loaded, ["genmix-da"], details=0).tables[0].grids
    assert [row[0].text for row in grid.rows] == ["lead", "lead+graph"]


def test_best_and_worst_are_shown_in_detail(table: Path) -> None:
    runs = load_runs([table]).runs
    assert [run.headline for run in detailed_runs(runs, 6)] == pytest.approx([0.31, 0.42])
    assert len(detailed_runs(runs, 12)) == 12
    assert detailed_runs(runs, 0) == []


def test_comparison_has_heat_map_difference_and_curves(table: Path) -> None:
    content = gather(load_runs([table]), ["genmix-da", "report"], details=0)
    charts = {chart.name: chart for chart in content.comparison}
    assert list(charts) == ["heat-opda", "differences-opda", "cost", "curves-opda"]
    assert "lead+genmix[filters] minus lead: +2.0, 95 percent interval" in (
        charts["differences-opda"].alt
    )
    assert "lead 35.5, lead+genmix[filters] 37.5" in charts["heat-opda"].alt


def test_every_difference_has_a_panel_and_a_title(table: Path) -> None:
    from matplotlib.figure import Figure

    for file in sorted(table.glob("run*/result.json")):
        content = json.loads(file.read_text())
        if content["method"] == METHODS[1] and content["seed"] == 1:
            copy = file.parent.with_name(f"{file.parent.name}-more")
            copy.mkdir()
            content |= {"method": "lead+genmix[other]", "identity": content["identity"][::-1]}
            (copy / "result.json").write_text(json.dumps(seal(content)))
    content = gather(load_runs([table]), ["genmix-da"], details=0)
    (chart,) = [chart for chart in content.comparison if chart.name == "differences-opda"]
    assert "lead+genmix[other]" not in chart.alt  # one of its two seeds is missing
    for file in sorted(table.glob("*-more/result.json")):
        content_of = json.loads(file.read_text())
        content_of |= {"seed": 2, "identity": f"{content_of['identity'][:-1]}f"}
        again = file.parent.with_name(f"{file.parent.name}-2")
        again.mkdir()
        (again / "result.json").write_text(json.dumps(seal(content_of)))
    content = gather(load_runs([table]), ["genmix-da"], details=0)
    (chart,) = [chart for chart in content.comparison if chart.name == "differences-opda"]
    figure = Figure()
    chart.draw(figure)
    assert [axes.get_title() for axes in figure.axes] == [
        "lead+genmix[filters]\nminus lead",
        "lead+genmix[other]\nminus lead",
    ]


def test_heat_map_prints_the_tables_cells(table: Path) -> None:
    from matplotlib.figure import Figure

    (tables,) = gather(load_runs([table]), ["genmix-da"], details=0).tables
    headline = next(t for t in tables.summary.tables if t.is_headline and t.block == "last")
    figure = Figure()
    heat_map(headline, tables.name, tables.title).draw(figure)
    printed = [text.get_text() for text in figure.axes[0].texts]
    assert printed == ["31.5", "35.5", "39.5", "35.5", "33.5", "37.5", "41.5", "37.5"]


def test_missing_runs_leave_their_cells_incomplete(table: Path, page_of: Callable) -> None:
    (table / "run1" / "result.json").unlink()
    page = page_of(table, "--details", 0)
    assert "inc. 1/2" in page
    assert 'data-average="lead" data-value=""' in page


def test_runs_that_differ_in_a_setting_are_told_apart(altered: Callable, page_of: Callable) -> None:
    one = altered("one")
    content = json.loads((one / "result.json").read_text())
    content["provenance"]["config"]["threshold"] = 0.7
    two = altered("two", **content | {"identity": "f" * 16, "threshold": 0.7})
    loaded = load_runs([one, two])
    assert sorted(run.method for run in loaded.runs) == [
        "lead (threshold 0.7)",
        "lead (threshold 0.85)",
    ]
    page = page_of(one, two, "--details", 0)
    assert "above an uncertainty of 0.7 or 0.85" in page
    for run in loaded.runs:
        assert f'data-average="{run.method}"' in page


def test_settings_of_genmix_are_called_by_their_own_names(altered: Callable) -> None:
    one = altered("one")
    content = json.loads((one / "result.json").read_text())
    long = ["vertical", "horizontal", "vertical-flipped", "horizontal-flipped", "patchswap"]
    folders = [one]
    for number, masks in enumerate((["vertical"], long), start=1):
        content["provenance"]["config"]["genmix"] = {"per_image": 1, "masks": masks}
        folders.append(altered(f"run{number}", **content | {"identity": f"{number:016x}"}))
    assert sorted(run.method for run in load_runs(folders).runs) == [
        "lead",
        "lead (masks vertical+horizontal+vertical-flipped+horizontal-flipped+patchswap, "
        "per_image 1)",
        "lead (masks vertical, per_image 1)",
    ]


def test_runs_that_differ_in_no_setting_are_called_by_identity(altered: Callable) -> None:
    one, two = altered("one"), altered("two", identity="f" * 16)
    methods = {run.method for run in load_runs([one, two]).runs}
    assert "lead (run ffffffff)" in methods
    assert len(methods) == 2


def test_order_of_the_arguments_does_not_matter(table: Path) -> None:
    def titles(paths: list[Path]) -> list[Any]:
        return [run.title for run in load_runs(paths).runs]

    folders = sorted(table.iterdir())
    assert titles(folders) == titles(folders[::-1]) == titles([table])
