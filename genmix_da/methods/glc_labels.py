"""Pseudo-labels of GLC: each class against the rest of the target (Qu et al., CVPR 2023, Sec. 3.2).

For every source class its most probable target samples give one positive prototype, k-means on all
others gives the negative ones. A sample is known where its nearest class's positive prototype beats
the negative ones. Re-implementation; verified against the authors' released code (MIT).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from lead.clusters import effective_cluster_count
from lead.kmeans import kmeans

RHO = 0.75
_ROUNDS = 100
_MOST = 256  # negatives a cluster that take part, faiss's default
_SOFT_EPSILON = 1e-4


@dataclass(frozen=True)
class Prototypes:
    """One positive and K negative prototypes of each of C classes.

    Attributes:
        positive: [C, D] unit.
        negative: [C, K, D] raw k-means centres; K = 0 where no sample is left for them.
        prior: [C] weight of the positive similarity.
        top_rows: [C, T] rows behind the positive prototypes, most probable first.
    """

    positive: Tensor
    negative: Tensor
    prior: Tensor
    top_rows: Tensor


@dataclass(frozen=True)
class OneVsAllLabels:
    """Pseudo-labels of N target samples.

    Attributes:
        soft_target: [N, C] one-hot, or uniform for unknown samples; rows sum to about 1.
        is_unknown: [N] bool.
        label: [N] class, C where unknown.
    """

    soft_target: Tensor
    is_unknown: Tensor
    label: Tensor


def prototypes(
    unit: Tensor, probability: Tensor, coefficient: float, rho: float = RHO
) -> Prototypes:
    """Prototypes of every class.

    The released code stops where the coefficient leaves no positive sample, no negative one, or
    fewer of these than clusters; here there are at least one positive and at most as many clusters
    as negatives.

    Args:
        unit: [N, D] unit features.
        probability: [N, C].
        coefficient: clusters of the target as a multiple of C.
        rho: floor of the prior.
    """
    samples, classes = probability.shape
    top = min(max(int(samples / classes / coefficient), 1), samples)
    order = torch.argsort(probability, dim=0, descending=True, stable=True).T  # [C, N]
    best = order[:, :top]
    confidence = probability.gather(0, best.T).mean(dim=0)
    clusters = min(effective_cluster_count(classes, coefficient), samples - top)
    rest = unit.cpu().numpy()
    negative = [_centres(rest[rows.cpu().numpy()], clusters) for rows in order[:, top:]]
    return Prototypes(
        positive=normalize(unit[best].mean(dim=1), dim=1),
        negative=torch.from_numpy(np.stack(negative)).to(unit),
        prior=(1 - rho) * confidence + rho,
        top_rows=best,
    )


def _centres(points: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """K-means centres [count, D] of points [M, D], count <= M, as faiss finds them."""
    if not count:
        return np.empty((0, points.shape[1]), dtype=np.float32)
    return kmeans(points, count, iterations=_ROUNDS, most=_MOST).centres


def one_vs_all(unit: Tensor, found: Prototypes) -> OneVsAllLabels:
    """Label samples by prototypes.

    The positive similarity is weighted by the prior where it competes with the negatives, not
    where the nearest class is chosen, as in the released code.

    Args:
        unit: [N, D] unit features.
        found: prototypes.
    """
    similarity = unit @ found.positive.T  # [N, C]
    classes = similarity.shape[1]
    nearest = similarity.argmax(dim=1)
    own = (similarity * found.prior).gather(1, nearest.unsqueeze(1)).squeeze(1)
    if found.negative.shape[1]:
        best_negative = torch.stack(
            [(unit @ normalize(each, dim=1).T).max(dim=1).values for each in found.negative], dim=1
        )
        is_unknown = best_negative.gather(1, nearest.unsqueeze(1)).squeeze(1) > own
    else:
        is_unknown = torch.zeros_like(nearest, dtype=torch.bool)
    soft = one_hot(nearest, classes).to(unit)
    soft[is_unknown] = 1.0
    soft = soft / (soft.sum(dim=1, keepdim=True) + _SOFT_EPSILON)
    return OneVsAllLabels(soft, is_unknown, torch.where(is_unknown, classes, nearest))
