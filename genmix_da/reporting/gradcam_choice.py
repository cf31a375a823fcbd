"""Which target images to look at: mistakes first, of every kind and of many classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import TypeVar

from genmix_da.reporting.predicted import ACCEPTED, RIGHT, Predicted

Item = TypeVar("Item")


def in_order_of_interest(rows: Iterable[Predicted]) -> list[Predicted]:
    """All rows, the most telling first.

    Kinds of mistakes take turns, within a kind classes do, within a class the surest comes first.
    Right ones follow. The order hangs on the rows alone.
    """
    kinds: list[list[Predicted]] = [[], [], [], []]
    for row in rows:
        kinds[row.kind].append(row)
    spread = [_over_classes(kind) for kind in kinds]
    return [*taking_turns(spread[:RIGHT]), *spread[RIGHT]]


def _over_classes(rows: Iterable[Predicted]) -> list[Predicted]:
    classes: dict[str, list[Predicted]] = {}
    for row in sorted(rows, key=lambda row: (-row.confidence, row.path)):
        # All accepted ones are of the class "unknown": what they were taken for tells them apart.
        name = row.true if row.true and row.kind != ACCEPTED else row.predicted
        classes.setdefault(name, []).append(row)
    return taking_turns([classes[name] for name in sorted(classes)])


def taking_turns(groups: Sequence[Sequence[Item]]) -> list[Item]:
    """The first of each group, then the second of each, and so on."""
    turns = zip_longest(*([(item,) for item in group] for group in groups), fillvalue=())
    return list(chain.from_iterable(chain.from_iterable(turns)))
