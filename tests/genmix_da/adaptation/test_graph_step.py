"""The graph step of a run: beside the method's scores, never in their place, never by labels."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genmix_da.adaptation import run as adaptation
from genmix_da.methods import METHODS, graph_name, has_graph

OPDA = ("--split", "3/1/2")
OWN = ("path", "true", "predicted", "confidence", "uncertainty")
RANKS = (
    *("best_class", "second_class", "second_probability"),
    *("third_class", "third_probability"),
)
GRAPH = ("graph_predicted", "graph_confidence", "graph_uncertainty")


def predictions(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def without(adapt_once: Callable[..., Any]) -> Any:
    return adapt_once(*OPDA, "--no-graph")


def test_one_run_has_both_rows(finished: Any) -> None:
    graph = finished.result["graph"]
    assert set(graph) >= {"last", "selected", "oracle", "source_only", "threshold", "rule"}
    assert [row["graph"]["scores"]["epoch"] for row in finished.metrics] == [0, 1, 2]
    assert graph["last"] == finished.metrics[-1]["graph"]["scores"]
    assert graph["source_only"] == finished.metrics[0]["graph"]["scores"]
    by_epoch = [row["graph"]["scores"]["h_score"] for row in finished.metrics[1:]]
    assert graph["oracle"]["h_score"] == max(by_epoch)
    chosen = max(finished.metrics[1:], key=lambda row: row["graph"]["selection"])
    assert graph["selected"] == chosen["graph"]["scores"]
    assert graph["rule"] == "otsu:0.5"
    assert graph["rejection"]["share_threshold"] >= 0.5


def test_predictions_have_both_decisions_and_give_the_scores(finished: Any) -> None:
    rows = predictions(finished.folder)
    assert tuple(rows[0]) == (*OWN, *GRAPH, *RANKS)
    for kind, block in (("", "scores"), ("graph_", "graph")):
        right = np.mean([row["true"] == row[f"{kind}predicted"] for row in rows])
        assert finished.result[block]["last"]["accuracy"] == pytest.approx(right)
    limit = finished.result["graph"]["threshold"]
    for row in rows:
        assert (row["graph_predicted"] == "unknown") == (float(row["graph_uncertainty"]) > limit)


def test_without_the_step_the_method_is_the_same(finished: Any, without: Any) -> None:
    assert without.result["graph"] is None
    for key in ("identity", "scores", "source_only", "threshold"):
        assert without.result[key] == finished.result[key]
    plain = predictions(without.folder)
    assert tuple(plain[0]) == (*OWN, *RANKS)
    assert plain == [
        {name: row[name] for name in (*OWN, *RANKS)} for row in predictions(finished.folder)
    ]
    assert not (without.folder / "graph.safetensors").exists()


def test_a_finished_run_gets_the_step_without_training(
    without: Any, finished: Any, adapt: Callable[..., Any], tmp_path: Path, computed_nothing: None
) -> None:
    folder = tmp_path / "old" / "run"
    shutil.copytree(without.folder, folder)
    result = adapt(*OPDA, "--out", folder, "--resume", "--json").json()
    assert result["scores"] == without.result["scores"]
    assert result["graph"]["last"] == pytest.approx(finished.result["graph"]["last"], abs=1e-6)
    # The networks of earlier epochs are gone.
    assert result["graph"]["selected"] is result["graph"]["oracle"] is None
    assert result["graph"]["added_by"]["packages"]
    assert predictions(folder) == predictions(finished.folder)
    again = adapt(*OPDA, "--out", folder, "--resume", "--json").json()
    assert again == result


def test_other_settings_of_the_step_are_another_step_of_the_same_run(
    finished: Any, adapt: Callable[..., Any], tmp_path: Path, computed_nothing: None
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    options = ("--graph-arg", "neighbours=3", "--graph-threshold", "0.9")
    result = adapt(*OPDA, *options, "--out", folder, "--resume", "--json").json()
    assert result["identity"] == finished.result["identity"]
    assert result["graph"]["identity"] != finished.result["graph"]["identity"]
    assert result["graph"]["settings"]["neighbours"] == 3
    assert (result["graph"]["threshold"], result["graph"]["rule"]) == (0.9, "fixed")


def test_the_curve_of_a_step_that_was_replaced_is_gone(
    finished: Any, adapt: Callable[..., Any], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    result = adapt(*OPDA, "--graph-arg", "alpha=0.5", "--out", folder, "--resume", "--json").json()
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [row.get("graph", {}).get("scores") for row in rows] == [
        *([None] * (len(rows) - 1)),
        result["graph"]["last"],
    ]
    assert [row["scores"] for row in rows] == [row["scores"] for row in finished.metrics]


def test_the_checkpoint_of_another_run_is_refused(
    finished: Any,
    adapt_once: Callable[..., Any],
    adapt: Callable[..., Any],
    complaint: Callable[..., str],
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    other = adapt_once(*OPDA, "--seed", "6")
    accuracies = [run.result["scores"]["last"]["accuracy"] for run in (finished, other)]
    assert abs(accuracies[0] - accuracies[1]) > 0.1  # else it could not be told
    for name in ("checkpoint.safetensors", "checkpoint.json"):
        shutil.copy(other.folder / name, folder)
    before = (folder / "predictions.csv").read_bytes()
    assert "it is of another run" in complaint(adapt(*OPDA, "--out", folder, "--resume"))
    assert (folder / "predictions.csv").read_bytes() == before


@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if not (m.joint and m.joint.texts)])
def test_target_labels_never_enter(
    name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With other labels every prediction, of the method and of the step, stays what it is."""
    prepare = adaptation.prepare
    setting = METHODS[name].settings[0]
    split = {"opda": "3/1/2", "osda": "3/0/3"}[setting]
    given = {
        **{"src": "Art", "tgt": "Clipart", "data": str(data), "split": split, "epochs": 1},
        "setting": setting,
        **{"backbone": "timm:test_efficientnet", "weights": "none", "image_size": 32},
        **{"batch_size": 8, "source_epochs": 1, "device": "cpu", "method": name},
        "genmix": {"editor": "original", "features": "off", "per_image": 1, "size": 32},
    }

    def permuted(*arguments: Any, **options: Any) -> Any:
        task = prepare(*arguments, **options)
        order = np.random.default_rng(1).permutation(len(task.target.labels))
        labels, private = task.target.labels[order], task.target.private_labels[order]
        target = dataclasses.replace(task.target, labels=labels, private_labels=private)
        return dataclasses.replace(task, target=target)

    results = [adaptation.adapt(out=tmp_path / "a", **given)]
    monkeypatch.setattr(adaptation, "prepare", permuted)
    results.append(adaptation.adapt(out=tmp_path / "b", **given))
    assert results[0]["scores"] != results[1]["scores"]
    one, other = (predictions(tmp_path / name) for name in "ab")
    for row, twin in zip(one, other, strict=True):
        assert row.pop("true") is not None
        twin.pop("true")
        assert row == twin
    assert results[0]["graph"]["threshold"] == results[1]["graph"]["threshold"]


