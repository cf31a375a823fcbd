"""A shard of edits: what a worker gets of a million images, what it does and what it gives back.

It holds the paths and labels of its own images and nothing of the others, and no pixels: these are
read where the work is done, and edits go into the cache there. Both lie on a file system that all
workers share.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmix_da.augment.cache import edit_cache
from genmix_da.augment.editors import Editor, make_editor
from genmix_da.augment.edits import edit_domain
from genmix_da.augment.prompts import load_prompts
from genmix_da.augment.settings import AugmentSettings
from genmix_da.data.domain import Domain
from genmix_da.data.grey import GreyRange
from genmix_da.data.pixels import pil_warnings_ignored
from genmix_da.errors import UserError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Filled:
    """What a part of the work came to.

    Attributes:
        images: readable images of the part.
        edits: that are wanted of them.
        made: of these now; the others were there.
        failed: unusable after their retry.
        skipped: images that cannot be read.
        fingerprint: SHA-256 over the part's images; "" where an engine made the parts, whose
            bounds hang on time.
    """

    images: int
    edits: int
    made: int
    failed: int
    skipped: int
    fingerprint: str


@dataclass(frozen=True)
class Order:
    """What all shards have in common.

    Attributes:
        settings: of GenMix, the editor by its name.
        device: that the editor runs on, as the worker sees it.
        editor_settings: that it must have there, too: they are part of every edit's name.
        name, folder: of the data set.
        grey: black and white of its deep grey images, see `GreyRange`; already found.
        quiet: somebody else names the images that cannot be read.
    """

    settings: AugmentSettings
    device: str
    editor_settings: Mapping[str, Any]
    name: str
    folder: str
    grey: str
    quiet: bool


@dataclass(frozen=True)
class EditShard:
    """Some images of a data set.

    Attributes:
        order: what is to be done with them.
        start: place of the first in the data set.
        images: their paths.
        labels: class of each; None where the data set has none.
    """

    order: Order
    start: int
    images: tuple[str, ...]
    labels: tuple[str, ...] | None

    @property
    def key(self) -> str:
        """Unique among the shards of a data set."""
        return str(self.start)

    @property
    def label(self) -> str:
        """For people, who count from 1."""
        return f"images {self.start + 1} to {self.start + len(self.images)}"


@dataclass(frozen=True)
class Done:
    """What a shard came to.

    Attributes:
        filled: the numbers.
        sample: key of one of its edits; "" where there is none.
    """

    filled: Filled
    sample: str


def edit_shard(shard: EditShard) -> Done:
    """Make the edits of a shard that the cache does not hold.

    Raises:
        UserError: none of its images is there, or the editor has other settings than where the
            shard comes from.
    """
    order, s = shard.order, shard.order.settings
    editor = _editor(s, order.device)
    _check_same(order, editor)
    images = tuple(Path(image) for image in shard.images)
    if not any(image.exists() for image in images):
        raise UserError(
            f"{socket.gethostname()} has none of {shard.label}, the first {images[0]}; the data "
            "must lie on a file system that all nodes share."
        )
    classes = tuple(sorted(set(shard.labels or ())))
    grey = GreyRange((), order.grey)
    domain = Domain(order.name, Path(order.folder), images, shard.labels, classes, grey=grey)
    cache = edit_cache()
    with pil_warnings_ignored() if order.quiet else nullcontext():
        readable, jobs, skipped, made, mark = edit_domain(
            domain, load_prompts(s.prompts), editor, cache, s, quiet=order.quiet
        )
    failed = sum(cache.failure(job.key) is not None for job in jobs)
    filled = Filled(len(readable.images), len(jobs), made, failed, len(skipped), mark)
    return Done(filled, jobs[0].key if jobs else "")


_kept: list[tuple[AugmentSettings, str, Editor]] = []  # at most one: its networks fill the memory


def _editor(s: AugmentSettings, device: str) -> Editor:
    """The editor of these settings; that of the last shard where a process has several."""
    if not _kept or _kept[0][:2] != (s, device):
        _kept.clear()
        _kept.append((s, device, make_editor(s.editor, s.options(), device=device)))
    return _kept[0][2]


def _check_same(order: Order, editor: Editor) -> None:
    here, there = dict(editor.settings), dict(order.editor_settings)
    names = (*there, *(name for name in here if name not in there))
    name = next((name for name in names if here.get(name) != there.get(name)), None)
    if name is None:
        return
    raise UserError(
        f"{editor.name} has another {name} on {socket.gethostname()} ({here.get(name)!r}) than "
        f"where the command was given ({there.get(name)!r}); name it in the command, e.g. with "
        "--precision."
    )
