"""The source model: trained once, reused wherever settings and images match, else trained anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from edited import described
from genmix_da.adaptation import source_model
from genmix_da.augment.source_task import augmentation_of
from lead.checkpoint import load_checkpoint

QUICK = (
    *("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32"),
    *("--batch-size", "8", "--source-epochs", "1", "--device", "cpu", "--augment", "none"),
    *("--split", "3/1/2"),
)
QUICK_TARGET = ("--epochs", "1", "--cluster-estimator", "features")


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry, the number of classes, for every source training that is started."""
    started: list[int] = []
    train = source_model.train_source

    def counted(network: Any, views: Any, labels: Any, config: Any, **rest: Any) -> Iterator[Any]:
        started.append(len(network.classifier.class_weights))
        return train(network, views, labels, config, **rest)

    monkeypatch.setattr(source_model, "train_source", counted)
    return started


@pytest.fixture
def quick(run: Callable, data: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Adapts from Art to a target with one epoch a stage, all runs below one folder."""

    def call(target: str, *options: object) -> dict[str, Any]:
        number = len(list((tmp_path / "runs").glob("run*")))
        outcome = run(
            *("adapt", "--src", "Art", "--tgt", target, "--data", data, *QUICK, *QUICK_TARGET),
            *("--out", tmp_path / "runs" / f"run{number}", "--json", *options),
        )
        result: dict[str, Any] = outcome.json()
        return result

    return call


def test_second_target_reuses_the_source_model(quick: Callable, trainings: list[int]) -> None:
    first, second = quick("Clipart"), quick("Product")
    assert trainings == [4]
    assert first["source_model"]["reused"] is False
    assert second["source_model"]["reused"] is True
    assert first["source_model"]["folder"] == second["source_model"]["folder"]
    assert second["timing"]["seconds"]["source"] == first["timing"]["seconds"]["source"]


def test_edited_descriptions_are_refused_and_can_be_mended(
    run: Callable, complaint: Callable, quick: Callable, data: Path, tmp_path: Path
) -> None:
    folder = Path(quick("Clipart")["source_model"]["folder"])
    about = described(folder / "checkpoint.json")
    arguments = ("adapt", "--src", "Art", "--tgt", "Clipart", "--data", data, *QUICK, *QUICK_TARGET)
    out = ("--out", tmp_path / "runs" / "other")
    for change in ({"seconds": None}, {"augment": "x"}):
        (folder / "checkpoint.json").write_text(json.dumps(about | change))
        said = complaint(run(*arguments, *out, "--resume"))
        assert f"checkpoint.json is not what the training wrote; remove {folder}" in said
    given = ("--source-checkpoint", folder / "checkpoint.safetensors")
    for sets in ([], {"shared": 3}, {}):
        (folder / "checkpoint.json").write_text(json.dumps(about | {"label_sets": sets}))
        said = complaint(run(*arguments, *given, "--out", tmp_path / "runs" / "given", "--resume"))
        assert "was trained on other classes" in said
    shutil.rmtree(folder)
    assert run(*arguments, *out, "--resume").code == 0


def test_reused_source_model_gives_the_same_numbers(quick: Callable) -> None:
    first, again = quick("Clipart"), quick("Clipart")
    assert again["source_model"]["reused"] is True
    assert again["scores"] == first["scores"]
    assert again["source_only"] == first["source_only"]


@pytest.mark.parametrize("damage", ["bit", "cut", "empty"])
def test_a_damaged_source_model_is_trained_again(
    quick: Callable, trainings: list[int], damage: str
) -> None:
    first = quick("Clipart")
    file = Path(first["source_model"]["folder"]) / "checkpoint.safetensors"
    whole = file.read_bytes()
    content = bytearray(whole)
    content[-2] ^= 1
    file.write_bytes({"bit": content, "cut": content[:-8], "empty": b""}[damage])
    again = quick("Clipart")
    assert len(trainings) == 2
    assert again["scores"] == first["scores"]
    assert again["source_only"] == first["source_only"]
    assert file.read_bytes() == whole


@pytest.mark.parametrize(
    "option",
    [
        ("--source-lr", 0.02),
        ("--source-epochs", 2),
        ("--seed", 3),
        ("--image-size", 40),
        ("--bottleneck-dim", 32),
        ("--label-smoothing", 0.2),
        ("--batch-size", 10),
        ("--split", "2/1/2"),
        ("--backbone-arg", "drop_rate=0.1"),
        ("--source-backbone-factor", 0.5),
        ("--augment", "genmix"),
    ],
    ids=lambda option: " ".join(map(str, option)),
)
def test_changed_setting_trains_anew(
    data: Path, option: tuple[str, object], tmp_path: Path
) -> None:
    settings = []
    for options in ((), option):
        given = dict(zip((*QUICK, *options)[::2], (*QUICK, *options)[1::2], strict=True))
        task = task_of(given, data)
        settings.append(source_model.source_settings(task, augmentation_of(task)))
    assert source_model.identity(settings[0]) != source_model.identity(settings[1])


def task_of(given: dict[str, object], data: Path) -> Any:
    from genmix_da.adaptation.config import build_config
    from genmix_da.adaptation.task import prepare

    options: dict[str, Any] = {key[2:].replace("-", "_"): value for key, value in given.items()}
    if argument := options.pop("backbone_arg", None):
        name, _, value = argument.partition("=")
        options["backbone_arguments"] = {name: float(value)}
    for name in ("batch_size", "source_epochs", "image_size"):
        options[name] = int(options[name])
    return prepare(build_config({"src": "Art", "tgt": "Clipart", "data": data} | options))


# Another split may leave the source's classes and their order as they are.
@pytest.mark.parametrize(
    "option", [("--epochs", 3), ("--lr", 0.1), ("--threshold", 0.3), ("--split", "2/2/1")]
)
def test_target_settings_do_not_train_anew(
    quick: Callable, trainings: list[int], option: tuple[str, object]
) -> None:
    quick("Clipart")
    assert quick("Clipart", *option)["source_model"]["reused"] is True
    assert trainings == [4]


def test_changed_source_image_trains_anew(
    quick: Callable, trainings: list[int], data: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    first = quick("Clipart")
    assert quick("Clipart", "--data", copy)["source_model"]["reused"] is True  # the same bytes
    shutil.copy(copy / "Art" / "apple" / "01.png", copy / "Art" / "apple" / "03.png")
    third = quick("Clipart", "--data", copy)
    assert trainings == [4, 4]
    assert third["source_model"]["folder"] != first["source_model"]["folder"]


def test_changed_weights_file_trains_anew(
    quick: Callable, trainings: list[int], tmp_path: Path
) -> None:
    import timm

    weights = tmp_path / "weights.pth"
    model = timm.create_model("test_efficientnet")
    torch.save(model.state_dict(), weights)
    first = quick("Clipart", "--weights", weights)
    copy = tmp_path / "same bytes.pth"
    shutil.copy(weights, copy)
    assert quick("Clipart", "--weights", copy)["source_model"]["reused"] is True
    with torch.no_grad():
        model.conv_stem.weight.add_(1)
    torch.save(model.state_dict(), weights)
    second = quick("Clipart", "--weights", weights)
    assert trainings == [4, 4]
    assert first["source_model"]["folder"] != second["source_model"]["folder"]


def test_source_command_trains_what_adapt_uses(
    run: Callable, quick: Callable, trainings: list[int], data: Path, tmp_path: Path
) -> None:
    arguments = ("source", "--src", "Art", "--tgt", "Clipart", "--data", data, *QUICK)
    out = ("--out", tmp_path / "runs" / "sources")
    record = run(*arguments, *out, "--json").json()
    assert record["reused"] is False
    assert record["seconds"] > 0
    assert quick("Clipart")["source_model"]["folder"] == record["folder"]
    again = run(*arguments, *out)
    assert again.out.strip() == record["folder"]
    assert trainings == [4]


def test_source_command_needs_no_target(
    run: Callable, trainings: list[int], make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "alone", ("Only",))
    arguments = ("source", "--src", "Only", "--data", root, *QUICK[:-2], "--out", tmp_path / "s")
    record = run(*arguments, "--json").json()
    assert trainings == [6]
    tensors, about = load_checkpoint(Path(record["folder"]) / "checkpoint.safetensors")
    assert about["stage"] == "source"
    assert tensors["classifier.linear.bias"].shape == (6,)


def test_given_source_checkpoint_is_used(
    quick: Callable, trainings: list[int], tmp_path: Path
) -> None:
    first = quick("Clipart")
    checkpoint = Path(first["source_model"]["folder"]) / "checkpoint.safetensors"
    second = quick("Clipart", "--source-checkpoint", checkpoint)
    assert trainings == [4]
    assert second["source_model"] == {
        "folder": str(checkpoint),
        "reused": True,
        "augment": None,
    }
    assert second["scores"] == first["scores"]
    assert second["timing"]["seconds"]["source"] is None


def test_released_checkpoint_is_a_source_checkpoint(quick: Callable, tmp_path: Path) -> None:
    first = quick("Clipart")
    tensors, _ = load_checkpoint(Path(first["source_model"]["folder"]) / "checkpoint.safetensors")
    names = {
        "backbone.": "backbone_layer.",
        "bottleneck.linear.": "feat_embed_layer.bottleneck.",
        "bottleneck.norm.": "feat_embed_layer.bn.",
        "classifier.linear.parametrizations.weight.original0": "class_layer.fc.weight_g",
        "classifier.linear.parametrizations.weight.original1": "class_layer.fc.weight_v",
        "classifier.linear.bias": "class_layer.fc.bias",
    }
    released = {}
    for name, tensor in tensors.items():
        ours = next(ours for ours in names if name.startswith(ours))
        released[names[ours] + name[len(ours) :]] = tensor
    file = tmp_path / "released.pth"
    torch.save({"model_state_dict": released}, file)
    second = quick("Clipart", "--source-checkpoint", file)
    assert second["scores"] == first["scores"]


def test_source_folder_is_a_checkpoint_of_its_own(
    quick: Callable, run: Callable, data: Path
) -> None:
    result = quick("Clipart")
    folder = result["source_model"]["folder"]
    arguments = ("evaluate", folder, "--tgt", "Clipart", "--data", data, "--device", "cpu")
    found = run(*arguments, "--json").json()
    source_only = result["source_only"]
    for name in ("h_score", "known_accuracy", "accuracy", "auroc", "oscr"):
        assert found["scores"][name] == pytest.approx(source_only[name], abs=1e-6)


def test_source_log_and_config_are_kept(quick: Callable) -> None:
    folder = Path(quick("Clipart")["source_model"]["folder"])
    assert "source model: trained in" in (folder / "log.txt").read_text()
    assert not (folder / "state.pt").exists()
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 1
    assert json.loads((folder / "checkpoint.json").read_text())["seconds"] > 0
