"""The estimate of C_t, above all where the released code stops with an error."""

import math
import subprocess
import sys

import numpy as np
import pytest
import sklearn.metrics
import torch

from lead import clusters
from lead.clusters import (
    COEFFICIENTS,
    ESTIMATORS,
    best_coefficient,
    candidate_counts,
    candidate_silhouette,
    effective_cluster_count,
    embed_2d,
    estimate_clusters,
    estimation_subset,
    silhouette_of_distances,
)
from lead.decomposition import decompose
from lead.pseudo_labels import assign_pseudo_labels


def unit_rows(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    features = np.random.default_rng(seed).normal(size=(rows, dim))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


def blobs(
    count: int, rows: int, dim: int = 16, *, spread: float = 0.02, seed: int = 0
) -> np.ndarray:
    """Unit rows around `count` directions, equally many of each."""
    draw = np.random.default_rng(seed)
    centres = np.linalg.qr(draw.normal(size=(dim, dim)))[0][:count]
    points = np.repeat(centres, rows // count, axis=0)
    points = points + spread * draw.normal(size=points.shape)
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def test_counts_are_at_least_two() -> None:
    assert candidate_counts(2) == (2, 2, 2, 2, 3, 4, 5, 6)
    assert candidate_counts(25) == (6, 12, 18, 25, 37, 50, 62, 75)


@pytest.mark.parametrize(
    ("classes", "coefficient", "expected"),
    [(2, 0.25, 1), (3, 0.25, 1), (6, 0.25, 1), (10, 1.5, 15)],
)
def test_effective_count_is_never_zero(classes: int, coefficient: float, expected: int) -> None:
    assert effective_cluster_count(classes, coefficient) == expected


def test_first_of_the_highest_silhouettes_wins() -> None:
    nan = math.nan
    assert best_coefficient([0.1, 0.5, 0.5, 0.2, nan, 0.3, 0.1, 0.5]) == 0.5
    assert best_coefficient([0.1] * 7 + [0.2]) == 3.0


def test_previous_coefficient_stays_where_nothing_clusters() -> None:
    assert best_coefficient([math.nan] * 8, previous=2.0) == 2.0
    assert best_coefficient([-0.1, 0.0, *[math.nan] * 6], previous=0.5) == 0.5


def test_subset_is_a_third_without_repeats() -> None:
    subset = estimation_subset(100)
    assert len(subset) == len(set(subset.tolist())) == 33
    assert subset.max() < 100
    # Numpy's legacy stream of seed 2021, which numpy has promised never to change.
    permutation = np.random.RandomState(2021).permutation(100)
    assert subset.tolist() == permutation[:33].tolist()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_number_of_blobs_is_found(estimator: str) -> None:
    # Eight blobs and four classes: the coefficient has to be 2.
    estimate = estimate_clusters(blobs(8, 160), 4, estimator=estimator)
    assert estimate.coefficient == 2.0
    assert estimate.cluster_counts == candidate_counts(4)
    assert max(estimate.silhouettes) == estimate.silhouettes[COEFFICIENTS.index(2.0)]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("classes", [2, 3])
def test_quarter_of_two_or_three_classes_can_win(classes: int, estimator: str) -> None:
    features = blobs(2, 200)
    coefficient = estimate_clusters(features, classes, estimator=estimator).coefficient
    assert coefficient == 0.25
    # The released code divides by int(0.25 * classes) = 0 here.
    count = effective_cluster_count(classes, coefficient)
    unit = torch.from_numpy(features)
    weights = torch.randn(classes, 16, generator=torch.Generator().manual_seed(0))
    probability = torch.softmax(unit @ weights.T, dim=1)
    labels = assign_pseudo_labels(unit, probability, weights, decompose(weights), count)
    assert labels.top_indices.shape == (classes, 200)


@pytest.mark.parametrize("samples", [3, 4, 10, 30, 31])
def test_few_samples_are_clustered(samples: int) -> None:
    estimate = estimate_clusters(unit_rows(samples, 32), 6)
    for count, silhouette in zip(estimate.cluster_counts, estimate.silhouettes, strict=True):
        assert math.isnan(silhouette) == (count >= samples)
    assert estimate.coefficient in COEFFICIENTS


@pytest.mark.parametrize("samples", [0, 1, 2])
def test_too_few_samples_to_cluster_keep_the_previous_coefficient(samples: int) -> None:
    estimate = estimate_clusters(unit_rows(samples, 8), 4, previous=1.5)
    assert estimate.coefficient == 1.5
    assert all(math.isnan(silhouette) for silhouette in estimate.silhouettes)


def test_exactly_three_samples_a_class() -> None:
    # The last candidate has as many clusters as samples, so it has no silhouette.
    estimate = estimate_clusters(unit_rows(75, 64), 25)
    assert math.isnan(estimate.silhouettes[-1])
    assert np.isfinite(estimate.silhouettes[:-1]).all()
    assert estimate.coefficient < 3.0


def test_one_sample_more_has_every_silhouette() -> None:
    assert np.isfinite(estimate_clusters(unit_rows(76, 64), 25).silhouettes).all()


def test_fewer_samples_than_classes() -> None:
    estimate = estimate_clusters(unit_rows(12, 64), 25)
    assert estimate.cluster_counts[1:] == (12, 18, 25, 37, 50, 62, 75)
    assert all(math.isnan(silhouette) for silhouette in estimate.silhouettes[1:])
    assert estimate.coefficient == (0.25 if estimate.silhouettes[0] > 0 else 1.0)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_all_zero_row_does_no_harm(estimator: str) -> None:
    features = blobs(4, 80)
    features[5] = 0.0
    estimate = estimate_clusters(features, 4, estimator=estimator)
    assert np.isfinite(estimate.silhouettes).all()
    assert estimate.coefficient == 1.0


def test_rows_that_are_not_finite_are_named() -> None:
    features = unit_rows(40, 8)
    features[[7, 20], 3] = np.nan
    with pytest.raises(ValueError, match="2 feature rows are not finite, the first is row 7"):
        estimate_clusters(features, 4)


def test_unknown_estimator() -> None:
    with pytest.raises(
        ValueError, match="unknown estimator 'umap'; choose one of tsne, landmarks, features"
    ):
        estimate_clusters(unit_rows(40, 8), 4, estimator="umap")


def test_subsample_clusters_the_subset(monkeypatch: pytest.MonkeyPatch) -> None:
    features = unit_rows(90, 8)
    seen = []
    monkeypatch.setattr(clusters, "embed_2d", lambda rows: seen.append(rows) or rows[:, :2])
    estimate_clusters(features, 4, subsample=True)
    assert np.array_equal(seen[0], features[estimation_subset(90)])


def test_landmarks_map_so_many_rows_whatever_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "LANDMARKS", 50)
    seen = []
    monkeypatch.setattr(clusters, "embed_2d", lambda rows: seen.append(rows) or rows[:, :2])
    for count in (40, 50, 90):
        features = unit_rows(count, 8)
        estimate_clusters(features, 4, estimator="landmarks")
        rows = clusters.landmarks(count)
        assert len(set(rows.tolist())) == min(count, 50) and (np.diff(rows) > 0).all()
        assert np.array_equal(seen[-1], features[rows])


def test_many_features_are_clustered_as_a_whole_and_judged_by_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clusters, "LANDMARKS", 60)
    features, clustered, judged = blobs(8, 160), [], []
    kmeans, silhouette = clusters.kmeans, clusters.silhouette_of_distances
    monkeypatch.setattr(
        clusters, "kmeans", lambda x, *a, **o: clustered.append(len(x)) or kmeans(x, *a, **o)
    )
    monkeypatch.setattr(
        clusters,
        "silhouette_of_distances",
        lambda x, labels: judged.append(len(x)) or silhouette(x, labels),
    )
    found = estimate_clusters(features, 4, estimator="features")
    assert found.coefficient == 2.0
    assert set(clustered) == {160} and set(judged) == {60}
    rows = clusters.landmarks(160)
    for count, value in zip(found.cluster_counts, found.silhouettes, strict=True):
        labels = kmeans(features, count, spread=True).labels[rows]
        wanted = sklearn.metrics.silhouette_score(features[rows], labels)
        assert value == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_silhouette_of_distances_is_that_of_scikit_learn(seed: int) -> None:
    """Also with clusters of one sample, samples that coincide, and labels that are not in a row."""
    draw = np.random.default_rng(seed)
    points = np.repeat(draw.normal(size=(int(draw.integers(3, 30)), 3)), 2, axis=0)
    labels = 3 * draw.integers(0, int(draw.integers(2, 9)), size=len(points))
    labels[0] = 100
    labels[1:3] = 0
    distances = sklearn.metrics.pairwise_distances(points)
    wanted = sklearn.metrics.silhouette_score(distances, labels, metric="precomputed")
    assert silhouette_of_distances(distances, labels) == pytest.approx(wanted, abs=1e-12)


