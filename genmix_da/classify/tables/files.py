"""The files of a table of classifications: those of every table, and the plot of overheads."""

from __future__ import annotations

from pathlib import Path

from genmix_da.classify.tables.overhead_plot import write_overhead_plot
from genmix_da.table.files import write_tables
from genmix_da.table.summary import Summary


def write_classify_tables(out: Path, summary: Summary) -> list[Path]:
    """Write them, each replaced as a whole; see `write_tables` and `write_overhead_plot`.

    Args:
        out: folder, made where it is missing.
        summary: what to write.

    Returns:
        The files.
    """
    return write_tables(out, summary) + write_overhead_plot(out, summary)
