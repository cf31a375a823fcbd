"""Tables as grids of printed entries, which the terminal, Markdown and LaTeX lay out."""

from __future__ import annotations

from dataclasses import dataclass

from genmix_da.tables.aggregate import INCOMPLETE, Cell, Table
from genmix_da.tables.columns import AVERAGE
from genmix_da.tables.difference import LEVEL, Difference
from genmix_da.tables.kinds import kind_of
from genmix_da.tables.overhead import OVERHEAD
from genmix_da.tables.summary import Summary
from genmix_da.tables.values import has_no_epochs, percent

NO_CHOICE = "(no choice of epoch)"


@dataclass(frozen=True)
class Entry:
    """What one cell prints.

    Attributes:
        text: number or words.
        spread: standard deviation, "" for none.
        best: whether it is marked.
    """

    text: str
    spread: str = ""
    best: bool = False


@dataclass(frozen=True)
class Grid:
    """A table to lay out.

    Attributes:
        title: above it.
        head: of the columns; the first is the method's.
        rows: as wide as head.
        rule_before: index of the row before which published rows are set off, or None.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]
    rule_before: int | None = None


def grids(summary: Summary) -> tuple[list[Grid], list[str]]:
    """Every table to print, and a line for each metric that has no value at all."""
    found: list[Grid] = []
    empty: list[str] = []
    for setting in dict.fromkeys(table.setting for table in summary.tables):
        tables = [table for table in summary.tables if table.setting == setting]
        found += [_grid(summary, table) for table in tables if table.is_headline]
        chosen = [item for item in summary.differences if item.setting == setting]
        if any(value is not None for item in chosen for value in item.columns.values()):
            found.append(_difference_grid(chosen))
        for table in tables:
            if table.is_headline:
                continue
            if table.has_values:
                found.append(_grid(summary, table))
            else:
                kind = kind_of(setting)
                name, title = kind.metric_names[table.metric], kind.title(setting)
                empty.append(f"{title}: {name} has no value in any finished run (n/a).")
    return found, empty


def entry(cell: Cell) -> Entry:
    """The cell as it is printed."""
    if cell.state == INCOMPLETE:
        return Entry(f"inc. {len(cell.values)}/{cell.seeds}")
    if cell.mean is None:
        return Entry("n/a")
    return Entry(percent(cell.mean), "" if cell.sd is None else percent(cell.sd), cell.best)


def _grid(summary: Summary, table: Table) -> Grid:
    kind, rows = kind_of(table.setting), []

    def named(method: str, name: str) -> tuple[Entry, ...]:
        return (Entry(name), *(map(Entry, kind.traits(method)) if table.is_headline else ()))

    for row in table.rows:
        mark = f" {NO_CHOICE}" if row.no_epochs and table.block == "oracle" else ""
        cells = (entry(row.cells[column]) for column in table.columns)
        rows.append((*named(row.method, row.method + mark), *cells))
    own = len(rows)
    for printed in summary.published[table.setting] if table.is_headline else []:
        values = (printed.cells[column] for column in table.columns)
        cells = (Entry("-" if value is None else percent(value)) for value in values)
        rows.append((*named(printed.method, f"{printed.method} (published)"), *cells))
    head = ("method", *(kind.trait_names if table.is_headline else ()), *table.columns)
    return Grid(_title(summary, table), head, tuple(rows), own if rows[own:] else None)


def _title(summary: Summary, table: Table) -> str:
    splits = " and ".join(summary.origin.splits.get(table.setting, ()))
    seeds = f"{len(table.seeds)} seed" + ("s" if len(table.seeds) > 1 else "")
    kind = kind_of(table.setting)
    setting = f"{kind.title(table.setting)} {splits}".strip()
    # An overhead is of whole runs, whatever the epoch.
    block = () if table.metric == OVERHEAD else (kind.block_titles[table.block],)
    return ", ".join((setting, kind.metric_names[table.metric], *block, seeds))


def signed(fraction: float) -> str:
    """Percent points; what rounds to nothing has no sign."""
    text = f"{100 * fraction:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def _difference_grid(chosen: list[Difference]) -> Grid:
    pairs = tuple(chosen[0].columns)
    rows = []
    for item in chosen:
        block = "all blocks" if has_no_epochs(item.method) else item.block
        cells = (Entry("-" if v is None else signed(v)) for v in item.columns.values())
        mean = Entry(item.state if item.mean is None else signed(item.mean))
        if item.low is None or item.high is None:
            ends = Entry("-")
        else:
            ends = Entry(f"{signed(item.low)} to {signed(item.high)}")
        rows.append((Entry(f"{item.method} - {item.baseline}, {block}"), *cells, mean, ends))
    kind = kind_of(chosen[0].setting)
    setting, metric = kind.title(chosen[0].setting), kind.metric_names[chosen[0].metric]
    return Grid(
        f"{setting}, {metric}, paired differences in percent points",
        ("difference", *pairs, AVERAGE, f"{100 * LEVEL:.0f} % interval"),
        tuple(rows),
    )
