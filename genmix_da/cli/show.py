"""How results are printed."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

_COLUMNS = (
    ("H-score", "h_score"),
    ("known", "known_accuracy"),
    ("unknown", "unknown_accuracy"),
    ("accuracy", "accuracy"),
    ("AUROC", "auroc"),
    ("OSCR", "oscr"),
    ("NMI", "nmi"),
    ("H3", "h3_score"),
    ("epoch", "epoch"),
)


def echo_json(content: Any) -> None:
    """JSON on standard output, and nothing else there."""
    click.echo(json.dumps(content, indent=2, allow_nan=False))


def percent(value: float | None) -> str:
    """A fraction in percent with one decimal; n/a where it is not defined."""
    return "n/a" if value is None else f"{100 * value:.1f}"


def echo_scores(title: str, rows: dict[str, dict[str, Any] | None]) -> None:
    """Score blocks as a table; the row's name at the left.

    Args:
        title: above the table.
        rows: name -> score block, or None.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left")
    table.add_column("percent")
    for name, _ in _COLUMNS:
        table.add_column(name, justify="right")
    for name, block in rows.items():
        block = block or {}
        cells = [
            str(block.get(key, "n/a")) if key == "epoch" else percent(block.get(key))
            for _, key in _COLUMNS
        ]
        table.add_row(escape(name), *cells)
    width = None if sys.stdout.isatty() else 120
    Console(width=width).print(table)


def echo_result(result: dict[str, Any]) -> None:
    """The scores of one adaptation, with what they are and are not."""
    scores = result["scores"]
    method = result["method"]
    rows = {
        "source-only": result["source_only"],
        f"{method}, last epoch": scores["last"],
        f"{method}, selected": scores["selected"],
        f"{method}, oracle": scores["oracle"],
    }
    shared, source_private, target_private = result["split"]
    echo_scores(
        f"{result['source']} -> {result['target']}, {result['setting'].upper()} "
        f"{shared}/{source_private}/{target_private}, seed {result['seed']}",
        rows,
    )
    if result["setting"] == "pda":
        click.echo("PDA is reported as accuracy ('known').")
    click.echo("'last' is the headline; 'oracle' picks its epoch by target labels.")
    if (result["augment"] or {}).get("stand_in"):
        click.echo(f"The editor {result['augment']['editor']!r} stands in for a generative one.")
    if result["synthetic"]:
        click.echo("SYNTHETIC DATA: Mini Office-Home is drawn; these numbers compare with nothing.")
    if result["skipped_files"]:
        click.echo(f"{len(result['skipped_files'])} unreadable images were skipped (result.json).")
