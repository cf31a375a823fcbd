"""Which target images to look at: mistakes first, of every kind and of many classes."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import TypeVar

from genmix_da.errors import UserError

UNKNOWN = "unknown"
# Kinds of outcomes, in the order they are shown.
CONFUSED, ACCEPTED, REJECTED, RIGHT = range(4)

Item = TypeVar("Item")


@dataclass(frozen=True)
class Predicted:
    """A line of predictions.csv.

    Attributes:
        path: of the image, as recorded.
        true: class, "unknown", or "" where the target has no labels.
        predicted: class or "unknown".
        confidence: largest class probability.
    """

    path: str
    true: str
    predicted: str
    confidence: float

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
            rows = list(csv.DictReader(handle))
        return [
            Predicted(row["path"], row["true"], row["predicted"], _number(row["confidence"]))
            for row in rows
        ]
    except FileNotFoundError as error:
        raise UserError(f"there is no {file.name}") from error
    except (OSError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{file.name} cannot be read ({error})") from error


def _number(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else 0.0


def in_order_of_interest(rows: Iterable[Predicted]) -> list[Predicted]:
    """All rows, the most telling first.

    Kinds of mistakes take turns, within a kind classes do, within a class the surest comes first.
    Right ones follow. The order hangs on the rows alone.
    """
    kinds: list[list[Predicted]] = [[], [], [], []]
    for row in rows:
        kinds[row.kind].append(row)
    spread = [_over_classes(kind) for kind in kinds]
    return [*_taking_turns(spread[:RIGHT]), *spread[RIGHT]]


def _over_classes(rows: Iterable[Predicted]) -> list[Predicted]:
    classes: dict[str, list[Predicted]] = {}
    for row in sorted(rows, key=lambda row: (-row.confidence, row.path)):
        # All accepted ones are of the class "unknown": what they were taken for tells them apart.
        name = row.true if row.true and row.kind != ACCEPTED else row.predicted
        classes.setdefault(name, []).append(row)
    return _taking_turns([classes[name] for name in sorted(classes)])


def _taking_turns(groups: Sequence[Sequence[Item]]) -> list[Item]:
    turns = zip_longest(*([(item,) for item in group] for group in groups), fillvalue=())
    return list(chain.from_iterable(chain.from_iterable(turns)))
