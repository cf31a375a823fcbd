"""Options of GenMix that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from genmix_da.cli import groups
from genmix_da.cli.editor_options import editor_options, gather_editor_options
from genmix_da.cli.options import (
    Command,
    apply,
    arguments_option,
    grey_range_option,
    part_option,
)
from genmix_da.cli.others import and_others

if TYPE_CHECKING:
    from genmix_da.augment.features import Encoder


def _masks(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Comma-separated kinds; "none" for the edit alone."""
    if value is None:
        return None
    return tuple(kind.strip() for kind in value.split(",") if kind.strip() not in ("", "none"))


_GENMIX: tuple[Command, ...] = (
    groups.genmix(
        "--prompts",
        help='domain, classification, a YAML file or "a; b" [domain; classify: classification].',
    ),
    groups.genmix(
        "--style-images",
        help="A folder of pictures instead of prompts, for --editor style-transfer.",
    ),
    groups.genmix(
        "--editor",
        help="auto, filters, instruct-pix2pix[:MODEL], diffusers:MODEL, style-transfer or a folder "
        "[auto]." + and_others("editors"),
    ),
    groups.genmix(
        "--features", help="auto, dinov2, backbone, timm:NAME, a hub name or folder, off [auto]."
    ),
    groups.genmix("--rule", help="all-pairs (paper) or same-class (stricter) [all-pairs]."),
    groups.genmix("--sigmas", type=float, help="k of the threshold mu - k sigma [2]."),
    groups.genmix("--per-image", type=int, help="Edits of each image [2]."),
    groups.genmix("--lambda", "fractal_lambda", type=float, help="Share of the fractal [0.2]."),
    groups.genmix(
        "--masks",
        callback=_masks,
        help="Comma-separated kinds to draw from, or none [all five].",
    ),
    groups.genmix("--seam-width", type=float, help="Width of a seam in pixels [20]."),
    groups.genmix("--patches", type=int, help="PatchSwap cells along each side [4]."),
    groups.genmix(
        "--edit-size",
        type=int,
        help="Longest side of edits and outputs in pixels; diffusion works at it, too [512].",
    ),
    groups.genmix("--fractals", help="A folder of images to blend in instead of our fractals."),
)


def genmix_options(command: Command, *, prefix: str = "") -> Command:
    """Settings of GenMix, its editor's included; see `editor_options` for the prefix."""
    return apply(_GENMIX, editor_options(command, prefix=prefix))


def source_options(command: Command) -> Command:
    """Which images of SRC are meant, and how deep grey is read; see `training_images`."""
    return apply((part_option, grey_range_option), command)


_ENCODER: tuple[Command, ...] = (
    groups.network("--backbone", help="Network for --features backbone."),
    arguments_option(
        groups.network,
        "--backbone-arg",
        "backbone_arguments",
        "Argument of its constructor; repeatable.",
    ),
    groups.network("--weights", help="Its weights: imagenet or a file."),
    groups.network("--image-size", type=int, help="Side of its input."),
)


def encoder_options(command: Command) -> Command:
    """The network of --features, for commands that train none."""
    return apply(_ENCODER, command)


def take_encoder(options: dict[str, Any], features: str, device: str) -> Encoder | None:
    """Take the options of `encoder_options` out of a command's, and load what they name."""
    from genmix_da.augment import resolve_encoder

    return resolve_encoder(
        features,
        backbone=options.pop("backbone"),
        weights=options.pop("weights"),
        arguments=options.pop("backbone_arguments"),
        image_size=options.pop("image_size"),
        device=device,
    )


augment_seed_option = groups.genmix(
    "--augment-seed",
    type=int,
    help="Of styles, edits, masks and fractals; not --seed, so that all seeds share the edits [0].",
)

_NAMES = (
    *("prompts", "editor", "features", "rule", "sigmas", "per_image", "fractal_lambda"),
    *("masks", "seam_width", "patches", "edit_size", "fractals"),
)


def gather_genmix(options: dict[str, Any]) -> dict[str, Any]:
    """Take GenMix's options out of a command's: those given, named as its settings are."""
    from genmix_da.augment.prompts import PICTURES
    from genmix_da.errors import UserError

    editor = gather_editor_options(options)
    taken = {name: options.pop(name, None) for name in _NAMES}
    given = {name: value for name, value in taken.items() if value is not None}
    pictures = options.pop("style_images", None)
    if pictures is not None:
        if "prompts" in given:
            raise UserError(
                "--style-images stands in place of --prompts; leave one of the two out."
            )
        given["prompts"] = f"{PICTURES}{pictures}"
    if "edit_size" in given:
        given["size"] = given.pop("edit_size")
    return given | ({"editor_options": editor} if editor else {})


def join_genmix(options: dict[str, Any]) -> dict[str, Any]:
    """The same options with GenMix's gathered under "genmix", as a configuration holds them."""
    rest = dict(options)
    given = gather_genmix(rest)
    seed = rest.pop("augment_seed", None)
    return rest | {"genmix": given if seed is None else given | {"seed": seed}}
