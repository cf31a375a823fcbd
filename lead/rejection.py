"""Label-free rejection: a threshold on the uncertainty, from the uncertainties themselves.

A rule is a number ("0.55": fixed) or a name with an optional floor behind a colon ("otsu:0.5": the
threshold is never below the floor). The floor guards targets with few or no unknown images: every
rule that splits in two finds unknown images there too, and no test for one against two groups was
found that tells the two cases apart. `auto` is the rule that was chosen on Office-Caltech-10, see
docs/results/graph.md.

Source of Otsu's rule: Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE
Trans. SMC 1979.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lead.errors import LeadError

AUTO = "auto"
AUTO_RULE = "otsu:0.5"
BINS = 256
_FAR = 2.0  # times the share of unknown images: weight of the uncertainty that is smoothed more

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class Rejection:
    """A threshold and where it comes from.

    Attributes:
        rule: that set it: "fixed", or a name with its floor, e.g. "otsu:0.5".
        threshold: images with a larger uncertainty are rejected.
        rejected: share of the images that are.
        share_threshold: where the rule split the uncertainties by which it judged the share; None
            where they are those that the threshold is on.
        far_weight: in [0, 1], what the threshold is on then, see `order`; else None.
        separability: how far the uncertainties fall into two groups at the threshold: the
            variance between the groups over all variance, in [0, 1] (Otsu's eta). None where one
            group is empty. High values do not prove that there are unknown images.
        floored: whether the floor decided.
    """

    rule: str
    threshold: float
    rejected: float
    separability: float | None
    floored: bool = False
    share_threshold: float | None = None
    far_weight: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.rule, str) or not isinstance(self.threshold, (int, float)):
            raise LeadError(f"the rejection {self.as_dict()} has no rule or no threshold")

    def order(self, uncertainty: ArrayLike, share_uncertainty: ArrayLike) -> Floats32:
        """[N] float32 that the threshold is on: the uncertainty, or its mean with the other.

        Args:
            uncertainty: [N] as `reject` took it, or of new images.
            share_uncertainty: [N] of the same images.
        """
        far = np.asarray(uncertainty, dtype=np.float32)
        if self.far_weight is None:
            return far
        return mixed(far, np.asarray(share_uncertainty, dtype=np.float32), self.far_weight)

    def unused(self) -> Rejection:
        """As it is where nothing is rejected, in a closed set of classes."""
        return dataclasses.replace(self, rejected=0.0, separability=None)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a record."""
        return dataclasses.asdict(self)


def otsu(values: Floats) -> float:
    """Otsu's threshold over 256 bins between the smallest and the largest value.

    The upper edge of the last bin of the lower group, so that `value > threshold` is the upper one.
    Values that are all alike, but for rounding: the largest, and nothing lies above it.
    """
    low, high = float(values.min()), float(values.max())
    if not high - low > 4 * BINS * np.spacing(max(abs(low), abs(high))):  # too narrow for bins
        return high
    counts, edges = np.histogram(values, bins=BINS, range=(low, high))
    # In whole bins and images, so that narrow spreads are split as exactly as wide ones.
    below, moment = np.cumsum(counts, dtype=float), np.cumsum(counts * np.arange(BINS), dtype=float)
    number, above = below[-1], below[-1] - below
    between = (moment[-1] * below - number * moment)[:-1] ** 2 / (below * above)[:-1]
    cut = int(between.argmax())
    # Empty bins leave a plateau of equal splits: its middle is as far as can be from both groups.
    empty = int(np.flatnonzero(counts[cut + 1 :])[0])
    return float((edges[cut + 1] + edges[cut + 1 + empty]) / 2)


def two_means(values: Floats) -> float:
    """The exact split into two groups of least squares: the middle of the gap between them.

    Values that are all alike: that value.
    """
    ordered = np.sort(values)
    count = len(ordered)
    if count < 2 or not ordered[-1] > ordered[0]:
        return float(ordered[-1])
    below = np.cumsum(ordered)[:-1]
    number = np.arange(1, count)
    gain = below**2 / number + (ordered.sum() - below) ** 2 / (count - number)
    cut = int(gain.argmax())
    return float((ordered[cut] + ordered[cut + 1]) / 2)


def root_otsu(values: Floats) -> float:
    """Otsu's threshold of the square roots, squared; values below 0 count as 0."""
    return otsu(np.sqrt(np.maximum(values, 0.0))) ** 2


RULES: dict[str, Callable[[Floats], float]] = {
    "otsu": otsu,
    "root-otsu": root_otsu,
    "two-means": two_means,
}


def parse_rule(text: str | float) -> str | float:
    """A rule as it is kept: a number, or a name with its floor; `auto` resolved.

    Raises:
        LeadError: neither a finite number nor a known rule.
    """
    name = str(text).strip()
    name = AUTO_RULE if name == AUTO else name
    kind, colon, floor = name.partition(":")
    if kind in RULES and not colon:
        return name
    number = _number(floor if kind in RULES else name)
    if number is None:
        known = ", ".join((AUTO, *RULES))
        raise LeadError(
            f"threshold is {name!r}; it must be a finite number, or a rule ({known}), which may "
            "have a floor as in otsu:0.5"
        )
    return f"{kind}:{number:g}" if kind in RULES else number


def _number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def reject(
    uncertainty: ArrayLike, rule: str | float, share_uncertainty: ArrayLike | None = None
) -> Rejection:
    """Apply a rule.

    Args:
        uncertainty: [N], about 0 to 1; no labels. The largest ones are rejected.
        rule: see `parse_rule`. A number is the threshold on `uncertainty`.
        share_uncertainty: [N] another uncertainty of the same images, smoothed less, by which a
            named rule decides how many are rejected. Those are the ones with the largest mean of
            both, in which `uncertainty` weighs twice their share, at most 1: among many known
            images it would drown a few unknown ones. None: the same.

    Raises:
        LeadError: an unknown rule, or uncertainties of different numbers of images.

    Example:
        >>> found = reject([0.1, 0.12, 0.8, 0.82], "otsu")
        >>> 0.12 < found.threshold < 0.8, found.rejected
        (True, 0.5)
    """
    values = np.asarray(uncertainty, dtype=np.float64).ravel()
    resolved = parse_rule(rule)
    share_threshold = far_weight = None
    if isinstance(resolved, float):
        name, threshold, floored = "fixed", resolved, False
    else:
        name = resolved
        kind, _, text = name.partition(":")
        floor = float(text) if text else -math.inf
        # Without images there is nothing to split; nothing lies above 1.
        judged = values if share_uncertainty is None else _same_length(values, share_uncertainty)
        found = RULES[kind](judged) if len(judged) else 1.0
        threshold, floored = max(found, floor), found < floor
        if share_uncertainty is not None:
            share_threshold, count = threshold, int(_exceed(judged, threshold).sum())
            far_weight = min(1.0, _FAR * count / max(len(values), 1))
            values = mixed(values.astype(np.float32), judged.astype(np.float32), far_weight).astype(
                np.float64
            )
            threshold = _above(values, count, threshold)
    above = _exceed(values, threshold)
    share = float(above.mean()) if len(values) else 0.0
    apart = _separability(values, above)
    return Rejection(name, threshold, share, apart, floored, share_threshold, far_weight)


def mixed(far: Floats32, near: Floats32, weight: float) -> Floats32:
    """[N] mean of two uncertainties; `weight` is that of the first."""
    return np.float32(1 - weight) * near + np.float32(weight) * far


def _exceed(values: Floats, threshold: float) -> NDArray[np.bool_]:
    """[N] which are rejected, compared as scores and predictions compare."""
    return values.astype(np.float32) > np.float32(threshold)


def _same_length(values: Floats, others: ArrayLike) -> Floats:
    found = np.asarray(others, dtype=np.float64).ravel()
    if len(found) != len(values):
        raise LeadError(
            f"{len(values)} images have an uncertainty, {len(found)} one to judge the share by; "
            "both must be of the same images"
        )
    return found


def _above(values: Floats, count: int, fallback: float) -> float:
    """The middle of the gap below the `count` largest values; fewer lie above it at a tie.

    A rule that splits leaves one image below, at least. Where none is to lie above, there is no
    gap, and the fallback is raised no further than it must.
    """
    ordered = np.sort(values)
    kept = len(ordered) - count
    if count == 0:
        return max(fallback, float(ordered[-1])) if kept else fallback
    return float((ordered[kept - 1] + ordered[kept]) / 2)


def _separability(values: Floats, above: NDArray[np.bool_]) -> float | None:
    if len(values) == 0 or above.all() or not above.any():
        return None
    share = above.mean()
    between = share * (1 - share) * (values[above].mean() - values[~above].mean()) ** 2
    return float(min(between / values.var(), 1.0))
