"""Views of images whose passes show how far they are: an epoch of a large network takes minutes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from genmix_da.progress import bar, track
from lead.views import VIEW_BATCH, ImageViews


class ShownViews(ImageViews):
    """See `ImageViews`; the same batches."""

    def training_batches(
        self, batch_size: int, draw: np.random.Generator, limit: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The epoch, by batches."""
        count = len(self) // batch_size
        count = count if limit is None else min(count, limit)
        return track(super().training_batches(batch_size, draw, limit), "training", count)

    def evaluation_batches(self, batch_size: int) -> Iterator[Tensor]:
        """All images, by images."""
        return _by_images(super().evaluation_batches(batch_size), len(self))

    def view_batches(self, batch_size: int = VIEW_BATCH) -> Iterator[Tensor]:
        """All images in their fixed views, by images."""
        return _by_images(super().view_batches(batch_size), len(self))


def _by_images(batches: Iterator[Tensor], total: int) -> Iterator[Tensor]:
    done = 0
    with bar("evaluating") as advance:
        for batch in batches:
            yield batch
            done += len(batch)
            advance(done, total)
