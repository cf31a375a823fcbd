"""What making images costs: counted for every run, measured again where a cache had them.

Edits are made once for all runs, so most runs find them. Their price belongs to the method all the
same: the augmentation overhead of the paper compares generation and training together. Where edits
came from the cache, a sample is made again without it and its time is multiplied.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from genmix_da.augment.cache import EditCache
from genmix_da.augment.compose import fractal_source
from genmix_da.augment.cost import make_trials, time_blends, time_edits
from genmix_da.augment.pipeline import write_images
from genmix_da.augment.prompts import load_prompts
from genmix_da.augment.selection import edit_and_judge
from genmix_da.augment.source_task import Augmentation
from genmix_da.data.domain import Domain

logger = logging.getLogger(__name__)

SAMPLE = 16  # images


def generation_cost(
    augmentation: Augmentation, originals: Domain, record: dict[str, Any]
) -> dict[str, Any]:
    """Seconds that the images of a run cost to make.

    Args:
        augmentation: editor, encoder and settings.
        originals: training images.
        record: of the training set: counts, and the seconds that were spent now.

    Returns:
        seconds (all edits, their selection and, offline, composition), edits, made (now, not taken
        from the cache), seconds_per_edit, measured_on (number of edits that were timed: all of them
        where all were made now, none where a slow editor's time was estimated from a few steps).
    """
    edits = sum(record[status] for status in ("kept", "dropped", "failed"))
    spent = float(sum(record["seconds"].values()))
    if record["made"] >= edits:
        return _cost(spent, edits, record["made"], edits)
    logger.info("%d of %d edits were in the cache: timing some", edits - record["made"], edits)
    making, blending, timed = _time_sample(augmentation, originals)
    seconds = making * edits + blending * record["kept"]
    return _cost(seconds, edits, record["made"], timed)


def _cost(seconds: float, edits: int, made: int, measured_on: int) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "edits": edits,
        "made": made,
        "seconds_per_edit": seconds / max(edits, 1),
        "measured_on": measured_on,
    }


def _time_sample(augmentation: Augmentation, originals: Domain) -> tuple[float, float, int]:
    """Seconds of one edit with its selection, of one composition, and how many edits were timed.

    A part of the images goes through all that the whole did, into a cache of its own. On the fly
    the composition is a part of training, and 0 here.
    """
    s, editor, encoder = augmentation.settings, augmentation.editor, augmentation.encoder
    count = len(originals.images)
    spread = np.unique(np.linspace(0, count - 1, min(SAMPLE, count)).astype(int))
    part, prompts = originals.part(spread), load_prompts(s.prompts)
    trials = make_trials(part, prompts.styles, s, 1)
    if encoder is not None:
        encoder.encode([trials[0].pixels])  # loads what it needs, which is not timed
    if editor.slow:
        return *_estimate(augmentation, part), 0
    editor.edit([trials[0].pixels], [trials[0].style], [0])  # likewise
    fractals = fractal_source(s)
    if fractals is not None:  # drawn once for all runs
        fractals.window(8, 8, np.random.default_rng(0))
    with TemporaryDirectory(prefix="genmix-da-") as folder:
        cache = EditCache(Path(folder) / "edits")
        started = time.perf_counter()
        found = edit_and_judge(part, prompts, editor, encoder, cache, s)
        making = (time.perf_counter() - started) / len(found.edits)
        if augmentation.mode != "offline":
            return making, 0.0, len(found.edits)
        # All are composed: which of a part are faithful says nothing of the time it takes.
        made = [replace(edit, status="kept") for edit in found.edits if edit.status != "failed"]
        started = time.perf_counter()
        written = write_images(replace(found, edits=tuple(made)), Path(folder) / "out", s, cache)
        return making, (time.perf_counter() - started) / max(written, 1), len(found.edits)


def _estimate(augmentation: Augmentation, part: Domain) -> tuple[float, float]:
    """The same two of an editor that takes minutes an edit: from a few of its steps."""
    s, encoder = augmentation.settings, augmentation.encoder
    trials = make_trials(part, load_prompts(s.prompts).styles, s, 1)
    editing, edits = time_edits(augmentation.editor, trials)
    blending = time_blends(trials, edits, s)[0] if augmentation.mode == "offline" else 0.0
    started = time.perf_counter()
    if encoder is not None:
        encoder.encode(edits)
    # The original is compared too, once for all its edits.
    comparing = (time.perf_counter() - started) * (1 + 1 / s.per_image)
    return editing + comparing, blending
