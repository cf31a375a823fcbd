"""GenMix online: edits are made once, and mask and fractal are drawn anew for every view."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from genmix_da.augment.cache import edit_cache
from genmix_da.augment.compose import Draws, compose, fractal_source
from genmix_da.augment.edits import ask_first
from genmix_da.augment.prompts import load_prompts
from genmix_da.augment.selection import select_edits
from genmix_da.augment.settings import AugmentSettings
from genmix_da.augment.source_task import Augmentation, SourceTask, TrainingSet, made_record
from genmix_da.data.decode import decode_domain
from genmix_da.data.domain import Domain
from genmix_da.data.shown_views import ShownViews
from genmix_da.errors import UserError


def online(task: SourceTask, augmentation: Augmentation, limit: int | None) -> TrainingSet:
    """Make the edits (once) and compose every augmented view anew."""
    originals = task.source.domain
    s, editor = augmentation.settings, augmentation.editor
    prompts, cache = load_prompts(s.prompts), edit_cache()
    ask_first(originals, prompts, editor, cache, s)
    started = time.perf_counter()
    selection = select_edits(originals, prompts, editor, augmentation.encoder, cache, s)
    seconds = {"edit": time.perf_counter() - started}
    kept = [edit for edit in selection.edits if edit.status == "kept"]
    if not kept:
        raise UserError("no edit was kept; use another editor, other prompts or --features off.")
    names = selection.domain.labels or ()
    edits = Domain(
        f"{originals.name} edits",
        cache.folder,
        tuple(cache.path(edit.job.key) for edit in cache.ahead(kept, lambda edit: edit.job.key)),
        tuple(names[edit.job.index] for edit in kept),
        originals.classes,
    )
    pre = task.preprocessing
    decoded = decode_domain(edits, pre.resize_size, pre.interpolation)
    if decoded.skipped:  # owners and labels below go by position
        raise UserError(f"the edit {decoded.skipped[0][0]} is damaged; remove it and try again.")
    rows = task.source.rows
    row_of = {path: row for row, path in zip(rows, originals.images, strict=True)}
    owners = np.array([row_of[selection.domain.images[edit.job.index]] for edit in kept])
    views = OnlineViews(task, rows, decoded.pixels, owners, s)
    labels = task.source.labels
    assert labels is not None
    edit_labels = [task.source_label(name) for name in edits.labels or ()]
    both = np.concatenate([labels, np.array(edit_labels, dtype=np.int64)])
    return TrainingSet(views, both, limit, made_record(selection, None, seconds))


class OnlineViews(ShownViews):
    """Originals, then one row for each kept edit, whose mask and fractal are drawn for every view.

    Args:
        task: decoded originals, preprocessing and device.
        rows: [n] originals in use.
        edits: [K, R, R, 3] decoded edits.
        owners: [K] the original's row of each edit.
        settings: masks, seam width, patches, lambda and fractals.
    """

    def __init__(
        self,
        task: SourceTask,
        rows: NDArray[np.int64],
        edits: NDArray[np.uint8],
        owners: NDArray[np.int64],
        settings: AugmentSettings,
    ) -> None:
        pixels = task.source.decoded.pixels
        all_rows = np.concatenate([rows, len(pixels) + np.arange(len(owners))])
        super().__init__(pixels, task.preprocessing, task.device, all_rows)
        self._edits = edits
        self._owners = owners
        self._settings = settings
        self._fractals = fractal_source(settings)

    def picture(self, row: int, draw: np.random.Generator) -> NDArray[np.uint8]:
        """An original, or a new composition of an edit with its original: [R, R, 3]."""
        edit = row - len(self.images)
        if edit < 0:
            return super().picture(row, draw)
        draws = Draws(int(draw.integers(2**31)), "online")
        original = self.images[self._owners[edit]]
        return compose(original, self._edits[edit], self._fractals, self._settings, draws).final

    def evaluation(self, rows: slice) -> Tensor:
        """Centre crops of some rows [B, 3, S, S]; of an edit as it is: a composition is drawn."""
        centre, count = self.preprocessing.centre, len(self.images)
        pictures = (
            self.images[row] if row < count else self._edits[row - count] for row in self.rows[rows]
        )
        return self._to_network(np.stack([picture[centre, centre] for picture in pictures]))
