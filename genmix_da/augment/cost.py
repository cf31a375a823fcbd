"""What an augmentation would cost: edits, those that are there already, hours, disk."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np

from genmix_da.augment.cache import encode_jpeg
from genmix_da.augment.compose import Draws, compose, fractal_source
from genmix_da.augment.editors import make_editor
from genmix_da.augment.editors.base import to_uint8
from genmix_da.augment.edits import Job, Pixels, fit, fit_to, plan_jobs
from genmix_da.augment.pipeline import edit_cache
from genmix_da.augment.prompts import load_prompts
from genmix_da.augment.settings import AugmentSettings
from genmix_da.data import folder_domain
from genmix_da.decode import read_image
from genmix_da.errors import UserError
from genmix_da.progress import track

CALIBRATION_EDITS = 3


def estimate_cost(src: Path, s: AugmentSettings) -> dict[str, Any]:
    """Count the edits and time three of them; nothing is kept.

    Returns:
        images, edits, cached, seconds_per_edit, seconds_per_blend, hours, disk_mib (edits in the
        cache and images in the output), summary (lines to print).

    Raises:
        UserError: no readable image.
    """
    if not src.is_dir():
        raise UserError(f"no source folder {src}; expected <class>/<image> below it.")
    domain = folder_domain(src)
    prompts, editor, cache = load_prompts(s.prompts), make_editor(s.editor), edit_cache()
    editor.check(prompts.styles)
    edits = cached = 0
    trials: list[tuple[Job, Pixels]] = []
    for index, path in enumerate(track(domain.images, "counting", len(domain.images))):
        content = path.read_bytes()
        image_hash = hashlib.sha256(content).hexdigest()
        name = f"{domain.labels[index] if domain.labels else ''}/{path.name}"
        jobs = plan_jobs(image_hash, index, name, prompts, editor, s)
        edits += len(jobs)
        cached += sum(cache.has(job.key) for job in jobs)
        if len(trials) < CALIBRATION_EDITS:
            try:
                trials.append((jobs[0], fit(np.asarray(read_image(content)), s.size)))
            except ValueError:
                continue
    if not trials:
        raise UserError(f"none of the {len(domain.images)} images of {src} can be read.")
    fractals = fractal_source(s)
    edit_seconds = blend_seconds = size = 0.0
    # The first composition makes the fractal where it is not cached: no cost of every image.
    compose(trials[0][1], trials[0][1], fractals, s, Draws(s.seed, "calibration"))
    for job, pixels in trials:
        started = time.perf_counter()
        edit = fit_to(to_uint8(editor.edit([pixels], [job.style], [job.seed])[0]), pixels)
        edited = time.perf_counter()
        final = compose(pixels, edit, fractals, s, Draws(s.seed, "calibration")).final
        size += len(encode_jpeg(edit)) + len(encode_jpeg(final))
        edit_seconds += (edited - started) / len(trials)
        blend_seconds += (time.perf_counter() - edited) / len(trials)
    missing = edits - cached
    hours = (missing * edit_seconds + edits * blend_seconds) / 3600
    disk = edits * size / len(trials) / 2**20
    return {
        "images": len(domain.images),
        "edits": edits,
        "cached": cached,
        "seconds_per_edit": edit_seconds,
        "seconds_per_blend": blend_seconds,
        "hours": hours,
        "disk_mib": disk,
        "summary": [
            f"{len(domain.images)} images, {edits} edits with {editor.name}, {cached} of them "
            "in the cache",
            f"{edit_seconds:.2f} s an edit (from {len(trials)}): {hours:.2f} hours on this device",
            f"{disk:.0f} MiB on disk, cache and output together",
        ],
    }