def test_samples_that_all_coincide_have_silhouette_0() -> None:
    labels = np.array([0, 0, 1, 1])
    assert silhouette_of_distances(np.zeros((4, 4)), labels) == 0.0


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_one_cluster_or_one_for_each_sample_has_no_silhouette(labels: list[int]) -> None:
    assert math.isnan(silhouette_of_distances(np.ones((3, 3)), np.array(labels)))


def test_identical_points_have_no_silhouette() -> None:
    assert math.isnan(candidate_silhouette(np.ones((20, 4), dtype=np.float32), 3))


def test_fewer_distinct_points_than_clusters_is_no_warning(
    recwarn: pytest.WarningsRecorder,
) -> None:
    points = np.repeat(np.eye(3, 4, dtype=np.float32), 10, axis=0)
    assert candidate_silhouette(points, 7) == pytest.approx(1.0)
    assert not recwarn.list


def test_identical_features_do_not_crash_the_process() -> None:
    """A collapsed network gives one and the same feature; scikit-learn's t-SNE crashes on it."""
    program = (
        "import numpy as np; from lead.clusters import estimate_clusters; "
        "estimate = estimate_clusters(np.eye(1, 8, dtype='f').repeat(50, 0), 5, previous=0.75); "
        "print(estimate.coefficient)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.split() == ["0.75"]


def test_map_has_the_neighbourhoods_of_the_features() -> None:
    features = blobs(3, 90, spread=0.01)
    points = embed_2d(features)
    assert points.shape == (90, 2)
    assert points.dtype == np.float32
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert (distance.argmin(axis=1) // 30 == np.arange(90) // 30).all()


def test_estimate_is_deterministic() -> None:
    features = unit_rows(60, 16)
    assert estimate_clusters(features, 5) == estimate_clusters(features, 5)
