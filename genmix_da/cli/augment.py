"""genmix-da augment"""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genmix_da.cli import groups
from genmix_da.cli.augment_options import (
    encoder_options,
    gather_genmix,
    genmix_options,
    source_options,
    take_encoder,
)
from genmix_da.cli.engine_options import engine_options, take_engine
from genmix_da.cli.options import json_option
from genmix_da.cli.place import PLACE, shown

if TYPE_CHECKING:
    from genmix_da.augment.settings import AugmentSettings
    from genmix_da.augment.shards import Filled
    from genmix_da.data.domain import Domain
    from genmix_da.engines.base import Engine


@click.command(name="augment", cls=groups.GroupedCommand)
@click.argument("src")
@click.argument("out", type=PLACE, required=False)
@source_options
@genmix_options
@encoder_options
@groups.running("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@groups.running("--devices", help="Several for the editor, e.g. cuda:0,cuda:1 [that of --device].")
@partial(engine_options, what="edits are made")
@groups.running("--shard", metavar="I/N", help="Edit the I-th of N parts into the cache, and stop.")
@groups.running("--only-edit", is_flag=True, help="Fill the cache of edits, and stop.")
@groups.running("--seed", type=int, help="Of styles, edits, masks and fractals [0].")
@groups.running("--resume", is_flag=True, help="Complete an augmentation that was interrupted.")
@groups.running("--dry-run", is_flag=True, help="Say what it would cost, and stop.")
@json_option
def command(
    src: str,
    out: Path | None,
    device: str,
    devices: str | None,
    shard: str | None,
    only_edit: bool,
    seed: int | None,
    resume: bool,
    dry_run: bool,
    as_json: bool,
    part: str | None,
    grey_range: str | None,
    **options: Any,
) -> None:
    """Augment the images in SRC into OUT: edit, keep the faithful, join, blend.

    SRC holds class folders, or is a list of images with labels, or datasets:NAME.
    OUT gets <class>/<image>.<n>.<style>.jpg, manifest.jsonl (a line for every edit, kept, dropped
    or failed) and a report.
    """
    from genmix_da.augment.cost import estimate_cost
    from genmix_da.augment.pipeline import augment_domain
    from genmix_da.augment.settings import build_settings
    from genmix_da.augment.sheets import write_report
    from genmix_da.cli.show import echo
    from genmix_da.config_values import AUTO
    from genmix_da.data.sources import training_images
    from genmix_da.errors import UserError

    runner = take_engine(options)
    settings = build_settings(gather_genmix(options) | {"seed": seed})
    editing = tuple(part.strip() for part in (devices or device).split(",") if part.strip())
    if not editing:
        raise UserError(f"--devices is {devices!r}; name at least one, e.g. cuda:0.")
    if out is None and not (dry_run or only_edit or shard):
        raise UserError("no output folder; give OUT, or --only-edit to fill the cache alone.")
    domain = training_images(src, part=part, grey_range=grey_range or AUTO)
    if dry_run:
        cost = estimate_cost(domain, settings, device=editing[0])
        echo(cost, lambda cost: click.echo("\n".join(cost["summary"])), as_json=as_json)
        return
    if only_edit or shard:
        filled = _fill_cache(domain, settings, editing, shard, runner)
        echo(dataclasses.asdict(filled), _echo_filled, as_json=as_json)
        return
    assert out is not None
    encoder = take_encoder(options, settings.features, device)
    done = augment_domain(
        domain, out, settings, encoder=encoder, resume=resume, devices=editing, engine=runner
    )
    report = write_report(done.selection, out, settings)
    now = f"{done.selection.made} edits made now, {done.written} images written: {shown(out)}"
    echo(report, lambda report: _echo_report(report, now), as_json=as_json)


def _fill_cache(
    domain: Domain,
    settings: AugmentSettings,
    devices: tuple[str, ...],
    shard: str | None,
    engine: Engine,
) -> Filled:
    """Make edits and nothing else: a part of them here, or all on several devices or an engine."""
    from genmix_da.augment.sharding import edit_on_devices, fill_cache, parse_shard
    from genmix_da.augment.spread import chosen_engine, fill_on_engine
    from genmix_da.errors import UserError

    part, runner = parse_shard(shard or "1/1"), chosen_engine(engine, devices)
    if runner is not None:
        if part != (1, 1):
            raise UserError("--shard and --engine exclude each other; an engine shares all out.")
        return fill_on_engine(domain, settings, runner, device=devices[0])
    if len(devices) == 1:
        return fill_cache(domain, settings, device=devices[0], shard=part)
    if part != (1, 1):
        raise UserError("--shard and --devices exclude each other; give a shard to each device.")
    return edit_on_devices(domain, settings, devices)


def _echo_filled(filled: dict[str, Any]) -> None:
    click.echo(
        f"{filled['edits']} edits of {filled['images']} images are in the cache, "
        f"{filled['made']} made now, {filled['failed']} failed"
    )


def _echo_report(report: dict[str, Any], now: str) -> None:
    from genmix_da.tables.values import editor_note

    counts = report["edits"]
    click.echo(
        f"{counts['kept']} kept, {counts['dropped']} dropped, {counts['failed']} failed; {now}"
    )
    if report["stand_in"]:
        click.echo(f"the editor {report['editor']!r} is a stand-in for a generative one")
    elif note := editor_note(report):
        click.echo(note)
