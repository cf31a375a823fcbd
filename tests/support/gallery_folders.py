"""Where the gallery of a run finds its images, read and changed by its tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genmix_da.reporting.gallery import Entry

PARTS = ("original", "edit", "mask", "hybrid", "fractal", "final")


def folder_of(home: Path) -> Path:
    (folder,) = (home / "runs" / "augmented").iterdir()
    return folder


def with_folder(result: dict[str, Any], folder: object) -> dict[str, Any]:
    """The result of a run whose records name a folder and data that are elsewhere."""
    made = result["source_model"]["augment"] | {"folder": folder and str(folder)}
    return result | {"source_model": {"augment": made}, "provenance": {}}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def write_rows(folder: Path, rows: Sequence[object]) -> None:
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def text_of(entry: Entry) -> dict[str, object]:
    return {key: value for key, value in vars(entry).items() if key not in PARTS}
