"""manifest.jsonl: the history of every augmented image, and the SHA-256 of what was written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmix_da.augment.cache import edit_cache
from genmix_da.augment.compose import Draws, drawn_names, fractal_source
from genmix_da.augment.selection import Edit, Selection
from genmix_da.augment.settings import AugmentSettings
from lead.checkpoint import write_atomically

MANIFEST = "manifest.jsonl"
WRITTEN = ".written.jsonl"


def output_path(selection: Selection, edit: Edit) -> Path:
    """Where an edit's augmented image goes, relative to the output folder."""
    domain, job = selection.domain, edit.job
    label = domain.labels[job.index] if domain.labels else ""
    return Path(label) / f"{domain.images[job.index].name}.{job.copy}.{job.style.name}.jpg"


def draws_of(selection: Selection, edit: Edit, seed: int, epoch: int = 0) -> Draws:
    """The random choices of an edit's composition; another epoch draws anew."""
    return Draws(seed, output_path(selection, edit).as_posix(), epoch)


@dataclass
class Vouched:
    """What a folder's records say of its images.

    Attributes:
        digests: output -> SHA-256.
        damaged: a line of the manifest cannot be read.
        earlier: the manifest is of a version that wrote no SHA-256: images are taken as they are.
    """

    digests: dict[str, str]
    damaged: bool
    earlier: bool


def recorded_digests(out: Path) -> Vouched:
    """What the manifest of a finished run says, and the notes of one that was interrupted."""
    found = Vouched({}, False, False)
    without = 0
    for row in _rows(out / MANIFEST):
        if row is None:
            found.damaged = True
        elif row.get("sha256"):
            found.digests[str(row["output"])] = str(row["sha256"])
        else:
            without += row.get("output") is not None
    found.earlier = without > 0 and not found.digests and not found.damaged
    # Its last line may be half a line: of an image that is made again.
    for row in _rows(out / WRITTEN):
        if row is not None and row.get("sha256"):
            found.digests[str(row.get("output"))] = str(row["sha256"])
    return found


def note_written(out: Path, name: Path) -> None:
    """Note an image as soon as it is written: the manifest comes at the end."""
    row = {"output": os.fspath(name), "sha256": digest_of(out / name)}
    with (out / WRITTEN).open("a") as file:
        file.write(json.dumps(row) + "\n")


def _rows(file: Path) -> Iterator[dict[str, Any] | None]:
    """The lines of a file that may not be there; None for one that is no row."""
    try:
        lines = file.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
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
    (out / WRITTEN).unlink(missing_ok=True)
