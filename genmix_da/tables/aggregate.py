"""From records to tables: mean and standard deviation over seeds, averages over pairs.

Scores are fractions in [0, 1]. A cell is a number only where every seed asked for is there.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from genmix_da.tables.cells import Place, Run, Wanted
from genmix_da.tables.columns import AVERAGE, pair_column, same_domain, short_domains
from genmix_da.tables.kinds import headline, kind_of
from genmix_da.tables.overhead import OVERHEAD, overheads
from genmix_da.tables.records import BLOCKS, Record
from genmix_da.tables.values import has_no_epochs, percent, score, stand_in_of

COMPLETE, INCOMPLETE, UNDEFINED = "complete", "incomplete", "n/a"


@dataclass(frozen=True)
class Cell:
    """One method in one column, or its average.

    Attributes:
        state: "complete", "incomplete" or "n/a".
        mean: over seeds; None unless complete.
        sd: sample standard deviation over seeds (n - 1); None for one seed or unless complete.
        seeds: how many seeds were asked for.
        values: seed -> score of the runs that are done; of an average, the mean over all
            columns.
        best: whether it is the best complete mean of its column, as printed.
    """

    state: str
    mean: float | None
    sd: float | None
    seeds: int
    values: dict[int, float | None]
    best: bool = False


@dataclass(frozen=True)
class Row:
    """One method.

    Attributes:
        method: name.
        cells: column -> cell.
        no_epochs: source-only: all three blocks are the one there is.
        stand_in: the editor, where it stands in for a generative one.
    """

    method: str
    cells: dict[str, Cell]
    no_epochs: bool
    stand_in: str | None


@dataclass(frozen=True)
class Table:
    """One metric of one block in one setting.

    Attributes:
        setting: of all its runs.
        block: "last", "selected" or "oracle".
        metric: key of a score block, or OVERHEAD.
        columns: pairs or data sets, then "Avg".
        seeds: all that were asked for.
        rows: methods in the order given.
    """

    setting: str
    block: str
    metric: str
    columns: tuple[str, ...]
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]

    @property
    def is_headline(self) -> bool:
        """Whether this is the metric that the setting reports."""
        return self.metric == headline(self.setting)

    @property
    def has_values(self) -> bool:
        """Whether any run has a number in it."""
        cells = [cell for row in self.rows for cell in row.cells.values()]
        return any(value is not None for cell in cells for value in cell.values.values())


def match_runs(wanted: Sequence[Wanted], records: Mapping[str, Record]) -> list[Run]:
    """What became of every wanted run.

    Args:
        wanted: runs of the table.
        records: by identity. One that contradicts what is wanted under its identity is excluded.

    Raises:
        ValueError: one run is wanted twice with different identities.
    """
    short = short_domains(
        domain
        for item in wanted
        if kind_of(item.setting).pairs
        for domain in (item.source, item.target)
    )
    runs: dict[tuple[str, str, str, int], Run] = {}
    for item in wanted:
        pairs = kind_of(item.setting).pairs
        column = pair_column(item.source, item.target, short) if pairs else item.source
        run = _matched(item, column, records)
        place = (item.setting, item.method, run.column, item.seed)
        if place in runs and runs[place].wanted != item:
            raise ValueError(f"two different runs are wanted for {place}")
        runs[place] = run
    return list(runs.values())


def _matched(item: Wanted, column: str, records: Mapping[str, Record]) -> Run:
    if item.undefined:
        return Run(item, column, UNDEFINED)
    record = records.get(item.identity)
    if record is None:
        return Run(item, column, "not run")
    found = record.content
    for name, fits in (
        ("setting", found["setting"] == item.setting),
        ("seed", found["seed"] == item.seed),
        ("source", same_domain(found["source"], item.source)),
        ("target", same_domain(found["target"], item.target)),
    ):
        if not fits:
            wrong = f"its record has the {name} {found[name]}"
            return Run(item, column, "excluded", wrong)
    if record.status != "done":
        return Run(item, column, record.status, record.reason)
    return Run(item, column, "done", None, record)


def build_tables(runs: Sequence[Run]) -> list[Table]:
    """Tables in the order of the settings: the headline of three blocks, then other metrics."""
    tables = []
    for setting in dict.fromkeys(run.wanted.setting for run in runs):
        chosen = [run for run in runs if run.wanted.setting == setting]
        kind, first = kind_of(setting), headline(setting)
        others = (name for name in kind.others if name != first)
        found = [_table(chosen, block, first) for block in BLOCKS]
        found += [_table(chosen, "last", name) for name in others]
        tables += [t for t in found if t.block not in kind.optional_blocks or t.has_values]
    return tables


def _values(runs: Sequence[Run], block: str, metric: str) -> dict[Place, float | None]:
    """The numbers of a table, of the runs that are done."""
    if metric == OVERHEAD:
        return overheads(runs, _base(runs))
    return {
        run.place: score(run.record, run.wanted.method, block, metric)
        for run in runs
        if run.record is not None
    }


def _base(runs: Sequence[Run]) -> str | None:
    """The row of the kind's baseline."""
    return kind_of(runs[0].wanted.setting).base_of(run.wanted.method for run in runs)


