"""A whole run: what it leaves on disk, that it repeats, and that it belongs to its settings."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from genmix_da.classify import train
from genmix_da.classify.config import build_classify_config
from genmix_da.classify.identity import run_identity, run_settings
from genmix_da.classify.method import resolve_method
from genmix_da.classify.task import prepare
from genmix_da.runs.folder import RunFolder
from genmix_da.runs.seal import digest_of

GENMIX = {"augment": "genmix", "genmix": {"editor": "filters", "size": 32, "per_image": 1}}


def read(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return content


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_result(trained: Path) -> None:
    result = read(trained)
    assert result["digest"] == digest_of(result)
    assert (result["status"], result["setting"], result["method"]) == (
        *("done", "classification"),
        "none",
    )
    assert result["dataset"] == result["source"] == result["target"] == "Art"
    assert result["augment"] is None
    assert result["made"] is None
    assert result["images"] == {"classes": 6, "train": 60, "val": None, "test": 12}
    assert result["scores"]["last"].keys() == {"top1", "top5", "fgsm_error", "epoch"}
    assert result["scores"]["last"]["epoch"] == 3
    assert result["scores"]["selected"] is None
    assert result["timing"]["steps"] == 21
    assert result["timing"]["seconds"]["generate"] == 0
    assert result["timing"]["seconds"]["train"] > 0
    assert not (trained / "state.pt").exists()


def test_predictions_have_the_accuracy_of_the_result(trained: Path) -> None:
    with (trained / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    right = sum(row["true"] == row["predicted"] for row in rows)
    assert right / len(rows) == read(trained)["scores"]["last"]["top1"]
    assert all(Path(row["path"]).parent.name == row["true"] for row in rows)
    split = json.loads((trained / "split.json").read_text())
    named = {f"{split['folder']}/{name}" for names in split["test"].values() for name in names}
    assert named == {row["path"] for row in rows}


def test_metrics(trained: Path) -> None:
    rows = lines(trained)
    assert [(row["epoch"], row["step"]) for row in rows] == [(1, 7), (2, 14), (3, 21)]
    best = max(row["scores"]["top1"] for row in rows)
    assert read(trained)["scores"]["oracle"]["top1"] == best
    assert read(trained)["scores"]["last"] == rows[-1]["scores"]
    rates = [row["learning_rate"] for row in rows]  # of the last step of each epoch
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.001 < rates[0] < 0.05
    assert rows[0]["seconds"].keys() == {"train", "evaluate"}


def test_it_learns(trained: Path) -> None:
    """Hues are told apart in three epochs; 1/6 is chance."""
    assert read(trained)["scores"]["oracle"]["top1"] > 0.5


def test_the_same_again(trained: Path, data: Path, tmp_path: Path, tiny: dict[str, Any]) -> None:
    again = train(data=data / "Art", out=tmp_path / "again", **tiny)
    assert again["scores"] == read(trained)["scores"]
    assert again["identity"] == read(trained)["identity"]
    assert [row["loss"] for row in lines(tmp_path / "again")] == [
        row["loss"] for row in lines(trained)
    ]


def test_a_saved_configuration_is_the_same_run(trained: Path) -> None:
    task = prepare(build_classify_config({}, trained / "config.yaml"))
    assert run_identity(run_settings(task, resolve_method(task))) == read(trained)["identity"]
    assert (
        yaml.safe_load((trained / "config.yaml").read_text())["identity"]
        == (read(trained)["identity"])
    )


def identity_of(data: Path, tiny: dict[str, Any], **changes: Any) -> str:
    task = prepare(build_classify_config({"data": data / "Art", **tiny} | changes))
    return run_identity(run_settings(task, resolve_method(task)))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"lr": 0.06},
        {"augment": "mixup"},
        {"shots": 4},
        {"split_seed": 1},
        {"adversarial": "fast"},
        {"fgsm": "8/255"},
        {"image_size": 40},
    ],
)
def test_what_makes_another_run(
    trained: Path, data: Path, tiny: dict[str, Any], change: dict[str, Any]
) -> None:
    assert identity_of(data, tiny, **change) != read(trained)["identity"]


@pytest.mark.parametrize(
    "change", [{"budget": "epochs"}, {"augment_mode": "online"}, {"genmix": {"per_image": 5}}]
)
def test_what_a_method_without_images_of_its_own_does_not_heed(
    trained: Path, data: Path, tiny: dict[str, Any], change: dict[str, Any]
) -> None:
    assert identity_of(data, tiny, **change) == read(trained)["identity"]


def test_where_the_images_lie_makes_no_other_run(
    trained: Path, data: Path, tiny: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").symlink_to(data)
    assert identity_of(tmp_path / "elsewhere", tiny) == read(trained)["identity"]


def test_methods_and_seeds_share_the_images(data: Path, tiny: dict[str, Any]) -> None:
    task = prepare(build_classify_config({"data": data / "Art", **tiny}))
    other = task.with_config(augment="cutmix", seed=5)
    assert other.train is task.train
    method = resolve_method(other)
    assert method.name == "cutmix"
    name = run_identity(run_settings(other, method))
    assert name == identity_of(data, tiny, augment="cutmix", seed=5)


def test_finished_run_is_returned_and_others_are_refused(
    classify: Callable[..., Any],
    refused: Callable[..., str],
    result_of: Callable[[], dict[str, Any]],
) -> None:
    assert classify("--epochs", 1).code == 0
    first = result_of()
    assert classify("--epochs", 1, "--resume", "--json").json() == first
    assert "already holds a finished run" in refused("--epochs", 1)
    said = refused("--epochs", 1, "--augment", "mixup", "--resume")
    assert "holds another run (augment 'none' instead of 'mixup'" in said


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_genmix(data: Path, tmp_path: Path, mode: str, tiny: dict[str, Any]) -> None:
    options = tiny | GENMIX | {"augment_mode": mode}
    result = train(data=data / "Art", out=tmp_path / "runs" / "g", **options)
    assert result["method"] == "genmix[filters]"
    assert result["augment"]["name"] == "genmix"
    assert (result["augment"]["stand_in"], result["augment"]["mode"]) == (True, mode)
    assert result["made"]["kept"] + result["made"]["dropped"] == 60
    assert result["timing"]["steps"] == 21
    assert result["timing"]["seconds"]["generate"] > 0
    assert (tmp_path / "runs" / "augmented").is_dir() == (mode == "offline")


def test_equal_epochs_take_more_steps(data: Path, tmp_path: Path, tiny: dict[str, Any]) -> None:
    options = tiny | GENMIX | {"budget": "epochs", "epochs": 1}
    result = train(data=data / "Art", out=tmp_path / "e", augmented=tmp_path / "made", **options)
    assert result["timing"]["steps"] == (60 + result["made"]["kept"]) // 8
    assert (tmp_path / "made").is_dir()


def test_views_are_changed_after_crop_and_flip(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: dict[str, Any]
) -> None:
    from genmix_da.classify.augmentations.policies import Trivialaugment

    seen = []

    def picture(self: Any, pixels: Any, draw: Any) -> Any:
        seen.append((pixels.shape, pixels.flags["C_CONTIGUOUS"]))
        return pixels

    monkeypatch.setattr(Trivialaugment, "picture", picture)
    train(data=data / "Art", out=tmp_path / "t", **tiny | {"augment": "trivialaugment"})
    assert seen == [((32, 32, 3), True)] * 21 * 8


def test_an_epoch_is_selected_where_there_is_a_validation_part(
    make_data: Callable[..., Path], tmp_path: Path, tiny: dict[str, Any]
) -> None:
    root = make_data(tmp_path / "photos", ("train", "val", "test"))
    result = train(data=root, out=tmp_path / "run", **tiny)
    assert result["images"] == {"classes": 6, "train": 72, "val": 72, "test": 72}
    rows = lines(tmp_path / "run")
    best = max(row["validation"] for row in rows)
    chosen = [row for row in rows if row["validation"] == best][-1]
    assert result["scores"]["selected"] == chosen["scores"]
    assert result["selection_rule"] == "top-1 on the validation part"
    split = json.loads((tmp_path / "run" / "split.json").read_text())
    assert split["val"].keys() == split["test"].keys()


def test_failed_runs_say_why(
    refused: Callable[..., str],
    result_of: Callable[[], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from genmix_da.classify import run as running
    from genmix_da.errors import UserError

    def broken(*arguments: Any) -> Any:
        raise UserError("no edit was kept.")

    monkeypatch.setattr(running, "training_images", broken)
    assert refused() == "genmix-da: no edit was kept."
    assert result_of()["status"] == "failed"
    assert result_of()["reason"] == "no edit was kept."
    assert RunFolder(Path(result_of()["provenance"]["config"]["data"])).result() is None
