"""How well the target's private classes are told apart: NMI of their clusters, and the H3-score.

The H-score counts all target-private classes as one, "unknown". The H3-score adds whether the
features would let somebody find the single classes among the unknown.

Source: Chang et al., "Unified Optimal Transport Framework for Universal Domain Adaptation",
NeurIPS 2022 (UniOT), https://arxiv.org/abs/2210.17067; with the constants of Deng and Jia,
"Universal Domain Adaptation from Foundation Models: A Baseline Study", 2023,
https://arxiv.org/abs/2305.11092.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lead.kmeans import kmeans
from lead.large import taken

STARTS = 5


def private_nmi(
    features: Tensor, private_labels: NDArray[np.int64], *, seed: int = 0
) -> float | None:
    """NMI between the clusters of all target-private samples and their own classes.

    Every sample of a private class counts, whether it was rejected or not. Spherical k-means on
    their unit features, as many clusters as private classes have samples, five starts of twenty
    iterations from samples drawn at random, the most compact one kept; mutual information divided
    by the arithmetic mean of the two entropies.

    Args:
        features: [N, D] unit features of all target samples.
        private_labels: [N] each sample's own private class, from 0; -1 for shared classes.
        seed: of the starts.

    Returns:
        A fraction, or None with fewer than two private classes among the samples.
    """
    rows = np.flatnonzero(private_labels >= 0)
    labels = private_labels[rows]
    class_count = len(np.unique(labels))
    if class_count < 2:
        return None
    points = taken(features.detach().float().cpu(), torch.from_numpy(rows)).numpy()
    clusters = kmeans(points, class_count, starts=STARTS, spherical=True, seed=seed).labels
    # Rounding may leave it a little above 1.
    from sklearn.metrics import normalized_mutual_info_score  # here: it is a second of the start

    return min(float(normalized_mutual_info_score(labels, clusters)), 1.0)
