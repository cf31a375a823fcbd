"""The methods that change one picture: operations, chains, fractals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from genmix_da.classify.augmentations import Augmentation
from genmix_da.classify.augmentations import operations as ops
from genmix_da.classify.augmentations.fractal_mixing import (
    add,
    mixing_exponents,
    multiply,
    to_bytes,
    values,
)

Make = Callable[..., Augmentation]
Photo = Callable[..., np.ndarray]
ALL = dict.fromkeys((*ops.PIXMIX_OPERATIONS, *ops.IPMIX_OPERATIONS))


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_bytes_and_back() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_bytes(values(every)), every)


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.__name__)
def test_operations_keep_shape_and_input(operation: ops.Operation, photo: Photo) -> None:
    for level in (0.01, 0.3, 1.0):
        pixels = photo(33)
        done = operation(pixels, level, generator())
        assert (done.shape, done.dtype) == ((33, 33, 3), np.uint8)
        assert np.array_equal(pixels, photo(33))
    assert not np.array_equal(done, pixels)


@pytest.mark.parametrize("name", ["rotate", "shear_x", "shear_y", "translate_x", "translate_y"])
def test_a_level_of_nothing_moves_nothing(name: str, photo: Photo) -> None:
    pixels = photo(32)
    assert np.array_equal(getattr(ops, name)(pixels, 0.0, generator()), pixels)


def test_operations_do_what_they_say(photo: Photo) -> None:
    pixels = photo(30)
    shifted = ops.translate_x(pixels, 1.0, generator(1))
    right, left = np.roll(pixels, 10, 1)[:, 10:20], np.roll(pixels, -10, 1)[:, 10:20]
    assert np.array_equal(shifted[:, 10:20], right) or np.array_equal(shifted[:, 10:20], left)
    assert len(np.unique(ops.posterize(pixels, 0.3, generator()))) <= 2**3
    assert len(np.unique(ops.posterize(pixels, 0.0, generator()))) <= 2**4
    solar = ops.solarize(pixels, 0.5, generator())
    assert np.array_equal(solar[pixels < 128], pixels[pixels < 128])
    assert np.array_equal(solar[pixels >= 128], 255 - pixels[pixels >= 128])
    assert ops.autocontrast(pixels, 0.5, generator()).max() == 255
    assert np.array_equal(ops.invert(ops.invert(pixels, 1, generator()), 1, generator()), pixels)


def test_severity_is_the_strength(photo: Photo) -> None:
    def change(severity: float) -> float:
        rotations = (ops.rotate, ops.translate_x, ops.shear_y)
        return float(
            np.mean(
                [
                    np.abs(
                        ops.changed(photo(), rotations, severity, generator(n)).astype(float)
                        - photo()
                    ).mean()
                    for n in range(20)
                ]
            )
        )

    assert change(0.0) < 1
    assert change(1.0) < change(4.0) < change(10.0)


def test_mixing_exponents_lean_on_the_picture() -> None:
    drawn = np.array([mixing_exponents(3.0, generator(n)) for n in range(400)])
    assert np.mean(drawn[:, 1] < 0) == pytest.approx(0.5, abs=0.1)
    # Beta(3, 1) has mean 3/4, Beta(1, 3) has 1/4.
    positive = drawn[drawn[:, 1] > 0]
    assert positive.mean(0) == pytest.approx([0.75, 0.25], abs=0.04)
    assert drawn[drawn[:, 1] < 0].mean(0) == pytest.approx([1.25, -0.25], abs=0.04)


def test_add_and_multiply_are_the_formulas(photo: Photo) -> None:
    first, second = values(photo(16, 1)), photo(16, 2)
    for seed in range(20):
        a, b = (float(number) for number in mixing_exponents(3.0, generator(seed)))
        x, y = first.astype(float), second / 255.0
        expected = ((2 * x - 1) * a + (2 * y - 1) * b + 1) / 2
        found = add(first.copy(), second, 3.0, generator(seed))
        assert np.allclose(found, expected.clip(0, 1), atol=1e-5)
        expected = (2 * x) ** a * (2 * y.clip(1e-37)) ** b / 2
        found = multiply(first.copy(), second, 3.0, generator(seed))
        assert np.allclose(found, expected.clip(0, 1), atol=1e-5)


@pytest.mark.filterwarnings("error")
def test_black_and_white_pictures_mix_to_numbers() -> None:
    dark, light = (np.full((4, 4, 3), level, dtype=np.uint8) for level in (0, 255))
    for seed in range(50):
        for mixing in (add, multiply):
            for first in (dark, light):
                for second in (dark, light):
                    mixed = mixing(values(first), second, 0.01, generator(seed))
                    assert np.isfinite(mixed).all()
                    assert mixed.min() >= 0
                    assert mixed.max() <= 1


def test_pixmix_without_rounds_is_the_picture_or_a_version(make: Make, photo: Photo) -> None:
    pixmix = make("pixmix", options={"rounds": 0, "severity": 0})
    same = [np.array_equal(pixmix.picture(photo(), generator(n)), photo()) for n in range(40)]
    assert 15 <= sum(same) <= 36


def test_pixmix_shows_the_fractal(make: Make, photo: Photo) -> None:
    """Over many draws, what is added to the picture is that draw's fractal."""
    pixmix: Any = make("pixmix", options={"severity": 0, "rounds": 4, "beta": 1.0})
    likeness = []
    for seed in range(60):
        _, fractal = pixmix.source.window(32, 32, generator(seed))
        change = pixmix.picture(photo(), generator(seed)).astype(float) - photo()
        if change.std() > 1:
            likeness.append(abs(np.corrcoef(change.ravel(), fractal.ravel())[0, 1]))
    assert np.mean(likeness) > 0.35


