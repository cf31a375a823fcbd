"""Decisions explained by neighbours: which, with which pictures, and what if images are gone."""

from __future__ import annotations

import csv
import html
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genmix_da.adaptation.evidence import Arrays, read_evidence
from genmix_da.reporting import page as page_module
from genmix_da.reporting.neighbours import Explained, explain_decisions
from genmix_da.reporting.neighbours_choice import KINDS, in_order, kind_of, room
from genmix_da.reporting.predicted import Predicted


@pytest.fixture(autouse=True)
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neighbours are pictures; the charts of the same page have tests of their own."""
    monkeypatch.setattr(page_module, "inline_svg", lambda chart: "<svg></svg>")


def evidence_of(folder: Path) -> Arrays:
    return read_evidence(folder, 4)[0]["graph"]


def explained(run: Any, folder: Path | None = None) -> tuple[list[Explained], str]:
    place = folder or run.folder
    return explain_decisions(place, run.result, evidence_of(place))


def rewrite(folder: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Change the rows of a run's predictions.csv."""
    file = folder / "predictions.csv"
    with file.open(newline="") as handle:
        head, *rows = csv.reader(handle)
    with file.open("w", newline="") as handle:
        csv.writer(handle).writerows([head, *map(change, rows)])


def line(true: str, alone: str, graph: str, before: float = 0.5, after: float = 0.5) -> Predicted:
    return Predicted(
        f"{true}-{alone}-{graph}-{before}-{after}", true, alone, 0.9, before, graph, after
    )


def test_rows_are_what_evidence_and_predictions_say(finished: Any) -> None:
    rows, note = explained(finished)
    assert rows and note == ""
    evidence = evidence_of(finished.folder)
    lines = list(csv.DictReader(finished.predictions.splitlines()))
    place = {each["path"]: number for number, each in enumerate(lines)}
    kinds = [row.kind for row in rows]
    assert kinds == sorted(kinds, key=list(KINDS).index)
    assert len({row.image.line.path for row in rows}) == len(rows) <= 6
    for row in rows:
        number = place[row.image.line.path]
        assert row.image.weight is None and row.image.picture is not None
        assert [place[each.line.path] for each in row.neighbours] == [
            other for other in evidence["neighbours"][number] if other >= 0
        ]
        weights = [each.weight for each in row.neighbours]
        assert weights == pytest.approx(evidence["weights"][number][: len(weights)])
        for each in (row.image, *row.neighbours):
            told = lines[place[each.line.path]]
            assert each.line.graph_predicted == told["graph_predicted"]
            assert each.line.graph_uncertainty == float(told["graph_uncertainty"])
            assert each.line.uncertainty == float(told["uncertainty"])


def test_pictures_are_those_of_the_files(finished: Any) -> None:
    from PIL import Image

    for row in explained(finished)[0]:
        for each in (row.image, *row.neighbours):
            assert each.picture is not None
            file = np.asarray(Image.open(each.line.path).convert("RGB"))
            assert (each.picture == file).all()  # 20 pixels wide: nothing to shrink


def test_the_page_shows_every_row(finished: Any, page_of: Callable) -> None:
    page = html.unescape(page_of(finished.folder))
    rows, _ = explained(finished)
    assert page.count('alt="neighbour, ') == sum(len(row.neighbours) for row in rows)
    threshold, smoothed = finished.result["threshold"], finished.result["graph"]["threshold"]
    assert f"Unknown is what lies above {threshold:.3g} alone, above {smoothed:.3g} with" in page
    for row in rows:
        assert f">{row.kind}</span> {KINDS[row.kind]}</p>" in page


def test_kinds_of_decisions() -> None:
    assert kind_of(line("a", "unknown", "a")) == "corrected"
    assert kind_of(line("unknown", "a", "unknown")) == "corrected"
    assert kind_of(line("a", "a", "b")) == "broken"
    assert kind_of(line("c", "a", "b")) == "changed"
    assert kind_of(line("", "a", "unknown")) == "changed"
    assert kind_of(line("a", "unknown", "unknown")) == "rejected"
    assert kind_of(line("", "b", "b")) == "accepted"


