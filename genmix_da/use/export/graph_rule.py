"""The rule for new images beside a finished target graph, as a module; see `lead.graph_memory`."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lead.graph_memory import SAME, GraphMemory
from lead.rejection import Rejection


class GraphRule(nn.Module):
    """Smooths what a network says of new images over the target images that a graph was made of.

    Args:
        memory: of the run; its M nodes become constants.
        rejection: whose threshold is on the result.
    """

    points: Tensor
    centre: Tensor
    degree: Tensor
    masses: Tensor
    alphas: Tensor

    def __init__(self, memory: GraphMemory, rejection: Rejection) -> None:
        super().__init__()
        arrays: dict[str, NDArray[Any]] = {
            "points": memory.points,
            "centre": memory.centre,
            "degree": memory.degree,
            "masses": memory.masses,
            "alphas": memory.config.column_alphas(memory.classes),
        }
        for name, array in arrays.items():
            self.register_buffer(name, torch.from_numpy(array.copy()))
        self.neighbours = min(memory.config.neighbours, len(memory.points))
        self.power = float(memory.config.power)
        self.far_weight = rejection.far_weight
        self.floor = float(abs(memory.centre).max(initial=0.0))

    def forward(
        self, features: Tensor, probability: Tensor, uncertainty: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Probabilities [N, C] and uncertainty [N], as the memory and the rejection give them.

        Args:
            features: [N, F] raw backbone features, the mean over the views.
            probability: [N, C].
            uncertainty: [N].
        """
        pair = torch.stack([uncertainty, torch.ones_like(uncertainty)], dim=1)
        right = torch.cat([probability, pair, pair], dim=1).double()
        cosine, found = (self._unit(features) @ self.points.T).topk(self.neighbours, dim=1)
        cosine = cosine.double()
        weight = cosine.clamp(0.0, 1.0) ** self.power / 2
        total = weight.sum(dim=1, keepdim=True)
        scale = (total * self.degree[found]).sqrt()
        share = torch.where(scale > 0, weight / scale.clamp(min=1e-300), torch.zeros_like(weight))
        around = (share.unsqueeze(1) @ self.masses[found]).squeeze(1)
        masses = self.alphas * around + right
        known = cosine[:, :1] >= SAME
        masses = torch.where(known, self.masses[found[:, 0]], masses)
        classes = masses[:, :-4]
        far = (masses[:, -4] / masses[:, -3]).float()
        near = (masses[:, -2] / masses[:, -1]).float()
        order = far
        if self.far_weight is not None:
            order = near * (1 - self.far_weight) + far * self.far_weight
        return (classes / classes.sum(dim=1, keepdim=True)).float(), order

    def _unit(self, features: Tensor) -> Tensor:
        """As `lead.graph.unit_rows`."""
        moved = features - self.centre
        length = (moved * moved).sum(dim=1, keepdim=True).sqrt()
        scale = features.abs().amax(dim=1, keepdim=True).clamp(min=self.floor)
        unit = moved / length.clamp(min=1e-30)
        return torch.where(length > 1e-6 * scale, unit, torch.zeros_like(unit))
