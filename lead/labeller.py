"""Pseudo-labels of every epoch of an adaptation, and when C_t is searched anew for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lead.clusters import ClusterEstimate, effective_cluster_count, estimate_clusters
from lead.decomposition import decompose
from lead.evaluation import Evaluation
from lead.pseudo_labels import PseudoLabels, assign_pseudo_labels


class Labeller:
    """Pseudo-labels of an epoch, from the evaluation before it.

    Args:
        class_weights: [C, D] of the frozen classifier.
        every: epochs between two searches for C_t.
        estimator, subsample: see `estimate_clusters`.
        confident_weight: see `assign_pseudo_labels`.
    """

    def __init__(
        self,
        class_weights: Tensor,
        *,
        every: int,
        estimator: str,
        subsample: bool,
        confident_weight: str,
    ) -> None:
        self.decomposition = decompose(class_weights)
        self.coefficient = 1.0
        self._weights = class_weights
        self._every, self._estimator, self._subsample = every, estimator, subsample
        self._confident_weight = confident_weight

    @property
    def cluster_count(self) -> int:
        """C_t."""
        return effective_cluster_count(len(self._weights), self.coefficient)

    def estimate(self, current: Evaluation, epoch: int) -> ClusterEstimate | None:
        """Search C_t anew, in the epochs where that is due."""
        if (epoch - 1) % self._every:
            return None
        found = estimate_clusters(
            current.features.cpu().numpy(),
            len(self._weights),
            estimator=self._estimator,
            subsample=self._subsample,
            previous=self.coefficient,
        )
        self.coefficient = found.coefficient
        return found

    def label(self, current: Evaluation) -> PseudoLabels:
        """Label every sample."""
        return assign_pseudo_labels(
            current.features,
            current.probability,
            self._weights,
            self.decomposition,
            self.cluster_count,
            confident_weight=self._confident_weight,
        )

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.coefficient = float(state["coefficient"])

    def state(self, current: Evaluation) -> dict[str, Any]:
        """What the next epoch is labelled from."""
        return {
            "coefficient": self.coefficient,
            "features": current.features.cpu(),
            "probability": current.probability.cpu(),
        }