def test_ipmix_keeps_the_label_readable(make: Make, photo: Photo) -> None:
    """The original has half of the weight on average, so it shines through."""
    ipmix = make("ipmix")
    likeness = [
        np.corrcoef(ipmix.picture(photo(), generator(n)).ravel(), photo().ravel())[0, 1]
        for n in range(40)
    ]
    assert np.mean(likeness) > 0.7
    assert min(likeness) < 0.98


def test_ipmix_changes_patches_alone_in_a_patch_chain(make: Make, photo: Photo) -> None:
    ipmix: Any = make("ipmix")
    original = photo()
    _, fractal = ipmix.source.window(32, 32, generator())
    shares = []
    for seed in range(60):
        mixed = to_bytes(ipmix._patches(original, fractal, 1, generator(seed)))
        rows, columns = np.nonzero((mixed != original).any(2))
        if len(rows):
            area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
            shares.append(area / original[..., 0].size)
            assert np.ptp(rows) < 32
    assert min(shares) < 0.05
    assert max(shares) > 0.9


@pytest.mark.parametrize("name", ["randaugment", "autoaugment", "trivialaugment", "augmix"])
def test_library_policies_draw_many_operations(name: str, make: Make, photo: Photo) -> None:
    policy = make(name)
    seen = {policy.picture(photo(), generator(n)).tobytes() for n in range(30)}
    assert len(seen) >= 15


def test_a_stronger_randaugment_changes_more(make: Make, photo: Photo) -> None:
    def change(magnitude: int) -> float:
        policy = make("randaugment", options={"magnitude": magnitude})
        done = [policy.picture(photo(), generator(n)).astype(float) for n in range(40)]
        return float(np.mean([np.abs(picture - photo()).mean() for picture in done]))

    assert change(1) < change(27)


def test_augmix_of_one_chain_is_between_picture_and_chain(make: Make, photo: Photo) -> None:
    augmix = make("augmix", options={"width": 1, "depth": 1, "severity": 1})
    flat = np.full((32, 32, 3), 100, dtype=np.uint8)
    # Operations on one grey give one grey inside, whatever they are.
    centre = augmix.picture(flat, generator())[8:24, 8:24]
    assert np.ptp(centre) <= 1
    assert augmix.picture(photo(), generator()).dtype == np.uint8
