"""One feature an image, kept by what its file holds."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
import torch

from genmix_da.errors import UserError
from genmix_da.frozen.centre import centre_features
from genmix_da.frozen.encoder import BackboneChoice, FrozenEncoder, frozen_encoder


@pytest.fixture
def encoder() -> FrozenEncoder:
    choice = BackboneChoice("timm:test_efficientnet", "none", {}, 1)
    return frozen_encoder(choice, image_size=160, device=torch.device("cpu"))


@pytest.fixture
def pictures(encoder: FrozenEncoder) -> np.ndarray:
    side = encoder.preprocessing.resize_size
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (3, side, side, 3), dtype=np.uint8)


def digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def test_the_centre_is_encoded(encoder: FrozenEncoder, pictures: np.ndarray) -> None:
    corner = round((encoder.preprocessing.resize_size - 160) / 2)
    assert corner > 0
    found = centre_features(encoder, [digest(i) for i in range(3)], pictures.__getitem__, 1)
    centre = pictures[:, corner : corner + 160, corner : corner + 160]
    np.testing.assert_allclose(found, encoder.encode(centre), rtol=1e-4, atol=1e-5)


def test_each_content_is_read_once(encoder: FrozenEncoder, pictures: np.ndarray) -> None:
    read: list[int] = []

    def look(row: int) -> np.ndarray:
        read.append(row)
        return pictures[row % 3]

    first = centre_features(encoder, [digest(0), digest(1), digest(0)], look, 1)
    assert read == [0, 1]
    assert (first[0] == first[2]).all()
    again = centre_features(encoder, [digest(1), digest(2), digest(0)], look, 1)
    assert read == [0, 1, 1]  # of the second call's rows, the one that is new
    np.testing.assert_array_equal(again[[2, 0]], first[:2])
    centre_features(encoder, [digest(0)], look, 2)
    assert read == [0, 1, 1, 0]  # other pixels of the same file


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_features_of_no_use(
    encoder: FrozenEncoder, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    def useless(self: Any, views: np.ndarray) -> np.ndarray:
        return np.full((len(views), encoder.feature_dim), value, dtype=np.float32)

    monkeypatch.setattr(FrozenEncoder, "encode", useless)
    with pytest.raises(UserError, match="zero or not finite"):
        centre_features(encoder, [digest(0)], pictures.__getitem__, 1)
