"""Views that show how far they are give the batches of those that do not."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from genmix_da.data.shown_views import ShownViews
from lead.views import ImageViews, Preprocessing

PREPROCESSING = Preprocessing(
    image_size=8, resize_size=10, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2)
)


@pytest.mark.parametrize("terminal", [True, False])
def test_batches_are_the_same(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    draw = np.random.default_rng(1)
    images = draw.integers(0, 256, (7, 10, 10, 3), dtype=np.uint8)
    plain, shown = (
        kind(images, PREPROCESSING, torch.device("cpu")) for kind in (ImageViews, ShownViews)
    )
    for limit in (None, 1, 9):
        pairs = zip(
            plain.training_batches(3, np.random.default_rng(2), limit),
            shown.training_batches(3, np.random.default_rng(2), limit),
            strict=True,
        )
        assert all(
            torch.equal(a, b) for one, other in pairs for a, b in zip(one, other, strict=True)
        )
    for name in ("evaluation_batches", "view_batches"):
        pairs = zip(getattr(plain, name)(3), getattr(shown, name)(3), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)
