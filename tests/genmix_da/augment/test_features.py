"""Encoders: a backbone, a local transformers folder, and what "auto" comes to."""

from __future__ import annotations

import builtins
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genmix_da.augment import encoders, features
from genmix_da.augment.encoders import resolve_encoder
from genmix_da.augment.features import backbone_encoder, dinov2_is_here, transformers_encoder
from genmix_da.errors import UserError

SMALL = "timm:mobilenetv3_small_050"
CPU = torch.device("cpu")


def resolve(name: str, **options: Any) -> Any:
    given = {"backbone": None, "weights": None, "arguments": {}, "image_size": None}
    return resolve_encoder(name, **(given | {"device": "cpu"} | options))


def similar(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.allclose(first, second, rtol=1e-3, atol=1e-4))


def test_backbone_gives_a_row_for_each_image(picture: Callable) -> None:
    encoder = backbone_encoder(SMALL, "none", {}, 32, CPU)
    images = [picture(1), picture(2, 64, 64), picture(3, 7, 90)]
    rows = encoder.encode(images)
    assert rows.shape == (3, encoder.encode(images[:1]).shape[1])
    assert rows.dtype == np.float32
    assert all(similar(rows[n], encoder.encode([images[n]])[0]) for n in range(3))
    assert not similar(rows[0], rows[1])


def test_backbone_does_not_learn_from_what_it_sees(picture: Callable) -> None:
    encoder = backbone_encoder(SMALL, "none", {}, 32, CPU)
    first = encoder.encode([picture(1)])
    encoder.encode([picture(n) for n in range(8)])
    assert np.array_equal(encoder.encode([picture(1)]), first)


def test_identity_tells_encoders_apart(tmp_path: Path) -> None:
    import timm

    weights = tmp_path / "weights.pth"
    torch.save(timm.create_model("mobilenetv3_small_050").state_dict(), weights)
    found = {
        backbone_encoder(SMALL, "none", {}, 32, CPU).identity,
        backbone_encoder(SMALL, "none", {}, 40, CPU).identity,
        backbone_encoder(SMALL, str(weights), {}, 32, CPU).identity,
        backbone_encoder("timm:mobilenetv3_small_075", "none", {}, 32, CPU).identity,
    }
    assert len(found) == 4
    again = backbone_encoder(SMALL, str(weights), {}, 32, CPU)
    assert again.identity in found
    assert again.name == f"backbone {SMALL}"


def test_off_is_no_encoder() -> None:
    assert resolve("off") is None


def test_backbone_needs_weights() -> None:
    for weights in (None, "none"):
        with pytest.raises(UserError, match="give --weights too"):
            resolve("backbone", backbone=SMALL, weights=weights)


@pytest.mark.parametrize(
    ("here", "weights", "said"),
    [
        (True, "none", "DINOv2"),
        (False, "file", f"the backbone {SMALL}"),
        (False, "none", "off, every edit is kept"),
    ],
)
def test_auto_says_what_it_came_to(
    here: bool,
    weights: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(encoders, "dinov2_is_here", lambda: here)
    monkeypatch.setattr(encoders, "transformers_encoder", lambda name, device: name)
    monkeypatch.setattr(encoders, "backbone_encoder", lambda name, *rest: name)
    caplog.set_level(logging.INFO, "genmix_da")
    found = resolve("auto", backbone=SMALL, weights=weights)
    assert found == {"DINOv2": "dinov2", f"the backbone {SMALL}": SMALL}.get(said)
    assert f"faithful selection: {said}" in caplog.text


def test_timm_name_is_taken_with_its_own_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(encoders, "backbone_encoder", lambda *given: seen.append(given))
    resolve("timm:resnet18")
    assert seen == [("timm:resnet18", "imagenet", {}, None, CPU)]


@pytest.fixture
def no_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == "transformers":
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr(features, "find_spec", lambda name: None)


@pytest.mark.usefixtures("no_transformers")
def test_without_transformers_the_way_out_is_named() -> None:
    assert dinov2_is_here() is False
    with pytest.raises(UserError, match=r"pip install 'genmix-da\[features\]'.*backbone or off"):
        transformers_encoder("dinov2", CPU)


@pytest.fixture(scope="module")
def dinov2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DINOv2 of random weights, two layers deep, as its users save theirs."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    folder = tmp_path_factory.mktemp("dinov2")
    torch.manual_seed(0)
    config = transformers.Dinov2Config(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
    )
    transformers.Dinov2Model(config).save_pretrained(folder)
    transformers.BitImageProcessor(
        size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}
    ).save_pretrained(folder)
    return folder


def test_local_transformers_folder(dinov2_folder: Path, picture: Callable) -> None:
    encoder = resolve(str(dinov2_folder))
    assert isinstance(encoder, features.TransformersEncoder)
    rows = encoder.encode([picture(1), picture(2, 64, 64)])
    assert (rows.shape, rows.dtype) == ((2, 32), np.float32)
    assert similar(rows[0], encoder.encode([picture(1)])[0])
    assert not similar(rows[0], rows[1])
    moved = dinov2_folder.parent / "moved"
    shutil.copytree(dinov2_folder, moved)
    assert resolve(str(moved)).identity == encoder.identity  # what it is, not where it lies
    (moved / "config.json").write_text((moved / "config.json").read_text() + " ")
    assert resolve(str(moved)).identity != encoder.identity


def test_folder_without_a_model_is_named(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    with pytest.raises(UserError, match="is not on this machine"):
        transformers_encoder(str(tmp_path), CPU)
