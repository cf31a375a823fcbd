"""Tables for the terminal and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from genmix_da.tables.grids import Entry, Grid, grids
from genmix_da.tables.summary import Summary

if TYPE_CHECKING:
    from rich.console import Console

_GAP = 2  # columns of blanks that the terminal puts between two cells
_MARKDOWN = re.compile(r"([\\`*_|<>])")


def print_tables(summary: Summary, console: Console) -> None:
    """Print every table; those wider than the console go in groups of columns.

    A best mean is bold and has a *, because bold is lost where output goes to a file.
    """
    from rich.text import Text

    found, empty = grids(summary)
    for mark in summary.marks:
        console.print(Text(_sentence(mark), style="bold"))
    for grid in found:
        for columns in column_groups(grid, console.width):
            _print_group(grid, columns, console)
    best = any(entry.best for grid in found for row in grid.rows for entry in row)
    legend = ["* best of its column."] if best else []
    for line in (*legend, *empty, *summary.notes, f"Provenance: {summary.origin.line()}"):
        console.print(Text(line, overflow="fold"))


def column_groups(grid: Grid, width: int) -> list[list[int]]:
    """Columns (from 1; column 0 stands in every group) that fit side by side.

    Args:
        grid: the table.
        width: characters of a line. A group has one column at least; then the names fold.
    """
    widths = [
        max(len(head), *(len(_plain(row[place])) for row in grid.rows)) if grid.rows else len(head)
        for place, head in enumerate(grid.head)
    ]
    first = min(widths[0], _name_width(widths, width))
    groups: list[list[int]] = [[]]
    used = first + _GAP
    for place in range(1, len(widths)):
        needed = widths[place] + _GAP
        if groups[-1] and used + needed > width:
            groups.append([])
            used = first + _GAP
        groups[-1].append(place)
        used += needed
    return groups


def _name_width(widths: Sequence[int], width: int) -> int:
    """Most that names may take: half a line, but all that the widest other column leaves."""
    rest = width - max(widths[1:], default=0) - 2 * _GAP
    return max(8, min(width // 2, rest))


def _print_group(grid: Grid, columns: Sequence[int], console: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    names = max(len(grid.head[0]), *(len(row[0].text) for row in grid.rows))
    widest = max(len(_plain(row[place])) for row in grid.rows for place in columns)
    # One blank of padding and one between columns: _GAP.
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    width = min(names, _name_width([names, widest], console.width))
    table.add_column(Text(grid.head[0]), overflow="fold", width=width)
    for place in columns:
        table.add_column(Text(grid.head[place]), justify="right", no_wrap=True)
    for index, row in enumerate(grid.rows):
        if index == grid.rule_before:
            table.add_section()
        cells = (
            Text(_plain(row[place]), style="bold" if row[place].best else "") for place in columns
        )
        table.add_row(Text(row[0].text), *cells)
    more = " (continued)" if columns[0] > 1 else ""
    # Not the table's own title, which would wrap at the width of a narrow table.
    console.print(Text(f"{grid.title}{more}", style="bold", overflow="fold"))
    console.print(table)
    console.print()


def _plain(entry: Entry) -> str:
    spread = f"±{entry.spread}" if entry.spread else ""
    return f"{entry.text}{spread}{'*' if entry.best else ''}"


def _sentence(mark: str) -> str:
    return f"{mark[0].upper()}{mark[1:]}."


def markdown(summary: Summary) -> str:
    """All tables as a Markdown page; the best means are bold."""
    found, empty = grids(summary)
    lines = ["# Results", ""]
    for mark in summary.marks:
        lines += [f"**{_escaped(_sentence(mark))}**", ""]
    for grid in found:
        lines += [f"## {_escaped(grid.title)}", ""]
        lines.append(_line(map(_escaped, grid.head)))
        lines.append(_line("---" if place == 0 else "---:" for place in range(len(grid.head))))
        lines += [_line(map(_markdown_cell, row)) for row in grid.rows]
        lines.append("")
    lines += ["## Notes", ""]
    lines += [f"- {_escaped(note)}" for note in (*empty, *summary.notes)]
    lines += ["", f"Provenance: {_escaped(summary.origin.line())}", ""]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_cell(entry: Entry) -> str:
    text = _escaped(entry.text)
    text = f"**{text}**" if entry.best else text
    return f"{text} ± {entry.spread}" if entry.spread else text


def _escaped(text: str) -> str:
    """Text that Markdown prints as it is, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
