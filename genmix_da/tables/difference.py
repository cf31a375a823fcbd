"""Paired difference of a method and its baseline, with a cluster bootstrap over columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genmix_da.tables.aggregate import COMPLETE, INCOMPLETE, UNDEFINED, Row, Table
from genmix_da.tables.columns import AVERAGE
from genmix_da.tables.kinds import Kind, kind_of

LEVEL = 0.95
RESAMPLES = 10_000
SEED = 0


def coverage(kind: Kind) -> str:
    """What an interval covers and what not: printed below every table that has one."""
    columns, one = kind.columns, kind.columns.removesuffix("s")
    return (
        f"Intervals: {100 * LEVEL:.0f} % percentile bootstrap over {columns} ({RESAMPLES} "
        f"resamples, seed {SEED}; {columns} are drawn with replacement, the seeds of a {one} stay "
        f"together). They cover which {columns} were taken, and through the mean of each {one} the "
        f"seeds that were run; they do not cover other {kind.beyond}, nor the augmentation where "
        f"all seeds share one set of augmented images. {kind.independence}"
    )


@dataclass(frozen=True)
class Difference:
    """A method minus its baseline, run by run on the same pairs and seeds.

    Attributes:
        setting, block, metric: of the table.
        method, baseline: rows of it.
        state: "complete" where both methods are complete in every column, else "incomplete"; "n/a"
            where the metric or the setting is not defined.
        mean: over all columns and seeds, a fraction; None unless complete.
        low, high: ends of the 95 % interval; None unless complete, and for one column.
        columns: pair or data set -> mean difference over seeds; None where not both are complete.
        seeds: how many each column has.
    """

    setting: str
    block: str
    metric: str
    method: str
    baseline: str
    state: str
    mean: float | None
    low: float | None
    high: float | None
    columns: dict[str, float | None]
    seeds: int


def baselines_of(method: str, methods: Sequence[str]) -> list[str]:
    """ "X" for "X+genmix[...]" and for "X+graph", where both are among the methods.

    What stands behind (a further step, a note) belongs to X as well.

    Example:
        >>> baselines_of("lead+genmix[filters] (frozen)", ["lead", "lead (frozen)"])
        ['lead (frozen)']
        >>> rows = ["lead+graph", "lead+genmix[filters]"]
        >>> baselines_of("lead+genmix[filters]+graph", rows)
        ['lead+graph', 'lead+genmix[filters]']
    """
    found = []
    for part in (r"\+genmix(?:\[[^\]]*\])?", r"\+graph"):
        match = re.fullmatch(rf"(.+?){part}(.*)", method)
        if match is not None:
            names = (match[1] + match[2], match[1])
            found += [name for name in names if name in methods][:1]
    return found


def differences(table: Table) -> list[Difference]:
    """Every "X+genmix..." and "X+graph" minus its "X", or all minus the kind's baseline."""
    rows = {row.method: row for row in table.rows}
    kind = kind_of(table.setting)
    found = []
    for row in table.rows:
        base = kind.base_of(rows)
        given = [base] if base is not None else []
        for name in given if kind.baseline else baselines_of(row.method, list(rows)):
            # Without epochs the three blocks are one; it is shown once.
            if name != row.method and (table.block == "last" or not row.no_epochs):
                found.append(_difference(table, row, rows[name]))
    return found


def _difference(table: Table, row: Row, base: Row) -> Difference:
    pairs = [column for column in table.columns if column != AVERAGE]
    by_pair = {pair: _by_seed(row, base, pair) for pair in pairs}
    columns = {
        pair: None if by_seed is None else float(np.mean(list(by_seed.values())))
        for pair, by_seed in by_pair.items()
    }
    numbers = [value for value in columns.values() if value is not None]
    mean = low = high = None
    states = {cell.cells[pair].state for cell in (row, base) for pair in pairs}
    state = next((name for name in (INCOMPLETE, UNDEFINED) if name in states), COMPLETE)
    if state == COMPLETE and len(numbers) == len(pairs):
        mean, (low, high) = float(np.mean(numbers)), interval(numbers)
    elif state == COMPLETE:
        state = INCOMPLETE  # complete over different seeds: nothing can be paired
    return Difference(
        table.setting,
        table.block,
        table.metric,
        row.method,
        base.method,
        state,
        mean,
        low,
        high,
        columns,
        len(table.seeds),
    )


def _by_seed(row: Row, base: Row, pair: str) -> Mapping[int, float] | None:
    """Seed -> difference; None unless both cells are complete over the same seeds."""
    ours, theirs = row.cells[pair], base.cells[pair]
    if {ours.state, theirs.state} != {COMPLETE} or set(ours.values) != set(theirs.values):
        return None
    paired = {seed: (ours.values[seed], theirs.values[seed]) for seed in sorted(ours.values)}
    return {seed: a - b for seed, (a, b) in paired.items() if a is not None and b is not None}


def interval(
    by_pair: Sequence[float] | NDArray[np.float64],
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[float | None, float | None]:
    """Percentile interval of the mean over pairs, by a cluster bootstrap.

    Pairs are drawn with replacement; the seeds of a pair stay together, so that its mean over seeds
    is all of it that is needed (every pair has the same number of seeds). What the interval covers
    and what not: `coverage`. Above all it takes pairs as independent, while one run of the sources
    serves all pairs of a source, so it is too narrow.

    Args:
        by_pair: mean difference of each pair over its seeds.
        level: share of the resampled means inside.
        resamples: how many.
        seed: of the resampling.

    Returns:
        Lower and upper end; (None, None) for fewer than two pairs.
    """
    values = np.asarray(by_pair, dtype=np.float64)
    if len(values) < 2:
        return None, None
    drawn = np.random.default_rng(seed).integers(0, len(values), (resamples, len(values)))
    means = values[drawn].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
