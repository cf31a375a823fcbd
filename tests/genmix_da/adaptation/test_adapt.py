"""`adapt` end to end: every file of the run folder, and what may be said of the numbers in it."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import genmix_da
from lead.checkpoint import load_checkpoint

CONTRACT = {
    *("schema", "status", "dataset", "synthetic", "setting", "source", "target", "method"),
    *("augment", "backbone", "seed", "split", "threshold", "scores", "source_only"),
    *("skipped_files", "timing", "provenance", "graph", "rejection"),
}
FRACTIONS = (
    *("h_score", "known_accuracy", "unknown_accuracy", "accuracy", "auroc", "oscr"),
    *("nmi", "h3_score"),
)
BLOCK = {*FRACTIONS, "epoch"}
FILES = {
    *("config.yaml", "metrics.jsonl", "result.json", "checkpoint.safetensors", "checkpoint.json"),
    *("predictions.csv", "log.txt"),
    "evidence/before.npz",
    "evidence/after.npz",
    "evidence/boundary_first.npz",
    "evidence/boundary_last.npz",
    *("evidence/graph.npz", "graph.safetensors", "graph.json"),
}


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_run_folder_holds_the_named_files_alone(finished: Any) -> None:
    folder = finished.folder
    assert {str(file.relative_to(folder)) for file in folder.rglob("*.*")} == FILES


def test_result_has_every_key_of_the_contract(finished: Any) -> None:
    result = finished.result
    assert set(result) >= CONTRACT
    assert result["status"] == "done"
    assert (result["source"], result["target"]) == ("Art", "Clipart")
    assert (result["setting"], result["split"], result["seed"]) == ("opda", [3, 1, 2], 2021)
    assert result["method"] == "lead"
    assert result["augment"] is None
    assert result["synthetic"] is False
    assert result["threshold"] == 0.85
    assert result["skipped_files"] == []
    assert set(result["scores"]) == {"last", "oracle", "selected"}
    assert all(set(block) == BLOCK for block in result["scores"].values())
    assert set(result["source_only"]) == BLOCK | {"h_score_at_050"}


def test_result_is_finite_and_scores_are_fractions(finished: Any) -> None:
    for leaf in leaves(finished.result):
        assert not isinstance(leaf, float) or math.isfinite(leaf)
    for block in (*finished.result["scores"].values(), finished.result["source_only"]):
        assert all(0 <= block[name] <= 1 for name in FRACTIONS)


def test_the_tiny_run_learns_something(finished: Any) -> None:
    # Otherwise "the same scores" in other tests would compare zeros.
    last, source_only = finished.result["scores"]["last"], finished.result["source_only"]
    assert 0 < last["h_score"] < 1
    assert 0 < source_only["h_score"] < 1
    assert last != source_only


def test_timing_covers_every_stage(finished: Any) -> None:
    timing = finished.result["timing"]
    assert set(timing["seconds"]) == {
        *("prepare", "source", "target_estimate", "target_train", "target_evaluate"),
        *("graph_views", "graph", "other"),
    }
    # One view costs the graph no look of its own.
    assert all(seconds > 0 for name, seconds in timing["seconds"].items() if name != "graph_views")
    assert sum(timing["seconds"].values()) == pytest.approx(timing["wall"], rel=0.02)
    assert timing["seconds"]["graph_views"] < timing["seconds"]["target_evaluate"] / 10
    assert timing["images_per_second"] > 0
    assert timing["peak_memory_mib"]["process"] > 50


def test_provenance_tells_versions_data_and_command(finished: Any) -> None:
    origin = finished.result["provenance"]
    assert set(origin) >= {"packages", "git_commit", "command", "data", "config"}
    assert set(origin["packages"]) >= {"python", "torch", "torchvision", "timm", "scikit-learn"}
    assert origin["packages"]["genmix-da"] == genmix_da.__version__
    assert isinstance(origin["command"], list)
    assert len(origin["data"]["source"]) == len(origin["data"]["target"]) == 64
    assert origin["data"]["source"] != origin["data"]["target"]


def test_metrics_have_a_line_an_epoch(finished: Any) -> None:
    rows = finished.metrics
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert all(row["stage"] == "target" and set(row["scores"]) == BLOCK for row in rows)
    assert rows[0]["losses"] == {}
    assert rows[0]["source_only"] == finished.result["source_only"]
    assert all(math.isfinite(loss) for row in rows[1:] for loss in row["losses"].values())
    assert rows[1]["cluster_count"] >= 2
    assert rows[2]["scores"] == finished.result["scores"]["last"]


def test_oracle_is_the_best_epoch_by_labels(finished: Any) -> None:
    blocks = [row["scores"] for row in finished.metrics[1:]]
    assert finished.result["scores"]["oracle"]["h_score"] == max(b["h_score"] for b in blocks)


def test_selected_is_the_best_epoch_by_its_rule(finished: Any) -> None:
    chosen = max(reversed(finished.metrics[1:]), key=lambda row: row["selection"])
    assert finished.result["scores"]["selected"] == chosen["scores"]


def test_source_metrics_have_a_line_an_epoch(finished: Any) -> None:
    folder = Path(finished.result["source_model"]["folder"])
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert all(row["stage"] == "source" for row in rows)
    assert rows[-1]["loss"] < rows[0]["loss"]


def test_predictions_have_one_row_per_used_target_image(finished: Any, data: Path) -> None:
    rows = rows_of(finished.folder)
    used = sorted((data / "Clipart").glob("*/*"))
    used = [path for path in used if path.parent.name != "date"]  # source-private: not scored
    assert [row["path"] for row in rows] == [str(path) for path in used]
    truth = [path.parent.name for path in used]
    expected = ["unknown" if name in ("elder", "fig") else name for name in truth]
    assert [row["true"] for row in rows] == expected


def test_predictions_agree_with_the_scores(finished: Any) -> None:
    rows, last = rows_of(finished.folder), finished.result["scores"]["last"]
    right = [row["true"] == row["predicted"] for row in rows]
    assert sum(right) / len(rows) == pytest.approx(last["accuracy"], abs=1e-9)
    unknown = [ok for ok, row in zip(right, rows, strict=True) if row["true"] == "unknown"]
    assert sum(unknown) / len(unknown) == pytest.approx(last["unknown_accuracy"], abs=1e-5)
    for row in rows:
        assert 0.25 <= float(row["confidence"]) <= 1
        assert (row["predicted"] == "unknown") == (float(row["uncertainty"]) > 0.85)
    assert {row["predicted"] for row in rows} > {"unknown"}


def test_config_file_holds_resolved_values(finished: Any) -> None:
    config = yaml.safe_load((finished.folder / "config.yaml").read_text())
    assert config["device"] == "cpu"
    assert config["profile"] == "folder"
    assert config["lr"] == 0.001  # of the profile
    assert config["epochs"] == 2
    assert config["image_size"] == 32
    assert config["label_sets"]["source_private"] == ["date"]
    open_values = {key for key, value in config.items() if value is None}
    assert open_values == {"source_checkpoint", "augmentation", "unknown_share", "part"}
    assert config["graph_options"]["views"] == "one"  # of a backbone that is trained


def test_log_tells_the_stages(finished: Any) -> None:
    log = (finished.folder / "log.txt").read_text()
    assert "source model: 48 images of Art, 4 classes, 4 epochs" in log
    assert "adapting to 60 images of Clipart" in log


def test_checkpoint_describes_itself(finished: Any) -> None:
    tensors, about = load_checkpoint(finished.folder / "checkpoint.safetensors")
    assert about["stage"] == "adapted"
    assert about["label_sets"]["shared"] == ["apple", "banana", "cherry"]
    assert about["preprocessing"]["image_size"] == 32
    assert about["provenance"]["packages"]["torch"]
    assert tensors["bottleneck.linear.weight"].shape[0] == 256


def test_json_leaves_standard_output_to_json(adapt: Callable, finished: Any) -> None:
    outcome = adapt("--split", "3/1/2", "--json")
    assert outcome.json()["scores"] == finished.result["scores"]
    assert "adapting to 60 images" in outcome.err


def test_table_names_what_the_numbers_are(adapt: Callable) -> None:
    outcome = adapt("--split", "3/1/2", "--source-epochs", 1, "--epochs", 1)
    assert outcome.code == 0
    assert "Art -> Clipart, OPDA 3/1/2, seed 2021" in outcome.out
    for row in ("source-only", "last epoch", "lead, selected", "lead, oracle"):
        assert row in outcome.out
    assert "SYNTHETIC" not in outcome.out


def test_same_seed_same_scores(adapt: Callable, finished: Any, tmp_path: Path, data: Path) -> None:
    # Another process would not have the first one's caches either: data, models and runs are new.
    assert adapt("--split", "3/1/2", "--seed", 2021).code == 0
    folder = tmp_path / "runs" / "run"
    result = json.loads((folder / "result.json").read_text())
    assert result["scores"] == finished.result["scores"]
    assert result["source_only"] == finished.result["source_only"]
    assert (folder / "predictions.csv").read_text() == finished.predictions


def test_another_seed_differs(adapt: Callable, finished: Any, tmp_path: Path) -> None:
    assert adapt("--split", "3/1/2", "--seed", 1).code == 0
    assert (tmp_path / "runs" / "run" / "predictions.csv").read_text() != finished.predictions


def test_default_out_names_the_run(
    adapt: Callable, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = genmix_da.adapt(
        src="art",
        tgt="pr",
        setting="osda",
        data=data,  # a Path is as good as text
        seed=7,
        backbone="timm:test_efficientnet",
        weights="none",
        image_size=32,
        batch_size=8,
        source_epochs=1,
        epochs=1,
        device="cpu",
        cluster_estimator="features",
        split="4/0/2",
    )
    assert result["target"] == "Product"
    folder = tmp_path / "runs" / "Ar2Pr-osda-seed7"
    assert json.loads((folder / "result.json").read_text()) == result
    # From Python the log is kept too, without any logging set up by the caller.
    assert "adapting to" in (folder / "log.txt").read_text()


def test_mini_office_home_is_the_default_and_says_so(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_data: Callable
) -> None:
    def stand_in(root: Path, **options: Any) -> Path:
        make_data(root, count=4)
        (root / "mini_office_home.json").write_text("{}")
        return root

    monkeypatch.setattr("genmix_da.data.root.make", stand_in)
    monkeypatch.setattr("genmix_da.adaptation.task.MINI_SPLITS", {"opda": (3, 1, 2)})
    outcome = run(
        *("adapt", "--src", "Ar", "--tgt", "Cl", "--out", tmp_path / "run"),
        *("--backbone", "timm:test_efficientnet", "--batch-size", 8, "--image-size", 32),
        *("--source-epochs", 1, "--epochs", 1),
    )
    assert outcome.code == 0
    assert "no --data" in outcome.err
    assert "SYNTHETIC DATA" in outcome.out
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["synthetic"] is True
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert (config["profile"], config["weights"]) == ("mini", "none")


def test_public_names_are_listed() -> None:
    assert {"adapt", "train_source_model"} <= set(genmix_da.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = genmix_da.nothing
