"""Two classifiers on frozen features: weighted nearest neighbours and a linear layer."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from lead.seeds import derive

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

# Wu et al., CVPR 2018, Sec. 3.4 and 4.2.
NEIGHBOURS = 200
TEMPERATURE = 0.07
_TOGETHER = 1024  # test images compared at once
# Inverse strengths of the L2 penalty that are tried.
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
_HELD_OUT = 0.2
_ITERATIONS = 1000

logger = logging.getLogger(__name__)


def nearest_votes(
    train: Tensor,
    labels: Tensor,
    test: Tensor,
    classes: int,
    *,
    neighbours: int = NEIGHBOURS,
    temperature: float = TEMPERATURE,
) -> Tensor:
    """Votes of the nearest training images for every class, [M, C].

    Of test feature f the k training features v_i with the largest cosine vote for their classes
    with exp(cos(f, v_i) / tau) (Wu et al., CVPR 2018, Sec. 3.4).

    Args:
        train: [N, F].
        labels: [N], 0 to C - 1.
        test: [M, F].
        classes: C.
        neighbours: k, at most N.
        temperature: tau.
    """
    bank = F.normalize(train, dim=1)
    found = []
    for queries in torch.split(F.normalize(test, dim=1), _TOGETHER):
        cosines, rows = (queries @ bank.T).topk(min(neighbours, len(bank)), dim=1)
        # Against the nearest one, so that no small temperature is too much for exp.
        weights = ((cosines - cosines[:, :1]) / temperature).exp()
        votes = torch.zeros(len(queries), classes, dtype=weights.dtype)
        found.append(votes.scatter_add_(1, labels[rows], weights))
    return torch.cat(found)


@dataclass(frozen=True)
class LinearProbe:
    """What a linear classifier says of test features.

    Attributes:
        predicted: [M] labels.
        strength: inverse of the L2 penalty that was chosen.
        converged: whether the last fit reached its optimum.
    """

    predicted: Labels
    strength: float
    converged: bool


def linear_probe(train: Floats, labels: Labels, test: Floats, seed: int) -> LinearProbe:
    """Multinomial logistic regression, solved to its optimum.

    The papers train the same linear layer by SGD with a schedule of its own, on ImageNet (lr 30 for
    MoCo v2); its optimum has no schedule to choose, and is the same on every machine. Features are
    scaled by mean and standard deviation of the training images; the L2 penalty is the one that is
    best on a fifth of each class of the training images, of equals the stronger one.

    Args:
        train: [N, F] features.
        labels: [N], at least two classes.
        test: [M, F].
        seed: of the fifth.
    """
    mean, std = train.mean(axis=0), train.std(axis=0)
    scale = np.where(std > 0, std, 1.0)
    known, asked = (train - mean) / scale, (test - mean) / scale
    held = _held_out(labels, seed)
    rest = ~held
    right = []
    if held.any():
        for strength in STRENGTHS:
            said, _ = _fitted(known[rest], labels[rest], known[held], strength)
            right.append(int((said == labels[held]).sum()))
        chosen = STRENGTHS[int(np.argmax(right))]
    else:
        chosen = 1e-2  # too few images to choose by
        logger.info("linear probe: no class has two images; the penalty is not chosen")
    predicted, converged = _fitted(known, labels, asked, chosen)
    return LinearProbe(predicted, chosen, converged)


def _held_out(labels: Labels, seed: int) -> NDArray[np.bool_]:
    """[N] which images choose the penalty: a fifth of each class, at least one of two."""
    held = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        count = max(round(_HELD_OUT * len(own)), 1) if len(own) > 1 else 0
        order = np.random.default_rng(derive(seed, "penalty", int(label))).permutation(own)
        held[order[:count]] = True
    return held


def _fitted(train: Floats, labels: Labels, test: Floats, strength: float) -> tuple[Labels, bool]:
    """Predictions of a fit, and whether it converged."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(train.astype(np.float64), labels)
    predicted: Labels = model.predict(test.astype(np.float64))
    return predicted, bool((model.n_iter_ < _ITERATIONS).all())
