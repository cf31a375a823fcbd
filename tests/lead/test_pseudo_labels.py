"""Pseudo-labels in situations that the golden cases do not hold."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from lead.decomposition import decompose
from lead.errors import DivergedError
from lead.pseudo_labels import (
    PseudoLabels,
    assign_pseudo_labels,
    confidence,
    mixture_means,
    top_samples,
    unit_features,
)


def make_case(
    samples: int, classes: int, dim: int, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Unit features, probabilities and class weights."""
    draw = torch.Generator().manual_seed(seed)
    weights = torch.randn(classes, dim, generator=draw)
    own = weights[torch.randint(classes, (samples,), generator=draw)]
    unit = normalize(own + torch.randn(samples, dim, generator=draw), dim=1)
    return unit, torch.softmax(3 * unit @ weights.T, dim=1), weights


def label_case(
    samples: int, classes: int, dim: int, cluster_count: int, **options: str
) -> PseudoLabels:
    unit, probability, weights = make_case(samples, classes, dim)
    return assign_pseudo_labels(
        unit, probability, weights, decompose(weights), cluster_count, **options
    )


def assert_finite(labels: PseudoLabels) -> None:
    for name in labels.__dataclass_fields__:
        assert torch.isfinite(torch.as_tensor(getattr(labels, name))).all(), name


def test_labels_follow_from_their_parts() -> None:
    labels = label_case(120, 5, 12, 5)
    assert 0 < labels.is_unknown.sum() < 120
    assert torch.equal(labels.is_unknown, labels.unknown_norm >= labels.own_threshold)
    assert (labels.label[labels.is_unknown] == 5).all()
    known = ~labels.is_unknown
    assert torch.equal(labels.label[known], labels.nearest_class[known])
    assert torch.equal(labels.soft_target[known].argmax(dim=1), labels.nearest_class[known])
    torch.testing.assert_close(
        labels.soft_target[known].sum(dim=1), torch.full((int(known.sum()),), 1 / (1 + 1e-5))
    )
    row = labels.soft_target[labels.is_unknown][0]
    assert row.tolist() == pytest.approx([1 / (5 + 1e-5)] * 5, rel=1e-6)


def test_unit_features_keep_a_zero_row() -> None:
    features = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    torch.testing.assert_close(unit_features(features), torch.tensor([[0.6, 0.8], [0.0, 0.0]]))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_rows_that_are_not_finite_are_named(value: float) -> None:
    features = torch.ones(6, 3)
    features[4, 1] = value
    with pytest.raises(DivergedError, match=r"1 feature rows .* row 4; .*lower the learning rate"):
        unit_features(features)
    assert issubclass(DivergedError, ValueError)


def test_all_zero_feature_has_a_label() -> None:
    unit, probability, weights = make_case(60, 4, 10)
    unit[7] = 0.0
    labels = assign_pseudo_labels(unit, probability, weights, decompose(weights), 4)
    assert_finite(labels)
    # No similarity to anything, so the first class is nearest and its prior is the threshold.
    assert not labels.common_score[7].any()
    assert labels.nearest_class[7] == 0
    assert labels.own_threshold[7] == labels.class_prior[0]
    assert not labels.is_unknown[7]


@pytest.mark.parametrize(
    ("samples", "cluster_count", "expected"),
    [(10, 25, 1), (1, 3, 1), (50, 25, 2), (50, 26, 1), (50, 1, 50)],
)
def test_number_of_top_samples(samples: int, cluster_count: int, expected: int) -> None:
    assert top_samples(torch.rand(samples, 4), cluster_count).shape == (4, expected)


def test_top_samples_are_the_most_probable_and_ties_go_to_the_earlier() -> None:
    probability = torch.tensor([[0.1, 0.0], [0.7, 0.0], [0.9, 0.5], [0.7, 0.0]])
    assert top_samples(probability, 2).tolist() == [[2, 1], [2, 0]]


def test_fewer_samples_than_clusters() -> None:
    labels = label_case(10, 25, 64, 25)
    assert_finite(labels)
    assert labels.top_indices.shape == (25, 1)
    # A single top sample: the prior of a class is that sample's own length.
    assert torch.equal(labels.class_prior, labels.unknown_norm[labels.top_indices[:, 0]])


@pytest.mark.parametrize("cluster_count", [0, -1])
def test_cluster_count_below_one_is_refused(cluster_count: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1, not {cluster_count}"):
        label_case(10, 3, 8, cluster_count)


def test_one_cluster_takes_every_sample() -> None:
    labels = label_case(30, 3, 8, 1)
    assert_finite(labels)
    for row in labels.top_indices:
        assert sorted(row.tolist()) == list(range(30))
    assert (labels.class_prior - labels.class_prior[0]).abs().max() < 1e-6


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="no target samples"):
        label_case(0, 3, 8, 1)


