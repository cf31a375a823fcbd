"""What making images costs: counted for every run, measured again where a cache had them.

Edits are made once for all runs, so most runs find them. Their price belongs to the method all the
same: the augmentation overhead of the paper compares generation and training together. Where edits
came from the cache, a sample is made again without it and its time is multiplied.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np

from genmix_da.augment.cost import make_trials, time_blends, time_edits
from genmix_da.augment.prompts import load_prompts
from genmix_da.augmented_source import Augmentation
from genmix_da.data import Domain

logger = logging.getLogger(__name__)

SAMPLE = 16


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
    """Seconds of one edit with reading and comparing, of one composition, and how many were timed.

    On the fly the composition is a part of training, and 0 here.
    """
    s, editor = augmentation.settings, augmentation.editor
    count = len(originals.images)
    spread = np.unique(np.linspace(0, count - 1, min(SAMPLE, count)).astype(int))
    started = time.perf_counter()
    trials = make_trials(originals.part(spread), load_prompts(s.prompts).styles, s, SAMPLE)
    reading = (time.perf_counter() - started) / len(trials) / s.per_image
    editing, edits = time_edits(editor, trials)
    blending = time_blends(trials, edits, s)[0] if augmentation.mode == "offline" else 0.0
    comparing = 0.0
    if augmentation.encoder is not None:
        augmentation.encoder.encode([trials[0].pixels])  # loads what it needs, which is not timed
        started = time.perf_counter()
        for edit in edits:
            augmentation.encoder.encode([edit])
        each = (time.perf_counter() - started) / len(trials)
        comparing = each * (1 + 1 / s.per_image)  # the original's too, once for all its edits
    return reading + editing + comparing, blending, 0 if editor.slow else len(trials)
