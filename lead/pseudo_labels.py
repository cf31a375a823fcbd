"""Pseudo-labels from instance-level decision boundaries (LEAD, CVPR 2024, Sec. 3.3).

For each target sample: how common it looks with each class (the common score), how long it is in
the unknown space, and where the boundary between known and unknown lies for that sample and class.
Re-implementation; verified against the authors' released code (MIT).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from lead.decomposition import Decomposition
from lead.errors import DivergedError
from lead.large import BLOCK, copied, empty_tensor, product, taken

WEIGHT_ALPHA = 1e-4
"""Degrees of freedom and scale of the Student t kernel behind the confidence weight."""

CONFIDENT_WEIGHTS: tuple[str, ...] = ("released", "paper")


@dataclass(frozen=True)
class PseudoLabels:
    """Everything the pseudo-labelling computes; N samples, C classes, K top samples a class.

    Attributes:
        label: [N] int64, C means unknown.
        is_unknown: [N] bool.
        nearest_class: [N] int64, class with the highest common score.
        soft_target: [N, C] one-hot, or uniform where unknown; divided by (row sum + 1e-5).
        confidence_weight: [N] in [0, 1].
        known_norm, unknown_norm: [N] lengths of the unit feature in the two spaces.
        mixture_means: (low, high) means of the two-component mixture on unknown_norm.
        top_indices: [C, K] samples with the highest probability for each class, descending.
        target_prototypes, source_anchors: [C, D] unit vectors.
        target_similarity, source_similarity: [N, C] cosines, clamped at 0.
        common_score: [N, C].
        class_prior: [C] mean unknown_norm of the top samples.
        thresholds: [N, C] decision boundaries on unknown_norm.
        own_threshold: [N] boundary at nearest_class.
    """

    label: Tensor
    is_unknown: Tensor
    nearest_class: Tensor
    soft_target: Tensor
    confidence_weight: Tensor
    known_norm: Tensor
    unknown_norm: Tensor
    mixture_means: tuple[float, float]
    top_indices: Tensor
    target_prototypes: Tensor
    source_anchors: Tensor
    target_similarity: Tensor
    source_similarity: Tensor
    common_score: Tensor
    class_prior: Tensor
    thresholds: Tensor
    own_threshold: Tensor


def unit_features(features: Tensor) -> Tensor:
    """L2-normalise rows [N, D]; an all-zero row stays zero (the released code makes it NaN).

    Raises:
        DivergedError: rows that are not finite; a diverged network must not be pseudo-labelled.
    """
    require_finite(features, "feature")
    return normalize(features.detach(), dim=-1, out=empty_tensor(features))


def require_finite(values: Tensor, name: str) -> None:
    """Refuse [N, D] outputs of a network that has diverged.

    Args:
        values: [N, D].
        name: of what the rows hold, for the message.

    Raises:
        DivergedError: rows that are not finite.
    """
    finite = torch.cat([torch.isfinite(rows).all(dim=-1) for rows in torch.split(values, BLOCK)])
    if not finite.all():
        rows = torch.nonzero(~finite).flatten()
        raise DivergedError(
            f"{len(rows)} {name} rows are not finite, the first is row {int(rows[0])}; "
            "the network has diverged (lower the learning rate)"
        )


def mixture_means(unknown_norm: NDArray[np.float32]) -> tuple[float, float]:
    """Means of a two-component Gaussian mixture on [N] lengths, ascending (random_state 0).

    With one sample both means are that sample.
    """
    if len(unknown_norm) < 2:
        value = float(unknown_norm[0])
        return value, value
    from sklearn.exceptions import ConvergenceWarning  # here: it is a second of the start
    from sklearn.mixture import GaussianMixture

    with warnings.catch_warnings():
        # Equal lengths (empty unknown space) are one component; the high mean is that length.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture = GaussianMixture(n_components=2, random_state=0).fit(unknown_norm.reshape(-1, 1))
    low, high = sorted(float(mean) for mean in mixture.means_.ravel())
    return low, high


def top_samples(probability: Tensor, cluster_count: int) -> Tensor:
    """The int(N / C_t) samples with the highest probability for each class, at least one.

    Args:
        probability: [N, C].
        cluster_count: C_t.

    Returns:
        [C, K] sample indices, descending; ties go to the earlier sample.
    """
    count = max(int(len(probability) / cluster_count), 1)
    orders = (torch.sort(column, descending=True, stable=True).indices for column in probability.T)
    return torch.stack([order[:count] for order in orders])


def confidence(unknown_norm: Tensor, threshold: Tensor) -> Tensor:
    """Weight of a pseudo-label by its distance to the boundary: 1 - Student t kernel, [N].

    1 - (1 + (unknown_norm - threshold)^2 / a)^(-(a + 1) / 2) with a = 1e-4: 0 on the boundary.
    """
    squared = (unknown_norm - threshold) ** 2
    kernel = torch.pow(1.0 + squared / WEIGHT_ALPHA, -(WEIGHT_ALPHA + 1.0) / 2.0)
    return 1.0 - kernel


def common_scores(target_similarity: Tensor, source_similarity: Tensor) -> Tensor:
    """How common samples look with the classes: sqrt((1 - e^-t) e^(s - 1)), [N, C].

    Args:
        target_similarity: t, [N, C] cosines with the target prototypes, clamped at 0.
        source_similarity: s, [N, C] cosines with the source anchors, clamped at 0.
    """
    near = copied(target_similarity).neg_().exp_().neg_().add_(1.0)
    return near.mul_(copied(source_similarity).sub_(1.0).exp_()).sqrt_()


def soft_targets(
    nearest_class: Tensor, is_unknown: Tensor, class_count: int, dtype: torch.dtype
) -> Tensor:
    """[N, C]: one-hot, or uniform where unknown; divided by (row sum + 1e-5)."""
    shape = (len(nearest_class), class_count)
    target = empty_tensor(nearest_class.new_empty(0, dtype=dtype), shape).zero_()
    target.scatter_(1, nearest_class.unsqueeze(1), 1.0)
    target[is_unknown] = 1.0
    return target.div_(target.sum(dim=-1, keepdim=True) + 1e-5)


def _check(samples: int, cluster_count: int, confident_weight: str) -> None:
    if samples == 0:
        raise ValueError("there are no target samples to pseudo-label")
    if cluster_count < 1:
        raise ValueError(f"cluster_count must be at least 1, not {cluster_count}")
    if confident_weight not in CONFIDENT_WEIGHTS:
        raise ValueError(f"confident_weight must be one of {', '.join(CONFIDENT_WEIGHTS)}")


def assign_pseudo_labels(
    unit: Tensor,
    probability: Tensor,
    class_weights: Tensor,
    decomposition: Decomposition,
    cluster_count: int,
    *,
    confident_weight: str = "released",
    top_indices: Tensor | None = None,
) -> PseudoLabels:
    """Pseudo-label every target sample.

    Args:
        unit: [N, D] features of unit length (`unit_features`).
        probability: [N, C] softmax outputs.
        class_weights: [C, D] effective classifier weight rows.
        decomposition: known and unknown space of `class_weights`.
        cluster_count: C_t, at least 1.
        confident_weight: "released": weights as the released code computes them; "paper": weight 1
            where unknown_norm is above the high mixture mean or below the class prior. (The
            released code holds that assignment, but it acts on a temporary copy and is lost.)
        top_indices: [C, K] to use instead of `top_samples`.

    Raises:
        ValueError: no samples, C_t below 1, unknown `confident_weight`.
    """
    _check(len(unit), cluster_count, confident_weight)
    class_count = len(class_weights)
    known_norm, unknown_norm = decomposition.norms(unit)
    means = mixture_means(unknown_norm.cpu().numpy())
    if top_indices is None:
        top_indices = top_samples(probability, cluster_count)

    target_prototypes = normalize(taken(unit, top_indices).mean(dim=1), dim=-1)  # [C, D]
    source_anchors = normalize(class_weights.detach(), dim=-1)  # [C, D]
    target_similarity = product(unit, target_prototypes.T).clamp_min_(0.0)  # [N, C]
    source_similarity = product(unit, source_anchors.T).clamp_min_(0.0)  # [N, C]
    common_score = common_scores(target_similarity, source_similarity)

    class_prior = unknown_norm[top_indices].mean(dim=1)  # [C]
    gap = (means[1] - class_prior).clamp_min(0.0)  # [C]
    thresholds = copied(common_score).mul_(gap).add_(class_prior)  # [N, C]
    nearest_class = common_score.argmax(dim=-1)  # [N]
    own_threshold = thresholds.gather(1, nearest_class.unsqueeze(1)).squeeze(1)  # [N]

    is_unknown = unknown_norm >= own_threshold
    weight = confidence(unknown_norm, own_threshold)
    if confident_weight == "paper":
        clear = (unknown_norm >= means[1]) | (unknown_norm < class_prior[nearest_class])
        weight = torch.where(clear, torch.ones_like(weight), weight)

    return PseudoLabels(
        label=torch.where(is_unknown, torch.full_like(nearest_class, class_count), nearest_class),
        is_unknown=is_unknown,
        nearest_class=nearest_class,
        soft_target=soft_targets(nearest_class, is_unknown, class_count, unit.dtype),
        confidence_weight=weight,
        known_norm=known_norm,
        unknown_norm=unknown_norm,
        mixture_means=means,
        top_indices=top_indices,
        target_prototypes=target_prototypes,
        source_anchors=source_anchors,
        target_similarity=target_similarity,
        source_similarity=source_similarity,
        common_score=common_score,
        class_prior=class_prior,
        thresholds=thresholds,
        own_threshold=own_threshold,
    )
