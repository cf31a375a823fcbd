"""`genmix-da graph`: the step made again in other ways, from a finished run alone."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.adaptation.graph_ablation import VARIANTS, ablate, means

DEFAULT, NO_GRAPH, BEST = "default", "alpha 0: no graph", "best threshold (TARGET LABELS)"


@pytest.fixture(scope="module")
def figures(finished: Any) -> dict[str, Any]:
    return {figure.variant: figure for figure in ablate([finished.folder])}


def test_every_variant_has_a_name_and_a_figure(figures: dict[str, Any]) -> None:
    assert list(figures) == [variant.name for variant in VARIANTS]


def test_the_default_is_what_the_run_has(finished: Any, figures: dict[str, Any]) -> None:
    graph, found = finished.result["graph"], figures[DEFAULT]
    assert found.method == "lead+graph"
    assert found.headline == pytest.approx(graph["last"]["h_score"], abs=1e-6)
    assert found.auroc == pytest.approx(graph["last"]["auroc"], abs=1e-6)
    assert found.threshold == pytest.approx(graph["threshold"], abs=1e-6)


def test_a_method_s_own_uncertainty_is_smoothed_as_in_its_run(adapt_once: Callable) -> None:
    options = ("--split", "3/1/2", "--augment", "none", "--method", "ovanet")
    run = adapt_once(*options, "--method-arg", "steps=12")
    default, alone = ablate([run.folder], [v for v in VARIANTS if v.name in (DEFAULT, NO_GRAPH)])
    assert default.auroc == pytest.approx(run.result["graph"]["last"]["auroc"], abs=1e-6)
    assert alone.auroc == pytest.approx(run.result["scores"]["last"]["auroc"], abs=1e-6)


def test_a_step_that_was_made_again_counts_as_it_is_now(
    finished: Any, adapt: Callable[..., Any], tmp_path: Path
) -> None:
    folder = tmp_path / "adapt" / "run"
    shutil.copytree(finished.folder, folder)
    options = ("--graph-arg", "neighbours=3", "--graph-arg", "share_alpha=0.5")
    result = adapt("--split", "3/1/2", "--out", folder, "--resume", *options, "--json").json()
    (found,) = ablate([folder], VARIANTS[:1])
    assert found.headline == pytest.approx(result["graph"]["last"]["h_score"], abs=1e-6)
    assert found.auroc == pytest.approx(result["graph"]["last"]["auroc"], abs=1e-6)
    assert found.auroc != pytest.approx(finished.result["graph"]["last"]["auroc"], abs=1e-6)


def test_without_a_graph_the_order_is_the_methods_own(
    finished: Any, figures: dict[str, Any]
) -> None:
    own = finished.result["scores"]["last"]
    assert figures[NO_GRAPH].auroc == pytest.approx(own["auroc"], abs=1e-6)


def test_no_rule_is_better_than_the_best_threshold(figures: dict[str, Any]) -> None:
    # Of those that leave class and order as they are; candidates are a hundred quantiles.
    same = [f"threshold {rule}" for rule in (0.55, "otsu", "root-otsu", "two-means")]
    best = figures[BEST]
    assert all(figures[name].auroc == best.auroc for name in (*same, DEFAULT))
    assert best.headline >= max(figures[name].headline for name in (*same, DEFAULT)) - 0.02


def test_variants_differ_from_the_default(figures: dict[str, Any]) -> None:
    unlike = [
        name
        for name, figure in figures.items()
        if (figure.headline, figure.auroc, figure.threshold)
        != (figures[DEFAULT].headline, figures[DEFAULT].auroc, figures[DEFAULT].threshold)
    ]
    moved = {"k 5", "power 1", "alpha 0.5", NO_GRAPH, "uncertainty_alpha 0.8", "six views"}
    assert moved | {"adapted embedding", "not centred"} <= set(unlike)
    assert "one view" not in unlike  # as the run has it


def test_the_command_writes_a_line_a_variant_and_prints_means(
    finished: Any, figures: dict[str, Any], run: Callable[..., Any], tmp_path: Path
) -> None:
    out = tmp_path / "new" / "variants.csv"
    assert run("graph", finished.folder, "--out", out).code == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["variant"] for row in rows] == list(figures)
    assert float(rows[0]["headline"]) == figures[DEFAULT].headline
    told = run("graph", finished.folder, "--json").json()
    assert told == means(list(figures.values()))
    assert told["opda"][DEFAULT]["lead+graph"]["headline"] == figures[DEFAULT].headline


def test_a_run_that_is_there_twice_counts_once_and_is_named(
    finished: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    again = tmp_path / "again" / "run"
    shutil.copytree(finished.folder, again)
    found = list(ablate([finished.folder, again, finished.folder], VARIANTS[:1]))
    assert len(found) == 1
    assert [record.message for record in caplog.records if "left out" in record.message] == [
        f"{again / 'result.json'} is the run {finished.folder / 'result.json'} again, left out"
    ]


def test_a_folder_without_runs_is_one_sentence(
    complaint: Callable[..., str], run: Callable[..., Any], tmp_path: Path
) -> None:
    assert "no finished adaptation" in complaint(run("graph", tmp_path))
