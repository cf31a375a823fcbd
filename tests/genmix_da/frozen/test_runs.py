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

from genmix_da.frozen.encoder import FrozenEncoder
from genmix_da.runs.folder import RunFolder
from lead.checkpoint import load_checkpoint

Options = tuple[object, ...]
GENMIX = (
    "--augment",
    "genmix",
    "--editor",
    "filters",
    "--features",
    "off",
    "--edit-size",
    "32",
    "--per-image",
    "1",
)


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the images that are encoded."""
    found: list[int] = []
    encode = FrozenEncoder.encode

    def counted(self: FrozenEncoder, views: Any) -> Any:
        found.append(len(views) // 6)
        return encode(self, views)

    monkeypatch.setattr(FrozenEncoder, "encode", counted)
    return found


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
        assert about["backbone"] == "timm:mobilenetv3_small_050"


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
    about = json.loads((folder / "checkpoint.json").read_text())
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


def test_features_are_shared_by_runs(
    adapt: Callable, frozen_options: Options, encoded: list[int], tmp_path: Path
) -> None:
    quick = (*frozen_options, "--source-epochs", 1, "--epochs", 1)
    assert adapt(*quick).code == 0
    # 48 of Art's classes in use, 60 of Clipart's.
    assert sum(encoded) == 48 + 60
    assert adapt(*quick, "--seed", 7, "--out", tmp_path / "runs" / "other").code == 0
    assert sum(encoded) == 48 + 60
    assert adapt(*quick, "--tgt", "Product", "--out", tmp_path / "runs" / "third").code == 0
    assert sum(encoded) == 48 + 60 + 60


def test_augmented_images_are_encoded_too(
    adapt: Callable, frozen_options: Options, encoded: list[int], tmp_path: Path
) -> None:
    quick = (*frozen_options, *GENMIX, "--source-epochs", 1, "--epochs", 1)
    assert adapt(*quick).code == 0
    result = json.loads((tmp_path / "runs" / "run" / "result.json").read_text())
    assert result["method"] == "lead+genmix[filters] (frozen)"
    kept = result["source_model"]["augment"]["kept"]
    assert kept > 0
    assert sum(encoded) == 48 + kept + 60
    assert adapt(*quick, "--seed", 5, "--out", tmp_path / "runs" / "other").code == 0
    assert sum(encoded) == 48 + kept + 60


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
        *("--backbone", "timm:mobilenetv3_small_050", "--image-size", 32, "--batch-size", 8),
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


def assert_same(folder: Path, straight: Any) -> None:
    result = json.loads((folder / "result.json").read_text())
    assert result["status"] == "done"
    assert result["scores"] == straight.result["scores"]
    assert (folder / "predictions.csv").read_text() == straight.predictions


@pytest.mark.parametrize(("stage", "epoch"), [("source", 2), ("target", 1)])
def test_resumed_run_equals_an_uninterrupted_one(
    adapt: Callable,
    frozen_options: Options,
    frozen_run: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    stage: str,
    epoch: int,
) -> None:
    save = RunFolder.save_state

    def stopping(self: RunFolder, state: Any, metrics: list[dict[str, Any]]) -> None:
        save(self, state, metrics)
        if (metrics[-1]["stage"], metrics[-1]["epoch"]) == (stage, epoch):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_state", stopping)
        assert adapt(*frozen_options).code == 130
    assert adapt(*frozen_options, "--resume").code == 0
    assert_same(tmp_path / "runs" / "run", frozen_run)


def test_stopped_while_encoding(
    adapt: Callable,
    frozen_options: Options,
    frozen_run: Any,
    encoded: list[int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What was encoded is kept, and the result is that of a run that was never stopped."""
    counted = FrozenEncoder.encode

    def stopping(self: FrozenEncoder, views: Any) -> Any:
        if len(encoded) == 60:  # in the target
            raise KeyboardInterrupt
        return counted(self, views)

    with monkeypatch.context() as patch:
        patch.setattr(FrozenEncoder, "encode", stopping)
        assert adapt(*frozen_options).code == 130
    assert len(encoded) == 60
    assert adapt(*frozen_options, "--resume").code == 0
    assert len(encoded) == 48 + 60
    assert_same(tmp_path / "runs" / "run", frozen_run)


@pytest.mark.parametrize("kind", ["dinov2", "clip"])
def test_models_of_transformers(
    adapt: Callable, run: Callable, tower: Callable, data: Path, tmp_path: Path, kind: str
) -> None:
    pytest.importorskip("transformers")
    config = tmp_path / "config.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "data": str(data),
                "src": "Art",
                "tgt": "Clipart",
                "split": "3/1/2",
                "backbone": f"transformers:{tower(kind)}",
                "freeze_backbone": True,
                "augment": "none",
                "batch_size": 8,
                "source_epochs": 2,
                "epochs": 1,
                "cluster_estimator": "features",
                "device": "cpu",
            }
        )
    )
    folder = tmp_path / "runs" / kind
    result = run("adapt", "--config", config, "--out", folder, "--json").json()
    assert result["method"] == "lead (frozen)"
    settled = yaml.safe_load((folder / "config.yaml").read_text())
    assert (settled["weights"], settled["image_size"]) == ("pretrained", 32)
    moved = shutil.copytree(tower(kind), tmp_path / "moved")
    arguments = ("evaluate", folder, "--tgt", "Clipart", "--data", data, "--device", "cpu")
    for more in ((), ("--weights", moved)):
        found = run(*arguments, *more, "--json").json()["scores"]
        assert found["auroc"] == pytest.approx(result["scores"]["last"]["auroc"], abs=1e-3)
    # The settings that a run leaves can be run again, and the folder may have moved.
    again = ("adapt", "--config", folder / "config.yaml", "--out", folder, "--resume", "--json")
    assert run(*again, "--backbone", f"transformers:{moved}").json() == result


def test_genmix_compares_edits_by_the_tower(
    run: Callable, tower: Callable, data: Path, tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    folder = tmp_path / "runs" / "run"
    result = run(
        *("adapt", "--src", "Art", "--tgt", "Clipart", "--data", data, "--split", "3/1/2"),
        *("--backbone", f"transformers:{tower('siglip')}", "--freeze-backbone"),
        *("--batch-size", 8, "--source-epochs", 1, "--epochs", 1, "--device", "cpu"),
        *("--cluster-estimator", "features", "--augment", "genmix", "--editor", "filters"),
        *("--features", "backbone", "--edit-size", 32, "--per-image", 1, "--out", folder, "--json"),
    ).json()
    assert result["method"] == "lead+genmix[filters] (frozen)"
    assert result["source_model"]["augment"]["features"].startswith("backbone transformers:")


def test_what_cannot_be_frozen_is_refused(
    refused: Callable, run: Callable, complaint: Callable, frozen_options: Options, data: Path
) -> None:
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
