"""Image towers of transformers: real classes with random weights, saved and loaded back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from genmix_da.errors import UserError
from genmix_da.frozen import towers
from genmix_da.frozen.towers import load_tower, tower_folder, tower_identity, tower_outline
from lead.errors import WeightsError

transformers = pytest.importorskip("transformers")
FAMILIES = {"dinov2": 16, "dinov3": 16, "clip": 12, "clip-vision": 12, "siglip": 16}
IMAGES = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def by_the_library(kind: str, folder: Path) -> torch.Tensor:
    """The features, the way the library's own documentation gets them."""
    load: Any = transformers.AutoModel
    if kind == "clip-vision":
        load = transformers.CLIPVisionModelWithProjection
    model = load.from_pretrained(folder).eval()
    with torch.no_grad():
        if kind in ("clip", "siglip"):
            found = model.get_image_features(pixel_values=IMAGES)
            return found if isinstance(found, torch.Tensor) else found.pooler_output
        output = model(pixel_values=IMAGES)
        return output.image_embeds if kind == "clip-vision" else output.last_hidden_state[:, 0]


@pytest.mark.parametrize("kind", FAMILIES)
def test_features_are_those_of_the_library(tower: Callable, kind: str) -> None:
    folder = tower(kind)
    backbone = load_tower(folder, 32)
    with torch.no_grad():
        features = backbone.module(IMAGES)
    assert backbone.feature_dim == FAMILIES[kind] == tower_outline(folder)[0]
    assert features.shape == (3, FAMILIES[kind])
    assert features.dtype == torch.float32
    assert torch.allclose(features, by_the_library(kind, folder), atol=1e-5)
    assert features.std() > 1e-3


@pytest.mark.parametrize("kind", FAMILIES)
def test_another_image_size(tower: Callable, kind: str) -> None:
    with torch.no_grad():
        features = load_tower(tower(kind), 48).module(torch.randn(2, 3, 48, 48))
    assert features.shape == (2, FAMILIES[kind])


def test_preprocessing_is_the_image_processors(tower: Callable) -> None:
    _, cropped = tower_outline(tower("dinov2"))
    assert (cropped.resize_size, cropped.image_size) == (36, 32)
    assert cropped.mean == (0.4, 0.5, 0.6)
    assert cropped.interpolation == "bicubic"
    _, whole = tower_outline(tower("siglip"))
    assert (whole.resize_size, whole.image_size) == (32, 32)
    assert (whole.mean, whole.std) == ((0.5,) * 3, (0.5,) * 3)
    assert tower_outline(tower("dinov3"))[1].interpolation == "bilinear"


def test_a_processor_that_does_not_normalise(tower: Callable, tmp_path: Path) -> None:
    folder = shutil.copytree(tower("dinov2"), tmp_path / "copy")
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"do_normalize": False}))
    plain = tower_outline(folder)[1]
    assert (plain.mean, plain.std) == ((0.0,) * 3, (1.0,) * 3)


def test_half_precision_weights_become_float32(tower: Callable, tmp_path: Path) -> None:
    model = transformers.Dinov2Model.from_pretrained(tower("dinov2")).half()
    folder = shutil.copytree(tower("dinov2"), tmp_path / "half")
    model.save_pretrained(folder)
    assert {p.dtype for p in load_tower(folder, 32).module.parameters()} == {torch.float32}


def test_identity_is_that_of_the_content(tower: Callable, tmp_path: Path) -> None:
    folder = tower("dinov2")
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    (moved / "README.md").write_text("notes")
    assert tower_identity(moved) == tower_identity(folder)
    content = bytearray((moved / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (moved / "model.safetensors").write_bytes(content)
    assert tower_identity(moved) != tower_identity(folder)
    assert tower_identity(tower("dinov3")) != tower_identity(folder)


def test_weights_that_lack_a_tensor_are_refused(tower: Callable, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tower("dinov2"), tmp_path / "short")
    tensors = load_file(folder / "model.safetensors")
    del tensors["layernorm.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"layernorm\.weight"):
        load_tower(folder, 32)


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_weights_that_cannot_be_read(tower: Callable, tmp_path: Path, damage: str) -> None:
    folder = shutil.copytree(tower("dinov2"), tmp_path / "broken")
    file = folder / "model.safetensors"
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(WeightsError, match="cannot load"):
        load_tower(folder, 32)


def test_other_families_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"config\.json"):
        tower_outline(tmp_path)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    transformers.ViTConfig(**small).save_pretrained(tmp_path)
    transformers.ViTImageProcessor().save_pretrained(tmp_path)
    with pytest.raises(UserError, match="'vit' model; known are dinov2"):
        tower_outline(tmp_path)


def test_an_image_below_one_patch(tower: Callable) -> None:
    with pytest.raises(UserError, match="one patch of 8"):
        load_tower(tower("dinov2"), 7)


def test_the_hubs_copy_on_this_machine_is_used(
    tower: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    hub = tmp_path / "hub"
    commit = "0" * 40
    place = hub / "models--someone--small"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(commit)
    shutil.copytree(tower("dinov2"), place / "snapshots" / commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(hub))
    found = tower_folder("someone/small")
    assert found == place / "snapshots" / commit
    assert torch.isfinite(load_tower(found, 32).module(IMAGES)).all()


def test_a_model_that_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    asked = []

    def offline(name: str, *, local_files_only: bool, **_: Any) -> str:
        asked.append(local_files_only)
        raise ConnectionError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(UserError, match=r"could not be fetched.*transformers:DIR"):
        tower_folder("someone/nothing")
    assert asked == [True, False]


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match=r"genmix-da\[features\]"):
        towers.tower_outline(tmp_path)
