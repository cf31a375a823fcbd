"""The card of an augmented folder: how its images were made, and what became of every edit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from genmix_da.augment.manifest import MANIFEST
from genmix_da.errors import UserError
from genmix_da.sharing.rendering import render

RECORD = "augment.json"


def is_augmented(folder: Path) -> bool:
    """Whether a folder is one that `genmix-da augment` made."""
    return (folder / MANIFEST).is_file()


def data_card(folder: Path, repository: str | None = None, licence: str | None = None) -> str:
    """The text of an augmented folder's README.md.

    Args:
        folder: made by `genmix-da augment`, finished.
        repository, licence: see `model_card`.

    Raises:
        UserError: it is not finished, or its records are damaged.
    """
    rows, settings = manifest(folder), _settings(folder)
    counts = Counter(str(row.get("status")) for row in rows)
    kept = Counter(str(row.get("class")) for row in rows if row.get("output"))
    if not kept:
        raise UserError(f"{folder} holds no augmented image; nothing is there to share.")
    return render(
        "data_card.md.j2",
        licence=licence,
        repository=repository,
        name=folder.name,
        settings=settings,
        phrases=[str(prompt.get("text", "")) for prompt in settings.get("prompts", [])],
        counts=dict(counts),
        classes=sorted(kept.items()),
        size=sum(kept.values()),
        caveats=list(_caveats(settings)),
    )


def manifest(folder: Path) -> list[dict[str, Any]]:
    """The lines of manifest.jsonl.

    Raises:
        UserError: one is damaged.
    """
    try:
        lines = (folder / MANIFEST).read_text().splitlines()
        return [dict(json.loads(line)) for line in lines]
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{folder / MANIFEST} is damaged ({error}); make it again with augment --resume."
        ) from error


def _settings(folder: Path) -> dict[str, Any]:
    """Content of augment.json.

    Raises:
        UserError: it is missing or damaged.
    """
    try:
        return dict(json.loads((folder / RECORD).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{folder / RECORD} can't be read ({error}); the folder is not one that augment "
            "finished."
        ) from error


def _caveats(settings: Mapping[str, Any]) -> Iterator[str]:
    editor = str(settings.get("editor"))
    if settings.get("stand_in"):
        yield (
            f"The editor {editor!r} stands in for a generative one: no InstructPix2Pix, as in the "
            "paper."
        )
    if editor == "style-transfer":
        yield "Edits are neural style transfer, not InstructPix2Pix as in the paper."
    if editor == "target-styled":
        yield "Styles are (unlabelled) pictures of the target: what is trained on it has seen them."
    off = settings.get("features") == "off"
    how = "was not checked" if off else "was checked by features alone"
    yield f"Labels are those of the originals; that an edit kept its class {how}."
    yield "The terms of the original images hold for what was made of them."
