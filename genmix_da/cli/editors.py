"""genmix-da editors"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from genmix_da.cli import groups
from genmix_da.cli.augment_options import (
    encoder_options,
    gather_genmix,
    source_options,
    take_encoder,
)
from genmix_da.cli.editor_options import editor_options
from genmix_da.cli.options import json_option
from genmix_da.cli.place import PLACE, shown

# Name -> what it needs, what it is.
_ABOUT = {
    "filters": ("nothing", "a classical filter for each of the 15 published styles"),
    "instruct-pix2pix": (
        "genmix-da[diffusion], its weights, a GPU",
        "the editor of the paper; :MODEL for other weights",
    ),
    "diffusers": (
        "genmix-da[diffusion], weights, a GPU",
        "any image-to-image pipeline of diffusers, as diffusers:MODEL or its folder",
    ),
    "style-transfer": (
        "genmix-da[models]",
        "neural style transfer from pictures, drawn ones or --style-images; not the paper's",
    ),
    "original": ("nothing", "no editing: what joining and fractals do alone"),
}


def _plugged(name: str, make: object) -> tuple[str, str]:
    """What another package says of its editor."""
    from genmix_da.augment.editors import EDITORS

    said = (make.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    return f"the package {EDITORS.plugged.get(name, '')}", said or "an editor of another package"


@click.group(name="editors")
def command() -> None:
    """List the image editors; compare speed and faithfulness of a diffusion editor's options."""


@command.command(name="list", short_help="Every editor and what it needs.")
@json_option
def list_editors(as_json: bool) -> None:
    """Every editor: its name, what it needs, what it is, whether it is a stand-in."""
    from genmix_da.augment.editors import EDITORS
    from genmix_da.cli.show import echo_json

    rows = []
    for name, make in EDITORS.items():
        needs, what = _ABOUT.get(name) or _plugged(name, make)
        stand_in = bool(getattr(make, "stand_in", False))
        rows.append({"name": name, "needs": needs, "what": what, "stand_in": stand_in})
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        note = " (a stand-in for a generative editor)" if row["stand_in"] else ""
        click.echo(f"{row['name']:18} {row['what']}{note}; needs {row['needs']}")


@command.command(cls=groups.GroupedCommand, short_help="Speed against faithfulness of variants.")
@click.argument("src", required=False)
@groups.genmix(
    "--editor",
    default="instruct-pix2pix",
    show_default=True,
    help="instruct-pix2pix[:MODEL], diffusers:MODEL or a folder.",
)
@groups.running("--against", default="exact", show_default=True, help="The reference, a variant.")
@groups.running(
    "--variants",
    default="fast,dpm++20,dpm++20/reuse3",
    show_default=True,
    help="Comma-separated.",
)
@groups.running("--images", type=int, default=8, show_default=True, help="How many images.")
@groups.running(
    "--out",
    type=PLACE,
    default=Path("editors-compare"),
    show_default=True,
    help="Folder for compare.json, compare.csv, compare.png and speed.png.",
)
@groups.genmix("--prompts", help='domain, classification, a YAML file or "a; b" [domain].')
@groups.genmix(
    "--features", help="auto, dinov2, backbone, timm:NAME, a hub name or folder, off [auto]."
)
@encoder_options
@groups.genmix("--sigmas", type=float, help="k of the threshold mu - k sigma [2].")
@groups.genmix(
    "--edit-size", type=int, help="Longest side of working images, and of diffusion [512]."
)
@groups.running("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@groups.running("--seed", type=int, help="Which images, and how they are edited [0].")
@source_options
@editor_options
@json_option
def compare(
    src: str | None,
    against: str,
    variants: str,
    images: int,
    out: Path,
    device: str,
    seed: int | None,
    as_json: bool,
    part: str | None,
    grey_range: str | None,
    **options: Any,
) -> None:
    """Edit a few images of the class folders in SRC with each variant, and say what differs.

    Without SRC: of Mini Office-Home.

    A variant is "exact" (the editor's published settings), "fast", or parts joined by "/": a
    scheduler with its steps (dpm++20, euler-a50, lcm4), 20 or 20steps, 256px, reuse3, fp16, g7.5
    and ig1 (guidance), plain, channels-last, compile, and at the end tiny-vae=MODEL. Diffusion
    options on the command line hold for all variants that do not say otherwise, the reference
    included.
    """
    from genmix_da.augment.compare import choose_variants, compare_editors
    from genmix_da.augment.prompts import load_prompts
    from genmix_da.augment.settings import build_settings
    from genmix_da.cli.show import echo
    from genmix_da.config_values import AUTO
    from genmix_da.data.root import example_domain
    from genmix_da.data.sources import training_images

    settings = build_settings(gather_genmix(options) | {"seed": seed})
    names = [name.strip() for name in variants.split(",") if name.strip()]
    base = settings.options()
    choose_variants(against, names, base)  # refused before an encoder is loaded
    src = src or str(example_domain())
    domain = training_images(src, part=part, grey_range=grey_range or AUTO)
    encoder = take_encoder(options, settings.features, device)
    result = compare_editors(
        domain,
        load_prompts(settings.prompts),
        settings.editor,
        against,
        names,
        encoder,
        settings,
        base=base,
        device=device,
        images=images,
        out=out,
    )
    echo(result, lambda result: _echo(result, out), as_json=as_json)


def _echo(result: dict[str, Any], out: Path) -> None:
    """A line a variant, and what the numbers are."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from genmix_da.cli.show import percent

    table = Table(
        title=escape(
            f"{result['editor']}, {result['images']} images, {result['device']}, "
            f"features {result['features']}"
        ),
        title_justify="left",
    )
    table.add_column("variant", overflow="fold")
    for heading in (
        *("images/s", "speed", "diff", "PSNR", "cos ref.", "cos orig.", "kept %", "failed"),
    ):
        table.add_column(heading, justify="right")
    for variant in result["variants"]:
        same = variant["pixel_difference"] == 0
        table.add_row(
            escape(variant["name"]),
            f"{variant['images_per_second']:.3g}",
            f"{variant['speed']:.2f}x",
            _number(variant["pixel_difference"], 2),
            "same" if same else _number(variant["psnr_db"], 1),
            _number(variant["similarity_to_reference"], 3),
            _number(variant["similarity"], 3),
            percent(variant["kept"]),
            str(variant["failed"]),
        )
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    click.echo(
        f"Against {result['against']!r}: diff is the mean difference in levels of 255, PSNR is in "
        "dB, cos the cosine of features."
    )
    if result["given"]:
        given = ", ".join(f"{key} {value}" for key, value in result["given"].items())
        click.echo(
            f"For all variants that do not say otherwise, {result['against']!r} too: {given}."
        )
    if result["stand_in"]:
        click.echo(f"The editor {result['editor']!r} stands in for a generative one.")
    click.echo(shown(out))


def _number(value: float | None, digits: int) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"
