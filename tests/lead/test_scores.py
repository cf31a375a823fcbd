"""Scores against definitions written out."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
import torch

from lead.scores import (
    auroc,
    closed_set_scores,
    h3_score,
    headline,
    normalised_entropy,
    open_set_scores,
    oscr,
    predict,
    score_block,
)


def slow_auroc(uncertainty: np.ndarray, unknown: np.ndarray) -> float:
    """Share of (unknown, known) pairs in which the unknown sample is the more uncertain one."""
    pairs = list(product(uncertainty[unknown], uncertainty[~unknown]))
    return sum(1.0 if u > k else 0.5 if u == k else 0.0 for u, k in pairs) / len(pairs)


def slow_oscr(uncertainty: np.ndarray, right: np.ndarray, unknown: np.ndarray) -> float:
    """Trapezoids between the points that every possible threshold gives."""
    points = [(0.0, 0.0)]
    for threshold in sorted(set(uncertainty)):
        accepted = uncertainty <= threshold
        false_positive = np.sum(accepted & unknown) / np.sum(unknown)
        correct = np.sum(accepted & ~unknown & right) / np.sum(~unknown)
        points.append((false_positive, correct))
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(points))


@pytest.mark.parametrize("levels", [3, 10, 1000], ids=["many ties", "some ties", "few ties"])
@pytest.mark.parametrize("seed", range(3))
def test_auroc_and_oscr_equal_their_definitions(levels: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    uncertainty = draw.integers(0, levels, 60) / levels
    unknown, right = draw.random(60) < 0.4, draw.random(60) < 0.7
    found = auroc(uncertainty, unknown), oscr(uncertainty, right, unknown)
    expected = slow_auroc(uncertainty, unknown), slow_oscr(uncertainty, right, unknown)
    assert found == pytest.approx(expected, abs=1e-12)


def test_perfect_and_worst_separation() -> None:
    unknown = np.array([False, False, True, True])
    right = np.ones(4, dtype=bool)
    assert (auroc([0, 1, 2, 3], unknown), oscr([0, 1, 2, 3], right, unknown)) == (1.0, 1.0)
    assert (auroc([2, 3, 0, 1], unknown), oscr([2, 3, 0, 1], right, unknown)) == (0.0, 0.0)


def test_oscr_ignores_correctness_of_unknown_samples() -> None:
    unknown = np.array([False, True, False, True])
    uncertainty = [0.1, 0.2, 0.3, 0.4]
    some = oscr(uncertainty, np.array([True, True, False, True]), unknown)
    assert some == oscr(uncertainty, np.array([True, False, False, False]), unknown) == 0.5


@pytest.mark.parametrize("unknown", [[True, True], [False, False], []])
def test_curves_need_both_kinds(unknown: list[bool]) -> None:
    values = [0.5] * len(unknown)
    assert auroc(values, unknown) is None
    assert oscr(values, [True] * len(unknown), unknown) is None


def test_single_class_is_never_uncertain() -> None:
    assert normalised_entropy(torch.ones(3, 1)).tolist() == [0, 0, 0]
    block = score_block(torch.ones(3, 1), np.array([0, 0, 1]), [0, 1], open_set=True)
    assert block["known_accuracy"] == pytest.approx(2 / (2 + 1e-5))
    assert block["unknown_accuracy"] == 0.0
    assert block["auroc"] == 0.5


def test_saturated_probabilities_have_about_no_entropy() -> None:
    values = normalised_entropy(torch.tensor([[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]]))
    assert values[0].item() == pytest.approx(-math.log(1 + 1e-5) / math.log(3), abs=1e-7)
    assert values[1].item() == pytest.approx(-math.log(1 / 3 + 1e-5) / math.log(3), abs=1e-6)


@pytest.mark.parametrize("threshold", [0.5, 0.55, 0.1, 0.3])
def test_uncertainty_equal_to_the_threshold_is_accepted(threshold: float) -> None:
    # In float32 most thresholds are rounded; both sides must be rounded the same way.
    above = np.nextafter(np.float32(threshold), np.float32(1))
    given = [threshold, np.float32(threshold), above]
    probability = [[0.9, 0.1]] * 3
    assert predict(probability, threshold, given).tolist() == [0, 0, 2]


def test_ties_go_to_the_first_class() -> None:
    assert predict([[0.25, 0.25, 0.25, 0.25]], 2.0).tolist() == [0]
    assert predict([[0.1, 0.45, 0.45]], 2.0).tolist() == [1]


def test_open_set_scores_by_hand() -> None:
    sure, unsure = [0.98, 0.01, 0.01], [0.34, 0.33, 0.33]
    scores = open_set_scores([sure, sure, unsure, unsure, sure], [0, 1, 1, 3, 3], [0, 1, 3])
    assert scores.prediction.tolist() == [0, 0, 3, 3, 0]
    assert scores.per_class_accuracy.tolist() == pytest.approx(
        [1 / (1 + 1e-5), 0.0, 1 / (2 + 1e-5)], rel=1e-12
    )
    known, unknown = 0.5 / (1 + 1e-5), 1 / (2 + 1e-5)
    assert scores.known_accuracy == pytest.approx(known, rel=1e-12)
    assert scores.unknown_accuracy == pytest.approx(unknown, rel=1e-12)
    expected = 2 * known * unknown / (known + unknown + 1e-5)
    assert scores.h_score == pytest.approx(expected, rel=1e-12)


def test_closed_set_accuracy_is_over_samples() -> None:
    probability = torch.eye(3)[[0, 0, 0, 1]]
    scores = closed_set_scores(probability, [0, 0, 0, 0], [0, 1])
    assert scores.known_accuracy == pytest.approx(3 / (4 + 1e-5), rel=1e-12)
    assert scores.per_class_accuracy.tolist() == pytest.approx([3 / (4 + 1e-5), 0.0])
    assert (scores.h_score, scores.unknown_accuracy) == (0.0, 0.0)


def random_case(samples: int = 80, classes: int = 4) -> tuple[torch.Tensor, np.ndarray]:
    draw = torch.Generator().manual_seed(0)
    probability = torch.softmax(3 * torch.randn(samples, classes, generator=draw), dim=1)
    labels = torch.randint(classes - 1, (samples,), generator=draw)
    labels[::3] = classes
    return probability, labels.numpy()


def test_block_holds_the_scores_of_an_open_set() -> None:
    probability, labels = random_case()
    classes = [0, 1, 2, 4]
    block = score_block(
        probability, labels, classes, open_set=True, threshold=0.4, epoch=7, nmi=0.6
    )
    scores = open_set_scores(probability, labels, classes, threshold=0.4)
    uncertainty = normalised_entropy(probability).numpy()
    unknown = labels == 4
    right = probability.argmax(dim=1).numpy() == labels
    assert block == {
        "h_score": scores.h_score,
        "known_accuracy": scores.known_accuracy,
        "unknown_accuracy": scores.unknown_accuracy,
        "accuracy": np.mean(scores.prediction == labels),
        "auroc": pytest.approx(slow_auroc(uncertainty, unknown), abs=1e-12),
        "oscr": pytest.approx(slow_oscr(uncertainty, right, unknown), abs=1e-12),
        "nmi": 0.6,
        "h3_score": h3_score(scores.known_accuracy, scores.unknown_accuracy, 0.6),
        "epoch": 7,
    }
    assert 0 < block["h_score"] < 1
    assert headline(block, open_set=True) == block["h_score"]


def test_block_of_another_uncertainty_than_the_entropy() -> None:
    probability, labels = random_case()
    given = torch.rand(80, generator=torch.Generator().manual_seed(5))
    settings = {"open_set": True, "threshold": 0.4}
    block = score_block(probability, labels, [0, 1, 2, 4], uncertainty=given, **settings)
    scores = open_set_scores(probability, labels, [0, 1, 2, 4], threshold=0.4, uncertainty=given)
    right = probability.argmax(dim=1).numpy() == labels
    assert block["h_score"] == scores.h_score
    assert block["accuracy"] == np.mean(predict(probability, 0.4, given) == labels)
    assert block["auroc"] == pytest.approx(slow_auroc(given.numpy(), labels == 4), abs=1e-12)
    assert block["oscr"] == pytest.approx(slow_oscr(given.numpy(), right, labels == 4), abs=1e-12)
    own = score_block(
        probability,
        labels,
        [0, 1, 2, 4],
        uncertainty=normalised_entropy(probability),
        **settings,
    )
    assert own == score_block(probability, labels, [0, 1, 2, 4], **settings) != block


def test_block_of_a_closed_set_is_accuracy_alone() -> None:
    probability, _ = random_case()
    labels = probability.argmax(dim=1).numpy()
    labels[:20] = (labels[:20] + 1) % 4
    block = score_block(probability, labels, [0, 1, 2, 3], open_set=False)
    assert block["accuracy"] == 0.75
    assert block["known_accuracy"] == pytest.approx(60 / (80 + 1e-5), rel=1e-12)
    assert headline(block, open_set=False) == block["known_accuracy"]
    assert [name for name, value in block.items() if value is None] == [
        "h_score",
        "unknown_accuracy",
        "auroc",
        "oscr",
        "nmi",
        "h3_score",
        "epoch",
    ]


@pytest.mark.parametrize("kind", ["known", "unknown"])
def test_block_without_one_kind_leaves_out_what_needs_it(kind: str) -> None:
    probability, labels = random_case()
    rows = labels != 4 if kind == "known" else labels == 4
    block = score_block(
        probability[torch.from_numpy(rows)], labels[rows], [0, 1, 2, 4], open_set=True
    )
    other = "unknown_accuracy" if kind == "known" else "known_accuracy"
    for name in ("h_score", "auroc", "oscr", other):
        assert block[name] is None
    assert block[f"{kind}_accuracy"] is not None
    assert block["accuracy"] is not None


def test_block_of_a_single_sample() -> None:
    block = score_block(torch.tensor([[0.9, 0.1]]), np.array([0]), [0, 1, 2], open_set=True)
    assert block["accuracy"] == 1.0
    assert block["known_accuracy"] == pytest.approx(0.5 / (1 + 1e-5))  # class 1 has no sample


@pytest.mark.parametrize("open_set", [True, False])
def test_block_of_no_samples_is_all_none(open_set: bool) -> None:
    classes = [0, 1, 3] if open_set else [0, 1]
    block = score_block(torch.zeros(0, 3), np.zeros(0, dtype=np.int64), classes, open_set=open_set)
    assert set(block.values()) == {None}


def test_a_perfect_h3_score_is_one() -> None:
    assert h3_score(1.0, 1.0, 1.0) == 1.0
