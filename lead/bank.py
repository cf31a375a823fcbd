"""The memory bank of target features and predictions, and its nearest neighbours.

Filled from one evaluation pass before each epoch; the rows of a batch are replaced by the step's
own outputs (LEAD, CVPR 2024, Sec. 3.4, after Yang et al., NeurIPS 2021).
Re-implementation; verified against the authors' released code (MIT).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NEIGHBOURS = 4


@dataclass
class Bank:
    """Rows of all N target samples.

    Attributes:
        features: [N, D] unit features.
        probability: [N, C] softmax outputs.
    """

    features: Tensor
    probability: Tensor

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
        similarity = unit @ self.features.T  # [B, N]
        ranks = min(count + 1, self.features.shape[0])
        indices = torch.topk(similarity, ranks, dim=-1).indices
        used = indices[:, 1:] if ranks > 1 else indices
        return indices, self.probability[used].mean(dim=1)

    def update(self, rows: Tensor, unit: Tensor, probability: Tensor) -> None:
        """Replace rows [B] by this step's unit embeddings [B, D] and probabilities [B, C]."""
        self.features[rows] = unit.detach()
        self.probability[rows] = probability.detach()
