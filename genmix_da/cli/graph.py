"""genmix-da graph"""

from __future__ import annotations

from pathlib import Path

import click

from genmix_da.cli.options import json_option
from genmix_da.cli.place import PLACE


@click.command(name="graph")
@click.argument("runs", nargs=-1, required=True, type=PLACE)
@click.option("--out", type=PLACE, help="CSV file, a line a variant and run.")
@json_option
def command(runs: tuple[Path, ...], out: Path | None, as_json: bool) -> None:
    """What each part of the graph step is worth, on finished RUNS (folders of runs, of tables).

    The step is made again from every run's checkpoint in other ways: neighbours, alpha, weights,
    views, features, thresholds. Nothing is trained. Figures are of the last epoch.
    """
    import dataclasses

    from genmix_da.adaptation.graph_ablation import Figure, ablate, means
    from genmix_da.cli.show import echo_json, echo_variants
    from genmix_da.runs.folder import write_csv

    figures = list(ablate(runs))
    if out is not None:
        names = [item.name for item in dataclasses.fields(Figure)]
        rows = [[_text(getattr(figure, name)) for name in names] for figure in figures]
        out.parent.mkdir(parents=True, exist_ok=True)
        write_csv(out, names, rows)
    found = means(figures)
    if as_json:
        echo_json(found)
        return
    for setting, variants in found.items():
        echo_variants(setting, variants)


def _text(value: object) -> str:
    """A CSV field; what is not defined is empty."""
    return "" if value is None else str(value)
