"""The files of a table: Markdown, CSV, LaTeX and JSON, made from one summary.

Numbers in CSV and JSON are fractions in [0, 1] in full precision; Markdown and LaTeX print percent.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from genmix_da.tables.aggregate import UNDEFINED, Table
from genmix_da.tables.cells import Run
from genmix_da.tables.columns import AVERAGE
from genmix_da.tables.difference import LEVEL, RESAMPLES, SEED
from genmix_da.tables.kinds import kind_of
from genmix_da.tables.latex import latex
from genmix_da.tables.render import markdown
from genmix_da.tables.summary import Summary
from genmix_da.tables.values import stand_in_of
from lead.files import write_atomically

FORMAT = 1  # of table.json
TABLE_FIELDS = (
    *("setting", "block", "metric", "method", "pair", "mean", "sd", "n", "state", "wanted"),
    *("best", "low", "high", "source", "synthetic", "stand_in", "provenance"),
)
RUN_FIELDS = (
    *("setting", "block", "metric", "method", "pair", "source", "target", "seed", "value"),
    *("state", "reason", "identity", "synthetic", "stand_in", "genmix_da", "commit", "torch"),
    *("device", "source_data", "target_data"),
)


def write_tables(out: Path, summary: Summary) -> list[Path]:
    """Write table.md, table.csv, runs.csv, table.tex and table.json, each replaced as a whole.

    Args:
        out: folder, made where it is missing.
        summary: what to write.

    Returns:
        The files.
    """
    out.mkdir(parents=True, exist_ok=True)
    texts = {
        "table.md": markdown(summary),
        "table.csv": _csv(TABLE_FIELDS, list(table_rows(summary))),
        "runs.csv": _csv(RUN_FIELDS, list(run_rows(summary))),
        "table.tex": latex(summary),
        "table.json": json.dumps(as_dict(summary), indent=1, allow_nan=False) + "\n",
    }
    for name, text in texts.items():
        # Names of files need not be UTF-8; they are written as the bytes they are.
        content = text.encode("utf-8", "surrogateescape")
        write_atomically(out / name, partial(_fill, content=content))
    return [out / name for name in texts]


def _fill(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def as_dict(summary: Summary) -> dict[str, Any]:
    """The content of table.json."""
    kind = kind_of(summary.tables[0].setting)
    return {
        "format": FORMAT,
        "marks": list(summary.marks),
        "block_titles": dict(kind.block_titles),
        "tables": [_table_dict(table) for table in summary.tables],
        "bootstrap": {
            "level": LEVEL,
            "resamples": RESAMPLES,
            "seed": SEED,
            "clusters": kind.columns,
        },
        "differences": [dataclasses.asdict(item) for item in summary.differences],
        "published": {
            setting: [dataclasses.asdict(row) for row in rows]
            for setting, rows in summary.published.items()
        },
        "runs": [_run_dict(run) for run in summary.runs],
        "problems": [{"path": str(p.path), "reason": p.reason} for p in summary.problems],
        "notes": list(summary.notes),
        "provenance": {"line": summary.origin.line(), **dataclasses.asdict(summary.origin)},
    }


def _table_dict(table: Table) -> dict[str, Any]:
    content = dataclasses.asdict(table)
    for row in content["rows"]:
        for cell in row["cells"].values():  # JSON has no numbers as keys
            cell["values"] = {str(seed): value for seed, value in cell["values"].items()}
    return content


def _run_dict(run: Run) -> dict[str, Any]:
    return {
        **dataclasses.asdict(run.wanted),
        "pair": run.column,
        "state": run.state,
        "reason": run.reason,
    }


def table_rows(summary: Summary) -> Iterator[dict[str, Any]]:
    """Lines of table.csv: cells of every table, then differences, then published rows."""
    origin = summary.origin
    for table in summary.tables:
        for row in table.rows:
            for column, cell in row.cells.items():
                yield _place(table, row.method, column) | {
                    "mean": cell.mean,
                    "sd": cell.sd,
                    "n": len(cell.values),
                    "state": cell.state,
                    "wanted": cell.seeds,
                    "best": cell.best,
                    "source": "runs",
                    "synthetic": origin.synthetic,
                    "stand_in": row.stand_in,
                    "provenance": origin.line(),
                }
    stand_ins = {
        (table.setting, row.method): row.stand_in for table in summary.tables for row in table.rows
    }
    for item in summary.differences:
        by_column = {**item.columns, AVERAGE: item.mean}
        for column, mean in by_column.items():
            whole = column == AVERAGE
            yield {
                "setting": item.setting,
                "block": item.block,
                "metric": item.metric,
                "method": f"{item.method} - {item.baseline}",
                "pair": column,
                "mean": mean,
                "n": item.seeds,
                "state": item.state if whole else "incomplete" if mean is None else "complete",
                "low": item.low if whole else None,
                "high": item.high if whole else None,
                "source": "difference",
                "synthetic": origin.synthetic,
                "stand_in": stand_ins[item.setting, item.method],
                "provenance": origin.line(),
            }
    for table in summary.tables:
        for printed in summary.published[table.setting] if table.is_headline else ():
            for column, value in printed.cells.items():
                yield _place(table, printed.method, column) | {
                    "mean": value,
                    "state": UNDEFINED if value is None else "published",
                    "source": f"published: {printed.source}",
                }


def run_rows(summary: Summary) -> Iterator[dict[str, Any]]:
    """Lines of runs.csv: every wanted run in every table."""
    runs: dict[str, list[Run]] = {}
    for run in summary.runs:
        runs.setdefault(run.wanted.setting, []).append(run)
    for table in summary.tables:
        rows = {row.method: row.cells for row in table.rows}
        for run in runs[table.setting]:
            item = run.wanted
            if item.method not in rows:
                continue  # the baseline of an overhead
            yield _place(table, item.method, run.column) | {
                "source": item.source,
                "target": item.target,
                "seed": item.seed,
                "state": run.state,
                "reason": run.reason,
                "identity": item.identity,
                "value": rows[item.method][run.column].values.get(item.seed),
                **_made_by(run),
            }


def _place(table: Table, method: str, column: str) -> dict[str, Any]:
    return {
        "setting": table.setting,
        "block": table.block,
        "metric": table.metric,
        "method": method,
        "pair": column,
    }


def _made_by(run: Run) -> dict[str, Any]:
    """Where the value of a finished run comes from; of another one nothing is known."""
    if run.record is None:
        return {}
    content = run.record.content
    origin = content.get("provenance") or {}
    packages, data = origin.get("packages") or {}, origin.get("data") or {}
    images = [data.get(key) for _, _, key in kind_of(run.wanted.setting).roles]
    return {
        "synthetic": bool(content.get("synthetic")),
        "stand_in": stand_in_of(run.record),
        "genmix_da": packages.get("genmix-da"),
        "commit": origin.get("git_commit"),
        "torch": packages.get("torch"),
        "device": origin.get("device") or (origin.get("config") or {}).get("device"),
        "source_data": images[0],
        "target_data": images[1],
    }


def _csv(fields: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    """CSV text; numbers so that they read back as the same, None as an empty field."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fields, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