def test_others_that_were_changed_fill_the_places_of_mistakes() -> None:
    assert room("corrected", []) == 2
    assert room("corrected", ["corrected", "corrected"]) == 0
    assert room("changed", []) == 4
    assert room("changed", ["corrected", "broken", "broken"]) == 1
    assert room("changed", ["corrected", "corrected", "broken", "broken"]) == 0
    assert room("accepted", ["corrected"]) == 1


def test_the_largest_changes_come_first_and_both_ways_take_turns() -> None:
    lines = [
        line("", "a", "unknown", 0.54, 0.56),
        line("", "a", "unknown", 0.20, 0.90),
        line("", "a", "unknown", 0.30, 0.80),
        line("", "unknown", "a", 0.60, 0.30),
        line("", "unknown", "b", 0.60, 0.40),
        line("", "a", "a", 0.1, 0.1),
        line("", "a", "a", 0.1, 0.2),
        line("", "a", "a", 0.1, 0.3),
    ]
    order = in_order(lines, 0.55, 0.5)
    assert order["changed"] == [1, 3, 2, 4, 0]
    assert order["accepted"][0] == 6  # in the middle
    assert order["corrected"] == order["broken"] == order["rejected"] == []
    turned = in_order(lines[::-1], 0.55, 0.5)
    assert [7 - number for number in turned["changed"]] == order["changed"]


def test_without_labels_those_that_changed_most_are_shown(
    altered: Callable, finished: Any, page_of: Callable
) -> None:
    folder = altered()
    rewrite(folder, lambda row: [row[0], "", *row[2:]])
    rows, _ = explained(finished, folder)
    lines = list(csv.DictReader((folder / "predictions.csv").open()))
    changed = sum(each["predicted"] != each["graph_predicted"] for each in lines)
    counts = Counter(row.kind for row in rows)
    assert counts["changed"] == min(changed, 4) and not {"corrected", "broken"} & set(counts)
    assert "true:" not in page_of(folder)


def test_images_that_are_gone_leave_their_place_to_others(
    altered: Callable, finished: Any, page_of: Callable
) -> None:
    before, _ = explained(finished)
    shown = [row.image.line.path for row in before]
    first = shown[0]
    near = next(e.line.path for e in before[1].neighbours if e.line.path not in shown)
    folder = altered()
    lost = {first: "/nowhere/a/1.jpg", near: "/nowhere/a/2.jpg"}
    rewrite(folder, lambda row: [lost.get(row[0], row[0]), *row[1:]])
    rows, note = explained(finished, folder)
    assert not {row.image.line.path for row in rows} & set(lost.values())
    assert "of the images wanted first are not where they were." in note
    gone = sum(each.picture is None for row in rows for each in row.neighbours)
    assert gone and f"{gone} pictures of neighbours are not where they were." in note
    assert page_of(folder).count('<p class="gone">picture not found</p>') == gone


def test_nothing_is_explained_without_images(altered: Callable, finished: Any) -> None:
    folder = altered()
    rewrite(folder, lambda row: [f"/nowhere/{Path(row[0]).name}", *row[1:]])
    assert explained(finished, folder) == (
        [],
        "No decisions explained: the target images are not where they were.",
    )


def test_an_isolated_image_has_no_neighbours(
    altered: Callable, finished: Any, page_of: Callable
) -> None:
    folder = altered()
    file = folder / "evidence" / "graph.npz"
    arrays = dict(np.load(file))
    arrays["neighbours"][:], arrays["weights"][:] = -1, 0
    np.savez(file, **arrays)
    rows, note = explained(finished, folder)
    assert rows and all(row.neighbours == () for row in rows) and note == ""
    assert page_of(folder).count("Isolated: no neighbour weighs on it") == len(rows)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: "\n".join(text.splitlines()[:-1]), "is of another number of images than"),
        (
            lambda text: "\n".join(",".join(x.split(",")[:5]) for x in text.splitlines()),
            "does not have the graph's decisions",
        ),
        (lambda text: text.replace("graph_uncertainty", "graph_other"), "cannot be read"),
    ],
)
def test_predictions_that_do_not_fit_are_said(
    altered: Callable, finished: Any, page_of: Callable, change: Callable, reason: str
) -> None:
    folder = altered()
    file = folder / "predictions.csv"
    file.write_text(change(file.read_text()))
    rows, note = explained(finished, folder)
    assert rows == [] and reason in note
    assert reason in html.unescape(page_of(folder))
