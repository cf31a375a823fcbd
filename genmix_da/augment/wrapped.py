"""GenMix around any data set: torch's, torchvision's, or a split of the `datasets` library.

Edits are made once, into the cache that all of GenMix shares, and known there by the image's
pixels. Joining and blending happen whenever an item is asked for. Length, other fields of an item
and attributes are the data set's own.
"""

from __future__ import annotations

import hashlib
import logging
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from genmix_da.augment.cache import EditCache, edit_cache
from genmix_da.augment.compose import Draws, compose, fractal_source
from genmix_da.augment.editors import Editor, make_editor
from genmix_da.augment.edits import fit, make_edits, refuse_long
from genmix_da.augment.encoders import encoder_of
from genmix_da.augment.features import Encoder
from genmix_da.augment.items import Items, Pixels, Slot, items_of, like
from genmix_da.augment.jobs import Job, plan_jobs
from genmix_da.augment.judged import STATUSES, Edit, counted
from genmix_da.augment.prompts import load_prompts
from genmix_da.augment.selection import (
    Originals,
    cached_edit,
    judge_loaded,
    unjudged,
    warn_of_threshold,
)
from genmix_da.augment.settings import AugmentSettings, settings_of
from genmix_da.errors import UserError
from genmix_da.progress import track
from lead.seeds import derive

logger = logging.getLogger(__name__)

_NO_EPOCH = -1


class GenMix:
    """GenMix for data sets in memory, on disk or of a hub.

    Args:
        settings: of GenMix.
        encoder: for faithful selection, or its name; see `encoder_of`. None keeps every edit that
            did not fail.
        device: of the editor, and of an encoder that is named.

    Raises:
        UserError: settings or encoder are something else, or the encoder can't be had.

    Example:
        >>> from torchvision.datasets import CIFAR10
        >>> from genmix_da.augment import AugmentSettings, GenMix
        >>> genmix = GenMix(AugmentSettings(size=64))
        >>> train = genmix.wrap(CIFAR10("data"))  # doctest: +SKIP
        >>> image, label = train[0]  # doctest: +SKIP
    """

    def __init__(
        self,
        settings: AugmentSettings | None = None,
        *,
        encoder: Encoder | str | None = None,
        device: str = "auto",
    ) -> None:
        self.settings = settings_of(settings)
        self._encoder = encoder_of(encoder, device)
        self._device = device

    def wrap(
        self,
        dataset: Any,
        *,
        transform: Callable[[Any], Any] | None = None,
        chance: float = 0.5,
        image: Slot | None = None,
        label: Slot | None = None,
    ) -> GenMixed:
        """Make the edits of a data set that the cache lacks, and give it with GenMix.

        Args:
            dataset: map-style; its items are (image, label, ...) tuples, or dicts. Its own
                transforms must draw nothing and leave 8 bits: the others belong to `transform`.
            transform: applied to the image at last, which is of the kind that the data set gives.
            chance: of GenMix, where the image has a kept edit.
            image, label: where they are in an item; see `items_of`.

        Raises:
            UserError: another kind of data set, image or label, or edits that would take long.
        """
        if not 0 <= chance <= 1:
            raise UserError(f"chance is {chance}; it must be in [0, 1].")
        s, cache = self.settings, edit_cache()
        editor = make_editor(s.editor, s.options(), device=self._device)
        items = items_of(dataset, image, label)
        planned = _plan(items, editor, s)
        _make_missing(items, planned, editor, cache, s)
        jobs = [job for plan in planned for job in plan.jobs]
        if self._encoder is None:
            edits, threshold = unjudged(jobs, cache), None
        else:
            labels = [plan.label for plan in planned]
            originals = Originals(items.name, labels, lambda i: _working(items, planned[i], s))
            edits, _, threshold = judge_loaded(originals, jobs, self._encoder, cache, s)
        warn_of_threshold(edits, threshold)
        _say(edits, editor)
        marks = [plan.mark for plan in planned]
        return GenMixed(items, tuple(edits), marks, s, transform, chance)


