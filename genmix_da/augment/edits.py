"""Edit every image of a domain: the expensive half of GenMix (Eq. 2).

Images are worked through one by one, in order; what is held in memory are keys, never pictures of
more than one batch. Everything made goes into the content-addressed cache, so a
second run, another target or a resumed run makes nothing again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from array import array
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.cache import EditCache
from genmix_da.augment.editors import Editor, edit_problem
from genmix_da.augment.editors.base import fit_to, to_uint8
from genmix_da.augment.jobs import Job, Jobs, content_hash, job_name, plan_jobs
from genmix_da.augment.prompts import PromptSet
from genmix_da.augment.settings import AugmentSettings
from genmix_da.data.domain import Domain
from genmix_da.data.grey import GreyRange
from genmix_da.data.pixels import read_image
from genmix_da.errors import UserError
from genmix_da.progress import track
from genmix_da.stores.copies import push, sent_together

logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]

PATIENCE = 600.0  # seconds of editing on a CPU that are not asked about


def load_working_image(path: Path, size: int, grey: GreyRange | None = None) -> Pixels:
    """An image file as upright RGB pixels, its longest side at most `size`.

    Args:
        path: of the file.
        size: in pixels.
        grey: of the data set that it belongs to.

    Raises:
        ValueError: it cannot be read.
        OSError: it cannot be opened.
    """
    pixels = np.asarray(read_image(path.read_bytes(), grey))
    return fit(pixels, size)


def fit(pixels: Pixels, size: int) -> Pixels:
    """Shrink so that the longest side is at most `size` pixels; never enlarge."""
    longest = max(pixels.shape[:2])
    if longest <= size:
        return pixels
    height, width = (max(round(side * size / longest), 1) for side in pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))


@lru_cache(maxsize=8)
def _send_rest(folder: Path) -> None:
    """Send what an interrupted process of this machine left unsent; once is enough."""
    push(folder)


def make_edits(editor: Editor, cache: EditCache, pending: Sequence[tuple[Job, Pixels]]) -> None:
    """Edit one batch and keep the results; unusable ones are tried once more with another seed."""
    results = editor.edit(
        [pixels for _, pixels in pending],
        [job.style for job, _ in pending],
        [job.seed for job, _ in pending],
    )
    with sent_together(cache.folder):
        for (job, pixels), result in zip(pending, results, strict=True):
            _keep(editor, cache, job, pixels, result)


def _keep(editor: Editor, cache: EditCache, job: Job, pixels: Pixels, result: NDArray[Any]) -> None:
    problem = edit_problem(result)
    if problem is not None:
        result = editor.edit([pixels], [job.style], [job.retry_seed])[0]
        problem = edit_problem(result)
        if problem is None:
            cache.note_retry(job.key)  # first, so that an edit that is there is never misfiled
    if problem is None:
        cache.put(job.key, to_uint8(fit_to(result, pixels)))
    else:
        cache.put_failure(job.key, problem)


def count_edits(
    domain: Domain,
    prompts: PromptSet,
    editor: Editor,
    cache: EditCache,
    s: AugmentSettings,
    shard: tuple[int, int] = (1, 1),
) -> tuple[int, int]:
    """(edits that are wanted, those of them that the cache holds); nothing is decoded."""
    wanted = cached = 0
    for index, path in enumerate(track(domain.images, "counting", len(domain.images))):
        if not belongs(index, shard):
            continue
        try:
            image_hash = content_hash(path, path.read_bytes(), domain.grey)
        except OSError:
            continue  # reported when it is to be edited
        jobs = plan_jobs(image_hash, index, job_name(domain, index), prompts, editor, s)
        wanted += len(jobs)
        cached += sum(cache.has(job.key) for job in jobs)
    return wanted, cached


def belongs(index: int, shard: tuple[int, int]) -> bool:
    """Whether an image is of the i-th of n parts, i from 1."""
    return index % shard[1] == shard[0] - 1


def ask_first(
    domain: Domain,
    prompts: PromptSet,
    editor: Editor,
    cache: EditCache,
    s: AugmentSettings,
    shard: tuple[int, int] = (1, 1),
) -> None:
    """Stop where the styles cannot be edited, or editing would take long and nobody said --yes.

    It comes before anything is written: who changes the settings then finds nothing in the way.

    Raises:
        UserError: an unknown style; or saying how long it would take.
    """
    editor.check(prompts.styles)
    if s.options().yes or not editor.slow:
        return
    wanted, cached = count_edits(domain, prompts, editor, cache, s, shard)
    refuse_long(wanted - cached, editor)


def refuse_long(missing: int, editor: Editor) -> None:
    """Stop where so many edits would take long.

    Raises:
        UserError: saying how long.
    """
    if not missing:
        return
    seconds = editor.seconds_per_edit() or 0.0
    if missing * seconds > PATIENCE:
        hours = missing * seconds / 3600
        raise UserError(
            f"{missing} edits with {editor.name} would take {hours:.1f} hours on this CPU "
            f"({seconds:.1f} s each); use --editor filters, a machine with a GPU, or --yes."
        )


def refuse_unreadable(domain: Domain, readable: int) -> None:
    """Stop where no image of a whole domain can be read.

    Raises:
        UserError: saying so.
    """
    if not readable:
        raise UserError(f"none of the {len(domain.images)} images of {domain.folder} can be read.")


def edit_domain(
    domain: Domain,
    prompts: PromptSet,
    editor: Editor,
    cache: EditCache,
    s: AugmentSettings,
    shard: tuple[int, int] = (1, 1),
    *,
    quiet: bool = False,
) -> tuple[Domain, Jobs, list[tuple[str, str]], int, str]:
    """Make every edit of a domain that the cache does not hold.

    Args:
        domain: labelled images.
        prompts: styles to draw from.
        editor: how to edit.
        cache: of edits.
        s: settings.
        shard: (i, n): the i-th of n parts of the images alone, i from 1.
        quiet: say nothing of images that cannot be read: somebody else will.

    Returns:
        (readable part of the domain, its jobs, skipped files, number of edits made, fingerprint).
    """
    editor.check(prompts.styles)
    _send_rest(cache.folder)
    if editor.native_size is not None and editor.native_size < s.size:
        logger.info(
            "edits are made at %d px at most and enlarged to the image, which has %d at most",
            editor.native_size,
            s.size,
        )
    hashes = bytearray()
    kept = array("Q")
    skipped: list[tuple[str, str]] = []
    pending: list[tuple[Job, Pixels]] = []
    digest = hashlib.sha256()
    made = 0
    for index, path in enumerate(track(domain.images, "editing", len(domain.images))):
        if not belongs(index, shard):
            continue
        try:
            content = path.read_bytes()
            image_hash = content_hash(path, content, domain.grey)
            name = job_name(domain, index)
            wanted = plan_jobs(image_hash, len(kept), name, prompts, editor, s)
            missing = [job for job in wanted if not cache.has(job.key)]
            # A picture whose edits are all there need not be decoded; they vouch for it.
            pixels = fit(np.asarray(read_image(content, domain.grey)), s.size) if missing else None
        except (OSError, ValueError) as error:
            skipped.append((str(path), str(error)))
            if not quiet:
                logger.warning("skipped %s: %s", path, error)
            continue
        hashes += bytes.fromhex(image_hash)
        kept.append(index)
        digest.update(f"{name}/{image_hash}\n".encode(errors="surrogateescape"))
        pending += [(job, pixels) for job in missing if pixels is not None]
        while pending and len(pending) >= editor.largest_batch:
            size = editor.largest_batch  # it shrinks where memory turns out too small
            make_edits(editor, cache, pending[:size])
            made += size
            pending = pending[size:]
    if pending:
        make_edits(editor, cache, pending)
        made += len(pending)
    readable = domain  # as a rule all can be read, and one list of names is enough
    if len(kept) < len(domain.images):
        readable = dataclasses.replace(domain.part(kept), classes=domain.classes)
    jobs = Jobs(
        hashes,
        lambda name, row: plan_jobs(name, row, job_name(readable, row), prompts, editor, s),
        s.per_image,
    )
    return readable, jobs, skipped, made, digest.hexdigest()
