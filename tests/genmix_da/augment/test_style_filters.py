"""The embedded style filters: pictures of the same subject in a style that can be named."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from genmix_da.augment.style_filters import STYLE_FILTERS, apply_style

PHRASES = list(STYLE_FILTERS)
SIZES = [(16, 16), (37, 53), (224, 224), (96, 128), (16, 200)]


def photo_like(height: int, width: int, background: int | None = None) -> np.ndarray:
    """A red mug-like object on a shaded, slightly noisy or plain background, uint8 RGB."""
    rng = np.random.default_rng(7)
    ramp = np.linspace(90, 210, width, dtype=np.float32)[None, :, None]
    image = np.broadcast_to(ramp, (height, width, 3)).copy()
    image += rng.normal(0, 6, image.shape)
    if background is not None:
        image[:] = background
    image = np.clip(image, 0, 255).astype(np.uint8)
    middle, side = (width // 2, height // 2), min(height, width)
    cv2.circle(image, middle, side // 3, (190, 40, 30), -1, cv2.LINE_AA)
    cv2.circle(image, middle, side // 6, (40, 70, 160), -1, cv2.LINE_AA)
    cv2.rectangle(image, (2, 2), (side // 5, side // 4), (35, 30, 28), -1)
    return image


def mean_difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean absolute difference of two uint8 images, in grey levels."""
    return float(np.abs(first.astype(np.float32) - second.astype(np.float32)).mean())


def test_registry_holds_the_published_phrases() -> None:
    domain_adaptation = {
        "graffiti",
        "retro comic",
        "chalk drawing",
        "watercolor painting",
        "digital art",
        "cartoon style",
    }
    classification = {
        "autumn",
        "snowy",
        "sunset",
        "watercolor art",
        "rainbow",
        "aurora",
        "mosaic",
        "ukiyo-e",
        "a sketch with crayon",
    }
    assert set(PHRASES) == domain_adaptation | classification


@pytest.mark.parametrize("phrase", PHRASES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_shape_dtype_and_input_kept(phrase: str, size: tuple[int, int]) -> None:
    image = photo_like(*size)
    before = image.copy()
    styled = apply_style(image, phrase, seed=1)
    assert styled.shape == image.shape
    assert styled.dtype == np.uint8
    assert np.array_equal(image, before)


@pytest.mark.parametrize("phrase", PHRASES)
def test_same_seed_same_result_other_seed_differs(phrase: str) -> None:
    image = photo_like(96, 96)
    first = apply_style(image, phrase, seed=3)
    assert np.array_equal(first, apply_style(image, phrase, seed=3))
    assert mean_difference(first, apply_style(image, phrase, seed=4)) > 2.0


@pytest.mark.parametrize("phrase", PHRASES)
@pytest.mark.parametrize("background", [None, 255], ids=["scene", "white"])
def test_result_is_a_picture_and_not_the_input(phrase: str, background: int | None) -> None:
    image = photo_like(128, 128, background)
    for seed in range(3):
        styled = apply_style(image, phrase, seed)
        assert styled.std() > 12.0
        assert styled.mean() > 20.0
        assert mean_difference(styled, image) > 8.0


@pytest.mark.parametrize("phrase", PHRASES)
def test_subject_keeps_its_place(phrase: str) -> None:
    # Colours and brightness may change freely, so only the outlines are compared: along the
    # rim of a plain disc, the styled image must change more than away from it.
    image = np.full((128, 128, 3), 250, np.uint8)
    cv2.circle(image, (64, 64), 40, (150, 40, 40), -1, cv2.LINE_AA)
    rim = np.zeros((128, 128), np.uint8)
    cv2.circle(rim, (64, 64), 40, 1, 7)
    contrast = np.zeros((128, 128), np.float32)
    for seed in range(4):
        smooth = cv2.GaussianBlur(apply_style(image, phrase, seed), (0, 0), 1.5)
        grey = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB).astype(np.float32)
        along_x = cv2.Sobel(grey, cv2.CV_32F, 1, 0)
        along_y = cv2.Sobel(grey, cv2.CV_32F, 0, 1)
        contrast += np.hypot(along_x, along_y).sum(axis=2)
    assert contrast[rim == 1].mean() > 1.5 * contrast[rim == 0].mean()


