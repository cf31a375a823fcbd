"""Reports of small real runs, and copies of runs whose records say something else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import pytest

from genmix_da.reporting import figures
from genmix_da.reporting import page as page_module
from genmix_da.runs.seal import seal


@pytest.fixture(autouse=True)
def charts_drawn_but_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every chart of a page is drawn; as SVG, most of a page's time, where a test looks at it.

    Pages of fixtures that several tests share hold their charts.
    """

    def drawn(chart: figures.Chart) -> str:
        with figures._drawn(chart, figures._INK):
            return f'<svg role="img" aria-label="{escape(figures.shown(chart.alt))}"></svg>'

    monkeypatch.setattr(page_module, "inline_svg", drawn)


@pytest.fixture
def charts_written(charts_drawn_but_not_written: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The charts of this test's pages are written as well."""
    monkeypatch.setattr(page_module, "inline_svg", figures.inline_svg)


@pytest.fixture
def altered(finished: Any, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the finished run with another record, sealed as a run seals its own."""

    def make(name: str = "altered", **fields: Any) -> Path:
        folder = tmp_path / name
        shutil.copytree(finished.folder, folder)
        content = json.loads((folder / "result.json").read_text())
        (folder / "result.json").write_text(json.dumps(seal(content | fields)))
        return folder

    return make


@pytest.fixture
def copied(finished: Any, tmp_path: Path) -> Path:
    """The session's run, to be damaged; its source model stays where it is."""
    return Path(shutil.copytree(finished.folder, tmp_path / "copy" / "run"))


@pytest.fixture
def page_of(run: Callable, tmp_path: Path) -> Callable[..., str]:
    """The text of the page that `genmix-da report` writes."""

    def make(*arguments: object) -> str:
        out = tmp_path / "report.html"
        outcome = run("report", *arguments, "-o", out)
        assert outcome.code == 0, outcome.err
        assert outcome.out.split() == [str(out)]
        return out.read_text(encoding="utf-8")

    return make


@pytest.fixture(scope="module")
def write_page(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The text of a page on run folders, for fixtures that several tests share."""

    def make(*runs: Path) -> str:
        from genmix_da.reporting import write_report

        out = write_report(runs, tmp_path_factory.mktemp("page") / "report.html")
        return str(out.read_text(encoding="utf-8"))

    return make


@pytest.fixture(scope="session")
def genmix_run(adapt_once: Callable[..., Any]) -> Any:
    """Art to Clipart with GenMix; its cache is gone with the command, as on another machine."""
    return adapt_once(
        *("--split", "3/1/2", "--augment", "genmix", "--editor", "filters", "--per-image", "1"),
        *("--features", "off", "--edit-size", "20", "--seed", "3"),
    )
