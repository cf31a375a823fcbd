"""Scores of universal domain adaptation.

H-score, known and unknown accuracy and PDA accuracy are those of the released LEAD code, with its
1e-5 in every denominator (so a perfect class scores slightly below 1). AUROC and OSCR need no
threshold. A sample is rejected as unknown where its normalised entropy exceeds the threshold.

Sources: H-score: Fu et al., "Learning to Detect Open Classes for Universal Domain Adaptation",
ECCV 2020. OSCR: Dhamija et al., "Reducing Network Agnostophobia", NeurIPS 2018.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

EPSILON = 1e-5
THRESHOLD = 0.55

ScoreBlock = dict[str, float | int | None]
SCORE_NAMES = (
    *("h_score", "known_accuracy", "unknown_accuracy", "accuracy", "auroc", "oscr"),
    *("nmi", "h3_score"),
)


@dataclass(frozen=True)
class Scores:
    """Scores at one threshold; fractions in [0, 1].

    Attributes:
        h_score: harmonic mean of known and unknown accuracy; 0.0 in a closed set.
        known_accuracy: mean over the known classes (open set), over samples (closed set).
        unknown_accuracy: share of unknown samples that are rejected; 0.0 in a closed set.
        per_class_accuracy: one per evaluation class; 0 for a class without samples.
        prediction: [N] int64, C where rejected.
    """

    h_score: float
    known_accuracy: float
    unknown_accuracy: float
    per_class_accuracy: NDArray[np.float64]
    prediction: NDArray[np.int64]


def entropy(probability: Tensor) -> Tensor:
    """Shannon entropy [N] in nats of [N, C] probabilities, with 1e-5 inside the logarithm."""
    return (-probability * torch.log(probability + EPSILON)).sum(dim=1)


def normalised_entropy(probability: Tensor) -> Tensor:
    """Entropy divided by log C: the uncertainty of a prediction, about 0 to 1.

    A single class has nothing to be uncertain about: its uncertainty is 0.
    """
    if probability.shape[1] < 2:
        return torch.zeros(len(probability), dtype=probability.dtype, device=probability.device)
    return entropy(probability) / math.log(probability.shape[1])


def predict(
    probability: ArrayLike | Tensor, threshold: float, uncertainty: ArrayLike | Tensor | None = None
) -> NDArray[np.int64]:
    """Class of each sample, C where the uncertainty exceeds the threshold (strictly, in float32).

    Args:
        probability: [N, C] softmax outputs; ties go to the first class.
        threshold: on the uncertainty.
        uncertainty: [N]; the normalised entropy where it is not given.
    """
    matrix = torch.as_tensor(probability, dtype=torch.float32)
    if uncertainty is None:
        rejection = normalised_entropy(matrix)
    else:
        rejection = torch.as_tensor(uncertainty, dtype=torch.float32)
    prediction: NDArray[np.int64] = matrix.cpu().numpy().argmax(axis=1).astype(np.int64)
    prediction[(rejection > threshold).cpu().numpy()] = matrix.shape[1]
    return prediction


def _class_counts(
    prediction: NDArray[np.int64], labels: NDArray[np.int64], classes: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Samples and correct samples of every evaluation class."""
    total = np.array([np.sum(labels == label) for label in classes], dtype=np.float64)
    correct = np.array(
        [np.sum((labels == label) & (prediction == label)) for label in classes], dtype=np.float64
    )
    return total, correct


def open_set_scores(
    probability: ArrayLike | Tensor,
    labels: ArrayLike | Tensor,
    classes: Sequence[int],
    *,
    threshold: float = THRESHOLD,
    uncertainty: ArrayLike | Tensor | None = None,
) -> Scores:
    """H-score and its parts, as the released LEAD code computes them.

    Args:
        probability: [N, C] softmax outputs.
        labels: [N] labels; C means unknown.
        classes: evaluation classes, the unknown label C last.
        threshold: samples with a larger uncertainty are rejected.
        uncertainty: [N] to use instead of the normalised entropy.

    Example:
        >>> scores = open_set_scores([[0.98, 0.02], [0.5, 0.5]], [0, 2], [0, 1, 2])
        >>> [int(label) for label in scores.prediction]
        [0, 2]
    """
    truth = np.asarray(torch.as_tensor(labels).cpu(), dtype=np.int64)
    prediction = predict(probability, threshold, uncertainty)
    total, correct = _class_counts(prediction, truth, classes)
    accuracy = correct / (total + EPSILON)
    known, unknown = float(accuracy[:-1].mean()), float(accuracy[-1])
    h_score = 2 * known * unknown / (known + unknown + EPSILON)
    return Scores(h_score, known, unknown, accuracy, prediction)


def closed_set_scores(
    probability: ArrayLike | Tensor, labels: ArrayLike | Tensor, classes: Sequence[int]
) -> Scores:
    """Accuracy over samples without rejection: the score of partial adaptation (PDA).

    Args:
        probability: [N, C] softmax outputs over all source classes.
        labels: [N] labels.
        classes: evaluation classes (the shared ones).
    """
    truth = np.asarray(torch.as_tensor(labels).cpu(), dtype=np.int64)
    matrix = torch.as_tensor(probability, dtype=torch.float32)
    prediction = matrix.cpu().numpy().argmax(axis=1).astype(np.int64)
    total, correct = _class_counts(prediction, truth, classes)
    known = float(correct.sum() / (total.sum() + EPSILON))
    return Scores(0.0, known, 0.0, correct / (total + EPSILON), prediction)


