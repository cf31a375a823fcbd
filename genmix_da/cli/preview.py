"""genmix-da preview"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genmix_da.cli.augment_options import gather_genmix, genmix_options


@click.command(name="preview")
@click.argument("src", type=click.Path(path_type=Path))
@click.option("--sheet", type=click.Path(path_type=Path), required=True, help="PNG to write.")
@click.option("--images", type=int, default=4, show_default=True, help="How many images.")
@click.option("--seed", type=int, help="Which images, and how they are edited [0].")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@genmix_options
def command(
    src: Path, sheet: Path, images: int, seed: int | None, device: str, **options: Any
) -> None:
    """Show original, edit, mask, hybrid, fractal and final for a few images and all styles."""
    from genmix_da.augment.editors import make_editor
    from genmix_da.augment.prompts import load_prompts
    from genmix_da.augment.settings import build_settings
    from genmix_da.augment.sheets import preview
    from genmix_da.data.folders import folder_domain, training_part
    from genmix_da.errors import UserError

    if not src.is_dir():
        raise UserError(f"no folder {src}; expected images below it.")
    settings = build_settings(gather_genmix(options) | {"seed": seed})
    prompts = load_prompts(settings.prompts)
    editor = make_editor(settings.editor, settings.options(), device=device)
    preview(sheet, folder_domain(src, part=training_part(src)), prompts, editor, settings, images)
    click.echo(sheet)
