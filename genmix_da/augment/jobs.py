"""Which edits an image gets: styles, seeds and the names that edits have in the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from genmix_da.augment.cache import edit_key
from genmix_da.augment.editors import Editor
from genmix_da.augment.prompts import PromptSet, Style
from genmix_da.augment.settings import AugmentSettings
from genmix_da.data.domain import Domain
from genmix_da.data.grey import GreyRange
from lead.seeds import derive

_HASH = 32  # bytes


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


class Jobs(Sequence[Job]):
    """The edits of some images in order, planned anew where one is asked for.

    Of an image its hash alone is kept: a million of them with their jobs would take gigabytes.

    Args:
        hashes: SHA-256 of each image, 32 bytes one after the other.
        plan: (hash in hexadecimal digits, row of the image) -> its jobs.
        per_image: how many these are.
    """

    def __init__(
        self, hashes: bytes | bytearray, plan: Callable[[str, int], list[Job]], per_image: int
    ) -> None:
        self._hashes, self._plan, self._per_image = hashes, plan, per_image

    def __len__(self) -> int:
        return len(self._hashes) // _HASH * self._per_image

    @overload
    def __getitem__(self, place: int) -> Job: ...
    @overload
    def __getitem__(self, place: slice) -> list[Job]: ...
    def __getitem__(self, place: int | slice) -> Job | list[Job]:
        places = range(len(self))[place]
        if isinstance(places, int):
            return self._at([places])[0]
        return self._at(places)

    def __iter__(self) -> Iterator[Job]:
        for row in range(len(self._hashes) // _HASH):
            yield from self._of(row)

    def _at(self, places: Sequence[int]) -> list[Job]:
        found = []
        held, jobs = -1, list[Job]()
        for place in places:
            row, copy = divmod(place, self._per_image)
            if row != held:  # those of one image are asked for together
                held, jobs = row, self._of(row)
            found.append(jobs[copy])
        return found

    def _of(self, row: int) -> list[Job]:
        return self._plan(self._hashes[row * _HASH : (row + 1) * _HASH].hex(), row)


def job_name(domain: Domain, index: int) -> str:
    """Class/file name of an image."""
    return f"{domain.labels[index] if domain.labels else ''}/{domain.images[index].name}"


def content_hash(path: Path, content: bytes, grey: GreyRange) -> str:
    """What decides an image's pixels: SHA-256 of its bytes, and its range of deep grey."""
    return hashlib.sha256(content + grey.mark([path]).encode()).hexdigest()
