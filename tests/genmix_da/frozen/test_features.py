"""Features of images: computed once, the same bits however often and in whatever company."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genmix_da.errors import UserError
from genmix_da.frozen.encoder import BackboneChoice, FrozenEncoder, frozen_encoder
from genmix_da.frozen.features import features_of as stored_features_of
from genmix_da.frozen.store import FeatureTable, tables_in
from genmix_da.places import cache_folder
from lead.backbones import build_backbone
from lead.errors import DivergedError, WeightsError
from lead.evaluation import evaluate
from lead.feature_views import FeatureViews
from lead.network import Network
from lead.views import ImageViews

CPU = torch.device("cpu")
NAME = "timm:test_efficientnet"
ROWS = np.arange(7)


def encoder(weights: object, **options: Any) -> FrozenEncoder:
    given = {"image_size": 32, "device": CPU} | options
    seed = given.pop("seed", 1)
    return frozen_encoder(BackboneChoice(NAME, str(weights), {}, seed), **given)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, 33, 33, 3), dtype=np.uint8)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the batches that were encoded."""
    found: list[int] = []
    encode = FrozenEncoder.encode

    def counted(self: FrozenEncoder, views: np.ndarray) -> np.ndarray:
        found.append(len(views))
        return encode(self, views)

    monkeypatch.setattr(FrozenEncoder, "encode", counted)
    return found


def features_of(*arguments: Any) -> np.ndarray:
    """Features [N, V, F] themselves."""
    stored, rows = stored_features_of(*arguments)
    assert isinstance(stored, np.memmap)
    return np.array(stored[rows])


def table() -> FeatureTable:
    (found,) = tables_in(cache_folder() / "features")
    return found


def empty() -> None:
    shutil.rmtree(cache_folder() / "features", ignore_errors=True)


def test_features_are_computed_once(weights: Path, pixels: np.ndarray, calls: list[int]) -> None:
    first = features_of(encoder(weights), pixels, ROWS, "some")
    assert first.shape == (7, 6, 256)
    assert first.dtype == np.float32
    assert calls == [6] * 7  # one image, one batch
    assert table().path.stat().st_size == 7 * 6 * 256 * 4
    again = encoder(weights)
    assert np.array_equal(features_of(again, pixels, ROWS[::-1], "some"), first[::-1])
    assert calls == [6] * 7
    assert "module" not in again.__dict__  # not even loaded
    assert again.seconds > 0


def test_what_is_missing_beside_it_changes_no_bit(
    weights: Path, pixels: np.ndarray, calls: list[int]
) -> None:
    whole = features_of(encoder(weights), pixels, ROWS, "some")
    table().forget([2])
    with table().path.open("r+b") as rows:
        rows.seek(4 * 6 * 256 * 4 + 50)
        rows.write(b"damage")
    calls.clear()
    assert np.array_equal(features_of(encoder(weights), pixels, ROWS, "some"), whole)
    assert calls == [6, 6]
    empty()
    alone = np.concatenate(
        [features_of(encoder(weights), pixels, ROWS[n : n + 1], "one") for n in ROWS]
    )
    assert np.array_equal(alone, whole)


def test_what_decides_a_feature_is_in_its_name(weights: Path) -> None:
    found = {
        encoder(weights).identity,
        encoder("none").identity,
        encoder("none", seed=2).identity,
        encoder(weights, image_size=40).identity,
        frozen_encoder(
            BackboneChoice("timm:mobilenetv3_small_075", "none", {}, 1), image_size=32, device=CPU
        ).identity,
        frozen_encoder(
            BackboneChoice(NAME, str(weights), {"drop_rate": 0.1}, 1), image_size=32, device=CPU
        ).identity,
    }
    assert len(found) == 6


def test_the_weights_place_is_not(weights: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(weights.read_bytes())
    assert encoder(moved).identity == encoder(weights).identity


def test_random_weights_hang_on_the_seed_alone(pixels: np.ndarray) -> None:
    def fresh(seed: int) -> np.ndarray:
        empty()
        torch.manual_seed(int(np.random.default_rng().integers(2**31)))
        made = encoder("none", seed=seed)
        before = torch.get_rng_state()
        found = features_of(made, pixels, ROWS[:2], "some")
        assert torch.equal(torch.get_rng_state(), before)
        return found

    assert np.array_equal(fresh(1), fresh(1))
    assert not np.array_equal(fresh(1), fresh(2))


def test_missing_weights_are_found_missing_at_once(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights file"):
        encoder(tmp_path / "nothing.pth")


def test_features_that_are_not_finite(
    weights: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        FrozenEncoder, "encode", lambda self, views: np.full((len(views), 256), np.nan, np.float32)
    )
    with pytest.raises(DivergedError, match="not finite"):
        features_of(encoder(weights), pixels, ROWS, "some")
    assert not tables_in(cache_folder() / "features")


def test_arguments_have_no_meaning_for_transformers(tower: Any) -> None:
    choice = BackboneChoice(f"transformers:{tower('dinov2')}", "pretrained", {"a": 1}, 1)
    with pytest.raises(UserError, match="--backbone-arg"):
        frozen_encoder(choice, image_size=None, device=CPU)


def test_heads_on_features_equal_the_whole_network(weights: Path, pixels: np.ndarray) -> None:
    """Within rounding: the batches are of other sizes."""
    frozen = encoder(weights)
    backbone = build_backbone(NAME, weights=str(weights))
    torch.manual_seed(4)
    whole = Network(backbone.module, backbone.feature_dim, 5, 16)
    with torch.no_grad():  # random features hardly differ; the outputs shall
        whole.bottleneck.linear.weight.mul_(100)
    heads = Network(torch.nn.Identity(), frozen.feature_dim, 5, 16)
    heads.load_state_dict(
        {k: t for k, t in whole.state_dict().items() if not k.startswith("backbone.")}
    )
    stored, rows = stored_features_of(frozen, pixels, ROWS, "some")
    views = FeatureViews(stored, CPU, rows)
    found = evaluate(heads, views)
    wanted = evaluate(whole, ImageViews(pixels, frozen.preprocessing, CPU))
    assert torch.allclose(found.features, wanted.features, atol=1e-4)
    assert torch.allclose(found.probability, wanted.probability, atol=1e-4)
    assert wanted.probability.std() > 0.02


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_cuda_images_share_a_batch(weights: Path, pixels: np.ndarray, calls: list[int]) -> None:
    on_cpu = features_of(encoder(weights), pixels, ROWS, "some")
    calls.clear()
    cuda = encoder(weights, device=torch.device("cuda"), mixed_precision=False)
    assert np.allclose(features_of(cuda, pixels, ROWS, "some"), on_cpu, atol=1e-2)
    assert calls == [42]
