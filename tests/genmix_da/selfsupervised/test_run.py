"""A whole pre-training: what it leaves, that it repeats, and where its backbone can go on."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import genmix_da
from genmix_da.errors import UserError
from genmix_da.runs.folder import RunFolder
from genmix_da.runs.seal import digest_of
from genmix_da.selfsupervised import train, training
from genmix_da.selfsupervised.config import build_ssl_config
from genmix_da.selfsupervised.network import start_backbone
from lead.backbones import build_backbone
from lead.checkpoint import read_tensors
from lead.errors import DivergedError


def read(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return content


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(folder: Path) -> bytes:
    return (folder / "checkpoint.safetensors").read_bytes()


def test_result(pretrained: Path) -> None:
    result = read(pretrained)
    assert result["digest"] == digest_of(result)
    assert (result["status"], result["setting"]) == ("done", "self-supervised")
    assert (result["method"], result["augment"], result["made"]) == ("moco-v2", None, None)
    assert result["images"] == {"train": 72}
    assert result["last_epoch"].keys() == {
        *("epoch", "loss", "learning_rate", "feature_std", "even_std")
    }
    assert result["last_epoch"]["even_std"] == 1 / math.sqrt(128)
    assert result["timing"]["steps"] == 27
    assert result["provenance"]["config"]["queue"] == 32  # half of 72 in whole batches
    assert result["provenance"]["config"]["picture_size"] == 72  # 32 / sqrt(0.2), rounded up
    assert len((pretrained / "images.txt").read_text().split()) == 72
    assert not (pretrained / "state.pt").exists()


def test_metrics(pretrained: Path) -> None:
    rows = lines(pretrained)
    assert [(row["epoch"], row["step"]) for row in rows] == [(1, 9), (2, 18), (3, 27)]
    first = 0.03 * 8 / 256
    assert rows[0]["learning_rate"] == pytest.approx(first * (1 + math.cos(math.pi * 8 / 27)) / 2)
    assert rows[-1]["learning_rate"] == pytest.approx(first * (1 + math.cos(math.pi * 26 / 27)) / 2)
    assert all(0 < row["feature_std"] < 0.1 and math.isfinite(row["loss"]) for row in rows)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(
    pretrained: Path, data: Path, tmp_path: Path, tiny: dict[str, Any]
) -> None:
    again = train(data=str(data / "Art"), out=tmp_path / "again", **tiny)
    assert weights(again.folder) == weights(pretrained)
    assert again.identity == read(pretrained)["identity"]
    other = train(data=str(data / "Art"), out=tmp_path / "other", **tiny | {"seed": 2})
    assert weights(other.folder) != weights(pretrained)


def test_processes_that_cut_views_change_nothing(
    pretrained: Path, data: Path, tmp_path: Path, tiny: dict[str, Any]
) -> None:
    again = train(data=str(data / "Art"), out=tmp_path / "again", workers=2, **tiny)
    assert weights(again.folder) == weights(pretrained)
    assert again.identity == read(pretrained)["identity"]


def test_the_backbone_is_trained(pretrained: Path, tiny: dict[str, Any]) -> None:
    """It loads strictly, and is not the one that it began as."""
    file = pretrained / "checkpoint.safetensors"
    loaded = build_backbone(tiny["backbone"], weights=str(file)).module.state_dict()
    found = read_tensors(file)
    assert found.keys() == loaded.keys()
    config = build_ssl_config({}, pretrained / "config.yaml")
    start = start_backbone(config, "none").state_dict()
    moved = [name for name in start if not torch.equal(start[name], found[name])]
    assert len(moved) > len(start) / 2


def test_a_classifier_is_trained_on_it(pretrained: Path, data: Path, tmp_path: Path) -> None:
    result = genmix_da.classify.train(
        data=str(data / "Art"),
        augment="none",
        backbone="timm:test_efficientnet",
        weights=str(pretrained / "checkpoint.safetensors"),
        image_size=32,
        batch_size=8,
        steps=2,
        device="cpu",
        out=tmp_path / "classifier",
    )
    assert result["status"] == "done"


def test_other_settings_are_refused_and_a_finished_run_is_returned(
    pretrained: Path, data: Path, tiny: dict[str, Any]
) -> None:
    given = {"data": str(data / "Art"), "out": pretrained, **tiny}
    with pytest.raises(UserError, match="'moco-v2' instead of 'simsiam'"):
        train(**given | {"method": "simsiam", "norm_group": None})
    with pytest.raises(UserError, match="already holds a finished run"):
        train(**given)
    before = read(pretrained)
    assert train(**given, resume=True).as_dict() == before


def test_a_run_is_repeated_from_its_own_settings(pretrained: Path, tmp_path: Path) -> None:
    again = train(config=pretrained / "config.yaml", out=tmp_path / "again")
    assert weights(again.folder) == weights(pretrained)


def unlabelled(data: Path, folder: Path) -> Path:
    """Images of a domain in one folder, without classes."""
    folder.mkdir()
    for file in sorted((data / "Art").rglob("*.png")):
        (folder / f"{file.parent.name}{file.name}").write_bytes(file.read_bytes())
    return folder


def test_genmix_on_images_without_classes(
    data: Path, tmp_path: Path, tiny: dict[str, Any], genmix: dict[str, Any]
) -> None:
    given = tiny | genmix | {"method": "simsiam", "norm_group": None, "epochs": 2}
    photos = unlabelled(data, tmp_path / "photos")
    result = train(data=str(photos), out=tmp_path / "run", **given)
    assert result.method == "simsiam+genmix[filters]"
    assert result["made"]["kept"] == 72  # two of each of 36
    assert result["timing"]["steps"] == 2 * (36 // 8)  # passes over the originals
    assert result["augment"]["name"] == "genmix"
    assert len(list((tmp_path / "augmented").rglob("*.jpg"))) == 72
    losses = {result["last_epoch"]["loss"]}
    for views in ("augmented", "mixed"):
        other = train(data=str(photos), out=tmp_path / views, views=views, **given)
        assert other.identity != result.identity
        losses.add(other["last_epoch"]["loss"])
    assert len(losses) == 3


def test_views_are_of_no_account_where_nothing_is_made(
    pretrained: Path, data: Path, tiny: dict[str, Any]
) -> None:
    same = train(data=str(data / "Art"), out=pretrained, views="mixed", resume=True, **tiny)
    assert same.as_dict() == read(pretrained)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch_size": 100}, "has 72 images, fewer than a batch of 100; use --batch-size 72"),
        ({"queue": 80}, "more than the 72 images"),
        ({"backbone": "timm:nothing"}, "timm has no model 'nothing'"),
        ({"weights": "gone.safetensors"}, "no weights file gone.safetensors"),
    ],
)
def test_refused(
    data: Path, tmp_path: Path, tiny: dict[str, Any], given: dict[str, Any], said: str
) -> None:
    with pytest.raises(Exception, match=said):
        train(data=str(data / "Art"), out=tmp_path / "run", **tiny | given)
    assert not (tmp_path / "run").exists()


def test_lightly_is_named_where_it_is_not_installed(
    data: Path, monkeypatch: pytest.MonkeyPatch, tiny: dict[str, Any]
) -> None:
    monkeypatch.setitem(sys.modules, "lightly.loss", None)
    with pytest.raises(UserError, match=r"pip install 'genmix-da\[ssl\]'"):
        train(data=str(data / "Art"), **tiny)


def test_a_loss_that_is_no_number_stops_the_run(
    data: Path, tmp_path: Path, tiny: dict[str, Any]
) -> None:
    with pytest.raises(Exception, match="the loss is not finite at step"):
        train(data=str(data / "Art"), out=tmp_path / "run", **tiny | {"lr": 1e30})
    assert read(tmp_path / "run")["status"] == "failed"


def test_a_last_step_that_spoils_the_backbone_is_an_error(
    data: Path, tmp_path: Path, tiny: dict[str, Any]
) -> None:
    """One step an epoch, so that no loss comes after it; the weights are large and finite."""
    given = tiny | {"batch_size": 72, "norm_group": 36, "epochs": 1, "lr": 1e30}
    said = "gives no finite features after .*; lower --lr; no epoch was finished before"
    with pytest.raises(DivergedError, match=said):
        train(data=str(data / "Art"), out=tmp_path / "run", **given)
    assert read(tmp_path / "run")["status"] == "failed"
    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()


def test_the_last_good_backbone_is_kept(
    data: Path, tmp_path: Path, tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []

    def failing(*given: Any) -> None:
        called.append(given)
        if len(called) == 2:
            raise DivergedError("made up")

    monkeypatch.setattr(training, "_check_backbone", failing)
    out = tmp_path / "run"
    with pytest.raises(DivergedError, match="made up; the backbone of epoch 1 is kept in"):
        train(data=str(data / "Art"), out=out, **tiny)
    assert json.loads((out / "checkpoint.json").read_text())["epoch"] == 1
    state = (RunFolder(out).load_state()[0] or {})["network"]
    kept = read_tensors(out / "checkpoint.safetensors")
    assert all(torch.equal(kept[name], state[f"backbone.{name}"]) for name in kept)


def test_what_hides_nothing_is_said(
    data: Path, tmp_path: Path, tiny: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A queue of all images, and batch norm over the whole batch."""
    given = tiny | {"batch_size": 72, "norm_group": 72, "epochs": 1}
    train(data=str(data / "Art"), out=tmp_path / "run", **given)
    assert "keys of more than half of the images" in caplog.text
    assert "--norm-group 72), so shuffling" in caplog.text
