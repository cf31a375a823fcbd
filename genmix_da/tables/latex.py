"""Tables as LaTeX, to be put into a document with \\input."""

from __future__ import annotations

from genmix_da.tables.grids import Entry, Grid, grids
from genmix_da.tables.summary import Summary

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\ttfamily\char34}",
    # Two hyphens in a row would be printed as a dash.
    "-": "{-}",
} | {letter: f"\\{letter}" for letter in "&%$#_{}"}
_HEAD = r"""% Made by genmix-da; do not edit. The document needs in its preamble:
%   \usepackage{booktabs}
%   \usepackage{graphicx}"""
# Wider tables are made smaller until they fit the text.
_FITTING = 6


def latex(summary: Summary) -> str:
    """One table environment for every table, then the notes; the best means are bold."""
    found, empty = grids(summary)
    marks = [f"{mark[0].upper()}{mark[1:]}." for mark in summary.marks]
    provenance = f"Provenance: {summary.origin.line()}"
    comments = [f"% {' '.join(line.split())}" for line in (*marks, provenance)]
    lines = [_HEAD, *comments]
    for grid in found:
        # A table floats away from the notes, so what nobody may miss stands in each caption.
        lines += ["", *_table(grid, " ".join((f"{grid.title}. Percent.", *marks)))]
    lines += ["", r"\begingroup\footnotesize\raggedright\sloppy"]
    for note in (*marks, *empty, *summary.notes, provenance):
        lines += [rf"\par {escaped(note)}"]
    lines += [r"\par\endgroup", ""]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is, on one line."""
    return "".join(_SPECIAL.get(letter, letter) for letter in " ".join(text.split()))


def _table(grid: Grid, caption: str) -> list[str]:
    wide = len(grid.head) > _FITTING
    tabular = [
        rf"\begin{{tabular}}{{l{'r' * (len(grid.head) - 1)}}}",
        r"\toprule",
        _row([escaped(name) for name in grid.head]),
        r"\midrule",
    ]
    for index, row in enumerate(grid.rows):
        if index == grid.rule_before:
            tabular.append(r"\midrule")
        tabular.append(_row([_cell(entry) for entry in row]))
    tabular += [r"\bottomrule", r"\end{tabular}"]
    if wide:
        tabular = [r"\resizebox{\textwidth}{!}{%", *tabular, "}"]
    return [
        r"\begin{table}[htbp]",
        r"\centering\small",
        rf"\caption{{{escaped(caption)}}}",
        *tabular,
        r"\end{table}",
    ]


def _row(cells: list[str]) -> str:
    # In braces, so that a name that begins with [ or * is no argument of the \\ before it.
    return f"{{{cells[0]}}} & " + " & ".join(cells[1:]) + r" \\"


def _cell(entry: Entry) -> str:
    text = escaped(entry.text)
    text = rf"\textbf{{{text}}}" if entry.best else text
    return rf"{text} {{\scriptsize $\pm$ {entry.spread}}}" if entry.spread else text
