"""UniOT: the network with its two heads, and how it decides (Chang et al., NeurIPS 2022).

Re-implementation; verified against arrays of the authors' released code (MIT).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from genmix_da.methods.uniot_queue import positions
from genmix_da.methods.uniot_transport import TEST_STOP, fill, transport
from lead.network import HeadedNetwork
from lead.pseudo_labels import require_finite
from lead.seeds import derive

TEMPERATURE = 0.1
PROJECTION_DIM = 256
# Of what is drawn in evaluation, whatever the seed of a run.
TEST_SEED, TEST_NUMBER = 0, -1


class Draws(Protocol):
    """The random part of a step, or of an evaluation."""

    def clustering(self, size: int, count: int) -> Tensor:
        """[count] rows of a queue of `size`, which join the clustering."""
        ...

    def transport(self, size: int, count: int) -> Tensor:
        """[count] rows of a queue of `size`, which join the transport."""
        ...

    def filling(self, candidates: int, count: int) -> Tensor:
        """[count] of so many candidates, which are added by `fill`."""
        ...


class Drawn:
    """Draws that hang on the seed and the number of the step alone, so that a run can be resumed.

    Args:
        device: where the rows are used.
        seed: of the run.
        number: of the step.
    """

    def __init__(self, device: torch.device, seed: int, number: int) -> None:
        self._device, self._seed, self._number = device, seed, number

    def clustering(self, size: int, count: int) -> Tensor:
        """See `Draws`."""
        return self._rows("uniot clustering", size, count)

    def transport(self, size: int, count: int) -> Tensor:
        """See `Draws`."""
        return self._rows("uniot transport", size, count)

    def filling(self, candidates: int, count: int) -> Tensor:
        """See `Draws`."""
        return self._rows("uniot filling", candidates, count)

    def _rows(self, purpose: str, size: int, count: int) -> Tensor:
        draw = np.random.default_rng(derive(self._seed, purpose, self._number))
        return positions(torch.from_numpy(draw.random(count)), size).to(self._device)


class UniotNetwork(HeadedNetwork):
    """Backbone, projection, class prototypes and cluster centres; the mass of each class.

    Outputs [B, C + K]: cosines with C prototypes, then with K centres, over the temperature.

    Args:
        backbone: images [B, 3, H, W] -> features [B, F].
        feature_dim: F.
        class_count: C.
        clusters: K.
        gamma: of adaptive filling, see `fill`.
        projection_dim: D.

    Attributes:
        beta: [C] float64, mass of each class as trained; a buffer, for decisions hang on it.
    """

    judges_sets = True
    beta: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        feature_dim: int,
        class_count: int,
        clusters: int,
        gamma: float = 0.7,
        projection_dim: int = PROJECTION_DIM,
    ) -> None:
        super().__init__(backbone)
        self.gamma = gamma
        self.projection = nn.Sequential(
            nn.Linear(feature_dim, feature_dim),
            nn.ReLU(),
            nn.Linear(feature_dim, projection_dim),
        )
        self.prototypes = nn.Linear(projection_dim, class_count, bias=False)
        self.centres = nn.Linear(projection_dim, clusters, bias=False)
        uniform = torch.full((class_count,), 1 / class_count, dtype=torch.float64)
        self.register_buffer("beta", uniform)
        self.unit_heads()

    def outputs(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, F] -> (projection [B, D], outputs [B, C + K])."""
        embedding = self.projection(features)
        unit = normalize(embedding, dim=1)
        cosines = torch.cat([self.prototypes(unit), self.centres(unit)], dim=1)
        return embedding, cosines / TEMPERATURE

    def split(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs [B, C + K] -> class logits [B, C] and cluster logits [B, K]."""
        classes = self.prototypes.out_features
        return outputs[:, :classes], outputs[:, classes:]

    @torch.no_grad()
    def unit_heads(self) -> None:
        """Give the rows of both heads unit length."""
        for head in (self.prototypes, self.centres):
            head.weight.copy_(normalize(head.weight, dim=1))

    def judge(self, embedding: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Transport all N samples to the classes; what one is depends on all others.

        The probability of a sample is its row of the plan, divided by its sum. The uncertainty is
        1 / (1 + rows x largest share): above 0.5 where no class takes more of the sample than its
        due, which is unknown as released. What adaptive filling draws comes from a fixed seed, so
        that a second evaluation equals the first.

        Raises:
            DivergedError: values that are not finite.
        """
        require_finite(embedding, "feature")
        return self.decide(
            normalize(embedding, dim=1), Drawn(embedding.device, TEST_SEED, TEST_NUMBER)
        )

    def decide(self, unit: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """As `judge`, of unit features [N, D] and with these draws."""
        prototypes = normalize(self.prototypes.weight.detach(), dim=1)
        filled = fill(unit, prototypes, self.beta, self.gamma, draws.filling, stop=TEST_STOP)
        plan = transport(filled.similarity, self.beta, TEST_STOP).share
        own = plan[filled.added :]
        probability = own / own.sum(dim=1, keepdim=True)
        uncertainty = 1 / (1 + len(plan) * own.max(dim=1).values)
        return probability.float(), uncertainty.float()
