"""What GenMix did to the source images of one run: pictures, keep rates, similarities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genmix_da.augment.edits import Pixels
from genmix_da.data.pixels import pil_warnings_ignored
from genmix_da.errors import UserError
from genmix_da.reporting.gallery_choice import choose_lines
from genmix_da.reporting.gallery_manifest import (
    STATUSES,
    Line,
    keep_rates,
    read_manifest,
    read_record,
)
from genmix_da.reporting.gallery_parts import Parts, PartsFinder
from genmix_da.reporting.moved_files import find_recorded
from genmix_da.reporting.pictures import shown_pictures

ROWS = 8
PARTS = ("original", "edit", "mask", "hybrid", "fractal", "final")
# Of the record of an augmented folder: what a reader does not want of the settings.
_NO_SETTINGS = ("provenance", "data", "source_folder", "editor", "stand_in", "mode", "budget")


@dataclass(frozen=True)
class Entry:
    """One edit. Texts are as recorded: they may hold HTML or bytes that are no text (escaped
    surrogates).

    Attributes:
        status: "kept", "dropped" or "failed".
        reason: of a failure, else "".
        source: path of the original, relative to the source folder.
        class_name, style, prompt: of the edit.
        mask_kind, fractal_name: "" where the edit was not kept, or there is none.
        similarity, threshold: cosines; None where nothing was compared.
        original, edit, mask, hybrid, fractal, final: uint8 [h, w, 3], at most 208 pixels on the
            longest side; None where there is none, or it is gone.
    """

    status: str
    reason: str
    source: str
    class_name: str
    style: str
    prompt: str
    mask_kind: str
    fractal_name: str
    similarity: float | None
    threshold: float | None
    original: Pixels | None
    edit: Pixels | None
    mask: Pixels | None
    hybrid: Pixels | None
    fractal: Pixels | None
    final: Pixels | None

    @property
    def pictures(self) -> list[tuple[str, str]]:
        """What there is to look at, see `shown_pictures`."""
        return shown_pictures({part: getattr(self, part) for part in PARTS})


@dataclass(frozen=True)
class Gallery:
    """The augmentation of one run.

    Attributes:
        entries: a spread of styles, then the worst kept, the best dropped, failed ones.
        by_style, by_class: name -> {"kept", "dropped", "failed"}: numbers of edits.
        counts: the same in all.
        similarities: (cosine, status) of every edit that was compared.
        threshold: on the cosine; None where nothing was compared.
        editor: its name; "" without GenMix.
        stand_in: the editor imitates a generative one.
        settings: resolved settings of GenMix.
        note: sentences about what is missing; "" where nothing is.
    """

    entries: tuple[Entry, ...] = ()
    by_style: dict[str, dict[str, int]] = field(default_factory=dict)
    by_class: dict[str, dict[str, int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    similarities: tuple[tuple[float, str], ...] = ()
    threshold: float | None = None
    editor: str = ""
    stand_in: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def gallery(result: Mapping[str, Any], run: Path, rows: int = ROWS) -> Gallery:
    """What GenMix did to the source images of one run.

    Nothing that is missing is an error: the note says what.

    Args:
        result: content of the run's result.json.
        run: its folder.
        rows: how many edits to show.
    """
    settings = result.get("augment") or {}
    made = made_record(result)
    if not settings and not made:
        return Gallery(note="No image was augmented for this run.")
    known: dict[str, Any] = {
        "counts": {status: int(made.get(status) or 0) for status in STATUSES},
        "threshold": made.get("threshold"),
        "editor": str(settings.get("editor") or ""),
        "stand_in": bool(settings.get("stand_in") or made.get("stand_in")),
        "settings": _settings(settings),
    }
    if not made:
        return Gallery(**known, note="No gallery: the source model is not trained yet.")
    recorded = str(made.get("folder") or "")
    if not recorded:
        return Gallery(
            **known,
            note="No gallery: this run drew masks and fractals anew for every view, and no "
            "augmented image was written (augment mode online).",
        )
    folder = find_recorded(recorded, run)
    if folder is None:
        return Gallery(**known, note=f"No gallery: {recorded} is not there any more.")
    try:
        lines, bad = read_manifest(folder)
    except UserError as error:
        return Gallery(**known, note=f"No gallery: {error}.")
    record = read_record(folder) or dict(settings)
    finder = PartsFinder(folder, record, result, run)
    chosen = choose_lines(lines, rows)
    with pil_warnings_ignored():
        parts = [finder.parts(line) for line in chosen]
    counts = Counter(line.status for line in lines)
    known |= {
        "counts": {status: counts[status] for status in STATUSES},
        "editor": str(record.get("editor") or known["editor"]),
        "stand_in": bool(record.get("stand_in") or known["stand_in"]),
        "settings": _settings(record) or known["settings"],
    }
    return Gallery(
        **known,
        entries=tuple(_entry(*pair) for pair in zip(chosen, parts, strict=True)),
        by_style=keep_rates((line.style, line.status) for line in lines),
        by_class=keep_rates((line.class_name, line.status) for line in lines),
        similarities=tuple(
            (line.similarity, line.status) for line in lines if line.similarity is not None
        ),
        note=_note(parts, bad),
    )


def made_record(result: Mapping[str, Any]) -> dict[str, Any]:
    """What is recorded of the images made for a run: for its source model, or for itself."""
    made = result.get("made") or (result.get("source_model") or {}).get("augment")
    return dict(made or {})


def _settings(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in _NO_SETTINGS}


def _entry(line: Line, parts: Parts) -> Entry:
    return Entry(
        line.status,
        line.reason,
        line.source,
        line.class_name,
        line.style,
        line.prompt,
        line.mask,
        line.fractal,
        line.similarity,
        line.threshold,
        parts.original,
        parts.edit,
        parts.mask,
        parts.hybrid,
        parts.fractal,
        parts.final,
    )


def _note(parts: Sequence[Parts], bad: int) -> str:
    """Sentences about what is not there, and of how many of the rows."""
    found = Counter(reason for part in parts for reason in part.missing)
    told = [f"In {number} of {len(parts)} rows the {reason}." for reason, number in found.items()]
    if bad:
        told.append(f"{bad} lines of the manifest cannot be read.")
    return " ".join(told)
