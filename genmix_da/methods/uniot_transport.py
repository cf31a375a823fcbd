"""UniOT's two transports, and what is read from a plan (Chang et al., NeurIPS 2022).

A balanced one (Sinkhorn) spreads samples evenly over clusters; an unbalanced one carries samples to
class prototypes and leaves those behind that are near to none. Re-implementation; verified against
arrays of the authors' released code (MIT) and of the solver that it names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

SHARPNESS = 0.05  # of the Sinkhorn assignment
ROUNDS = 3
REGULARISER = 0.01  # entropy of the unbalanced plan
RELAXATION = 0.5  # how much its marginals may stray
TRAINING_STOP, TEST_STOP = 1e-4, 1e-6
MOST_ROUNDS = 1000
ASKED = 25  # rounds between two questions whether to stop; divides the above

Floats = NDArray[np.float64]
# (number of candidates M, how many K) -> positions [K] in 0..M-1, drawn with replacement
Choose = Callable[[int, int], Tensor]


def sinkhorn(scores: Tensor) -> Tensor:
    """Assign samples to clusters, all of which get equally many.

    Args:
        scores: [N, K] cosines.

    Returns:
        [N, K]; every row sums to 1 / N.
    """
    plan = torch.exp(scores / SHARPNESS)
    plan = plan / plan.sum()
    count, clusters = plan.shape
    for _ in range(ROUNDS):
        plan = plan / (plan.sum(dim=0, keepdim=True) * clusters)
        plan = plan / (plan.sum(dim=1, keepdim=True) * count)
    return plan


@dataclass(frozen=True)
class Transport:
    """An unbalanced plan.

    Attributes:
        plan: [N, C] float64, as the solver leaves it; its sum is not 1.
        rounds: that were made.
    """

    plan: Tensor
    rounds: int

    @property
    def share(self) -> Tensor:
        """[N, C] the plan divided by its sum."""
        return self.plan / self.plan.sum()


def transport(similarity: Tensor, beta: Tensor, stop: float) -> Transport:
    """Carry N samples of equal mass to C classes of mass `beta`; both may be missed.

    The solver is stopped long before its optimum, so that start and stopping rule are part of the
    result. They are those of POT 0.8.1, which the released code names; later versions differ.

    Args:
        similarity: [N, C] cosines.
        beta: [C] mass of each class.
        stop: it ends where the scalings change by less than this.

    Returns:
        The plan, on the device of `similarity`; with values that are not finite where those given
        are not.
    """
    # float32 overflows from a cosine of 0.887 on.
    kernel = torch.exp(similarity.double() / REGULARISER)
    with np.errstate(all="ignore"):
        rows, columns, done = _scalings(kernel.cpu().numpy(), beta.double().cpu().numpy(), stop)
    row, column = (torch.from_numpy(part).to(kernel.device) for part in (rows, columns))
    return Transport(row.unsqueeze(1) * kernel * column, done)


def _scalings(kernel: Floats, wanted: Floats, stop: float) -> tuple[Floats, Floats, int]:
    """Scalings of the rows [N] and columns [C] of a kernel [N, C], and rounds that were made.

    In numpy: hundreds of rounds of small products, of which torch would take two to three times as
    long on a CPU and as long on a GPU. Rows that are equal (draws with replacement, copies) are
    scaled alike, so that each is computed once; and whether to stop is asked of many rounds at
    once, for it costs as much as they do. Those behind the last are thrown away.
    """
    count, classes = kernel.shape
    power = RELAXATION / (RELAXATION + REGULARISER)
    different, place, copies = np.unique(kernel, axis=0, return_inverse=True, return_counts=True)
    turned = np.ascontiguousarray(different.T)
    weighted = turned * copies
    rows, columns = np.empty((ASKED + 1, len(different))), np.empty((ASKED + 1, classes))
    rows[-1], columns[-1] = 1 / count, 1 / classes
    for before in range(0, MOST_ROUNDS, ASKED):
        rows[0], columns[0] = rows[-1], columns[-1]
        for old, row, column in zip(columns, rows[1:], columns[1:], strict=False):
            np.divide(1 / count, old @ turned, out=row)
            np.power(row, power, out=row)
            np.divide(wanted, weighted @ row, out=column)
            np.power(column, power, out=column)
        change = (_changes(rows) + _changes(columns)) / 2
        ended = np.flatnonzero(~(change >= stop))
        if len(ended):
            last = int(ended[0])
            # Beyond its precision: the round before is the result.
            kept = last if math.isnan(change[last]) else last + 1
            return rows[kept][place.ravel()], columns[kept], before + last + 1
    return rows[-1][place.ravel()], columns[-1], MOST_ROUNDS


def _changes(scalings: Floats) -> Floats:
    """[R] the largest step of each round; scalings [R + 1, M], all positive."""
    top = scalings.max(axis=1)
    step = np.abs(np.diff(scalings, axis=0)).max(axis=1)
    change: Floats = step / np.maximum(np.maximum(top[1:], top[:-1]), 1.0)
    return change


@dataclass(frozen=True)
class Reading:
    """What a plan says of M of its N samples.

    Attributes:
        confidence: [M] the largest share of a sample.
        label: [M] its class where that is above 1 / N, else C.
        mass: [C] of each class, all N samples together.
        sure_label: [M] the same without classes whose mass is below 1 / C.
        sure: [S] samples that have such a label, positions among the M.
    """

    confidence: Tensor
    label: Tensor
    mass: Tensor
    sure_label: Tensor
    sure: Tensor


def read(share: Tensor, first: int = 0) -> Reading:
    """Labels and masses of a plan.

    Args:
        share: [N, C] divided by its sum.
        first: rows before it (those that were added) have a mass, and get no label.
    """
    count, classes = share.shape
    mass = share.sum(dim=0)
    confidence, best = share[first:].max(dim=1)
    # In float32, as released: rounding is not to tell equal ones apart.
    label = torch.where(confidence.float() > 1 / count, best, classes)
    sure_label = torch.where((mass.float() < 1 / classes)[best], classes, label)
    sure = torch.nonzero(sure_label < classes).flatten()
    return Reading(confidence, label, mass, sure_label, sure)


@dataclass(frozen=True)
class Filled:
    """Similarities with rows added, see `fill`.

    Attributes:
        similarity: [A + N, C], the added ones first.
        added: A.
        sure: what the added rows were chosen from where they are copies; None: they are not.
    """

    similarity: Tensor
    added: int
    sure: Tensor | None = None


def fill(
    unit: Tensor, prototypes: Tensor, beta: Tensor, gamma: float, choose: Choose, *, stop: float
) -> Filled:
    """Add samples until as many are near to a class as far from all (adaptive filling).

    Too few near ones: copies of samples with a sure label. Too many: synthetic ones, midway
    between a sample and the prototype that it is least like.

    Args:
        unit: [N, D] unit features.
        prototypes: [C, D] unit rows.
        beta: [C] mass of each class.
        gamma: similarity to some class above which a sample is near.
        choose: draws what is added.
        stop: see `transport`.
    """
    similarity = unit @ prototypes.T
    near = int((similarity.max(dim=1).values > gamma).sum())
    far = len(unit) - near
    if near == far:
        return Filled(similarity, 0)
    if near < far:
        sure = read(transport(similarity, beta, stop).share).sure
        if not len(sure):
            return Filled(similarity, 0, sure)
        more = similarity[sure[choose(len(sure), far - near)]]
        return Filled(torch.cat([more, similarity]), len(more), sure)
    rows = choose(len(unit), near - far)
    unlike = prototypes[similarity[rows].argmin(dim=1)]
    made = normalize((unit[rows] + unlike) / 2, dim=1) @ prototypes.T
    return Filled(torch.cat([made, similarity]), len(made))
