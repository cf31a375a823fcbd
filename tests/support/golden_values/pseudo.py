"""Pseudo-labels: what pseudo_*.npz files hold, computed and compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from golden_values.comparison import Comparison, tensor
from golden_values.files import (
    Arrays,
    Info,
)
from lead import clusters
from lead.decomposition import decompose
from lead.pseudo_labels import assign_pseudo_labels, top_samples, unit_features

PSEUDO_ATOL = {
    "features_bank": 1e-6,
    "known_projector": 1e-5,
    "known_norm": 5e-6,
    "unknown_norm": 5e-6,
    "mixture_means": 1e-5,
    "target_prototypes": 1e-5,
    "source_anchors": 1e-6,
    "target_similarity": 1e-5,
    "source_similarity": 1e-5,
    "common_score": 2e-5,
    "class_prior": 5e-6,
    "thresholds": 1e-5,
}
# These hang on the nearest class or on the label, which rounding may decide in a flagged sample.
PSEUDO_ROW_ATOL = {"own_threshold": 1e-5, "confidence_weight": 2e-4, "soft_target": 1e-6}
SILHOUETTE_RTOL = 1e-5
PSEUDO_EXACT = (
    "effective_cluster_count",
    "top_count",
    "top_indices",
    "nearest_class",
    "is_unknown",
    "pseudo_label",
)
ESTIMATION_EXACT = (
    "candidate_coefficients",
    "candidate_cluster_counts",
    "candidate_assignments",
    "coefficient",
)
PSEUDO_INPUTS = ("class_weights", "features", "probabilities", "true_labels", "map2d")
PSEUDO_FLAGS = ("boundary", "class_ambiguous")
# The largest file leaves these out.
PSEUDO_OPTIONAL = ("features_bank", "soft_target", "target_similarity", "thresholds")


def tied_at_cut(probability: np.ndarray, count: int) -> np.ndarray:
    """[C] classes whose top samples are not determined: equal probabilities at the cut."""
    falling = -np.sort(-probability, axis=0)
    if count >= len(falling):
        return np.zeros(probability.shape[1], dtype=bool)
    return falling[count - 1] == falling[count]


def compute_pseudo(arrays: Arrays, info: Info) -> dict[str, Any]:
    """Every array of a pseudo_*.npz file, computed by this package from the file's inputs."""
    del info
    weights = tensor(arrays["class_weights"])
    probability = tensor(arrays["probabilities"])
    class_count = len(weights)
    unit = unit_features(tensor(arrays["features"]))
    decomposition = decompose(weights)

    values: dict[str, Any] = {}
    if "map2d" in arrays:
        points = arrays["map2d"]
        counts = clusters.candidate_counts(class_count)
        silhouettes = [clusters.candidate_silhouette(points, count) for count in counts]
        values["candidate_coefficients"] = np.array(clusters.COEFFICIENTS)
        values["candidate_cluster_counts"] = np.array(counts)
        values["candidate_assignments"] = [clusters.cluster(points, count) for count in counts]
        values["candidate_silhouettes"] = np.array(silhouettes)
        values["coefficient"] = clusters.best_coefficient(silhouettes)
    values["estimation_subset"] = clusters.estimation_subset(len(unit))

    cluster_count = clusters.effective_cluster_count(class_count, float(arrays["coefficient"]))
    chosen = top_samples(probability, cluster_count)
    golden_top = arrays["top_indices"]
    tied = tied_at_cut(arrays["probabilities"], golden_top.shape[1])
    # Where ties leave the choice open, the rest of the file follows from the file's own choice.
    given = tensor(golden_top) if tied.any() else None
    labels = assign_pseudo_labels(
        unit, probability, weights, decomposition, cluster_count, top_indices=given
    )
    values |= {field: getattr(labels, field) for field in labels.__dataclass_fields__}
    values["pseudo_label"] = labels.label
    values["top_indices"] = chosen
    values["top_count"] = chosen.shape[1]
    values["effective_cluster_count"] = cluster_count
    values["features_bank"] = unit
    values["known_projector"] = decomposition.known_projector
    return values


