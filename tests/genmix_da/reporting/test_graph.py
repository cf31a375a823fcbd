"""What a page says and draws of the graph step, and of runs that have none."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genmix_da.methods import graph_name
from genmix_da.reporting.content import gather
from genmix_da.reporting.evaluations import evaluations, graph_evaluation
from genmix_da.reporting.form import read_metrics
from genmix_da.reporting.graph import facts
from genmix_da.reporting.load import load_runs
from genmix_da.reporting.run import ReportRun
from genmix_da.reporting.words import cards, verdict

TITLE = "Known against unknown, over the target's neighbours"


def loaded(folder: Path) -> ReportRun:
    return load_runs([folder]).runs[0]


@pytest.fixture
def without_graph(altered: Callable) -> Path:
    """A run as versions without the step left it: nothing of it in any file."""
    folder: Path = altered("earlier", graph=None, rejection=None)
    content = json.loads((folder / "result.json").read_text())
    config = content["provenance"]["config"]
    for name in ("graph", "graph_threshold", "graph_options"):
        del config[name]
    shutil.rmtree(folder)
    folder = altered("earlier", **{k: v for k, v in content.items() if k != "digest"})
    (folder / "evidence" / "graph.npz").unlink()
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("graph", None)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = [line.split(",")[:5] for line in (folder / "predictions.csv").read_text().splitlines()]
    (folder / "predictions.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    return folder


def test_cards_have_the_graphs_headline_beside_the_methods(
    finished: Any, page_of: Callable
) -> None:
    graph = finished.result["graph"]
    page = html.unescape(page_of(finished.folder))
    shown = dict(re.findall(r'data-graph="([a-z_]+)" data-value="([^"]*)"', page))
    names = ("last", "selected", "oracle", "source_only")
    assert shown == {name: str(graph[name]["h_score"]) for name in names}
    told = {card.key: card.graph.name for card in cards(loaded(finished.folder))}
    assert told == dict.fromkeys(names[:3], "lead+graph") | {"source_only": "source-only+graph"}
    assert f"Smoothed over the target's neighbours ({graph_name('lead')}) it is" in page
    assert TITLE in page


def test_numbers_in_words_are_those_of_the_record(finished: Any) -> None:
    graph = finished.result["graph"]
    told = dict(facts(loaded(finished.folder)))
    assert f"{graph['nodes']} nodes" in told["graph"] and f"{graph['edges']} edges" in told["graph"]
    assert "exact search" in told["graph"]
    assert "neighbours 10" in told["settings"] and "views one" in told["settings"]
    rejection = graph["rejection"]
    assert told["threshold"].startswith(f"{graph['threshold']:.3f}: as many images lie above it as")
    assert f"above {rejection['share_threshold']:.3f} where" in told["threshold"]
    assert "by the rule otsu:0.5: Otsu's" in told["threshold"]
    assert ("that floor did not decide" in told["threshold"]) != rejection["floored"]
    assert f"{100 * rejection['rejected']:.1f} % of the images" in told["rejected"]
    assert f"separability {rejection['separability']:.2f}" in told["rejected"]
    assert f"{graph['seconds']['views']:.1f} s for the views" in told["time"]


def test_charts_show_the_graph_at_its_own_threshold(finished: Any) -> None:
    from matplotlib.figure import Figure

    charts = {c.name: c for c in gather(load_runs([finished.folder]), ["genmix-da"]).charts}
    graph = finished.result["graph"]
    figure = Figure()
    charts["run-1-graph-uncertainty"].draw(figure)
    lines = [line.get_xdata()[0] for line in figure.axes[0].lines]
    assert lines == [graph["threshold"]]
    assert graph["rejection"]["rule"] in figure.axes[0].get_title()
    last = graph["last"]
    for name in ("roc", "oscr"):
        assert f"+graph: AUROC {100 * last['auroc']:.1f}, OSCR {100 * last['oscr']:.1f}" in (
            charts[f"run-1-{name}"].alt
        )
    right = round(last["accuracy"] * finished.result["images"]["target"])
    assert f"{right} of 60 images on the diagonal" in charts["run-1-graph-confusion"].alt
    # The method's own charts are at its threshold still.
    assert "rejected above 0.85" in charts["run-1-uncertainty"].alt
    assert "with the graph step" in charts["run-1-scores"].alt
    figure = Figure()
    charts["run-1-scores"].draw(figure)
    drawn = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    scores = [row["graph"]["scores"]["h_score"] for row in finished.metrics]
    assert list(drawn["H-score+graph"]) == pytest.approx([100 * score for score in scores])


def test_runs_without_the_step_have_nothing_of_it(without_graph: Path, page_of: Callable) -> None:
    page = html.unescape(page_of(without_graph))
    assert "+graph" not in page and "graph.npz" not in page and TITLE not in page
    assert "source model: AUROC" in page and "at the same threshold" in page
    assert loaded(without_graph).notes == {"curves": "", "evidence": "", "probes": ""}


def test_evidence_that_is_gone_or_damaged_costs_its_part_alone(
    altered: Callable, page_of: Callable
) -> None:
    folder = altered()
    file = folder / "evidence" / "graph.npz"
    file.write_bytes(b"PK\x03\x04 nonsense")
    page = html.unescape(page_of(folder))
    assert "graph.npz cannot be read" in page and "source model: AUROC" in page
    assert "nodes (images whose features are equal are one)" in page  # in the record
    assert "Confusion matrix, +graph" not in page
    file.unlink()
    assert "graph.npz not found in the run's evidence folder" in html.unescape(page_of(folder))


def test_partial_adaptation_rejects_nothing_with_the_graph_either(altered: Callable) -> None:
    run = loaded(altered(setting="pda"))
    found = graph_evaluation(run)
    assert found is not None and found.limit is None
    assert (found.decisions(4) == found.arrays["prediction"]).all()
    assert [name for name, _ in facts(run)] == ["graph", "settings", "time"]
    assert "threshold" not in verdict(run)


def test_a_rule_has_a_threshold_of_its_own_in_every_epoch(altered: Callable) -> None:
    made = {"rule": "otsu:0.5", "rejected": 0.5, "separability": None, "floored": False}
    folder = altered(threshold=0.6, rejection=made | {"threshold": 0.6})
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for line, threshold in zip(lines, (0.4, 0.5, 0.6), strict=True):
        line["rejection"] = made | {"threshold": threshold}
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    before, after = evaluations(loaded(folder))
    assert (str(before.limit), str(after.limit)) == (
        "0.400 (otsu:0.5)",
        "0.600 (otsu:0.5)",
    )
    content = gather(load_runs([folder]), ["genmix-da"])
    chart = next(chart for chart in content.charts if chart.name == "run-1-uncertainty")
    assert "rejected above 0.400 (otsu:0.5) and 0.600 (otsu:0.5)" in chart.alt


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("settings",), None),
        (("seconds",), {}),
        (("rejection",), None),
        (("rejection", "rule"), None),
        (("rejection", "separability"), "much"),
        (("nodes",), "many"),
        (("search",), None),
    ],
)
def test_records_of_another_form_are_not_used(
    run: Callable,
    finished: Any,
    altered: Callable,
    place: tuple[str, ...],
    value: Any,
    tmp_path: Path,
) -> None:
    graph = json.loads(json.dumps(finished.result["graph"]))
    part = graph
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    outcome = run("report", altered(graph=graph), "-o", tmp_path / "page.html")
    assert outcome.code == 2
    assert "has a graph or a rejection of another form" in outcome.err


@pytest.mark.parametrize("graph", [[1], {"scores": [1]}, {"scores": {"h_score": "high"}}])
def test_bad_lines_of_the_graph_are_counted(finished: Any, tmp_path: Path, graph: Any) -> None:
    lines = [json.dumps(row) for row in finished.metrics]
    lines[1] = json.dumps(finished.metrics[1] | {"graph": graph})
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    rows, note = read_metrics(tmp_path / "metrics.jsonl", "target")
    assert [row["epoch"] for row in rows] == [0, 2]
    assert note.startswith("1 of 3 lines")


def test_graph_settings_do_not_rename_a_method(altered: Callable) -> None:
    one = altered("one")
    content = json.loads((one / "result.json").read_text())
    content["provenance"]["config"] |= {"threshold": 0.7, "graph_options": {"alpha": 0.5}}
    two = altered("two", **content | {"identity": "f" * 16, "threshold": 0.7})
    assert sorted(run.method for run in load_runs([one, two]).runs) == [
        "lead (threshold 0.7)",
        "lead (threshold 0.85)",
    ]


def test_smoothed_decisions_are_those_of_the_predictions(finished: Any) -> None:
    run = loaded(finished.folder)
    found = graph_evaluation(run)
    assert found is not None
    decided = np.array(run.class_names)[found.decisions(4)]
    rows = [line.split(",") for line in finished.predictions.splitlines()]
    assert list(decided) == [row[rows[0].index("graph_predicted")] for row in rows[1:]]
