"""Faithful selection (GenMix, Eq. 3): keep an edit that is still like its original.

keep if cos(f(I), f(edit)) >= mu - k * sigma, mu and sigma over the cosines of ALL pairs of
originals, k = 2. The statistics are exact, streamed and need O(D^2) memory: sums over pairs are
sums over features and one Gram matrix. They are taken in float64 about a reference vector, because
where features are alike the plain second moment loses sigma to cancellation (in float32 entirely).

The paper's threshold may keep nearly everything: two unlike originals are the yardstick. The
stricter rule "same-class" takes the pairs within each class: an edit must be as like its original
as images of one class are to each other. A search for neighbours (faiss) has nothing to find here:
both rules are of all pairs, whose sums one product gives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RULES = ("all-pairs", "same-class")
SIGMAS = 2.0


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of the cosine over pairs.

    Attributes:
        mean: mu.
        std: sigma (population).
        pairs: number of ordered pairs i != j.
    """

    mean: float
    std: float
    pairs: int

    def threshold(self, sigmas: float = SIGMAS) -> float:
        """mu - k * sigma."""
        return self.mean - sigmas * self.std


class PairStatistics:
    """Exact cosine statistics over all pairs of the features added, and of separate groups.

    `next_group` ends a group: pairs are counted within groups only. Without it there is one group,
    all images.

    Example:
        >>> statistics = PairStatistics()
        >>> statistics.add(np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]))
        >>> round(statistics.result().mean, 4)
        0.4714
    """

    def __init__(self) -> None:
        self._reference: NDArray[np.float64] | None = None
        self._pairs = 0
        self._sum = 0.0  # of (c - |r|^2) over ordered pairs
        self._square = 0.0
        self._start_group()

    def _start_group(self) -> None:
        self._count = 0
        self._d: NDArray[np.float64] | float = 0.0  # sum of d
        self._gram: NDArray[np.float64] | float = 0.0  # sum of d d^T
        self._ad: NDArray[np.float64] | float = 0.0  # sum of a d
        self._a = self._aa = 0.0  # sums of a = r.d and a^2
        self._self = self._self_square = 0.0  # the i = j terms

    def add(self, features: NDArray[np.floating]) -> None:
        """Add features [B, D], of any length; they are normalised here.

        Raises:
            ValueError: a feature that is zero or not finite.
        """
        rows = np.asarray(features, dtype=np.float64)
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        if not np.isfinite(length).all() or not (length > 0).all():
            raise ValueError("features must be finite and not zero")
        unit = rows / length
        if self._reference is None:
            self._reference = unit.mean(axis=0)
        # f = r + d, so f_i.f_j = r.r + a_i + a_j + d_i.d_j with a = r.d: all small terms but r.r.
        d = unit - self._reference
        a = d @ self._reference
        self._count += len(d)
        self._d = self._d + d.sum(axis=0)
        self._gram = self._gram + d.T @ d
        self._ad = self._ad + a @ d
        self._a += float(a.sum())
        self._aa += float(a @ a)
        own = 2 * a + np.einsum("nd,nd->n", d, d)
        self._self += float(own.sum())
        self._self_square += float(own @ own)

    def next_group(self) -> None:
        """End the present group."""
        n, d = self._count, np.asarray(self._d)
        total = 2 * n * self._a + float(np.sum(d * d))
        square = (
            2 * n * self._aa
            + 2 * self._a**2
            + 4 * float(np.sum(np.asarray(self._ad) * d))
            + float(np.sum(np.square(self._gram)))
        )
        self._pairs += n * (n - 1)
        self._sum += total - self._self
        self._square += square - self._self_square
        self._start_group()

    def result(self) -> Statistics:
        """Statistics of everything added so far; ends the present group.

        Raises:
            ValueError: no pair; one image has nothing to be compared with.
        """
        self.next_group()
        if self._reference is None or self._pairs == 0:
            raise ValueError("pair statistics need two images or more")
        shift = self._sum / self._pairs
        variance = self._square / self._pairs - shift**2
        mean = float(self._reference @ self._reference) + shift
        return Statistics(mean, math.sqrt(max(variance, 0.0)), self._pairs)


def cosine(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Cosine of two feature vectors [D]."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
