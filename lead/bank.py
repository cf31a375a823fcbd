"""The memory bank of target features and predictions, and its nearest neighbours.

Filled from one evaluation pass before each epoch; the rows of a batch are replaced by the step's
own outputs (LEAD, CVPR 2024, Sec. 3.4, after Yang et al., NeurIPS 2021). The search is exact, as in
the released code, but on the CPU above `EXACT_LIMIT` rows: there an inverted file is searched,
which follows every replaced row (docs/results/scale.md has its recall).
Re-implementation; verified against the authors' released code (MIT).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from lead.nearest import Neighbours

NEIGHBOURS = 4
EXACT_LIMIT = 10_000


@dataclass
class Bank:
    """Rows of all N target samples.

    Attributes:
        features: [N, D] unit features.
        probability: [N, C] softmax outputs.
    """

    features: Tensor
    probability: Tensor
    _index: Neighbours | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.features) > EXACT_LIMIT and self.features.device.type == "cpu":
            self._index = Neighbours(self.features.numpy(), exact=False)

    def neighbours(self, unit: Tensor, count: int = NEIGHBOURS) -> tuple[Tensor, Tensor]:
        """Nearest rows by cosine, and the mean probability of all but the nearest.

        Rank 0 is dropped whether or not it is the sample itself, as in the released code. With
        fewer than count + 1 rows all rows are used; with a single row, that row.

        Args:
            unit: [B, D] unit embeddings of the batch.
            count: neighbours to average.

        Returns:
            ([B, count + 1] row indices, nearest first; [B, C] mean probability of ranks 1 ..).
        """
        ranks = min(count + 1, self.features.shape[0])
        if self._index is None:
            similarity = unit @ self.features.T  # [B, N]
            indices = torch.topk(similarity, ranks, dim=-1).indices
        else:
            found = self._index.search(unit.float().numpy(), ranks)
            # Where its lists held fewer, the nearest stands for what was not found.
            indices = torch.from_numpy(np.where(found < 0, found[:, :1], found))
        used = indices[:, 1:] if ranks > 1 else indices
        return indices, self.probability[used].mean(dim=1)

    def update(self, rows: Tensor, unit: Tensor, probability: Tensor) -> None:
        """Replace rows [B] by this step's unit embeddings [B, D] and probabilities [B, C]."""
        self.features[rows] = unit.detach()
        if self._index is not None:
            self._index.replace(rows.numpy(), unit.detach().float().numpy())
        self.probability[rows] = probability.detach()
