"""New images beside a finished target graph: what is kept of it, and how they are smoothed.

A new image x with class probabilities p_x and normalised entropy e_x is joined to its k nearest
nodes j by w_j = max(cos, 0)^power / 2 (the other direction, j to x, is not looked for), and

    R_x = alpha sum_j w_j / sqrt(d_x d_j) R_j + [p_x, e_x, 1],    d_x = sum_j w_j,

one row of the graph's equation with the nodes held fixed; e_x and 1 stand twice, for
`uncertainty_alpha` and `share_alpha`. (Compare the induction formula of Delalleau et al.,
"Efficient Non-Parametric Function Induction in Semi-Supervised Learning", AISTATS 2005.) An image
that is itself in the graph has the answer of its node.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lead.errors import LeadError, WeightsError
from lead.graph import (
    Floats,
    GraphConfig,
    Smoothed,
    TargetGraph,
    own_masses,
    read_masses,
    unit_rows,
)
from lead.large import taken
from lead.nearest import Neighbours

SAME = 1.0 - 1e-6  # cosine of an image with itself, encoded in another batch


@dataclass(frozen=True)
class GraphMemory:
    """The nodes of a graph and their solution; M nodes, F features, C classes.

    Attributes:
        points: [M, F] float32, centred and of unit length.
        centre: [F] float32.
        degree: [M] float64.
        masses: [M, C + 4] float64, see `lead.graph.Smoothed`.
        config: of the graph.
    """

    points: NDArray[np.float32]
    centre: NDArray[np.float32]
    degree: Floats
    masses: Floats
    config: GraphConfig

    @classmethod
    def of(cls, graph: TargetGraph, smoothed: Smoothed) -> GraphMemory:
        """What a graph and its solution leave."""
        first = graph.first
        return cls(
            graph.nodes,
            graph.centre,
            graph.degree[first],
            taken(torch.from_numpy(smoothed.masses), torch.from_numpy(first)).numpy(),
            graph.config,
        )

    @property
    def classes(self) -> int:
        """C."""
        return int(self.masses.shape[1]) - 4

    def smooth(
        self,
        features: NDArray[np.float32],
        probability: Tensor,
        device: torch.device | None = None,
        uncertainty: Tensor | None = None,
    ) -> Smoothed:
        """Smooth the network's predictions on Q new images, each for itself.

        Args:
            features: [Q, F] raw backbone features, the mean over the views, as the graph had them.
            probability: [Q, C] of the same images.
            device: CUDA to search there.
            uncertainty: [Q] as the graph had it, see `TargetGraph.smooth`.

        Raises:
            WeightsError: the graph is of another number of classes.
        """
        right = own_masses(probability, uncertainty)
        if probability.shape[1] != self.classes:
            raise WeightsError(
                f"the graph is of {self.classes} classes, not {probability.shape[1]}"
            )
        new = unit_rows(features, self.centre)
        found = Neighbours(self.points, device).search(new, self.config.neighbours)
        cosine = np.einsum("qf,qkf->qk", new, self.points[found], dtype=np.float64)
        cosine[found < 0] = 0.0
        weight = np.clip(cosine, 0.0, 1.0) ** self.config.power / 2
        total = weight.sum(axis=1, keepdims=True)
        scale = np.sqrt(total * self.degree[found])
        share = np.divide(weight, scale, out=np.zeros_like(weight), where=scale > 0)
        around = np.einsum("qk,qkc->qc", share, self.masses[found])
        masses = self.config.column_alphas(probability.shape[1]) * around + right
        if found.shape[1]:
            known = cosine[:, 0] >= SAME
            masses[known] = self.masses[found[known, 0]]
        return read_masses(masses)

    def tensors(self) -> dict[str, Tensor]:
        """The arrays, for a file."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def description(self) -> dict[str, Any]:
        """The settings, for the file's metadata."""
        return dataclasses.asdict(self.config)

    @classmethod
    def load(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> GraphMemory:
        """From what `tensors` and `description` gave.

        Raises:
            WeightsError: something is missing, out of range or does not fit together.
        """
        try:
            arrays = {name: tensors[name].numpy() for name in _ARRAYS}
            if "share_alpha" not in settings:  # solved before the share had an alpha of its own
                settings = {**settings, "share_alpha": settings["uncertainty_alpha"]}
                arrays["masses"] = np.hstack([arrays["masses"], arrays["masses"][:, -2:]])
            # Every setting must be there: a default would not be what the masses were solved with.
            config = GraphConfig(**{**{name: settings[name] for name in _SETTINGS}, **settings})
        except (KeyError, TypeError, LeadError) as error:
            raise WeightsError(f"the graph file is incomplete or damaged: {error}") from error
        points, masses = arrays["points"], arrays["masses"]
        fits = points.ndim == 2 and arrays["centre"].shape == points.shape[1:]
        fits &= arrays["degree"].shape == points.shape[:1] == masses.shape[:1]
        if not (fits and masses.ndim == 2 and masses.shape[1] > 4):
            raise WeightsError("the arrays of the graph file do not fit together")
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise WeightsError("the arrays of the graph file hold values that are no numbers")
        return cls(**arrays, config=config)


_ARRAYS = ("points", "centre", "degree", "masses")
_SETTINGS = tuple(field.name for field in dataclasses.fields(GraphConfig))
