"""Edit every image of a domain and choose the faithful edits: the expensive half of GenMix.

Images are worked through one by one, in order; what is held in memory are keys and similarities,
never pictures of more than one batch. Everything made goes into the content-addressed cache, so a
second run, another target or a resumed run makes nothing again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.cache import EditCache, Failure, edit_key
from genmix_da.augment.editors import Editor, edit_problem
from genmix_da.augment.editors.base import to_uint8
from genmix_da.augment.faithful import PairStatistics, Statistics, cosine
from genmix_da.augment.features import Encoder
from genmix_da.augment.prompts import PromptSet, Style
from genmix_da.augment.settings import AugmentSettings
from genmix_da.data import Domain
from genmix_da.decode import read_image
from genmix_da.errors import UserError
from genmix_da.progress import track
from lead.seeds import derive

logger = logging.getLogger(__name__)

_CHUNK = 16  # images whose features are computed together

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Job:
    """One edit that is wanted.

    Attributes:
        index: of the image in the domain.
        copy: number of the edit of this image, from 0.
        style: drawn for it.
        seed: of the edit.
        retry_seed: of the second attempt, where the first cannot be used.
        key: in the cache.
    """

    index: int
    copy: int
    style: Style
    seed: int
    retry_seed: int
    key: str


@dataclass(frozen=True)
class Edit:
    """What became of a job.

    Attributes:
        job: which edit.
        status: "kept", "dropped" or "failed".
        similarity: cosine with the original; None where it failed or nothing was compared.
        reason: of a failure, else "".
    """

    job: Job
    status: str
    similarity: float | None
    reason: str = ""


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
    edits: tuple[Edit, ...]
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
        return sum(edit.status == status for edit in self.edits)


def load_working_image(path: Path, size: int) -> Pixels:
    """An image file as upright RGB pixels, its longest side at most `size`.

    Raises:
        ValueError: it cannot be read.
        OSError: it cannot be opened.
    """
    pixels = np.asarray(read_image(path.read_bytes()))
    return fit(pixels, size)


def fit(pixels: Pixels, size: int) -> Pixels:
    """Shrink so that the longest side is at most `size` pixels; never enlarge."""
    longest = max(pixels.shape[:2])
    if longest <= size:
        return pixels
    height, width = (max(round(side * size / longest), 1) for side in pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))


def plan_jobs(
    image_hash: str, index: int, name: str, prompts: PromptSet, editor: Editor, s: AugmentSettings
) -> list[Job]:
    """The edits of one image: styles in a drawn order, repeated where there are too few.

    Args:
        image_hash: SHA-256 of its bytes.
        index: of the image.
        name: class/file name; with the seed it decides the draw, so order and place do not.
        prompts, editor, s: what to edit with.
    """
    order = np.random.default_rng(derive(s.seed, "style", name)).permutation(len(prompts.styles))
    jobs = []
    for copy in range(s.per_image):
        style = prompts.styles[order[copy % len(order)]]
        seed = derive(s.seed, "edit", image_hash, style.name, copy // len(order))
        retry = derive(seed, "retry")
        key = edit_key(image_hash, style, editor.name, editor.settings, s.size, seed)
        jobs.append(Job(index, copy, style, seed, retry, key))
    return jobs


def make_edits(editor: Editor, cache: EditCache, pending: Sequence[tuple[Job, Pixels]]) -> None:
    """Edit one batch and keep the results; unusable ones are tried once more with another seed."""
    results = editor.edit(
        [pixels for _, pixels in pending],
        [job.style for job, _ in pending],
        [job.seed for job, _ in pending],
    )
    for (job, pixels), result in zip(pending, results, strict=True):
        problem = edit_problem(result)
        if problem is not None:
            result = editor.edit([pixels], [job.style], [job.retry_seed])[0]
            problem = edit_problem(result)
        if problem is None:
            cache.put(job.key, fit_to(to_uint8(result), pixels))
        else:
            cache.put_failure(job.key, problem)


def fit_to(edit: Pixels, original: Pixels) -> Pixels:
    """The edit at the size of its working image (editors with a native size return that)."""
    if edit.shape == original.shape:
        return edit
    size = (original.shape[1], original.shape[0])
    return np.asarray(cv2.resize(edit, size, interpolation=cv2.INTER_AREA))


def edit_domain(
    domain: Domain, prompts: PromptSet, editor: Editor, cache: EditCache, s: AugmentSettings
) -> tuple[Domain, list[Job], list[tuple[str, str]], int, str]:
    """Make every edit of a domain that the cache does not hold.

    Returns:
        (readable part of the domain, its jobs, skipped files, number of edits made, fingerprint).
    """
    editor.check(prompts.styles)
    jobs: list[Job] = []
    kept: list[int] = []
    skipped: list[tuple[str, str]] = []
    pending: list[tuple[Job, Pixels]] = []
    digest = hashlib.sha256()
    made = 0
    for index, path in enumerate(track(domain.images, "editing", len(domain.images))):
        try:
            content = path.read_bytes()
            image_hash = hashlib.sha256(content).hexdigest()
            label = domain.labels[index] if domain.labels else ""
            name = f"{label}/{path.name}"
            wanted = plan_jobs(image_hash, len(kept), name, prompts, editor, s)
            missing = [job for job in wanted if not cache.has(job.key)]
            # A picture whose edits are all there need not be decoded; they vouch for it.
            pixels = fit(np.asarray(read_image(content)), s.size) if missing else None
        except (OSError, ValueError) as error:
            skipped.append((str(path), str(error)))
            logger.warning("skipped %s: %s", path, error)
            continue
        jobs += wanted
        kept.append(index)
        digest.update(f"{name}/{image_hash}\n".encode())
        pending += [(job, pixels) for job in missing if pixels is not None]
        while len(pending) >= editor.largest_batch:
            make_edits(editor, cache, pending[: editor.largest_batch])
            made += len(pending[: editor.largest_batch])
            pending = pending[editor.largest_batch :]
    if pending:
        make_edits(editor, cache, pending)
        made += len(pending)
    if not kept:
        raise UserError(f"none of the {len(domain.images)} images of {domain.folder} can be read.")
    labels = tuple(domain.labels[i] for i in kept) if domain.labels else None
    images = tuple(domain.images[i] for i in kept)
    readable = Domain(domain.name, domain.folder, images, labels, domain.classes)
    return readable, jobs, skipped, made, digest.hexdigest()


def _features(
    encoder: Encoder, cache: EditCache, s: AugmentSettings, domain: Domain, jobs: Sequence[Job]
) -> list[NDArray[np.float32] | Failure]:
    """Features of a few images and their edits, taken from the cache where they are there.

    Args:
        encoder, cache, s: how, where and at what size.
        domain: the images.
        jobs: all edits of those images, in order.

    Returns:
        For each image in order: the original's feature, then each edit's (or its failure).
    """
    wanted: list[tuple[str, Path | str]] = []  # (name in the cache, original's path or edit's key)
    for _, group in groupby(jobs, key=lambda job: job.index):
        image_jobs = list(group)
        # The keys hold the image's hash; the original's feature hangs on the first of them.
        original = _feature_name(encoder, "original", image_jobs[0].key)
        wanted.append((original, domain.images[image_jobs[0].index]))
        wanted += [(_feature_name(encoder, "edit", job.key), job.key) for job in image_jobs]
    found: list[NDArray[np.float32] | Failure | None] = [cache.feature(name) for name, _ in wanted]
    if any(feature is None for feature in found):
        # All of the chunk, not the missing alone: rounding depends on the batch, and a resumed run
        # is to end with the same bytes.
        pictures: dict[int, Pixels] = {}
        for place, (_, picture_of) in enumerate(wanted):
            picture = (
                load_working_image(picture_of, s.size)
                if isinstance(picture_of, Path)
                else cache.get(picture_of)
            )
            if picture is None:
                raise UserError("an edit vanished from the cache; run the command again.")
            if isinstance(picture, Failure):
                found[place] = picture
            else:
                pictures[place] = picture
        encoded = encoder.encode(list(pictures.values()))
        for place, feature in zip(pictures, encoded, strict=True):
            cache.put_feature(wanted[place][0], feature)
            found[place] = feature
    return [feature for feature in found if feature is not None]


def _feature_name(encoder: Encoder, kind: str, key: str) -> str:
    return hashlib.sha256(f"{encoder.identity}/{kind}/{key}".encode()).hexdigest()[:40]


def judge_edits(
    domain: Domain, jobs: Sequence[Job], encoder: Encoder, cache: EditCache, s: AugmentSettings
) -> tuple[list[Edit], Statistics, float]:
    """Compare every edit with its original and with the pairs of originals.

    Raises:
        UserError: fewer than two images: there is no pair to take statistics from.
    """
    statistics = PairStatistics()
    judged: list[tuple[Job, float | None, str]] = []
    label = None
    chunks = range(0, len(jobs), _CHUNK * s.per_image)
    for start in track(chunks, "comparing", len(chunks)):
        chunk = jobs[start : start + _CHUNK * s.per_image]
        features = iter(_features(encoder, cache, s, domain, chunk))
        for index, group in groupby(chunk, key=lambda job: job.index):
            original = next(features)
            assert isinstance(original, np.ndarray)
            if s.rule == "same-class" and domain.labels and domain.labels[index] != label:
                statistics.next_group()
                label = domain.labels[index]
            statistics.add(original[None])
            for job in group:
                edit = next(features)
                if isinstance(edit, Failure):
                    judged.append((job, None, edit.reason))
                else:
                    judged.append((job, cosine(original, edit), ""))
    try:
        result = statistics.result()
    except ValueError as error:
        raise UserError(
            f"{domain.name} has too few images for faithful selection ({error}); "
            "use --features off."
        ) from error
    threshold = result.threshold(s.sigmas)
    edits_out = []
    for job, similarity, reason in judged:
        if similarity is None:
            edits_out.append(Edit(job, "failed", None, reason))
        else:
            kept = similarity >= threshold
            edits_out.append(Edit(job, "kept" if kept else "dropped", similarity))
    return edits_out, result, threshold


def select_edits(
    domain: Domain,
    prompts: PromptSet,
    editor: Editor,
    encoder: Encoder | None,
    cache: EditCache,
    s: AugmentSettings,
) -> Selection:
    """Edit a domain and choose the faithful edits.

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
    readable, jobs, skipped, made, fingerprint = edit_domain(domain, prompts, editor, cache, s)
    statistics, threshold = None, None
    if encoder is None:
        edits = []
        for job in jobs:
            failed = not cache.path(job.key).is_file()
            found = cache.get(job.key) if failed else None
            reason = found.reason if isinstance(found, Failure) else ""
            edits.append(Edit(job, "failed" if failed else "kept", None, reason))
    else:
        edits, statistics, threshold = judge_edits(readable, jobs, encoder, cache, s)
    selection = Selection(
        readable,
        tuple(skipped),
        tuple(edits),
        statistics,
        threshold,
        made,
        editor.name,
        dict(editor.settings),
        editor.stand_in,
        encoder.name if encoder else "off",
        fingerprint,
    )
    _warn(selection)
    return selection


def _warn(selection: Selection) -> None:
    kept, dropped = selection.count("kept"), selection.count("dropped")
    if selection.threshold is None or kept + dropped == 0:
        return
    if dropped == 0:
        logger.warning(
            "the threshold %.3f keeps every edit: it selects nothing (try --rule same-class)",
            selection.threshold,
        )
    elif dropped > kept:
        logger.warning(
            "the threshold %.3f drops %d of %d edits: the editor changes more than the style",
            selection.threshold,
            dropped,
            kept + dropped,
        )
