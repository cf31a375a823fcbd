"""What a table is made of: the runs that are wanted, what became of them, printed rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from genmix_da.tables.columns import AVERAGE
from genmix_da.tables.records import Record

Place = tuple[str, str, int]


@dataclass(frozen=True)
class Wanted:
    """One run of a table.

    Attributes:
        identity: of the run, as its record has it.
        setting: of an adaptation, or "classification".
        source, target: domains; the same name twice for the data set of a classification.
        method: name of the row.
        seed: of the run.
        undefined: the method does not define this setting: the cell is n/a and nothing is run.
    """

    identity: str
    setting: str
    source: str
    target: str
    method: str
    seed: int
    undefined: bool = False


@dataclass(frozen=True)
class Run:
    """A wanted run and what became of it.

    Attributes:
        wanted: the run.
        column: its pair's or data set's.
        state: "done", "incomplete", "failed", "not run", "excluded" or "n/a".
        reason: why it failed or is excluded.
        record: where it is done.
    """

    wanted: Wanted
    column: str
    state: str
    reason: str | None = None
    record: Record | None = None

    @property
    def place(self) -> Place:
        """(method, column, seed): unique in a setting."""
        return self.wanted.method, self.column, self.wanted.seed


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


def rows_beside(
    runs: Sequence[Run],
    columns: Sequence[str],
    fitting: Callable[[Sequence[Record]], Iterable[tuple[str, str, float | None]]],
) -> list[PublishedRow]:
    """Printed rows to set beside the runs of a table.

    Args:
        runs: of one setting.
        columns: of its table.
        fitting: records of a column, at least one -> (row, source, fraction) of what compares with
            all of them.
    """
    cells: dict[tuple[str, str], dict[str, float | None]] = {}
    for column in columns:
        records = [run.record for run in runs if run.record is not None and run.column == column]
        for row, source, value in fitting(records) if records else ():
            cells.setdefault((row, source), dict.fromkeys((*columns, AVERAGE)))[column] = value
    return [PublishedRow(*place, found) for place, found in cells.items()]