class GenMixed(Dataset[Any]):
    """A data set whose images come as they are, or as a fresh GenMix of themselves.

    `GenMix.wrap` makes it. Draws come from torch's generator: they differ from epoch to epoch and
    worker to worker, and torch.manual_seed repeats them. After `set_epoch` they hang on the
    settings' seed, the index and the epoch alone, with any number of workers.

    Args:
        items: the data set.
        edits: what became of each.
        marks: of the pixels of each item.
        settings: of GenMix.
        transform, chance: see `GenMix.wrap`.

    Attributes:
        dataset: what was wrapped.
        edits: what became of each edit; `job.index` is the item's.
    """

    def __init__(
        self,
        items: Items,
        edits: tuple[Edit, ...],
        marks: list[int],
        settings: AugmentSettings,
        transform: Callable[[Any], Any] | None,
        chance: float,
    ) -> None:
        self.dataset = items.dataset
        self.edits = edits
        self.transform = transform
        self._items = items
        self._marks = marks
        self._settings = settings
        self._chance = chance
        self._fractals = fractal_source(settings)
        self._keys: list[list[str]] = [[] for _ in marks]
        for edit in edits:
            if edit.status == "kept":
                self._keys[edit.job.index].append(edit.job.key)
        # Shared: workers that live through several epochs see it change.
        self._epoch = torch.tensor(_NO_EPOCH).share_memory_()  # type: ignore[no-untyped-call]

    def set_epoch(self, epoch: int) -> None:
        """Draw what belongs to an epoch, as `DistributedSampler.set_epoch` does.

        Args:
            epoch: from 0.
        """
        if epoch < 0:
            raise ValueError(f"an epoch is 0 or more, not {epoch}")
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self._marks)

    def __getitem__(self, index: int) -> Any:
        index = range(len(self))[index]  # negative ones count from the end
        item = self._items.item(index)
        original = self._items.pixels(item, index)
        pixels = fit(original, self._settings.size)
        seed = self._seed(index)
        draw, keys = np.random.default_rng(seed), self._keys[index]
        if keys and draw.random() < self._chance:
            if _mark(original) != self._marks[index]:
                raise _other_image(self._items, index)
            edit = cached_edit(edit_cache(), keys[int(draw.integers(len(keys)))])
            draws = Draws(seed, "wrapped")
            pixels = compose(pixels, edit, self._fractals, self._settings, draws).final
        picture = like(item[self._items.image], pixels)
        if self.transform is not None:
            picture = self.transform(picture)
        return self._items.with_image(item, picture)

    def _seed(self, index: int) -> int:
        epoch = int(self._epoch)
        if epoch == _NO_EPOCH:
            return int(torch.randint(2**31, ()))
        return derive(self._settings.seed, "wrapped", index, epoch)

    def __getattr__(self, name: str) -> Any:
        # Classes, targets and the like. Not what Python and torch look for under private names,
        # least of all __getitems__, by which torch would fetch around __getitem__.
        if name.startswith("_") or name == "dataset":
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return getattr(self.dataset, name)


@dataclass(frozen=True)
class _Plan:
    """The edits of one item.

    Attributes:
        index: of the item.
        label: as text.
        mark: of its pixels, told quickly.
        jobs: its edits.
    """

    index: int
    label: str
    mark: int
    jobs: list[Job]


def _plan(items: Items, editor: Editor, s: AugmentSettings) -> list[_Plan]:
    """Look at every item once; nothing of its pixels is kept in memory."""
    prompts = load_prompts(s.prompts)
    editor.check(prompts.styles)
    planned = []
    for index in track(range(len(items.dataset)), "reading", len(items.dataset)):
        item = items.item(index)
        pixels, label = items.pixels(item, index), items.label_of(item, index)
        content = f"pixels {pixels.shape}\n".encode() + pixels.tobytes()
        image_hash = hashlib.sha256(content).hexdigest()
        jobs = plan_jobs(image_hash, index, f"{label}/{index}", prompts, editor, s)
        planned.append(_Plan(index, label, _mark(pixels), jobs))
    return planned


def _make_missing(
    items: Items, planned: list[_Plan], editor: Editor, cache: EditCache, s: AugmentSettings
) -> None:
    """Make the edits that the cache lacks.

    Raises:
        UserError: they would take long, or the data set does not give the same image twice.
    """
    missing = [(plan, job) for plan in planned for job in plan.jobs if not cache.has(job.key)]
    if editor.slow and not s.options().yes:
        refuse_long(len(missing), editor)
    pending: list[tuple[Job, Pixels]] = []
    last: tuple[int, Pixels] | None = None
    for plan, job in track(missing, "editing", len(missing)):
        if last is None or last[0] != plan.index:
            last = plan.index, _working(items, plan, s)
        pending.append((job, last[1]))
        if len(pending) >= editor.largest_batch:
            size = editor.largest_batch  # it shrinks where memory turns out too small
            make_edits(editor, cache, pending[:size])
            pending = pending[size:]
    if pending:
        make_edits(editor, cache, pending)


def _working(items: Items, plan: _Plan, s: AugmentSettings) -> Pixels:
    """An item's image as it is edited.

    Raises:
        UserError: it is another one than it was.
    """
    pixels = items.pixels(items.item(plan.index), plan.index)
    if _mark(pixels) != plan.mark:
        raise _other_image(items, plan.index)
    return fit(pixels, s.size)


def _other_image(items: Items, index: int) -> UserError:
    return UserError(
        f"item {index} of {items.name} is another image than before, so its edits don't belong to "
        "it; leave transforms that draw (crops, flips) out of the data set and give them to "
        "wrap(transform=...)."
    )


def _mark(pixels: Pixels) -> int:
    return zlib.crc32(pixels.data)


def _say(edits: Sequence[Edit], editor: Editor) -> None:
    count = [counted(edits, status) for status in STATUSES]
    name = f"{editor.name}, a stand-in for a generative editor" if editor.stand_in else editor.name
    logger.info("GenMix[%s]: %d edits kept, %d dropped, %d failed", name, *count)
