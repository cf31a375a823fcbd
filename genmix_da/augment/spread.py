"""Make the edits of a data set on an engine: in worker processes, or on the nodes of a cluster.

What needs all images at once is left to the caller, which finds every edit in the cache.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator, Sequence

from genmix_da.augment.cache import EditCache, edit_cache
from genmix_da.augment.editors import Editor, make_editor
from genmix_da.augment.edits import ask_first, refuse_unreadable
from genmix_da.augment.prompts import load_prompts
from genmix_da.augment.settings import AugmentSettings
from genmix_da.augment.shard_sizes import ShardSizes
from genmix_da.augment.shards import Done, EditShard, Filled, Order, edit_shard
from genmix_da.config_values import AUTO
from genmix_da.data.domain import Domain
from genmix_da.data.grey import GreyRange
from genmix_da.engines.base import Engine, Outcome
from genmix_da.engines.choose import parse_engine
from genmix_da.errors import UserError
from genmix_da.progress import bar

_TEXT = 64 * 1024  # characters of paths in a shard: Ray keeps what is larger in its object store
_TROUBLES = 5  # in a row, without a shard that is done: what is wrong is wrong with all of them
_LOOKS, _WAIT = 5, 1.0  # for an edit that another machine has made; seconds between them


def chosen_engine(engine: str | Engine, devices: Sequence[str]) -> Engine | None:
    """The engine that edits are made on; None where they are made here, by what is quickest here.

    Args:
        engine: its name, or itself.
        devices: that the editor runs on.

    Raises:
        UserError: there is no such engine, or several devices are named for one of several workers.
    """
    found = parse_engine(engine) if isinstance(engine, str) else engine
    if found.name == "local":
        return None
    if len(devices) > 1:
        raise UserError(
            f"--devices and --engine {found.name} exclude each other; the engine has workers of "
            "its own, which take the GPUs that there are."
        )
    return found


def fill_on_engine(
    domain: Domain, s: AugmentSettings, engine: Engine, *, device: str = "auto"
) -> Filled:
    """Make the edits of a domain on an engine, and nothing else.

    Args:
        domain: labelled images.
        s: settings.
        engine: where to work.
        device: that the editor runs on, as a worker sees it.

    Raises:
        UserError: as `edit_on_engine`; editing would take long and nobody said --yes.
    """
    editor = make_editor(s.editor, s.options(), device=device)
    ask_first(domain, load_prompts(s.prompts), editor, edit_cache(), s)
    filled = edit_on_engine(domain, editor, s, engine, device=device)
    refuse_unreadable(domain, filled.images)
    return filled


def edit_on_engine(
    domain: Domain,
    editor: Editor,
    s: AugmentSettings,
    engine: Engine,
    *,
    device: str = "auto",
    quiet: bool = False,
) -> Filled:
    """Make the edits of a domain in shards that are sized by time.

    Args:
        domain: labelled images.
        editor: of these settings, here; the workers make their own.
        s: settings.
        engine: where to work.
        device: that the editors run on, as a worker sees it.
        quiet: the caller names the images that cannot be read.

    Returns:
        What all shards came to.

    Raises:
        UserError: not all shards could be done, or the cache is none that the workers share.
    """
    order = Order(
        # What "auto" is here it may not be on another machine, and edits are named by it.
        dataclasses.replace(s, editor=editor.name) if s.editor == AUTO else s,
        device,
        dict(editor.settings),
        domain.name,
        os.fspath(domain.folder),
        _found_grey(domain.grey),
        quiet,
    )
    shards = _Shards(domain, order, edit_cache())
    with bar("editing") as advance:
        advance(0, len(domain.images))
        for outcome in engine.run(edit_shard, iter(shards)):
            shards.ended(outcome)
            advance(shards.done, len(domain.images))
    if shards.done < len(domain.images):
        raise UserError(
            f"{shards.done} of {len(domain.images)} images are edited and kept; the same command "
            f"with --resume goes on with the others ({shards.trouble})."
        )
    return shards.filled


class _Shards:
    """The shards of a domain, each made when an engine asks for it.

    Attributes:
        done: images of the shards that are done.
        filled: what these came to.
        trouble: why the first one that is not done was not; "" where there is none.
    """

    def __init__(self, domain: Domain, order: Order, cache: EditCache) -> None:
        self.done = 0
        self.filled = Filled(0, 0, 0, 0, 0, "")
        self.trouble = ""
        self._domain, self._order, self._cache = domain, order, cache
        self._sizes = ShardSizes(len(domain.images))
        self._running: dict[str, EditShard] = {}
        self._troubles = 0  # in a row
        self._shared = False  # an edit of a worker was seen in the cache

    def __iter__(self) -> Iterator[EditShard]:
        start = 0
        while self._sizes.left and self._troubles < _TROUBLES:
            shard = self._next(start, self._sizes.wanted())
            start += len(shard.images)
            self._sizes.given(len(shard.images))
            self._running[shard.key] = shard
            yield shard

    def _next(self, start: int, size: int) -> EditShard:
        images: list[str] = []
        text = 0
        for path in self._domain.images[start : start + size]:
            name = os.fspath(path)
            text += len(name)
            if images and text > _TEXT:
                break
            images.append(name)
        labels = self._domain.labels
        own = None if labels is None else labels[start : start + len(images)]
        return EditShard(self._order, start, tuple(images), own)

    def ended(self, outcome: Outcome) -> None:
        """Count what has ended.

        Raises:
            UserError: the edits are in another cache.
        """
        shard = self._running.pop(outcome.key)
        if not isinstance(outcome.result, Done):
            self._troubles += 1
            self.trouble = self.trouble or f"{shard.label}: {outcome.reason.rstrip('.')}"
            self._sizes.failed()
            return
        found, count = outcome.result.filled, len(shard.images)
        self._check_shared(outcome.result.sample)
        self._troubles = 0
        self.done += count
        edited = found.made / self._order.settings.per_image
        self._sizes.ended(count, edited, outcome.seconds)
        self.filled = Filled(
            images=self.filled.images + found.images,
            edits=self.filled.edits + found.edits,
            made=self.filled.made + found.made,
            failed=self.filled.failed + found.failed,
            skipped=self.filled.skipped + found.skipped,
            fingerprint="",
        )

    def _check_shared(self, key: str) -> None:
        """Every edit would be made again here if the workers kept theirs elsewhere."""
        if self._shared or not key:
            return
        for look in range(_LOOKS):  # a network file system may be a moment behind
            if look:
                time.sleep(_WAIT)
            if self._cache.has(key):
                self._shared = True
                return
        raise UserError(
            f"a worker's edits are not in {self._cache.folder}; set GENMIX_DA_CACHE to a folder "
            "that all nodes share."
        )


def _found_grey(grey: GreyRange) -> str:
    """The range as numbers where it is that of all images: no worker looks at more than its own."""
    if grey.choice != AUTO or grey.usual is None:
        return grey.choice
    black, white = grey.usual
    return f"{float(black)!r},{float(white)!r}"
