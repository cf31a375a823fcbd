"""Views of samples whose features were computed before: the backbone is frozen, the heads learn.

Every image has V feature vectors, one for each of V fixed views (crops, flips), so that something
of the augmentation of images survives. A training batch draws a view for every image anew; view 0
is the evaluation view. The network's backbone is then the identity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lead.large import BLOCK, LIMIT
from lead.seeds import batches
from lead.views import VIEW_BATCH, prefetch

# Features of more bytes are left where they are, which a memory-mapped file makes the disk: on the
# CPU they are read from there as fast, a card would wait for them.
IN_MEMORY, ON_CARD = LIMIT, 2**30


class FeatureViews:
    """Batches of features in place of images; see `lead.views.Views`.

    Args:
        features: [N, V, F] float32, V >= 1 views of each image, the first for evaluation;
            or [N, F] for one view. Above `IN_MEMORY` bytes (`ON_CARD`) they are read by batches.
        device: where they are kept and the batches are.
        rows: [N] which of the features; all of them where it is not given.

    Raises:
        ValueError: the array has another shape or type, or holds values that are not finite.

    Example:
        Adapt to features of your own, of any kind:

        >>> import numpy as np, torch, lead
        >>> draw = np.random.default_rng(0)
        >>> labels = np.repeat(np.arange(4), 10)  # four classes; a fifth in the target alone
        >>> centres = 3 * draw.normal(size=(5, 8))
        >>> def sample(kinds):  # [N, V, F]: two views of every image
        ...     noise = draw.normal(size=(len(kinds), 2, 8))
        ...     return (centres[kinds][:, None] + noise).astype(np.float32)
        >>> device = torch.device("cpu")
        >>> network = lead.Network(torch.nn.Identity(), 8, class_count=4, bottleneck_dim=16)
        >>> source = lead.FeatureViews(sample(labels), device)
        >>> settings = lead.SourceConfig(epochs=20, batch_size=10, learning_rate=0.05)
        >>> for epoch in lead.train_source(network, source, labels, settings):
        ...     pass
        >>> epoch.accuracy > 0.9
        True
        >>> target = lead.FeatureViews(sample(np.repeat(np.arange(5), 10)), device)
        >>> for epoch in lead.adapt(network, target, lead.TargetConfig(epochs=2, batch_size=10)):
        ...     pass
        >>> list(epoch.evaluation.probability.shape)
        [50, 4]
    """

    def __init__(
        self,
        features: NDArray[np.float32],
        device: torch.device,
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        if features.ndim == 2:
            features = features[:, np.newaxis]
        if features.ndim != 3 or features.shape[1] < 1 or features.dtype != np.float32:
            raise ValueError(
                f"features must be float32 [N, V, F], not {features.dtype} {list(features.shape)}"
            )
        self.device = device
        self._rows = np.arange(len(features)) if rows is None else rows
        self._stored = features
        for start in range(0, len(self), BLOCK):
            block = features[self._rows[start : start + BLOCK]]
            if not np.isfinite(block).all():
                row = start + int(np.flatnonzero(~np.isfinite(block).all(axis=(1, 2)))[0])
                raise ValueError(f"features are not finite, the first in row {row}")
        size = len(self) * features[:1].nbytes
        kept = size <= (IN_MEMORY if device.type == "cpu" else ON_CARD)
        self._kept = torch.tensor(features[self._rows], device=device) if kept else None

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def feature_dim(self) -> int:
        """F."""
        return int(self._stored.shape[2])

    def training_batches(
        self, batch_size: int, draw: np.random.Generator, limit: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """A shuffled epoch of (row indices [B], features [B, F] of views drawn at random).

        Args:
            batch_size: B; full batches alone.
            draw: of order and views.
            limit: at most this many batches.

        Raises:
            TooFewImagesError: fewer images than a batch.
        """
        return self.batches_of(batches(len(self), batch_size, draw)[:limit], draw)

    def batches_of(
        self, plan: Sequence[NDArray[np.int64]], draw: np.random.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Features [B, F], of views drawn at random, of the rows [B] of each batch of a plan."""

        def load(rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
            views = draw.integers(0, self._stored.shape[1], size=len(rows))
            return torch.from_numpy(rows).to(self.device), self._of(rows, views)

        return map(load, plan) if self._kept is not None else prefetch(plan, load)

    def evaluation_batches(self, batch_size: int) -> Iterator[Tensor]:
        """View 0 of all images in order: [B, F]; the last batch may be smaller."""
        for start in range(0, len(self), batch_size):
            yield self._of(slice(start, start + batch_size), 0)

    def view_batches(self, batch_size: int = VIEW_BATCH) -> Iterator[Tensor]:
        """All views of all images in order: [B, V, F]; B x V is at most `batch_size` or V."""
        together = max(1, batch_size // self._stored.shape[1])
        for start in range(0, len(self), together):
            yield self._of(slice(start, start + together), slice(None))

    def _of(
        self, rows: NDArray[np.int64] | slice, views: NDArray[np.int64] | slice | int
    ) -> Tensor:
        if self._kept is None:
            found = np.ascontiguousarray(self._stored[self._rows[rows], views])
            return torch.from_numpy(found).to(self.device)
        if isinstance(rows, slice):
            return self._kept[rows, views]
        chosen, of_them = (torch.from_numpy(part).to(self.device) for part in (rows, views))
        return self._kept[chosen, of_them]
