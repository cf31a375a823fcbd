"""genmix-da augment"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genmix_da.cli.augment_options import genmix_options
from genmix_da.cli.options import json_option, parse_arguments


@click.command(name="augment")
@click.argument("src", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@genmix_options
@click.option("--backbone", help="Network for --features backbone.")
@click.option(
    "--backbone-arg",
    "backbone_arguments",
    multiple=True,
    callback=parse_arguments,
    metavar="K=V",
    help="Argument of its constructor; repeatable.",
)
@click.option("--weights", help="Its weights: imagenet or a file.")
@click.option("--image-size", type=int, help="Side of its input.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--seed", type=int, help="Of styles, edits, masks and fractals [0].")
@click.option("--resume", is_flag=True, help="Complete an augmentation that was interrupted.")
@click.option("--dry-run", is_flag=True, help="Say what it would cost, and stop.")
@json_option
def command(
    src: Path,
    out: Path,
    backbone: str | None,
    backbone_arguments: dict[str, Any],
    weights: str | None,
    image_size: int | None,
    device: str,
    resume: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Augment the class folders in SRC into OUT: edit, keep the faithful, join, blend.

    OUT gets <class>/<image>.<n>.<style>.jpg, manifest.jsonl (a line for every edit, kept, dropped
    or failed) and a report.
    """
    from genmix_da.augment import augment_folder, resolve_encoder
    from genmix_da.augment.cost import estimate_cost
    from genmix_da.augment.settings import build_settings
    from genmix_da.augment.sheets import write_report
    from genmix_da.cli.show import echo_json

    settings = build_settings(options)
    if dry_run:
        cost = estimate_cost(src, settings)
        if as_json:
            echo_json(cost)
        else:
            for line in cost["summary"]:
                click.echo(line)
        return
    encoder = resolve_encoder(
        settings.features,
        backbone=backbone,
        weights=weights,
        arguments=backbone_arguments,
        image_size=image_size,
        device=device,
    )
    done = augment_folder(src, out, settings, encoder=encoder, resume=resume)
    report = write_report(done.selection, out, settings)
    if as_json:
        echo_json(report)
        return
    counts = report["edits"]
    click.echo(
        f"{counts['kept']} kept, {counts['dropped']} dropped, {counts['failed']} failed; "
        f"{done.selection.made} edits made now, {done.written} images written: {out}"
    )
    if report["stand_in"]:
        click.echo(f"the editor {report['editor']!r} is a stand-in for a generative one")