@pytest.mark.parametrize("phrase", PHRASES)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_and_grey_input(phrase: str, level: int) -> None:
    for size in ((16, 16), (40, 25)):
        flat = np.full((*size, 3), level, np.uint8)
        styled = apply_style(flat, phrase, seed=0)
        assert styled.shape == flat.shape
        assert not np.array_equal(styled, flat)


@pytest.mark.parametrize("phrase", PHRASES)
def test_non_contiguous_input(phrase: str) -> None:
    image = photo_like(64, 64)
    mirrored = image[:, ::-1]
    expected = apply_style(np.ascontiguousarray(mirrored), phrase, seed=2)
    assert np.array_equal(apply_style(mirrored, phrase, seed=2), expected)


def test_unknown_phrase_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="Unknown style phrase 'oil paint'") as caught:
        apply_style(photo_like(32, 32), "oil paint", seed=0)
    message = str(caught.value)
    assert all(repr(phrase) in message for phrase in PHRASES)
    assert "\n" not in message


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((32, 32, 3), np.float32),
        np.zeros((32, 32), np.uint8),
        np.zeros((32, 32, 4), np.uint8),
        np.zeros((15, 32, 3), np.uint8),
    ],
    ids=["float", "grey", "rgba", "small"],
)
def test_wrong_images_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="image"):
        apply_style(image, "mosaic", seed=0)


# The classifier is deliberately plain: colours of a thumbnail, colour histograms and gradient
# statistics under a logistic regression. Half of the photographs teach it, the others ask it.
DOMAINS = ("Amazon", "Caltech")
CLASSES = ("backpack", "bike", "headphones", "laptop_computer", "monitor", "mug")
PER_CLASS = 3
SIDE = 128


def photographs(root: Path) -> list[np.ndarray]:
    """Centre squares, evenly spread over each class of each domain: [SIDE, SIDE, 3] each."""
    images = []
    for domain in DOMAINS:
        for name in CLASSES:
            paths = sorted((root / domain / name).glob("*.jpg"))
            for path in paths[:: len(paths) // PER_CLASS][:PER_CLASS]:
                image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
                edge = min(image.shape[:2])
                top, left = (image.shape[0] - edge) // 2, (image.shape[1] - edge) // 2
                square = image[top : top + edge, left : left + edge]
                images.append(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    return images


def look(image: np.ndarray) -> np.ndarray:
    """Colour layout, colour statistics and texture of an image: [F]."""
    lab, hsv = cv2.cvtColor(image, cv2.COLOR_RGB2LAB), cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    parts = [cv2.resize(image, (8, 8), interpolation=cv2.INTER_AREA).ravel() / 255.0]
    for space in (lab, hsv):
        for channel in range(3):
            counts = np.histogram(space[..., channel], bins=16, range=(0, 256))[0]
            parts.append(np.sqrt(counts / counts.sum()))
    grey = lab[..., 0].astype(np.float32)
    for _ in range(3):
        along_x = cv2.Sobel(grey, cv2.CV_32F, 1, 0)
        along_y = cv2.Sobel(grey, cv2.CV_32F, 0, 1)
        strength, angle = cv2.cartToPolar(along_x, along_y)
        size = np.histogram(np.log1p(strength), bins=12, range=(0, 7))[0]
        direction = np.histogram(angle % np.pi, bins=8, range=(0, np.pi), weights=strength)[0]
        parts += [np.sqrt(size / size.sum()), direction / max(direction.sum(), 1e-6)]
        grey = cv2.pyrDown(grey)
    return np.concatenate(parts).astype(np.float32)


def test_a_plain_classifier_names_the_style_of_unseen_photographs() -> None:
    folder = os.environ.get("GENMIX_DA_OFFICE_CALTECH10")
    if not folder:
        pytest.skip("GENMIX_DA_OFFICE_CALTECH10 is not set")
    images = photographs(Path(folder))
    assert len(images) == len(DOMAINS) * len(CLASSES) * PER_CLASS
    looks = np.stack(
        [look(apply_style(i, name, seed)) for seed, i in enumerate(images) for name in PHRASES]
    )
    styles = np.tile(np.arange(len(PHRASES)), len(images))
    held_out = np.repeat(np.arange(len(images)), len(PHRASES)) % 2 == 1
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    model.fit(looks[~held_out], styles[~held_out])
    right = model.predict(looks[held_out]) == styles[held_out]
    assert right.mean() >= 0.80
    # No style hides behind the others.
    assert all(right[styles[held_out] == style].mean() >= 0.5 for style in range(len(PHRASES)))
