"""Published rows beside our own, where they compare; which ones do is the kind's own matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from genmix_da.table import published_adaptation, published_classification
from genmix_da.table.aggregate import Run
from genmix_da.table.kinds import ADAPTATION, CLASSIFICATION, kind_of
from genmix_da.table.published_row import PublishedRow

__all__ = ["PublishedRow", "published_notes", "published_rows"]


def published_rows(runs: Sequence[Run], columns: Sequence[str]) -> list[PublishedRow]:
    """Printed rows to set beside the runs of one setting; none where they would not compare.

    Args:
        runs: of one setting.
        columns: of its table, without the average.
    """
    if kind_of(runs[0].wanted.setting) is ADAPTATION:
        return published_adaptation.adaptation_rows(runs, columns)
    return published_classification.classification_rows(runs, columns)


def published_notes(published: Mapping[str, Sequence[PublishedRow]]) -> list[str]:
    """What a reader has to know of the rows: a sentence for each kind of runs."""
    notes = []
    for kind, note in (
        (ADAPTATION, published_adaptation.NOTE),
        (CLASSIFICATION, published_classification.NOTE),
    ):
        rows = [row for name, part in published.items() if kind_of(name) is kind for row in part]
        if rows:
            sources = dict.fromkeys(row.source for row in rows)
            notes.append(note.format(sources="; ".join(sources)))
    return notes
