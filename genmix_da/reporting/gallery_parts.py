"""The pictures behind one line of a manifest: original, edit, mask, hybrid, fractal, final.

The folder holds the final image alone. The edit is in the cache, the original where the source
lies, and mask and fractal are drawn again from the same seed; what comes out is held against the
final image on disk, so that nothing is shown that was not so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from genmix_da.augment.cache import decode_jpeg, edit_cache
from genmix_da.augment.compose import Composition, Draws, compose, fractal_source
from genmix_da.augment.edits import Pixels, fit, load_working_image
from genmix_da.augment.fractals import FractalSource, windows_of
from genmix_da.augment.settings import AugmentSettings
from genmix_da.errors import UserError
from genmix_da.reporting.gallery_manifest import Line
from genmix_da.reporting.moved_files import data_homes, find_recorded

SIDE = 208  # longest side of a shown picture, in pixels
# Mean difference per value between a composition and its JPEG on disk. On Office-Caltech-10: up to
# 2.4 for what is the same, from 5.8 with another mask and fractal or another original.
_ALIKE = 4.0
_USED = ("fractal_lambda", "seam_width", "patches", "size", "seed")

# Why a picture is not there.
NO_ORIGINAL = "original is not where it was"
NO_EDIT = "edit is not in the cache any more"
OLD_MANIFEST = "edit is not named in the manifest, which is of an older version"
NO_SETTINGS = "composition cannot be made again: the settings or the fractals are gone"
UNLIKE = "composition does not come out like the image on disk"
NO_FINAL = "augmented image is not in its folder any more"


@dataclass(frozen=True)
class Parts:
    """Pictures [h, w, 3], at most `SIDE` on the longest side; None where one is not there.

    Attributes:
        original, edit, mask, hybrid, fractal, final: see `compose`; the mask in grey, white where
            the edit is.
        missing: why some are not there, of the sentences above.
    """

    original: Pixels | None
    edit: Pixels | None
    mask: Pixels | None
    hybrid: Pixels | None
    fractal: Pixels | None
    final: Pixels | None
    missing: tuple[str, ...]


class PartsFinder:
    """Finds and composes the pictures of an augmented folder.

    Args:
        folder: with manifest and images.
        record: content of its augment.json.
        result: content of result.json of a run that was trained on it.
        run: that run's folder.
    """

    def __init__(
        self, folder: Path, record: Mapping[str, Any], result: Mapping[str, Any], run: Path
    ) -> None:
        self._folder = folder
        self._record = record
        self._result = result
        self._run = run

    def parts(self, line: Line) -> Parts:
        """The pictures of one edit, kept, dropped or failed."""
        missing: list[str] = []
        original = self._original(line)
        if original is None:
            missing.append(NO_ORIGINAL)
        edit = None if line.status == "failed" else self._edit(line, missing)
        if line.status != "kept":
            return Parts(_small(original), _small(edit), None, None, None, None, tuple(missing))
        final = self._final(line)
        if final is None:
            missing.append(NO_FINAL)
        done = None
        if original is not None and edit is not None:
            done = self._composition(line, original, edit, final, missing)
        if done is None:
            parts = _small(original), _small(edit), None, None, None, _small(final)
            return Parts(*parts, missing=tuple(missing))
        mask = np.round(done.mask * 255).astype(np.uint8)
        return Parts(
            _small(original),
            _small(edit),
            _small(np.repeat(mask[:, :, None], 3, axis=2)),
            _small(done.hybrid),
            _small(done.fractal),
            _small(done.final if final is None else final),
            tuple(missing),
        )

    def _original(self, line: Line) -> Pixels | None:
        for folder in self._sources:
            found = _read(folder / line.source, self._size)
            if found is not None:
                return found
        # Of image lists the whole path is recorded.
        place = find_recorded(line.source, self._run, least=3)
        return _read(place, self._size) if place else None

    def _edit(self, line: Line, missing: list[str]) -> Pixels | None:
        if not line.edit:
            missing.append(OLD_MANIFEST)
            return None
        try:
            # Read, not asked of the cache: that removes files which it finds damaged.
            cache = edit_cache()
            return decode_jpeg(cache.here(cache.path(line.edit)).read_bytes())
        except (OSError, ValueError, UserError):  # UserError: of a store
            missing.append(NO_EDIT)
            return None

    def _final(self, line: Line) -> Pixels | None:
        # A manifest edited by hand must not put other files on a page.
        outside = Path(line.output).is_absolute() or ".." in Path(line.output).parts
        return None if outside else _read(self._folder / line.output, self._size)

    def _composition(
        self,
        line: Line,
        original: Pixels,
        edit: Pixels,
        final: Pixels | None,
        missing: list[str],
    ) -> Composition | None:
        if self._settings is None or (self._fractals is None) != (not line.fractal):
            missing.append(NO_SETTINGS)
            return None
        settings = self._settings
        draws = Draws(settings.seed, Path(line.output).as_posix())
        try:
            done = compose(original, edit, self._fractals, settings, draws)
        except (UserError, ValueError, OSError):
            missing.append(NO_SETTINGS)
            return None
        named = (done.mask_kind, done.fractal_name) == (line.mask, line.fractal)
        if not named or (final is not None and not _alike(done.final, final)):
            missing.append(UNLIKE)
            return None
        return done

    @cached_property
    def _sources(self) -> Sequence[Path]:
        """Folders that hold the domain's class folders, the likeliest first."""
        recorded = str(self._record.get("source_folder") or "")
        found = find_recorded(recorded, self._run)
        name = str(self._result.get("source") or "")
        homes = data_homes(self._result)
        places = [find_recorded(str(home / name), self._run) for home in homes]
        return [place for place in (found, *places) if place is not None] + homes

    @cached_property
    def _settings(self) -> AugmentSettings | None:
        """What a composition hangs on, of the record."""
        try:
            values = {key: self._record[key] for key in _USED}
            return AugmentSettings(
                masks=tuple(self._record["masks"]), fractals=self._fractal_folder(), **values
            )
        except (KeyError, TypeError, ValueError, UserError):
            return None

    def _fractal_folder(self) -> str | None:
        """A user's own fractals: the record has their fingerprint, the run where they lay."""
        config = (self._result.get("provenance") or {}).get("config") or {}
        recorded = (config.get("genmix") or {}).get("fractals")
        if recorded is None:
            return None
        return str(find_recorded(str(recorded), self._run) or recorded)

    @cached_property
    def _fractals(self) -> FractalSource | None:
        try:
            windows = windows_of(self._record.get("fractals"))
            return None if self._settings is None else fractal_source(self._settings, windows)
        except (UserError, OSError):
            return None

    @property
    def _size(self) -> int:
        return self._settings.size if self._settings else AugmentSettings().size


def _read(place: Path, size: int) -> Pixels | None:
    try:
        return load_working_image(place, size)
    except (OSError, ValueError):
        return None


def _alike(made: Pixels, final: Pixels) -> bool:
    if made.shape != final.shape:
        return False
    return float(np.abs(made.astype(np.int16) - final).mean()) < _ALIKE


def _small(pixels: Pixels | None) -> Pixels | None:
    return None if pixels is None else fit(pixels, SIDE)
