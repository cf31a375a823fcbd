"""Rejection thresholds: numbers, and the rules that find them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limit:
    """A threshold on the uncertainty.

    Attributes:
        number: above it an image is rejected.
        rule: that found it; "" where a number was given.
    """

    number: float
    rule: str = ""

    def __str__(self) -> str:
        """E.g. "0.55", or "0.587 (otsu:0.5)"."""
        return f"{self.number:.3f} ({self.rule})" if self.rule else f"{self.number:g}"


def rejects(result: Mapping[str, Any]) -> bool:
    """Whether a run's images could be rejected: its target had a class that the source has not.

    Args:
        result: content of result.json; records without a split are taken by their setting alone.
    """
    split = result.get("split")
    return bool(result.get("setting") != "pda" and (not split or split[2] > 0))


def read_limit(part: Mapping[str, Any]) -> Limit | None:
    """The threshold that a record or a line of metrics.jsonl names; None where it has none.

    Args:
        part: with `threshold`, `rejection`, or both.
    """
    rejection = part.get("rejection") or {}
    number = part.get("threshold", rejection.get("threshold"))
    if number is None:
        return None
    rule = rejection.get("rule", "fixed")
    return Limit(float(number), "" if rule == "fixed" else rule)
