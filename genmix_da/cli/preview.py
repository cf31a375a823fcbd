"""genmix-da preview"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genmix_da.cli import groups
from genmix_da.cli.augment_options import gather_genmix, genmix_options, source_options
from genmix_da.cli.place import PLACE, shown


@click.command(name="preview", cls=groups.GroupedCommand)
@click.argument("src", required=False)
@groups.running(
    "--sheet",
    type=PLACE,
    default=Path("preview.png"),
    show_default=True,
    help="PNG to write.",
)
@groups.running("--images", type=int, default=4, show_default=True, help="How many images.")
@groups.running("--seed", type=int, help="Which images, and how they are edited [0].")
@groups.running("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@source_options
@genmix_options
def command(
    src: str | None,
    sheet: Path,
    images: int,
    seed: int | None,
    device: str,
    part: str | None,
    grey_range: str | None,
    **options: Any,
) -> None:
    """Show original, edit, mask, hybrid, fractal and final for a few images and all styles.

    Without SRC: of Mini Office-Home.
    """
    from genmix_da.augment.editors import make_editor
    from genmix_da.augment.prompts import load_prompts
    from genmix_da.augment.settings import build_settings
    from genmix_da.augment.sheets import preview
    from genmix_da.config_values import AUTO
    from genmix_da.data.root import example_domain
    from genmix_da.data.sources import training_images

    settings = build_settings(gather_genmix(options) | {"seed": seed})
    prompts = load_prompts(settings.prompts)
    editor = make_editor(settings.editor, settings.options(), device=device)
    src = src or str(example_domain())
    domain = training_images(src, part=part, grey_range=grey_range or AUTO, classes=False)
    preview(sheet, domain, prompts, editor, settings, images)
    click.echo(shown(sheet))