def auroc(uncertainty: ArrayLike, is_unknown: ArrayLike) -> float | None:
    """Area under the ROC curve of the uncertainty as a detector of unknown samples.

    Args:
        uncertainty: [N].
        is_unknown: [N] bool.

    Returns:
        A fraction, or None where one of the two kinds is missing.
    """
    unknown = np.asarray(is_unknown, dtype=bool)
    if unknown.all() or not unknown.any():
        return None
    from sklearn.metrics import roc_auc_score  # here: it is a second of the start

    return float(roc_auc_score(unknown, np.asarray(uncertainty)))


def oscr_curve(
    uncertainty: ArrayLike, correct: ArrayLike, is_unknown: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Correct classification rate against false positive rate, for every rejection threshold.

    Lowering the rejection threshold step by step: the share of known samples that are accepted and
    rightly classified, against the share of unknown samples that are accepted. Samples of equal
    uncertainty are accepted together.

    Args:
        uncertainty: [N].
        correct: [N] bool, the arg-max class is right (ignored for unknown samples).
        is_unknown: [N] bool.

    Returns:
        (false positive rate [K], correct classification rate [K]), both ascending from 0, or None
        where one of the two kinds is missing.
    """
    unknown = np.asarray(is_unknown, dtype=bool)
    if unknown.all() or not unknown.any():
        return None
    values = np.asarray(uncertainty, dtype=np.float64)
    right = np.asarray(correct, dtype=bool) & ~unknown
    order = np.argsort(values, kind="stable")
    last_of_tie = np.append(np.diff(values[order]) > 0, True)
    accepted_right = np.cumsum(right[order])[last_of_tie] / np.sum(~unknown)
    accepted_unknown = np.cumsum(unknown[order])[last_of_tie] / np.sum(unknown)
    return np.append(0.0, accepted_unknown), np.append(0.0, accepted_right)


def oscr(uncertainty: ArrayLike, correct: ArrayLike, is_unknown: ArrayLike) -> float | None:
    """Area under `oscr_curve`, which describes the arguments; None where there is no curve."""
    curve = oscr_curve(uncertainty, correct, is_unknown)
    return None if curve is None else float(np.trapezoid(curve[1], x=curve[0]))


def empty_block(epoch: int | None = None) -> ScoreBlock:
    """A score block in which nothing is defined."""
    return dict.fromkeys(SCORE_NAMES) | {"epoch": epoch}


def h3_score(
    known_accuracy: float | None, unknown_accuracy: float | None, nmi: float | None
) -> float | None:
    """Harmonic mean of known accuracy, unknown accuracy and NMI, with 1e-5 in every denominator.

    Source: Chang et al. (UniOT), NeurIPS 2022, as computed by Deng and Jia, 2023; see
    `lead.private_classes` for the NMI.

    Returns:
        A fraction, or None where one of the three is not defined.

    Example:
        >>> round(h3_score(0.8, 0.6, 0.5), 3)
        0.61
    """
    if known_accuracy is None or unknown_accuracy is None or nmi is None:
        return None
    parts = (known_accuracy, unknown_accuracy, nmi)
    # With the constants three perfect parts give a little more than 1.
    return min(3.0 / sum(1.0 / (part + EPSILON) for part in parts), 1.0)


def score_block(
    probability: Tensor,
    labels: NDArray[np.int64],
    classes: Sequence[int],
    *,
    open_set: bool,
    threshold: float = THRESHOLD,
    uncertainty: Tensor | None = None,
    epoch: int | None = None,
    nmi: float | None = None,
) -> ScoreBlock:
    """All scores of one evaluation; what does not apply is None, never NaN.

    Args:
        probability: [N, C] softmax outputs.
        labels: [N] labels; C means unknown.
        classes: evaluation classes, the unknown label last in an open set.
        open_set: False for PDA: accuracy alone.
        threshold: rejection threshold on the uncertainty.
        uncertainty: [N]; the normalised entropy where it is not given.
        epoch: which epoch this is, kept in the block.
        nmi: of the target-private classes, see `lead.private_classes.private_nmi`; for the
            H3-score.

    Returns:
        h_score, known_accuracy, unknown_accuracy, accuracy (all samples, unknown counted as one
        class), auroc, oscr, nmi, h3_score, epoch. Without unknown samples h_score and
        unknown_accuracy are None; without samples all scores are.
    """
    block = empty_block(epoch)
    if len(labels) == 0:
        return block
    if not open_set:
        closed = closed_set_scores(probability, labels, classes)
        block["known_accuracy"] = closed.known_accuracy
        block["accuracy"] = float(np.mean(closed.prediction == labels))
        return block
    unsure = normalised_entropy(probability) if uncertainty is None else uncertainty
    scores = open_set_scores(probability, labels, classes, threshold=threshold, uncertainty=unsure)
    is_unknown = labels == probability.shape[1]
    if not is_unknown.all():
        block["known_accuracy"] = scores.known_accuracy
    if is_unknown.any():
        block["unknown_accuracy"] = scores.unknown_accuracy
    if is_unknown.any() and not is_unknown.all():
        block["h_score"] = scores.h_score
    block["accuracy"] = float(np.mean(scores.prediction == labels))
    ranking = unsure.cpu().numpy()
    right = probability.argmax(dim=1).cpu().numpy() == labels
    block["auroc"] = auroc(ranking, is_unknown)
    block["oscr"] = oscr(ranking, right, is_unknown)
    block["nmi"] = nmi
    block["h3_score"] = h3_score(block["known_accuracy"], block["unknown_accuracy"], nmi)
    return block


def headline(block: ScoreBlock, open_set: bool) -> float | None:
    """The score a setting reports: H-score in an open set, accuracy in PDA."""
    return block["h_score" if open_set else "known_accuracy"]
