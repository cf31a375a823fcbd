"""Variants of one editor against each other: what speed costs in faithfulness.

Every variant edits the same images under the same styles and seeds as the reference. Nothing is
taken from the cache of edits or kept in it. `compare_measures` makes and judges the edits of one
variant, `compare_files` writes what came out.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from genmix_da.augment.compare_files import RECORD, write_comparison
from genmix_da.augment.compare_measures import (
    Made,
    Sample,
    draw_samples,
    judge,
    make_edits,
    pair_statistics,
    summarise,
)
from genmix_da.augment.diffusion.options import EditorOptions
from genmix_da.augment.diffusion.variants import merge_options, parse_variant
from genmix_da.augment.editors import Editor, make_editor
from genmix_da.augment.edits import PATIENCE
from genmix_da.augment.features import Encoder, encode_one
from genmix_da.augment.pipeline import refuse_nested
from genmix_da.augment.prompts import PromptSet
from genmix_da.augment.settings import AugmentSettings
from genmix_da.data.domain import Domain
from genmix_da.device import resolve_device
from genmix_da.errors import UserError
from genmix_da.runs.provenance import provenance

KIND = "genmix-da editors compare"


def compare_editors(
    domain: Domain,
    prompts: PromptSet,
    editor_name: str,
    against: str,
    variants: Sequence[str],
    encoder: Encoder | None,
    s: AugmentSettings,
    *,
    base: EditorOptions,
    device: str,
    images: int,
    out: Path,
) -> dict[str, Any]:
    """Edit a few images with every variant, and write what differs.

    Args:
        domain: labelled images to draw from, all classes in turn.
        prompts: styles; the images take them in turn.
        editor_name: of a diffusion editor, see `make_editor`.
        against: the reference, see `parse_variant`.
        variants: what is compared with it.
        encoder: of the similarities; None leaves them out.
        s: seed, size of the working images, sigmas of the threshold.
        base: options that hold for all variants, below each one's own.
        device: "auto", "cpu", "cuda" or "cuda:N".
        images: how many; fewer where the domain has fewer.
        out: gets compare.json, compare.csv, compare.png and speed.png.

    Returns:
        The content of compare.json: `variants` has a summary of each, the reference first, and
        `edits` a line for every edit. A value that is not defined is None.

    Raises:
        UserError: bad input, in one sentence.
    """
    chosen = choose_variants(against, variants, base)
    if images < 1:
        raise UserError(f"--images is {images}; it must be at least 1.")
    if domain.labels is None:
        raise UserError(f"{domain.folder} has no class folders; expected <class>/<image> below it.")
    _check_editors(editor_name, chosen, prompts, device)
    _claim(out, domain.folder)
    samples = draw_samples(domain, prompts, s, images)
    originals = [encode_one(encoder, sample.pixels) if encoder else None for sample in samples]
    statistics = pair_statistics(originals, s)
    made = _edit_with_each(editor_name, chosen, prompts, samples, encoder, device, ask=not base.yes)
    rows = [judge(variant, made[0], samples, originals, statistics) for variant in made]
    where = resolve_device(device)
    result = {
        "kind": KIND,
        "editor": made[0].editor,
        "stand_in": made[0].stand_in,
        "against": made[0].name,
        "given": base.for_diffusion(),
        "features": encoder.name if encoder else "off",
        "statistics": statistics,
        "prompts": [style.key() | {"name": style.name} for style in prompts.styles],
        "images": len(samples),
        "edit_size": s.size,
        "seed": s.seed,
        "device": torch.cuda.get_device_name(where) if where.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "variants": [summarise(v, made[0], own) for v, own in zip(made, rows, strict=True)],
        "edits": [row for own in rows for row in own],
        "provenance": provenance(),
    }
    write_comparison(out, result, samples, [variant.edits for variant in made])
    return result


def _edit_with_each(
    editor_name: str,
    chosen: dict[str, EditorOptions],
    prompts: PromptSet,
    samples: Sequence[Sample],
    encoder: Encoder | None,
    device: str,
    *,
    ask: bool,
) -> list[Made]:
    """The edits of every variant, one editor after the other in memory."""
    made: list[Made] = []
    for name, options in chosen.items():
        editor = make_editor(editor_name, options, device=device)
        editor.check(prompts.styles)  # all are encoded at once
        if ask and not made:
            _ask_first(name, editor, len(samples) + 1)
        made.append(make_edits(name, editor, samples, encoder))
        del editor
        _free(compiled=bool(options.compile))
    return made


def choose_variants(
    against: str, variants: Sequence[str], base: EditorOptions
) -> dict[str, EditorOptions]:
    """Options of the reference and of every variant, in that order.

    Raises:
        UserError: no variant, one that is not known, or two that are the same.
    """
    if not variants:
        raise UserError("no variant to compare; give --variants, e.g. fast,dpm++20.")
    chosen: dict[str, EditorOptions] = {}
    for name in (against, *variants):
        if name in chosen:
            what = "is the reference already" if name == against else "is named twice"
            raise UserError(f"the variant {name!r} {what}; leave it out of --variants.")
        options = merge_options(base, parse_variant(name))
        for other, known in chosen.items():
            if options.for_diffusion() == known.for_diffusion():
                with_base = " with the options given for all" if base.for_diffusion() else ""
                raise UserError(
                    f"the variants {other!r} and {name!r} are the same{with_base}; leave one out."
                )
        chosen[name] = options
    return chosen


def _check_editors(
    editor_name: str, chosen: dict[str, EditorOptions], prompts: PromptSet, device: str
) -> None:
    """Refuse what cannot be had before the first edit is made; loads no network."""
    if make_editor(editor_name, device=device).name == "filters":
        raise UserError(
            "the filters editor has no options to compare; choose --editor instruct-pix2pix or "
            "diffusers:MODEL."
        )
    for options in chosen.values():
        make_editor(editor_name, options, device=device).check(prompts.styles)


def _claim(out: Path, source: Path) -> None:
    """Make sure the output folder is empty or a comparison, which is then replaced."""
    refuse_nested(out, source)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        try:
            held = json.loads((out / RECORD).read_text())
        except (OSError, ValueError, RecursionError):
            held = None
        if not isinstance(held, dict) or held.get("kind") != KIND:
            raise UserError(f"{out} is not empty and not a comparison; choose another folder.")
    out.mkdir(parents=True, exist_ok=True)


def _ask_first(name: str, editor: Editor, edits: int) -> None:
    """Stop where the reference alone would take long on this CPU and nobody said --yes."""
    seconds = editor.seconds_per_edit()
    if seconds is not None and edits * seconds > PATIENCE:
        raise UserError(
            f"{edits} edits of the variant {name!r} alone would take {edits * seconds / 3600:.1f} "
            f"hours on this CPU ({seconds:.1f} s each); use --images, --steps and --edit-size for "
            "a quick try, a machine with a GPU, or --yes."
        )


def _free(*, compiled: bool) -> None:
    """Give back what the last editor held: the next one needs the memory."""
    if compiled:
        torch.compiler.reset()
    gc.collect()  # hooks hold networks in cycles
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
