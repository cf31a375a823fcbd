"""One printed row of other work, as tables show it beside runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedRow:
    """One printed row.

    Attributes:
        method: as printed there.
        source: of the numbers.
        cells: column -> fraction; None where nothing is printed. "Avg" is the printed average, and
            there only where the table has all of its columns.
    """

    method: str
    source: str
    cells: dict[str, float | None]
