"""The page as text: what it says of runs, and that it loads nothing and escapes everything."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

EVIL = "<script>alert(1)</script>"


class _Tags(HTMLParser):
    """Every start tag with its attributes, and the text outside of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._skip = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._skip = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._skip = False

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def parsed(page: str) -> _Tags:
    found = _Tags()
    found.feed(page)
    return found


@pytest.fixture(scope="module")
def page(finished: Any, write_page: Callable) -> str:
    """Of one run."""
    text: str = write_page(finished.folder)
    return text


@pytest.fixture(scope="module")
def both(finished: Any, genmix_run: Any, write_page: Callable) -> str:
    """Of one pair with two methods."""
    text: str = write_page(finished.folder, genmix_run.folder)
    return text


def test_headline_columns_are_those_of_the_record(finished: Any, page: str) -> None:
    tags = parsed(page).tags
    shown = {a["data-score"]: a["data-value"] for _, a in tags if "data-score" in a}
    scores = finished.result["scores"]
    wanted = {name: str(scores[name]["h_score"]) for name in ("last", "selected", "oracle")}
    assert shown == wanted | {"source_only": str(finished.result["source_only"]["h_score"])}


def test_page_refers_to_nothing_outside(both: str) -> None:
    for tag, attributes in parsed(both).tags:
        for name in ("src", "href", "xlink:href", "action", "data"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:")), (tag, name, value[:80])
    assert not re.search(r"url\((?!#)", both)
    assert "@import" not in both


def test_every_picture_has_words(both: str) -> None:
    tags = parsed(both).tags
    images = [attributes for tag, attributes in tags if tag == "img"]
    drawings = [attributes for tag, attributes in tags if tag == "svg"]
    assert images
    assert len(drawings) > 10
    assert all(image.get("alt") for image in images)
    assert all(drawing.get("aria-label") for drawing in drawings)


def test_no_id_stands_twice(both: str) -> None:
    tags = parsed(both).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    doubles = {name for name in ids if ids.count(name) > 1}
    assert not doubles


def test_every_reference_has_its_target(both: str) -> None:
    tags = parsed(both).tags
    ids = {attributes["id"] for _, attributes in tags if "id" in attributes}
    wanted = set(re.findall(r"url\(#([^)]+)\)", both))
    wanted |= {
        (a.get("href") or a.get("xlink:href") or "#")[1:]
        for _, a in tags
        if (a.get("href") or a.get("xlink:href") or "").startswith("#")
    }
    assert wanted
    assert wanted <= ids


@pytest.mark.usefixtures("charts_written")
def test_names_that_hold_html_stay_text(altered: Callable, page_of: Callable) -> None:
    folder = altered(method=f"lead {EVIL}", dataset=EVIL, source=f"$x_1$ {EVIL}")
    content = json.loads((folder / "result.json").read_text())
    sets = content["provenance"]["config"]["label_sets"]
    old = sets["shared"][0]
    sets["shared"][0] = EVIL
    folder = altered("again", **{k: v for k, v in content.items() if k != "digest"})
    with (folder / "predictions.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    with (folder / "predictions.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[EVIL if c == old else c for c in row] for row in rows])
    page = page_of(folder)
    assert EVIL not in page
    tags = [tag for tag, _ in parsed(page).tags]
    assert tags.count("script") == 1  # the page's own
    # In the title, in a table, on the axis of a figure and beside Grad-CAM.
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4


@pytest.mark.usefixtures("charts_written")
def test_the_same_runs_give_the_same_page(finished: Any, page: str, write_page: Callable) -> None:
    assert write_page(finished.folder) == page


def test_one_run_says_what_each_column_means(page: str) -> None:
    text = parsed(page).text
    assert "harmonic mean of the accuracy on known classes" in text
    assert "best epoch by TARGET LABELS" in text
    assert "epoch chosen without target labels" in text


def test_stand_ins_and_drawn_images_are_marked(
    both: str, altered: Callable, page_of: Callable
) -> None:
    assert "The editor 'filters' stands in for a generative one" in parsed(both).text
    assert "SYNTHETIC DATA" not in both
    assert "SYNTHETIC DATA" in page_of(altered(synthetic=True), "--details", 0)


def test_gallery_counts_are_those_of_the_manifest(genmix_run: Any, both: str) -> None:
    text = parsed(both).text
    made = genmix_run.result["source_model"]["augment"]
    assert f"{made['kept']} edits kept, {made['dropped']} dropped as unfaithful" in text


def test_gallery_comes_after_the_curves(both: str) -> None:
    found = parsed(both)
    ids = [a["id"] for tag, a in found.tags if tag == "section" and a.get("id")]
    assert ids.index("gallery") > max(ids.index("run-1"), ids.index("run-2"))
    links = [a.get("href") for tag, a in found.tags if tag == "a"]
    assert links.index("#gallery") > links.index("#run-2")


def test_every_stage_has_a_bar(
    genmix_run: Any, page_of: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genmix_da.reporting import content, galleries, load
    from genmix_da.reporting import page as page_module

    seen: dict[str, int] = {}

    def counted(items: Any, description: str, total: int) -> Any:
        for item in items:
            seen[description] = seen.get(description, 0) + 1
            yield item
        assert seen[description] == total

    for module in (content, galleries, load, page_module):
        monkeypatch.setattr(module, "track", counted)
    page = page_of(genmix_run.folder)
    drawings = page.count("<svg ")
    assert seen == {
        "reading": 1,
        "runs and their Grad-CAM": 1,
        "what GenMix did": 1,
        "drawing": drawings,
    }


def test_figures_are_written_as_files(finished: Any, run: Callable, tmp_path: Path) -> None:
    outcome = run(
        *("report", finished.folder, "-o", tmp_path / "r.html", "--figures", tmp_path / "figures")
    )
    assert outcome.code == 0
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    for wanted in ("scores", "losses", "uncertainty", "roc", "oscr", "norms", "map-class"):
        assert {f"run-1-{wanted}.svg", f"run-1-{wanted}.png"} <= names
    assert all(path.stat().st_size > 2000 for path in (tmp_path / "figures").iterdir())


def test_a_pair_stays_under_five_megabytes(both: str) -> None:
    assert len(both.encode()) < 5_000_000


@pytest.mark.parametrize("details", [0, 2])
def test_details_limits_the_runs_shown_one_by_one(
    finished: Any, genmix_run: Any, page_of: Callable, details: int
) -> None:
    page = page_of(finished.folder, genmix_run.folder, "--details", details)
    ids = [a.get("id") for _, a in parsed(page).tags]
    shown = [name for name in ("run-1", "run-2") if name in ids]
    assert len(shown) == (2 if details == 2 else 0)
    assert ("Other runs" in page) == (details < 2)
