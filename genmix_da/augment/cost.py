"""What an augmentation would cost: counted from the source, timed on three edits."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genmix_da.augment.cache import edit_cache, encode_jpeg
from genmix_da.augment.compose import Draws, compose, fractal_source
from genmix_da.augment.editors import Editor, make_editor
from genmix_da.augment.editors.base import fit_to, to_uint8
from genmix_da.augment.edits import Pixels, count_edits, load_working_image
from genmix_da.augment.prompts import Style, load_prompts
from genmix_da.augment.settings import AugmentSettings
from genmix_da.data.domain import Domain
from genmix_da.errors import UserError

logger = logging.getLogger(__name__)

CALIBRATION_EDITS = 3


@dataclass(frozen=True)
class Trial:
    """One edit that is timed: a working image and a style."""

    pixels: Pixels
    style: Style


def estimate_cost(domain: Domain, s: AugmentSettings, *, device: str = "auto") -> dict[str, Any]:
    """Count the edits and time three of them; nothing is kept.

    A diffusion editor on a CPU is timed on a few steps instead: a whole edit takes minutes there.

    Args:
        domain: labelled images.
        s: settings.
        device: that the editor runs on.

    Returns:
        images, edits, cached, seconds_per_edit, seconds_per_blend, hours, disk_mib (edits in the
        cache and images in the output), fast_hours (with --fast; None where there is nothing to
        save), summary (lines to print).

    Raises:
        UserError: no readable image.
    """
    prompts, cache = load_prompts(s.prompts), edit_cache()
    editor = make_editor(s.editor, s.options(), device=device)
    editor.check(prompts.styles)
    edits, cached = count_edits(domain, prompts, editor, cache, s)
    trials = make_trials(domain, prompts.styles, s)
    edit_seconds, results = time_edits(editor, trials)
    blend_seconds, size = time_blends(trials, results, s)
    missing = edits - cached
    hours = (missing * edit_seconds + edits * blend_seconds) / 3600
    disk = edits * size / 2**20
    summary = [
        f"{len(domain.images)} images, {edits} edits with {editor.name}, {cached} of them "
        "in the cache",
        f"{edit_seconds:.2f} s an edit (from {len(trials)}): {hours:.2f} hours on this device",
        f"{disk:.0f} MiB on disk, cache and output together",
    ]
    fast_hours = _fast_hours(editor, domain, s, trials, blend_seconds)
    if fast_hours is not None:
        summary.append(
            f"--fast: {fast_hours:.2f} hours; what it changes in the pictures: "
            "genmix-da editors compare"
        )
    return {
        "images": len(domain.images),
        "edits": edits,
        "cached": cached,
        "seconds_per_edit": edit_seconds,
        "seconds_per_blend": blend_seconds,
        "hours": hours,
        "fast_hours": fast_hours,
        "disk_mib": disk,
        "summary": summary,
    }


def make_trials(
    domain: Domain, styles: Sequence[Style], s: AugmentSettings, count: int = CALIBRATION_EDITS
) -> list[Trial]:
    """The first readable images of a domain, at most `count`, the styles in turn.

    Raises:
        UserError: none can be read.
    """
    trials: list[Trial] = []
    for path in domain.images:
        if len(trials) == count:
            break
        try:
            pixels = load_working_image(path, s.size)
        except (OSError, ValueError) as error:
            logger.warning("skipped %s: %s", path, error)
            continue
        trials.append(Trial(pixels, styles[len(trials) % len(styles)]))
    if not trials:
        raise UserError(f"none of the {len(domain.images)} images of {domain.folder} can be read.")
    return trials


def time_edits(editor: Editor, trials: Sequence[Trial]) -> tuple[float, list[Pixels]]:
    """Seconds of one edit, and edits to measure sizes on (the originals, of a slow editor)."""
    estimated = editor.seconds_per_edit()
    if estimated is not None:
        return estimated, [trial.pixels for trial in trials]
    # In batches as the run itself makes them: the first one loads the networks and is not timed.
    size = max(editor.largest_batch, 1)
    _edit(editor, [trials[number % len(trials)] for number in range(size)])
    seconds, results, made = 0.0, [], 0
    while made < len(trials):
        many = [trials[(made + number) % len(trials)] for number in range(size)]
        started = time.perf_counter()
        results += _edit(editor, many)
        seconds += time.perf_counter() - started
        made += len(many)
    return seconds / made, results[: len(trials)]


def _edit(editor: Editor, trials: Sequence[Trial]) -> list[Pixels]:
    pixels = [trial.pixels for trial in trials]
    edits = editor.edit(pixels, [trial.style for trial in trials], range(len(trials)))
    return [to_uint8(fit_to(edit, own)) for edit, own in zip(edits, pixels, strict=True)]


def time_blends(
    trials: Sequence[Trial], edits: Sequence[Pixels], s: AugmentSettings
) -> tuple[float, float]:
    """Seconds of one blend, and bytes of an edit and its augmented image together."""
    fractals = fractal_source(s)
    draws = Draws(s.seed, "calibration")
    # The first composition makes the fractal where it is not cached: no cost of every image.
    compose(trials[0].pixels, trials[0].pixels, fractals, s, draws)
    seconds = size = 0.0
    for trial, edit in zip(trials, edits, strict=True):
        started = time.perf_counter()
        final = compose(trial.pixels, edit, fractals, s, draws).final
        size += (len(encode_jpeg(edit)) + len(encode_jpeg(final))) / len(trials)
        seconds += (time.perf_counter() - started) / len(trials)
    return seconds, size


def _fast_hours(
    editor: Editor, domain: Domain, s: AugmentSettings, trials: Sequence[Trial], blend: float
) -> float | None:
    faster = editor.faster()
    if faster is None:
        return None
    prompts = load_prompts(s.prompts)
    faster.check(prompts.styles)
    edits, cached = count_edits(domain, prompts, faster, edit_cache(), s)
    return ((edits - cached) * time_edits(faster, trials)[0] + edits * blend) / 3600
