"""The last lines of `adapt`: what became of the images, where everything is, what to type next."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genmix_da.cli.place import shown

if TYPE_CHECKING:
    from genmix_da.reporting.predicted import Predicted

_MOST, _FEWEST = 0.95, 0.01  # shares of rejected images that are worth a word
_BINS, _WIDTH = 10, 40
_NAMED = 6  # classes
_NAMES = {"h_score": "H-score", "known_accuracy": "accuracy"}


def echo_ending(result: dict[str, Any], folder: Path) -> None:
    """Counts of predictions, the run folder, and the next commands.

    Args:
        result: content of result.json.
        folder: of the run.
    """
    from genmix_da.reporting.limit import rejects
    from genmix_da.reporting.predicted import read_predictions
    from genmix_da.reporting.rerun import table_command

    lines = read_predictions(folder / "predictions.csv")
    _echo_counts(lines)
    _echo_gain(result)
    if rejects(result):
        _echo_extremes(lines, float(result["threshold"]))
    name = shown(folder)
    run = shlex.quote(name)
    click.echo(f"Run folder: {name} (predictions.csv, result.json, checkpoint.safetensors)")
    click.echo("Next:")
    following = [
        (f"genmix-da report {run} --open", "the page on this run"),
        (f"genmix-da predict {run} FOLDER", "classify other images"),
    ]
    single = "," not in result["source"] + result["target"]  # as tables take domains
    if single and any(line.true for line in lines):
        following.append((table_command(result), "over three seeds, beside other methods"))
    for command, what in following:
        click.echo(f"  {command}  # {what}")


def _echo_gain(result: dict[str, Any]) -> None:
    """What adaptation changed, at the threshold and without one."""
    from genmix_da.reporting.limit import rejects

    before, after = result["source_only"] or {}, result["scores"]["last"] or {}
    headline = "h_score" if rejects(result) else "known_accuracy"
    told, change = [], {}
    for name, key in ((_NAMES[headline], headline), ("AUROC", "auroc"), ("OSCR", "oscr")):
        if before.get(key) is not None and after.get(key) is not None:
            change[key] = 100 * (after[key] - before[key])
            told.append(f"{name} {100 * before[key]:.1f} -> {100 * after[key]:.1f}")
    if not told or result["method"].startswith("source-only"):
        return
    at = "; H-scores at the threshold of this method" if rejects(result) else ""
    click.echo(f"Against the source model alone: {', '.join(told)} (one run{at}).")
    if change.get(headline, 0.0) > 0 > change.get("auroc", 0.0):
        click.echo(
            "AUROC fell: the gain is one of the threshold; known and unknown images are told apart "
            "less well than before."
        )


def _echo_counts(lines: Sequence[Predicted]) -> None:
    found = Counter(line.predicted for line in lines)
    unknown = found.pop("unknown", 0)
    most = ", ".join(f"{name} {count}" for name, count in found.most_common(_NAMED))
    more = f" and {len(found) - _NAMED} more classes" if len(found) > _NAMED else ""
    click.echo(f"{len(lines)} images: {unknown} unknown" + (f", {most}{more}." if most else "."))


def _echo_extremes(lines: Sequence[Predicted], threshold: float) -> None:
    """A histogram of the uncertainty where nearly all images or next to none are rejected."""
    share = sum(line.predicted == "unknown" for line in lines) / max(len(lines), 1)
    if _FEWEST <= share <= _MOST:
        return
    what = "more than 95 %" if share > _MOST else "fewer than 1 %"
    click.echo(
        f"{what} of the images are rejected: the threshold {threshold:.3g} may not fit this "
        "target. --threshold auto finds one in the uncertainties:"
    )
    places = Counter(min(int(line.uncertainty * _BINS), _BINS - 1) for line in lines)
    highest = max(places.values(), default=1)
    for place in range(_BINS):
        bar = "#" * round(_WIDTH * places[place] / highest)
        mark = " <- threshold" if place == min(int(threshold * _BINS), _BINS - 1) else ""
        click.echo(f"  {place / _BINS:.1f} {places[place]:6} {bar}{mark}")