def test_a_rule_sets_the_method_s_own_threshold(adapt: Callable[..., Any]) -> None:
    result = adapt(*OPDA, "--threshold", "otsu", "--json").json()
    assert result["rejection"]["rule"] == "otsu"
    assert result["threshold"] == result["rejection"]["threshold"] != 0.85
    assert 0 < result["rejection"]["rejected"] < 1
    assert 0 < result["rejection"]["separability"] <= 1


def test_a_fixed_threshold_is_recorded_as_such(finished: Any) -> None:
    assert finished.result["rejection"]["rule"] == "fixed"
    assert finished.result["rejection"]["threshold"] == finished.result["threshold"] == 0.85


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--threshold", "otus"), ("otus", "otsu")),
        (("--threshold", "nan"), ("nan",)),
        (("--graph-threshold", "otsu:x"), ("otsu:x",)),
        (("--graph-arg", "alpha=1"), ("alpha", "[0, 1)")),
        (("--graph-arg", "foo=1"), ("--graph-arg", "'foo'", "share_alpha")),
        (("--graph-arg", "neighbors=3"), ("neighbors", "neighbours")),
        (("--graph-arg", "views=seven"), ("views", "six")),
        (("--unknown-share", "1"), ("--unknown-share", "[0, 1)")),
        (("--method", "lead+grph"), ("lead+grph",)),
    ],
)
def test_bad_settings_are_one_sentence(
    refused: Callable[..., str], options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    sentence = refused(*OPDA, *options)
    assert all(word in sentence for word in words)


def test_adapt_prints_both(adapt: Callable[..., Any]) -> None:
    shown = adapt(*OPDA).out
    for name in ("source-only+graph", "lead+graph, last", "lead, last", "otsu:0.5"):
        assert name in shown
    assert "rejected" in shown


def test_in_pda_nothing_is_rejected(adapt: Callable[..., Any], tmp_path: Path) -> None:
    result = adapt("--split", "3/3/0", "--setting", "pda", "--json").json()
    for part in (result, result["graph"]):
        assert part["rejection"]["rejected"] == 0.0
        assert part["rejection"]["separability"] is None
    assert result["graph"]["last"]["known_accuracy"] is not None
    assert result["graph"]["last"]["h_score"] is None
    rows = predictions(tmp_path / "runs" / "run")
    assert all(row["graph_predicted"] != "unknown" for row in rows)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.8])
def test_unknown_share_leaves_images_out(adapt: Callable[..., Any], share: float) -> None:
    images = adapt(*OPDA, "--unknown-share", share, "--json").json()["images"]
    found = images["target_unknown"] / images["target"]
    assert abs(found - share) < 0.03
    assert images["target"] < 60


def test_names() -> None:
    assert graph_name("lead") == "lead+graph"
    assert graph_name("lead+genmix[a b] (frozen)") == "lead+genmix[a b]+graph (frozen)"
    assert has_graph("lead+graph (frozen)")
    assert not has_graph("lead (frozen)")


def test_the_defaults_are_those_of_the_library() -> None:
    """Settings are checked without torch, so they stand in two places."""
    from genmix_da.adaptation.config import GraphSettings
    from genmix_da.adaptation.graph_step import graph_config
    from lead.graph import GraphConfig

    assert graph_config(GraphSettings()) == GraphConfig()
