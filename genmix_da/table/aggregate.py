"""From records to tables: mean and standard deviation over seeds, averages over pairs.

Scores are fractions in [0, 1]. A cell is a number only where every seed asked for is there.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from genmix_da.table.columns import AVERAGE, pair_column, same_domain, short_domains
from genmix_da.table.records import BLOCKS, Record

COMPLETE, INCOMPLETE, UNDEFINED = "complete", "incomplete", "n/a"
HEADLINES = {"opda": "h_score", "osda": "h_score", "pda": "known_accuracy"}
# Shown of the last epoch, beside the headline.
OTHER_METRICS = ("known_accuracy", "unknown_accuracy", "auroc", "h3_score")
SOURCE_ONLY = "source-only"


@dataclass(frozen=True)
class Wanted:
    """One run of a table.

    Attributes:
        identity: of the run, as its record has it.
        setting: "opda", "osda" or "pda".
        source, target: domains.
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
        column: its pair's.
        state: "done", "incomplete", "failed", "not run", "excluded" or "n/a".
        reason: why it failed or is excluded.
        record: where it is done.
    """

    wanted: Wanted
    column: str
    state: str
    reason: str | None = None
    record: Record | None = None


@dataclass(frozen=True)
class Cell:
    """One method on one pair, or its average.

    Attributes:
        state: "complete", "incomplete" or "n/a".
        mean: over seeds; None unless complete.
        sd: sample standard deviation over seeds (n - 1); None for one seed or unless complete.
        seeds: how many seeds were asked for.
        values: seed -> score of the runs that are done; of an average, the mean over all pairs.
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
        setting: "opda", "osda" or "pda".
        block: "last", "selected" or "oracle".
        metric: key of a score block.
        columns: pairs, then "Avg".
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
        return self.metric == HEADLINES[self.setting]


def percent(fraction: float) -> str:
    """A fraction in percent with one decimal, as every printed table has it."""
    return f"{100 * fraction:.1f}"


def has_no_epochs(method: str) -> bool:
    """Whether a method is the source model as it is."""
    return method.startswith(SOURCE_ONLY)


def score(record: Record, method: str, block: str, metric: str) -> float | None:
    """A fraction in [0, 1], or None where the metric is not defined or not recorded."""
    scores = record.content["scores"][block]
    if has_no_epochs(method):
        scores = record.content.get("source_only") or record.content["scores"]["last"]
    value = (scores or {}).get(metric)
    return None if value is None else float(value)


def stand_in_of(record: Record) -> str | None:
    """The editor's name where it stands in for a generative one."""
    augment = record.content.get("augment") or {}
    return str(augment.get("editor")) if augment.get("stand_in") else None


def match_runs(wanted: Sequence[Wanted], records: Mapping[str, Record]) -> list[Run]:
    """What became of every wanted run.

    Args:
        wanted: runs of the table.
        records: by identity. One that contradicts what is wanted under its identity is excluded.

    Raises:
        ValueError: one run is wanted twice with different identities.
    """
    short = short_domains(domain for item in wanted for domain in (item.source, item.target))
    runs: dict[tuple[str, str, str, int], Run] = {}
    for item in wanted:
        run = _matched(item, pair_column(item.source, item.target, short), records)
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
        headline = HEADLINES[setting]
        tables += [_table(chosen, block, headline) for block in BLOCKS]
        tables += [_table(chosen, "last", name) for name in OTHER_METRICS if name != headline]
    return tables


def _table(runs: Sequence[Run], block: str, metric: str) -> Table:
    columns = tuple(dict.fromkeys(run.column for run in runs))
    seeds = tuple(sorted({run.wanted.seed for run in runs}))
    by_place: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        by_place.setdefault((run.wanted.method, run.column), []).append(run)
    rows = []
    for method in dict.fromkeys(run.wanted.method for run in runs):
        cells = {
            column: _cell(by_place.get((method, column), []), block, metric, len(seeds))
            for column in columns
        }
        cells[AVERAGE] = _average(list(cells.values()), seeds)
        used = [run.record for run in runs if run.wanted.method == method and run.record]
        stand_ins = sorted({name for record in used if (name := stand_in_of(record))})
        rows.append(Row(method, cells, has_no_epochs(method), ", ".join(stand_ins) or None))
    all_columns = (*columns, AVERAGE)
    best = [_mark_best(rows, column) for column in all_columns]
    marked = tuple(
        replace(row, cells={name: best[i][row.method] for i, name in enumerate(all_columns)})
        for row in rows
    )
    return Table(runs[0].wanted.setting, block, metric, all_columns, seeds, marked)


def _cell(runs: Sequence[Run], block: str, metric: str, seeds: int) -> Cell:
    """Of one method and pair; runs that nobody wanted are missing ones."""
    values = {
        run.wanted.seed: score(run.record, run.wanted.method, block, metric)
        for run in runs
        if run.record is not None
    }
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
    """Mean over all pairs of each seed, then mean and sd over seeds.

    One pair that is not complete makes it incomplete: a mean over other pairs is another number.
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


def _mark_best(rows: Sequence[Row], column: str) -> dict[str, Cell]:
    """Method -> its cell, the best marked: equal as printed is a tie, one row alone beats none."""
    cells = {row.method: row.cells[column] for row in rows}
    means = [cell.mean for cell in cells.values() if cell.mean is not None]
    if len(means) < 2:
        return cells
    top = percent(max(means))
    return {
        method: replace(cell, best=cell.mean is not None and percent(cell.mean) == top)
        for method, cell in cells.items()
    }