def compare_pseudo(values: Mapping[str, Any], arrays: Arrays, info: Info) -> None:
    """Raises AssertionError with the name of the array that differs."""
    comparison = Comparison(arrays, PSEUDO_INPUTS, PSEUDO_OPTIONAL)
    estimated = info.get("estimation_run", "map2d" in arrays)
    subsampled = info.get("subsampled", "estimation_subset" in arrays)
    class_count = len(arrays["class_weights"])

    if estimated:
        comparison.exact("candidate_coefficients", values["candidate_coefficients"])
        comparison.exact("candidate_cluster_counts", values["candidate_cluster_counts"])
        comparison.partition("candidate_assignments", values["candidate_assignments"])
        comparison.close(
            "candidate_silhouettes", values["candidate_silhouettes"], rtol=SILHOUETTE_RTOL
        )
        comparison.exact("coefficient", values["coefficient"])
    else:  # set by hand, so it is an input
        comparison.done.add("coefficient")
    if subsampled:
        comparison.exact("estimation_subset", values["estimation_subset"])

    # int(C * coefficient) is 0 for 2 or 3 classes and coefficient 0.25; ours is at least 1.
    if int(arrays["effective_cluster_count"]) >= 1:
        comparison.exact("effective_cluster_count", values["effective_cluster_count"])
        comparison.exact("top_count", values["top_count"])
    assert comparison.has("top_indices")
    top, golden_top = values["top_indices"].numpy(), arrays["top_indices"]
    tied = tied_at_cut(arrays["probabilities"], golden_top.shape[1])
    comparison.sets("top_indices", top, rows=~tied)
    own, theirs = (np.take_along_axis(arrays["probabilities"], t.T, 0) for t in (top, golden_top))
    assert (np.diff(own, axis=0) <= 0).all(), "top_indices: not descending"
    assert np.array_equal(own, theirs), "top_indices: other probabilities than the golden"

    for name, atol in PSEUDO_ATOL.items():
        comparison.close(name, values[name], atol=atol)

    boundary, ambiguous = (arrays[name] for name in PSEUDO_FLAGS)
    comparison.done.update(PSEUDO_FLAGS)
    # A flag excuses a sample, so it has to be earned by the golden values themselves.
    distance = np.abs(arrays["unknown_norm"] - arrays["own_threshold"])
    assert (distance[boundary] < 4e-6).all(), "boundary: flags samples far from their boundary"
    best = np.sort(arrays["common_score"], axis=1)[:, -2:]
    assert (np.ptp(best, axis=1)[ambiguous] < 4e-6).all(), "class_ambiguous: flags clear samples"

    nearest = values["nearest_class"].numpy()
    comparison.exact("nearest_class", nearest, excused=ambiguous)
    zero_rows = ~arrays["common_score"].any(axis=1)
    assert (nearest[zero_rows] == 0).all(), "nearest_class: not 0 in an all-zero row"
    excused = boundary | ambiguous
    if class_count >= arrays["class_weights"].shape[1]:
        # Empty unknown space: 0 >= 0 in every sample, whatever the flags say.
        excused = np.zeros_like(excused)
        assert (values["confidence_weight"] == 0).all(), "confidence_weight: not 0 at 0 distance"
    comparison.exact("is_unknown", values["is_unknown"], excused=excused)
    comparison.exact("pseudo_label", values["pseudo_label"], excused=excused)
    same_class = nearest == arrays["nearest_class"]
    same_label = values["pseudo_label"].numpy() == arrays["pseudo_label"]
    for name, atol in PSEUDO_ROW_ATOL.items():
        rows = same_label if name == "soft_target" else same_class
        comparison.close(name, values[name], atol=atol, rows=rows)
    comparison.finish()


def check_pseudo_case(arrays: Arrays, info: Info) -> None:
    compare_pseudo(compute_pseudo(arrays, info), arrays, info)


def estimate_is_stable(info: Info) -> bool:
    """Whether the whole estimate, t-SNE included, can be expected to come out the same."""
    return bool(info.get("coefficient_stable")) and info.get("silhouette_margin", 0.0) > 0.05


def check_estimate(arrays: Arrays, info: Info) -> None:
    """The estimate of C_t from the raw features to the coefficient."""
    unit = unit_features(tensor(arrays["features"])).numpy()
    class_count = len(arrays["class_weights"])
    estimate = clusters.estimate_clusters(
        unit, class_count, subsample=bool(info.get("subsampled", "estimation_subset" in arrays))
    )
    assert estimate.coefficient == float(arrays["coefficient"]), "coefficient"
    assert list(estimate.cluster_counts) == list(arrays["candidate_cluster_counts"])
