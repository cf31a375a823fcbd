"""`--freeze-backbone` through the commands."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from edited import described
from lead.checkpoint import load_checkpoint

Options = tuple[object, ...]


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_the_result_says_that_it_is_frozen(frozen_run: Any) -> None:
    result = frozen_run.result
    assert result["method"] == "lead (frozen)"
    assert result["timing"]["seconds"]["features"] > 0
    config = yaml.safe_load((frozen_run.folder / "config.yaml").read_text())
    assert config["freeze_backbone"] is True
    last = result["scores"]["last"]
    assert 0 < last["h_score"] < 1
    assert 0 < last["nmi"] <= 1
    assert 0 < last["h3_score"] < 1
    assert last != result["source_only"]


def test_checkpoints_hold_the_heads_alone(frozen_run: Any, weights: Path) -> None:
    source = Path(frozen_run.result["source_model"]["folder"])
    for folder in (frozen_run.folder, source):
        tensors, about = load_checkpoint(folder / "checkpoint.safetensors")
        assert {key.split(".")[0] for key in tensors} == {"bottleneck", "classifier"}
        assert about["frozen"] is True
        assert about["weights"] == str(weights)
        assert len(about["weights_identity"]) == 64
        assert about["backbone"] == "timm:test_efficientnet"


def test_evaluate_gives_the_scores_of_the_run(run: Callable, frozen_run: Any, data: Path) -> None:
    arguments = ("evaluate", frozen_run.folder, "--tgt", "Cl", "--data", data, "--device", "cpu")
    found = run(*arguments, "--json").json()["scores"]
    for name, value in frozen_run.result["scores"]["last"].items():
        if name != "epoch":
            assert found[name] == pytest.approx(value, abs=1e-4), name


def test_evaluating_the_source_gives_source_only(
    run: Callable, frozen_run: Any, data: Path
) -> None:
    folder = frozen_run.result["source_model"]["folder"]
    arguments = ("evaluate", folder, "--tgt", "Cl", "--data", data, "--device", "cpu", "--json")
    found = run(*arguments).json()["scores"]
    expected = frozen_run.result["source_only"]
    for name in ("h_score", "known_accuracy", "accuracy", "auroc", "oscr", "nmi", "h3_score"):
        assert found[name] == pytest.approx(expected[name], abs=1e-4)


def test_predict_gives_the_predictions_of_the_run(
    run: Callable, frozen_run: Any, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "predictions.csv"
    assert run("predict", frozen_run.folder, data / "Clipart", "--out", out).code == 0
    found = {row["path"]: row for row in rows_of(out)}
    for row in rows_of(frozen_run.folder / "predictions.csv"):
        assert found[row["path"]]["predicted"] == row["predicted"]
        assert float(found[row["path"]]["confidence"]) == pytest.approx(
            float(row["confidence"]), abs=1e-4
        )


def test_weights_that_moved_are_named_and_checked(
    run: Callable, complaint: Callable, frozen_run: Any, weights: Path, data: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(frozen_run.folder, tmp_path / "copy")
    about = described(folder / "checkpoint.json")
    about["weights"] = str(tmp_path / "gone.safetensors")
    (folder / "checkpoint.json").write_text(json.dumps(about))
    arguments = ("evaluate", folder, "--tgt", "Cl", "--data", data, "--device", "cpu")
    said = complaint(run(*arguments))
    assert "gone.safetensors" in said
    assert "--weights" in said
    moved = shutil.copy(weights, tmp_path / "moved.safetensors")
    found = run(*arguments, "--weights", moved, "--json").json()["scores"]
    assert found["h_score"] == pytest.approx(frozen_run.result["scores"]["last"]["h_score"])
    assert "other weights" in complaint(run(*arguments, "--weights", "none"))
    predicted = run("predict", folder, data / "Art", "--out", tmp_path / "p.csv")
    assert "--weights" in complaint(predicted)
    arguments = ("predict", folder, data / "Art", "--out", tmp_path / "p.csv")
    assert run(*arguments, "--weights", moved).code == 0


def test_a_trained_checkpoint_takes_no_weights(
    run: Callable, complaint: Callable, finished: Any, data: Path
) -> None:
    arguments = ("evaluate", finished.folder, "--tgt", "Cl", "--data", data, "--weights", "none")
    assert "leave --weights out" in complaint(run(*arguments))


def test_source_command_trains_the_model_that_adapt_uses(
    run: Callable, adapt: Callable, frozen_options: Options, data: Path, tmp_path: Path
) -> None:
    common = ("--source-epochs", 1)
    assert adapt(*frozen_options, *common, "--epochs", 1).code == 0
    result = json.loads((tmp_path / "runs" / "run" / "result.json").read_text())
    target_alone = ("--lr", "0.01", "--cluster-estimator", "features", "--threshold", "0.9")
    options = [option for option in frozen_options if option not in target_alone]
    found = run(
        *("source", "--src", "Art", "--tgt", "Clipart", "--data", data, *options, *common),
        *("--backbone", "timm:test_efficientnet", "--image-size", 32, "--batch-size", 8),
        *("--source-backbone-factor", 1, "--device", "cpu", "--augment", "none"),
        *("--out", tmp_path / "runs" / "sources", "--json"),
    ).json()
    assert found["reused"] is True
    assert found["folder"] == result["source_model"]["folder"]


def test_a_frozen_source_checkpoint_must_fit(
    adapt: Callable,
    refused: Callable,
    frozen_run: Any,
    finished: Any,
    frozen_options: Options,
    tmp_path: Path,
) -> None:
    source = Path(frozen_run.result["source_model"]["folder"]) / "checkpoint.safetensors"
    given = (*frozen_options, "--source-checkpoint", source)
    assert adapt(*given).code == 0
    result = json.loads((tmp_path / "runs" / "run" / "result.json").read_text())
    assert result["scores"] == frozen_run.result["scores"]
    other = ("--out", tmp_path / "runs" / "other")
    plain = ("--split", "3/1/2", "--source-checkpoint", source, *other)
    assert "add --freeze-backbone" in refused(*plain)
    whole = Path(finished.result["source_model"]["folder"]) / "checkpoint.safetensors"
    out = ("--out", tmp_path / "runs" / "third")
    said = refused(*frozen_options, "--source-checkpoint", whole, *out)
    assert "drop --freeze-backbone" in said
    out = ("--out", tmp_path / "runs" / "fourth")
    assert "other weights" in refused(*given, "--weights", "none", *out)


def test_what_cannot_be_frozen_is_refused(
    refused: Callable,
    run: Callable,
    complaint: Callable,
    frozen_options: Options,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("genmix_da.adaptation.packaged.packaged_file", lambda backbone: None)
    online = ("--augment", "genmix", "--augment-mode", "online", "--editor", "filters")
    assert "offline" in refused(*frozen_options, *online)
    said = refused("--split", "3/1/2", "--backbone", "transformers:somewhere")
    assert "add --freeze-backbone" in said
    given = ("--split", "3/1/2", "--freeze-backbone", "--backbone", "transformers:somewhere")
    assert "leave --weights out" in refused(*given)  # the tiny settings name some
    arguments = ("adapt", "--src", "Art", "--tgt", "Clipart", "--data", data, "--split", "3/1/2")
    said = complaint(run(*arguments, "--profile", "mini", "--freeze-backbone"))
    assert "needs trained weights" in said
    assert "--weights none" in said


def test_random_weights_are_frozen_on_request(
    adapt: Callable, run: Callable, data: Path, tmp_path: Path
) -> None:
    quick = ("--split", "3/1/2", "--freeze-backbone", "--source-epochs", 1, "--epochs", 1)
    outcome = adapt(*quick)
    assert outcome.code == 0
    assert "random (--weights none)" in outcome.err
    folder = tmp_path / "runs" / "run"
    last = json.loads((folder / "result.json").read_text())["scores"]["last"]
    arguments = ("evaluate", folder, "--tgt", "Cl", "--data", data, "--device", "cpu", "--json")
    found = run(*arguments).json()["scores"]
    assert found["auroc"] == pytest.approx(last["auroc"], abs=1e-4)


def test_pda_has_no_h3(adapt: Callable, frozen_options: Options, tmp_path: Path) -> None:
    pda = ("--setting", "pda", "--split", "3/3/0", "--source-epochs", 1, "--epochs", 1)
    assert adapt(*frozen_options, *pda).code == 0
    last = json.loads((tmp_path / "runs" / "run" / "result.json").read_text())["scores"]["last"]
    assert last["known_accuracy"] is not None
    assert last["nmi"] is None
    assert last["h3_score"] is None