def test_single_sample() -> None:
    labels = label_case(1, 3, 8, 3)
    assert_finite(labels)
    assert labels.label.shape == (1,)
    # Prior, both mixture means and threshold are its own length: on the boundary, so unknown.
    length = float(labels.unknown_norm[0])
    assert labels.mixture_means == (length, length)
    assert labels.own_threshold[0] == labels.unknown_norm[0]
    assert labels.label.tolist() == [3]
    assert labels.confidence_weight.tolist() == [0.0]


@pytest.mark.parametrize("classes", [8, 11], ids=["as many classes as dims", "more"])
def test_empty_unknown_space_makes_everything_unknown(classes: int) -> None:
    labels = label_case(40, classes, 8, classes)
    assert_finite(labels)
    assert not labels.unknown_norm.any()
    assert not labels.thresholds.any()
    assert labels.is_unknown.all()
    assert not labels.confidence_weight.any()


def test_saturated_probabilities() -> None:
    unit, _, weights = make_case(40, 4, 10)
    probability = torch.zeros(40, 4)
    probability[:, 0] = 1.0
    assert_finite(assign_pseudo_labels(unit, probability, weights, decompose(weights), 4))


def test_identical_features() -> None:
    unit, probability, weights = make_case(40, 4, 10)
    labels = assign_pseudo_labels(
        unit[:1].repeat(40, 1), probability, weights, decompose(weights), 4
    )
    assert_finite(labels)
    # All lie on the boundary: rounding decides the label, but it has no weight.
    assert labels.confidence_weight.max() < 1e-6


def test_mixture_finds_two_groups_in_ascending_order() -> None:
    draw = np.random.default_rng(0)
    lengths = np.concatenate([draw.normal(0.8, 0.01, 50), draw.normal(0.2, 0.01, 150)])
    low, high = mixture_means(lengths.astype(np.float32))
    assert low == pytest.approx(lengths[50:].mean(), abs=1e-4)
    assert high == pytest.approx(lengths[:50].mean(), abs=1e-4)


def test_mixture_of_one_value_does_not_warn(recwarn: pytest.WarningsRecorder) -> None:
    assert mixture_means(np.full(20, 0.25, dtype=np.float32))[1] == pytest.approx(0.25, abs=1e-5)
    assert mixture_means(np.zeros(20, dtype=np.float32)) == (0.0, 0.0)
    assert mixture_means(np.array([0.5], dtype=np.float32)) == (0.5, 0.5)
    assert not recwarn.list


def test_confidence_grows_with_the_distance_from_the_boundary() -> None:
    distance = torch.tensor([0.0, 0.001, 0.01, 0.1, 0.5])
    weight = confidence(distance + 0.3, torch.full((5,), 0.3))
    assert weight[0] == 0.0
    assert (weight.diff() > 0).all()
    assert (weight < 1).all()
    torch.testing.assert_close(confidence(0.3 - distance, torch.full((5,), 0.3)), weight)
    # distance 0.1: 1 - (1 + 100) ^ -0.50005
    assert weight[3].item() == pytest.approx(1 - 101**-0.50005, rel=1e-4)


def test_paper_weights_differ_only_at_clear_samples() -> None:
    released = label_case(200, 5, 12, 5)
    paper = label_case(200, 5, 12, 5, confident_weight="paper")
    clear = (released.unknown_norm >= released.mixture_means[1]) | (
        released.unknown_norm < released.class_prior[released.nearest_class]
    )
    assert 0 < clear.sum() < 200
    assert (paper.confidence_weight[clear] == 1).all()
    assert (released.confidence_weight[clear] < 1).all()
    assert torch.equal(paper.confidence_weight[~clear], released.confidence_weight[~clear])
    for name in set(released.__dataclass_fields__) - {"confidence_weight", "mixture_means"}:
        assert torch.equal(getattr(paper, name), getattr(released, name)), name


def test_unknown_weight_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="one of released, paper"):
        label_case(10, 3, 8, 3, confident_weight="none")


def test_given_top_samples_are_used() -> None:
    unit, probability, weights = make_case(30, 3, 8)
    given = torch.tensor([[0, 1], [2, 3], [4, 5]])
    labels = assign_pseudo_labels(
        unit, probability, weights, decompose(weights), 3, top_indices=given
    )
    assert labels.top_indices is given
    torch.testing.assert_close(labels.class_prior[1], labels.unknown_norm[2:4].mean())
    torch.testing.assert_close(
        labels.target_prototypes[2], normalize(unit[4] + unit[5], dim=0), atol=1e-6, rtol=0
    )


def test_inputs_are_left_as_they_are() -> None:
    unit, probability, weights = make_case(30, 3, 8)
    copies = unit.clone(), probability.clone(), weights.clone()
    assign_pseudo_labels(unit, probability, weights, decompose(weights), 3)
    for tensor, copy in zip((unit, probability, weights), copies, strict=True):
        assert torch.equal(tensor, copy)