def _table(runs: Sequence[Run], block: str, metric: str) -> Table:
    columns = tuple(dict.fromkeys(run.column for run in runs))
    seeds = tuple(sorted({run.wanted.seed for run in runs}))
    kind, values = kind_of(runs[0].wanted.setting), _values(runs, block, metric)
    base = _base(runs)
    by_place: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        by_place.setdefault((run.wanted.method, run.column), []).append(run)
    rows = []
    for method in dict.fromkeys(run.wanted.method for run in runs):
        if metric == OVERHEAD and method == base:
            continue  # over itself it has none
        cells = {
            column: _cell(by_place.get((method, column), []), values, len(seeds))
            for column in columns
        }
        cells[AVERAGE] = _average(list(cells.values()), seeds)
        used = [run.record for run in runs if run.wanted.method == method and run.record]
        stand_ins = sorted({name for record in used if (name := stand_in_of(record))})
        rows.append(Row(method, cells, has_no_epochs(method), ", ".join(stand_ins) or None))
    all_columns = (*columns, AVERAGE)
    smaller = metric in kind.smaller_is_better
    best = [_mark_best(rows, column, smaller=smaller) for column in all_columns]
    marked = tuple(
        replace(row, cells={name: best[i][row.method] for i, name in enumerate(all_columns)})
        for row in rows
    )
    return Table(runs[0].wanted.setting, block, metric, all_columns, seeds, marked)


def _cell(runs: Sequence[Run], found: Mapping[Place, float | None], seeds: int) -> Cell:
    """Of one method and column; runs that nobody wanted are missing ones."""
    values = {run.wanted.seed: found[run.place] for run in runs if run.place in found}
    if runs and all(run.state == UNDEFINED for run in runs):
        return Cell(UNDEFINED, None, None, seeds, {})
    return _summary(values, len(runs) or seeds)


def _summary(values: dict[int, float | None], seeds: int) -> Cell:
    if len(values) < seeds:
        return Cell(INCOMPLETE, None, None, seeds, values)
    numbers = [value for value in values.values() if value is not None]
    if len(numbers) < len(values) or not numbers:
        return Cell(UNDEFINED, None, None, seeds, values)
    sd = statistics.stdev(numbers) if len(numbers) > 1 else None
    return Cell(COMPLETE, statistics.fmean(numbers), sd, seeds, values)


def _average(cells: Sequence[Cell], seeds: Sequence[int]) -> Cell:
    """Mean over all columns of each seed, then mean and sd over seeds.

    One column that is not complete makes it incomplete: a mean over others is another number.
    """
    if all(cell.state == UNDEFINED for cell in cells):
        return Cell(UNDEFINED, None, None, len(seeds), {})
    values: dict[int, float | None] = {}
    for seed in seeds:
        if all(seed in cell.values for cell in cells):
            numbers = [value for cell in cells if (value := cell.values[seed]) is not None]
            values[seed] = statistics.fmean(numbers) if len(numbers) == len(cells) else None
    if any(cell.state == INCOMPLETE for cell in cells):
        return Cell(INCOMPLETE, None, None, len(seeds), values)
    if any(cell.state == UNDEFINED for cell in cells):
        return Cell(UNDEFINED, None, None, len(seeds), values)
    return _summary(values, len(seeds))


def _mark_best(rows: Sequence[Row], column: str, *, smaller: bool) -> dict[str, Cell]:
    """Method -> its cell, the best marked: equal as printed is a tie, one row alone beats none."""
    cells = {row.method: row.cells[column] for row in rows}
    means = [cell.mean for cell in cells.values() if cell.mean is not None]
    if len(means) < 2:
        return cells
    top = percent(min(means) if smaller else max(means))
    return {
        method: replace(cell, best=cell.mean is not None and percent(cell.mean) == top)
        for method, cell in cells.items()
    }
