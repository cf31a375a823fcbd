"""The history of every edit, read back from an augmented folder."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmix_da.augment.manifest import MANIFEST
from genmix_da.augment.pipeline import RECORD
from genmix_da.errors import UserError

STATUSES = ("kept", "dropped", "failed")


@dataclass(frozen=True)
class Line:
    """A line of manifest.jsonl; see docs/formats.md.

    Attributes:
        number: of the line, from 0.
        status: "kept", "dropped" or "failed".
        source: path of the original, relative to the source folder.
        class_name, style, prompt: of the edit.
        mask, fractal: their names; "" where the edit was not kept, or there is none.
        similarity, threshold: cosines; None where nothing was compared.
        reason: of a failure, else "".
        output: augmented image, relative to the folder; "" where there is none.
        edit: its name in the cache; "" in manifests of older versions.
    """

    number: int
    status: str
    source: str
    class_name: str
    style: str
    prompt: str
    mask: str
    fractal: str
    similarity: float | None
    threshold: float | None
    reason: str
    output: str
    edit: str


def read_manifest(folder: Path) -> tuple[list[Line], int]:
    """All lines of an augmented folder's manifest, and how many cannot be read.

    Raises:
        UserError: there is no manifest.
    """
    lines: list[Line] = []
    bad = 0
    try:
        content = (folder / MANIFEST).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise UserError(f"there is no {MANIFEST} in {folder}") from error
    for number, text in enumerate(content.splitlines()):
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict) and row.get("status") in STATUSES:
            lines.append(_line(number, row))
        else:
            bad += 1
    return lines, bad


def _line(number: int, row: Mapping[str, Any]) -> Line:
    def text(key: str) -> str:
        value = row.get(key)
        return "" if value is None else str(value)

    return Line(
        number=number,
        status=text("status"),
        source=text("source"),
        class_name=text("class"),
        style=text("style"),
        prompt=text("prompt"),
        mask=text("mask"),
        fractal=text("fractal"),
        similarity=_number(row.get("similarity")),
        threshold=_number(row.get("threshold")),
        reason=text("reason"),
        output=text("output"),
        edit=text("edit"),
    )


def _number(value: Any) -> float | None:
    usable = isinstance(value, int | float) and abs(value) < 1e300 and math.isfinite(value)
    return float(value) if usable else None


def read_record(folder: Path) -> dict[str, Any]:
    """The settings in an augmented folder's augment.json; {} where they cannot be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def keep_rates(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Name -> how many were kept, dropped and failed, from (name, status); sorted by name."""
    counts: dict[str, dict[str, int]] = {}
    for name, status in pairs:
        counts.setdefault(name, dict.fromkeys(STATUSES, 0))[status] += 1
    return {name: counts[name] for name in sorted(counts)}
