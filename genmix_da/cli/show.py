"""How results are printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
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
_CLASS_COLUMNS = (
    ("top-1", "top1"),
    ("top-5", "top5"),
    ("FGSM error", "fgsm_error"),
    ("epoch", "epoch"),
)


def echo_json(content: Any) -> None:
    """JSON on standard output, and nothing else there."""
    click.echo(json.dumps(content, indent=2, allow_nan=False))


def echo(content: Any, in_words: Callable[[Any], None], *, as_json: bool) -> None:
    """JSON alone, or what people read."""
    (echo_json if as_json else in_words)(content)


def percent(value: float | None) -> str:
    """A fraction in percent with one decimal; n/a where it is not defined."""
    return "n/a" if value is None else f"{100 * value:.1f}"


def echo_scores(
    title: str,
    rows: dict[str, dict[str, Any] | None],
    columns: Sequence[tuple[str, str]] = _COLUMNS,
) -> None:
    """Score blocks as a table; the row's name at the left.

    Args:
        title: above the table.
        rows: name -> score block, or None.
        columns: heading and key of what is shown.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left")
    table.add_column("percent")
    for name, _ in columns:
        table.add_column(name, justify="right")
    for name, block in rows.items():
        block = block or {}
        cells = [
            str("n/a" if block.get(key) is None else block[key])
            if key == "epoch"
            else percent(block.get(key))
            for _, key in columns
        ]
        table.add_row(escape(name), *cells)
    width = None if sys.stdout.isatty() else 120
    Console(width=width).print(table)


def echo_result(result: dict[str, Any]) -> None:
    """The scores of one adaptation, with what they are and are not."""
    from genmix_da.methods import graph_name

    scores = result["scores"]
    method = result["method"]
    if (scores["last"] or {}).get("accuracy") is None:
        _echo_unlabelled(result)
        echo_warnings(result)
        return
    rows = {
        "source-only": result["source_only"],
        f"{method}, last epoch": scores["last"],
        f"{method}, selected": scores["selected"],
        f"{method}, oracle": scores["oracle"],
    }
    graph = result.get("graph")
    if graph:
        smoothed = graph_name(method)
        rows["source-only+graph"] = graph["source_only"]
        rows[f"{smoothed}, last epoch"] = graph["last"]
        rows[f"{smoothed}, selected"] = graph["selected"]
        rows[f"{smoothed}, oracle"] = graph["oracle"]
    shared, source_private, target_private = result["split"]
    echo_scores(
        f"{result['source']} -> {result['target']}, {result['setting'].upper()} "
        f"{shared}/{source_private}/{target_private}, seed {result['seed']}",
        rows,
    )
    if result["setting"] == "pda":
        click.echo("PDA is reported as accuracy ('known').")
    elif not target_private:
        click.echo("The target has no unknown class: nothing is rejected, the score is 'known'.")
    click.echo("'last' is the headline; 'oracle' picks its epoch by target labels.")
    if target_private:
        _echo_thresholds(result)
    echo_warnings(result)


def _echo_unlabelled(result: dict[str, Any]) -> None:
    """In place of scores, where the target has no labels to score by."""
    click.echo(
        f"{result['source']} -> {result['target']}, {result['setting'].upper()}: the target has no "
        "labels, so there is nothing to score."
    )
    for name, of in (("", result), (" with +graph", result.get("graph") or {})):
        if of.get("rejection") and result["setting"] != "pda":
            click.echo(f"Rejected as unknown{name}: {percent(of['rejection']['rejected'])} %")


def _echo_thresholds(result: dict[str, Any]) -> None:
    """Above which uncertainty images were rejected, by which rule, and how many."""
    found = {"": result.get("rejection"), "+graph": (result.get("graph") or {}).get("rejection")}
    told = [
        f"{name or 'network alone'} {rejection['threshold']:.3f} ({_rule(rejection)}), "
        f"{percent(rejection['rejected'])} % of the images rejected"
        for name, rejection in found.items()
        if rejection
    ]
    click.echo(f"Thresholds: {'; '.join(told)}.")


def _rule(rejection: Mapping[str, Any]) -> str:
    share = rejection.get("share_threshold")
    return (
        rejection["rule"] if share is None else f"{rejection['rule']}, share judged at {share:.3f}"
    )


def echo_variants(
    setting: str, variants: Mapping[str, Mapping[str, Mapping[str, float | None]]]
) -> None:
    """Ablation of the graph step: variants as rows, methods as columns.

    Args:
        setting: of the runs.
        variants: variant -> method -> headline and AUROC, see `graph_ablation.means`.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    methods = list(dict.fromkeys(name for cells in variants.values() for name in cells))
    title = f"{setting.upper()}: mean over runs in percent" + (
        "" if setting == "pda" else ", H-score (AUROC)"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("variant")
    for method in methods:
        table.add_column(escape(method), justify="right")
    for variant, cells in variants.items():
        shown = []
        for method in methods:
            cell = cells.get(method, {})
            auroc = "" if cell.get("auroc") is None else f" ({percent(cell.get('auroc'))})"
            shown.append(percent(cell.get("headline")) + auroc)
        table.add_row(escape(variant), *shown)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def echo_classification(result: dict[str, Any]) -> None:
    """The scores of one classification, with what they are and are not."""
    scores, images, method = result["scores"], result["images"], result["method"]
    rows = {f"{method}, last epoch": scores["last"]}
    if scores["selected"] is not None:
        rows[f"{method}, selected"] = scores["selected"]
    rows[f"{method}, oracle"] = scores["oracle"]
    echo_scores(f"{result['dataset']}, seed {result['seed']}", rows, _CLASS_COLUMNS)
    seconds = result["timing"]["seconds"]
    click.echo(
        f"{images['classes']} classes, {images['train']} training and {images['test']} test images"
    )
    click.echo(
        f"{result['timing']['steps']} steps in {seconds['train']:.0f} s"
        + (f", images made in {seconds['generate']:.0f} s" if result["made"] else "")
    )
    click.echo("'last' is the headline; 'oracle' picks its epoch by test labels.")
    echo_warnings(result)


def echo_attack(found: dict[str, Any]) -> None:
    """Errors of a classifier under attack."""
    click.echo(f"error in percent of {found['images']} test images; radii of pixels in [0, 1]")
    click.echo(f"  no attack      {percent(found['clean_error']):>6}")
    for row in found["fgsm"]:
        click.echo(f"  FGSM {255 * row['radius']:>4.3g}/255  {percent(row['error']):>6}")
    strong = found["pgd"]
    click.echo(
        f"  PGD  {255 * strong['radius']:>4.3g}/255  {percent(strong['error']):>6}"
        f"  ({strong['steps']} steps)"
    )
    worst = found["strong"]
    if worst is not None:
        click.echo(
            f"  any  {255 * worst['radius']:>4.3g}/255  {percent(worst['error']):>6}"
            f"  (of these and of PGD from {worst['restarts']} further starts up two losses)"
        )


def echo_warnings(result: dict[str, Any]) -> None:
    """What a reader of the scores has to know."""
    from genmix_da.tables.values import editor_note

    note = editor_note(result["augment"] or {})
    if note is not None:
        click.echo(f"{note[0].upper()}{note[1:]}.")
    if result["synthetic"]:
        click.echo("SYNTHETIC DATA: Mini Office-Home is drawn; these numbers compare with nothing.")
    if result["skipped_files"]:
        click.echo(f"{len(result['skipped_files'])} unreadable images were skipped (result.json).")
