"""Choose the faithful edits of a domain (GenMix, Eq. 3) and keep what became of every one."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.cache import EditCache, Failure
from genmix_da.augment.editors import Editor
from genmix_da.augment.edits import Pixels, edit_domain, load_working_image, refuse_unreadable
from genmix_da.augment.faithful import PairStatistics, Statistics, cosine
from genmix_da.augment.features import Encoder, encode_one
from genmix_da.augment.jobs import Job
from genmix_da.augment.judged import DROPPED, KEPT, Edit, Edits, counted
from genmix_da.augment.prompts import PromptSet
from genmix_da.augment.settings import AugmentSettings
from genmix_da.data.domain import Domain
from genmix_da.data.pixels import pil_warnings_ignored
from genmix_da.errors import UserError
from genmix_da.progress import track

logger = logging.getLogger(__name__)

BUFFER = 2048  # features added to the statistics at once


@dataclass(frozen=True)
class Selection:
    """All edits of a domain, judged.

    Attributes:
        domain: readable images alone.
        skipped: (path, reason) of images that could not be read.
        edits: in the order of images and copies.
        statistics: of the pairs of originals; None with features off.
        threshold: on the similarity; None with features off.
        made: edits made now, not taken from the cache.
        editor: name; its settings are in `editor_settings`.
        stand_in: the editor imitates a generative one.
        encoder: name, or "off".
        fingerprint: SHA-256 over class, file name and bytes of all readable images.
    """

    domain: Domain
    skipped: tuple[tuple[str, str], ...]
    edits: Sequence[Edit]
    statistics: Statistics | None
    threshold: float | None
    made: int
    editor: str
    editor_settings: dict[str, object]
    stand_in: bool
    encoder: str
    fingerprint: str

    def count(self, status: str) -> int:
        """Number of edits with a status."""
        return counted(self.edits, status)


def _feature(
    encoder: Encoder, cache: EditCache, kind: str, key: str, picture: Callable[[], Pixels]
) -> NDArray[np.float32]:
    """Feature [D] of one picture, from the cache where it is there.

    Pictures are encoded one by one: rounding depends on the batch, and a feature that depended on
    which others were missing would make a resumed run end with other bytes.
    """
    name = hashlib.sha256(f"{encoder.identity}/{kind}/{key}".encode()).hexdigest()[:40]
    found = cache.feature(name)
    if found is not None:
        return found
    feature = encode_one(encoder, picture())
    cache.put_feature(name, feature)
    return feature


def judge_edits(
    domain: Domain, jobs: Sequence[Job], encoder: Encoder, cache: EditCache, s: AugmentSettings
) -> tuple[Edits, Statistics, float]:
    """Compare every edit with its original and with the pairs of originals.

    Raises:
        UserError: fewer than two images: there is no pair to take statistics from.
    """

    def load(index: int) -> Pixels:
        return load_working_image(domain.images[index], s.size, domain.grey)

    return judge_loaded(Originals(domain.name, domain.labels, load), jobs, encoder, cache, s)


@dataclass(frozen=True)
class Originals:
    """The images that edits are compared with, wherever they come from.

    Attributes:
        name: of all, for messages.
        labels: class of each; None where there are none.
        load: index -> working image [H, W, 3].
    """

    name: str
    labels: Sequence[str] | None
    load: Callable[[int], Pixels]


def judge_loaded(
    originals: Originals,
    jobs: Sequence[Job],
    encoder: Encoder,
    cache: EditCache,
    s: AugmentSettings,
) -> tuple[Edits, Statistics, float]:
    """`judge_edits` of images that need not be files."""
    statistics = PairStatistics()
    similarity = np.full(len(jobs), np.nan)
    failures: dict[int, str] = {}
    labels = originals.labels if s.rule == "same-class" and originals.labels else None
    starts: Sequence[int] = range(0, len(jobs), s.per_image)  # of the jobs of an image
    # The statistics of a class need its images one after the other; lists may have them mixed.
    if labels is not None:
        starts = sorted(starts, key=lambda start: labels[start // s.per_image])
    buffer: list[NDArray[np.float32]] = []
    label = None
    for start in track(starts, "comparing", len(starts)):
        group = jobs[start : start + s.per_image]
        index = group[0].index
        if labels is not None and labels[index] != label:
            _flush(statistics, buffer)
            statistics.next_group()
            label = labels[index]
        # The keys hold the image's hash; the original's feature hangs on the first of them.
        original = _feature(
            encoder, cache, "original", group[0].key, partial(originals.load, index)
        )
        buffer.append(original)
        if len(buffer) == BUFFER:
            _flush(statistics, buffer)
        for place, job in enumerate(group, start):
            failure = cache.failure(job.key)
            if failure is not None:
                failures[place] = failure.reason
            else:
                load = partial(cached_edit, cache, job.key)
                feature = _feature(encoder, cache, "edit", job.key, load)
                similarity[place] = cosine(original, feature)
    _flush(statistics, buffer)
    try:
        result = statistics.result()
    except ValueError as error:
        raise UserError(
            f"{originals.name} has too few images for faithful selection ({error}); "
            "use --features off."
        ) from error
    threshold = result.threshold(s.sigmas)
    return Edits(jobs, failures, similarity, threshold), result, threshold


def unjudged(jobs: Sequence[Job], cache: EditCache) -> Edits:
    """Every edit that did not fail is kept."""
    failures = {}
    for place, job in enumerate(jobs):
        if not cache.holds(cache.path(job.key)):
            found = cache.get(job.key)
            failures[place] = found.reason if isinstance(found, Failure) else ""
    return Edits(jobs, failures)


def cached_edit(cache: EditCache, key: str) -> Pixels:
    """An edit that was made, from the cache.

    Raises:
        UserError: it is not there any more.
    """
    edit = cache.get(key)
    if edit is None or isinstance(edit, Failure):
        raise UserError("an edit vanished from the cache; run the command again.")
    return edit


def _flush(statistics: PairStatistics, buffer: list[NDArray[np.float32]]) -> None:
    """Add the buffered features at once: one by one the Gram matrix costs seventy times as much."""
    if buffer:
        statistics.add(np.stack(buffer))
        buffer.clear()


def select_edits(
    domain: Domain,
    prompts: PromptSet,
    editor: Editor,
    encoder: Encoder | None,
    cache: EditCache,
    s: AugmentSettings,
) -> Selection:
    """Edit a domain and choose the faithful edits; says so where the threshold chooses nothing.

    Args:
        domain: labelled images.
        prompts: styles to draw from.
        editor: how to edit.
        encoder: how to compare; None keeps every edit that did not fail.
        cache: of edits and features.
        s: settings.

    Raises:
        UserError: the editor does not know a style, no readable image, too few images.
    """
    selection = edit_and_judge(domain, prompts, editor, encoder, cache, s)
    warn_of_threshold(selection.edits, selection.threshold)
    return selection


def edit_and_judge(
    domain: Domain,
    prompts: PromptSet,
    editor: Editor,
    encoder: Encoder | None,
    cache: EditCache,
    s: AugmentSettings,
) -> Selection:
    """`select_edits` without a word."""
    with pil_warnings_ignored():
        readable, jobs, skipped, made, fingerprint = edit_domain(domain, prompts, editor, cache, s)
    refuse_unreadable(domain, len(readable.images))
    statistics, threshold = None, None
    if encoder is None:
        edits = unjudged(jobs, cache)
    else:
        edits, statistics, threshold = judge_edits(readable, jobs, encoder, cache, s)
    return Selection(
        readable,
        tuple(skipped),
        edits,
        statistics,
        threshold,
        made,
        editor.name,
        dict(editor.settings),
        editor.stand_in,
        encoder.name if encoder else "off",
        fingerprint,
    )


def warn_of_threshold(edits: Sequence[Edit], threshold: float | None) -> None:
    """Say so where the threshold keeps everything, or drops most; None: nothing was compared."""
    kept, dropped = counted(edits, KEPT), counted(edits, DROPPED)
    if threshold is None or kept + dropped == 0:
        return
    if dropped == 0:
        logger.warning(
            "the threshold %.3f keeps every edit: it selects nothing (try --rule same-class)",
            threshold,
        )
    elif dropped > kept:
        logger.warning(
            "the threshold %.3f drops %d of %d edits: the editor changes more than the style",
            threshold,
            dropped,
            kept + dropped,
        )
