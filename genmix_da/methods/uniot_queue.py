"""UniOT's memory: the last few batches of target features.

Re-implementation; verified against arrays of the authors' released code (MIT).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from lead.network import HeadedNetwork
from lead.precision import Precision
from lead.seeds import batches, derive
from lead.views import Views


class Queue:
    """A ring of batches: the newest replaces the oldest.

    Args:
        features: [Q, D] unit features to begin with; Q is a multiple of B. Zeros: empty.
        rows: [Q] of these in the target.
        pointer: where the next batch goes.
    """

    def __init__(self, features: Tensor, rows: Tensor, pointer: int = 0) -> None:
        self.features, self.rows, self.pointer = features, rows, pointer

    def __len__(self) -> int:
        """Q."""
        return len(self.features)

    def push(self, features: Tensor, rows: Tensor) -> None:
        """Put features [B, D] and their rows [B] in the place of the oldest."""
        place = slice(self.pointer, self.pointer + len(rows))
        self.features[place], self.rows[place] = features, rows
        self.features = normalize(self.features, dim=1)
        self.pointer = (self.pointer + len(rows)) % len(self)

    def nearest(
        self, unit: Tensor, temperature: float, rows: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The most similar feature in the queue.

        Args:
            unit: [B, D] unit features.
            temperature: similarities are divided by it.
            rows: [B] of all these in the target: features of them are no neighbours of any of
                the B, as released. None: all are.

        Returns:
            [B] similarities and [B, D] features; -1 / temperature where there is no neighbour.
        """
        similarity = unit @ self.features.T / temperature
        if rows is not None:
            own = torch.isin(self.rows, rows)
            similarity = similarity.masked_fill(own, -1.0 / temperature)
        value, best = similarity.max(dim=1)
        return value, self.features[best]

    def state(self) -> dict[str, Any]:
        """For a training state."""
        return {
            "queue_features": self.features,
            "queue_rows": self.rows,
            "queue_pointer": self.pointer,
        }

    @classmethod
    def of(cls, state: Mapping[str, Any], device: torch.device) -> Queue:
        """The queue of what `state` gave."""
        features, rows = (state[name].to(device) for name in ("queue_features", "queue_rows"))
        # Copies: they are written to.
        return cls(features.clone(), rows.clone(), int(state["queue_pointer"]))


@torch.no_grad()
def first_queue(
    network: HeadedNetwork,
    views: Views,
    precision: Precision,
    *,
    batch_size: int,
    size: int,
    seed: int,
) -> Queue:
    """Features of training views, in a drawn order, by the network in evaluation mode.

    Args:
        network: in training mode, and again after it.
        views: of the N target samples.
        precision: how the passes are run.
        batch_size: B.
        size: the queue has min(size, N) rows, cut to full batches; one batch at least.
        seed: of order and views.

    Raises:
        TooFewImagesError: fewer samples than a batch.
    """
    draw = np.random.default_rng(derive(seed, "uniot queue"))
    plan = batches(len(views), batch_size, draw)[: max(1, size // batch_size)]
    network.eval()
    features, rows = [], []
    for chosen, images in views.batches_of(plan, draw):
        with precision.autocast():
            embedding, _ = network(images)
        features.append(normalize(embedding, dim=1))
        rows.append(chosen)
    network.train()
    return Queue(torch.cat(features), torch.cat(rows))


def positions(uniform: Tensor, count: int) -> Tensor:
    """Numbers in [0, 1) -> places in 0..count-1, each as likely as any other."""
    # Rounding may carry the largest of them up to `count`.
    return (uniform * count).long().clamp(max=count - 1)
