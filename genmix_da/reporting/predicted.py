"""The lines of a run's predictions.csv."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from genmix_da.errors import UserError

UNKNOWN = "unknown"
# Kinds of outcomes, in the order they are shown.
CONFUSED, ACCEPTED, REJECTED, RIGHT = range(4)


@dataclass(frozen=True)
class Predicted:
    """A line of predictions.csv.

    Attributes:
        path: of the image, as recorded.
        true: class, "unknown", or "" where the target has no labels.
        predicted: class or "unknown", by the network alone.
        confidence: largest class probability.
        uncertainty: its normalised entropy.
        graph_predicted: with the graph step; None where the run has none.
        graph_uncertainty: smoothed.
    """

    path: str
    true: str
    predicted: str
    confidence: float
    uncertainty: float = 0.0
    graph_predicted: str | None = None
    graph_uncertainty: float = 0.0

    @property
    def kind(self) -> int:
        """CONFUSED (one known class for another), ACCEPTED (an unknown), REJECTED or RIGHT."""
        if not self.true or self.true == self.predicted:
            return RIGHT
        if self.true == UNKNOWN:
            return ACCEPTED
        return REJECTED if self.predicted == UNKNOWN else CONFUSED


def read_predictions(file: Path) -> list[Predicted]:
    """The lines of a run's predictions.csv.

    Raises:
        UserError: missing, or not such a file.
    """
    try:
        with file.open(newline="", encoding="utf-8", errors="surrogateescape") as handle:
            return [_line(row) for row in csv.DictReader(handle)]
    except FileNotFoundError as error:
        raise UserError(f"there is no {file.name}") from error
    except (OSError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{file.name} cannot be read ({error})") from error


def _line(row: Mapping[str, str]) -> Predicted:
    own = (row["path"], row["true"], row["predicted"], _number(row["confidence"]))
    unsure = _number(row["uncertainty"])
    if "graph_predicted" not in row:
        return Predicted(*own, unsure)
    return Predicted(*own, unsure, row["graph_predicted"], _number(row["graph_uncertainty"]))


def _number(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else 0.0
