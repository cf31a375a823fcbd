"""Eq. 4 and 5 on uint8 against the formulas in float64: never more than one level off."""

from __future__ import annotations

import numpy as np
import pytest

from genmix_da.augment.blend import LAMBDA, interpolate, join
from genmix_da.augment.masks import SEAM_KINDS, patchswap_mask, seam_mask

SIZES = [(1, 1), (1, 37), (40, 41), (224, 97)]


def noise(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def eq4(original: np.ndarray, edit: np.ndarray, mask: np.ndarray) -> np.ndarray:
    m = mask.astype(np.float64)[:, :, None]
    return edit * m + original * (1.0 - m)


def eq5(hybrid: np.ndarray, fractal: np.ndarray, weight: float) -> np.ndarray:
    return weight * fractal.astype(np.float64) + (1.0 - weight) * hybrid


def levels_off(pixels: np.ndarray, exact: np.ndarray) -> float:
    return float(np.abs(pixels.astype(np.float64) - np.round(exact)).max())


def masks(height: int, width: int) -> list[np.ndarray]:
    draw = np.random.default_rng(5)
    seams = [seam_mask(kind, height, width) for kind in SEAM_KINDS]
    free = draw.random((height, width)).astype(np.float32)
    return [*seams, patchswap_mask(height, width, draw), free]


@pytest.mark.parametrize("size", SIZES)
def test_join_is_equation_4(size: tuple[int, int]) -> None:
    original, edit = noise(1, *size), noise(2, *size)
    for mask in masks(*size):
        joined = join(original, edit, mask)
        assert (joined.dtype, joined.shape) == (np.uint8, (*size, 3))
        assert levels_off(joined, eq4(original, edit, mask)) <= 1


def test_join_shows_edit_and_original_untouched_where_the_mask_is_one_and_zero() -> None:
    original, edit = noise(1, 30, 60), noise(2, 30, 60)
    mask = seam_mask("vertical", 30, 60, 20)
    joined = join(original, edit, mask)
    assert np.array_equal(joined[mask == 0], original[mask == 0])
    assert np.array_equal(joined[mask == 1], edit[mask == 1])
    assert (mask == 0).sum() == (mask == 1).sum() == 30 * 20


@pytest.mark.parametrize("kind", ["vertical", "horizontal"])
def test_equation_6_as_printed_is_the_flipped_mask(kind: str) -> None:
    original, edit = noise(1, 50, 61), noise(2, 50, 61)
    printed = eq4(edit, original, seam_mask(kind, 50, 61))  # the roles of M and 1 - M swapped
    joined = join(original, edit, seam_mask(f"{kind}-flipped", 50, 61))
    assert levels_off(joined, printed) <= 1


@pytest.mark.parametrize("weight", [0.01, 0.1, LAMBDA, 0.3, 0.5, 0.99])
def test_interpolate_is_equation_5(weight: float) -> None:
    hybrid, fractal = noise(3, 64, 33), noise(4, 64, 33)
    blended = interpolate(hybrid, fractal, weight)
    assert (blended.dtype, blended.shape) == (np.uint8, hybrid.shape)
    assert levels_off(blended, eq5(hybrid, fractal, weight)) <= 1


@pytest.mark.parametrize("weight", [0.0, 0.01, 0.1, LAMBDA, 0.3, 0.7])
def test_both_together_are_at_most_one_level_off(weight: float) -> None:
    original, edit, fractal = (noise(seed, 96, 80) for seed in (1, 2, 3))
    for mask in masks(96, 80):
        blended = interpolate(join(original, edit, mask), fractal, weight)
        assert levels_off(blended, eq5(eq4(original, edit, mask), fractal, weight)) <= 1


def test_default_lambda_is_published() -> None:
    hybrid, fractal = np.full((4, 4, 3), 100, np.uint8), np.full((4, 4, 3), 200, np.uint8)
    assert (interpolate(hybrid, fractal) == 120).all()


def test_lambda_zero_is_the_hybrid() -> None:
    hybrid = noise(1, 8, 8)
    assert np.array_equal(interpolate(hybrid, noise(2, 8, 8), 0.0), hybrid)


@pytest.mark.parametrize("weight", [-0.1, 1.0, 2.0, float("nan")])
def test_lambda_out_of_range(weight: float) -> None:
    with pytest.raises(ValueError, match="lambda must be at least 0 and below 1"):
        interpolate(noise(1, 8, 8), noise(2, 8, 8), weight)


def test_shapes_must_fit() -> None:
    image = noise(1, 8, 9)
    ones = np.ones((8, 9), np.float32)
    with pytest.raises(ValueError, match="do not fit"):
        join(image, noise(1, 9, 8), ones)
    with pytest.raises(ValueError, match="do not fit"):
        join(image, image, ones.T)
    with pytest.raises(ValueError, match="do not fit"):
        interpolate(image, noise(1, 8, 8))
