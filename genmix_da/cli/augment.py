"""genmix-da augment"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from genmix_da.cli.augment_options import gather_genmix, genmix_options
from genmix_da.cli.options import json_option, parse_arguments


@click.command(name="augment")
@click.argument("src", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path), required=False)
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
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--devices", help="Several for the editor, e.g. cuda:0,cuda:1 [that of --device].")
@click.option("--shard", metavar="I/N", help="Edit the I-th of N parts into the cache, and stop.")
@click.option("--only-edit", is_flag=True, help="Fill the cache of edits, and stop.")
@click.option("--seed", type=int, help="Of styles, edits, masks and fractals [0].")
@click.option("--resume", is_flag=True, help="Complete an augmentation that was interrupted.")
@click.option("--dry-run", is_flag=True, help="Say what it would cost, and stop.")
@json_option
def command(
    src: Path,
    out: Path | None,
    backbone: str | None,
    backbone_arguments: dict[str, Any],
    weights: str | None,
    image_size: int | None,
    device: str,
    devices: str | None,
    shard: str | None,
    only_edit: bool,
    seed: int | None,
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
    from genmix_da.augment.pipeline import labelled_folder
    from genmix_da.augment.settings import build_settings
    from genmix_da.augment.sharding import edit_on_devices, fill_cache, parse_shard
    from genmix_da.augment.sheets import write_report
    from genmix_da.cli.show import echo_json
    from genmix_da.errors import UserError

    settings = build_settings(gather_genmix(options) | {"seed": seed})
    editing = tuple(part.strip() for part in (devices or device).split(",") if part.strip())
    if not editing:
        raise UserError(f"--devices is {devices!r}; name at least one, e.g. cuda:0.")
    if dry_run:
        cost = estimate_cost(src, settings, device=editing[0])
        if as_json:
            echo_json(cost)
        else:
            for line in cost["summary"]:
                click.echo(line)
        return
    if only_edit or shard:
        part = parse_shard(shard or "1/1")
        domain = labelled_folder(src)
        if len(editing) > 1 and part != (1, 1):
            raise UserError(
                "--shard and --devices exclude each other; give a shard to each device."
            )
        filled = (
            edit_on_devices(domain, settings, editing)
            if len(editing) > 1
            else fill_cache(domain, settings, device=editing[0], shard=part)
        )
        if as_json:
            echo_json(dataclasses.asdict(filled))
        else:
            click.echo(
                f"{filled.edits} edits of {filled.images} images are in the cache, {filled.made} "
                f"made now, {filled.failed} failed"
            )
        return
    if out is None:
        raise UserError("no output folder; give OUT, or --only-edit to fill the cache alone.")
    encoder = resolve_encoder(
        settings.features,
        backbone=backbone,
        weights=weights,
        arguments=backbone_arguments,
        image_size=image_size,
        device=device,
    )
    done = augment_folder(src, out, settings, encoder=encoder, resume=resume, devices=editing)
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
