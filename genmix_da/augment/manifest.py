"""manifest.jsonl: the history of every augmented image, and the SHA-256 of what was written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genmix_da.augment.cache import edit_cache
from genmix_da.augment.compose import Draws, drawn_names, fractal_source
from genmix_da.augment.judged import Edit
from genmix_da.augment.selection import Selection
from genmix_da.augment.settings import AugmentSettings
from genmix_da.stores.copies import remove
from lead.files import write_atomically

MANIFEST = "manifest.jsonl"
WRITTEN = ".written.jsonl"
_TOGETHER = 100_000  # digests that are sorted in at once


def output_path(selection: Selection, edit: Edit) -> Path:
    """Where an edit's augmented image goes, relative to the output folder."""
    domain, job = selection.domain, edit.job
    label = domain.labels[job.index] if domain.labels else ""
    return Path(label) / f"{domain.images[job.index].name}.{job.copy}.{job.style.name}.jpg"


def draws_of(selection: Selection, edit: Edit, seed: int, epoch: int = 0) -> Draws:
    """The random choices of an edit's composition; another epoch draws anew."""
    return Draws(seed, output_path(selection, edit).as_posix(), epoch)


class Digests:
    """SHA-256 of files by their names, 16 bytes each: the first 8 of what names and digest hash to.

    That is enough to tell a damaged file, and little enough for millions of them.
    """

    def __init__(self) -> None:
        self._added: dict[int, int] = {}
        self._names = np.empty(0, np.uint64)
        self._digests = np.empty(0, np.uint64)

    def add(self, name: str, digest: str) -> None:
        """Note a file; what was noted of it before is forgotten."""
        self._added[_short(name)] = _short_digest(digest)
        if len(self._added) >= _TOGETHER:
            self._settle()

    def holds(self, name: str) -> bool:
        """Whether a file was noted."""
        return self._of(name) is not None

    def same(self, name: str, digest: str) -> bool:
        """Whether a file was noted with this digest."""
        return self._of(name) == _short_digest(digest)

    def __len__(self) -> int:
        self._settle()
        return len(self._names)

    def _of(self, name: str) -> int | None:
        self._settle()
        wanted = np.uint64(_short(name))
        row = int(np.searchsorted(self._names, wanted))
        there = row < len(self._names) and self._names[row] == wanted
        return int(self._digests[row]) if there else None

    def _settle(self) -> None:
        """Sort in what was added; of two notes of a name the later one stays."""
        if not self._added:
            return
        names = np.concatenate([np.fromiter(self._added, np.uint64), self._names])
        digests = np.concatenate([np.fromiter(self._added.values(), np.uint64), self._digests])
        self._names, rows = np.unique(names, return_index=True)
        self._digests = digests[rows]
        self._added.clear()


def _short(name: str) -> int:
    content = name.encode(errors="surrogateescape")
    return int.from_bytes(hashlib.sha256(content).digest()[:8])


def _short_digest(digest: str) -> int:
    """Of 64 hexadecimal digits; another text is no digest of any file."""
    try:
        return int(digest[:16], 16)
    except ValueError:
        return -1 % 2**64


@dataclass
class Vouched:
    """What a folder's records say of its images.

    Attributes:
        digests: of outputs by their names.
        damaged: a line of the manifest cannot be read.
        earlier: the manifest is of a version that wrote no SHA-256: images are taken as they are.
    """

    digests: Digests
    damaged: bool
    earlier: bool


def recorded_digests(out: Path) -> Vouched:
    """What the manifest of a finished run says, and the notes of one that was interrupted."""
    found = Vouched(Digests(), False, False)
    without = 0
    for row in _rows(out / MANIFEST):
        if row is None:
            found.damaged = True
        elif row.get("sha256"):
            found.digests.add(str(row["output"]), str(row["sha256"]))
        else:
            without += row.get("output") is not None
    found.earlier = without > 0 and not len(found.digests) and not found.damaged
    # Its last line may be half a line: of an image that is made again.
    for row in _rows(out / WRITTEN):
        if row is not None and row.get("sha256"):
            found.digests.add(str(row.get("output")), str(row["sha256"]))
    return found


def note_written(out: Path, name: Path) -> None:
    """Note an image as soon as it is written: the manifest comes at the end."""
    row = {"output": os.fspath(name), "sha256": digest_of(out / name)}
    with (out / WRITTEN).open("a") as file:
        file.write(json.dumps(row) + "\n")


def _rows(file: Path) -> Iterator[dict[str, Any] | None]:
    """The lines of a file that may not be there; None for one that is no row."""
    try:
        handle = file.open(errors="surrogateescape")
    except OSError:
        return
    with handle:
        for line in handle:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            yield row if isinstance(row, dict) else None


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def manifest_rows(selection: Selection, out: Path, s: AugmentSettings) -> Iterator[dict[str, Any]]:
    """A line for every edit: kept, dropped or failed; the draws are made again, not remembered."""
    fractals, cache = fractal_source(s), edit_cache()
    domain = selection.domain
    for edit in selection.edits:
        job = edit.job
        kept = edit.status == "kept"
        source = domain.images[job.index]
        draws = draws_of(selection, edit, s.seed)
        mask, fractal = drawn_names(fractals, s, draws) if kept else (None, None)
        yield {
            "source": os.fspath(source.relative_to(domain.folder))
            if source.is_relative_to(domain.folder)
            else os.fspath(source),
            "class": domain.labels[job.index] if domain.labels else None,
            "style": job.style.name,
            "prompt": job.style.text,
            "editor": selection.editor,
            "stand_in": selection.stand_in,
            "seed": job.retry_seed if cache.was_retried(job.key) else job.seed,
            "mask": mask,
            "fractal": fractal,
            "lambda": s.fractal_lambda,
            "similarity": edit.similarity,
            "threshold": selection.threshold,
            "kept": kept,
            "status": edit.status,
            "reason": edit.reason or None,
            "output": os.fspath(output_path(selection, edit)) if kept else None,
            "sha256": digest_of(out / output_path(selection, edit)) if kept else None,
            "edit": job.key,
        }


def write_manifest(selection: Selection, out: Path, s: AugmentSettings) -> None:
    """Write manifest.jsonl, in the order of the source."""

    def write(file: Path) -> None:
        with file.open("w") as handle:
            for row in manifest_rows(selection, out, s):
                handle.write(json.dumps(row) + "\n")

    write_atomically(out / MANIFEST, write)
    remove(out / WRITTEN)
