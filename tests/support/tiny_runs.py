"""Settings of runs of a second whose scores still differ: between methods, seeds and epochs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial

import pytest

from genmix_da.augment import compose, fractals

NETWORK = (
    *("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32"),
    # Same seed, same scores is promised on the CPU.
    *("--batch-size", "8", "--device", "cpu"),
)
SOURCE = ("--source-epochs", "4", "--source-lr", "0.04", "--source-backbone-factor", "1")
TARGET = ("--epochs", "2", "--threshold", "0.85", "--lambda-psd", "0.3", "--split", "3/1/2")
GENMIX = (*("--editor", "filters", "--features", "off", "--edit-size", "32", "--per-image", "1"),)
CLASSIFIER = ("--epochs", "3", "--lr", "0.05", "--eval-every", "1", "--seed", "1")


@contextmanager
def few_small_fractals() -> Iterator[None]:
    """Fractals of 512 pixels would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compose, "COUNT", 3)
        patch.setattr(fractals, "draw_fractal", cache(partial(fractals.draw_fractal, side=32)))
        yield
