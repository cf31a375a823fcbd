"""Decoded images in the cache against the files that they were made from.

The cache knows files by size, times and number. Contents that change under these, as on a disk that
fails or by a tool that sets the clock, are found here alone: by the hashes in the cache's notes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmix_da.data.decode import CONTENT_DIGITS, is_damaged, status_of
from genmix_da.data.everything import Held
from genmix_da.places import cache_folder


@dataclass(frozen=True)
class Verified:
    """What the comparison found.

    Attributes:
        arrays: number of cached arrays of decoded images that were compared.
        changed: images whose contents are others than those that were decoded; the arrays are
            removed.
        others: number of arrays of these domains that were not compared: of files as they were
            before, damaged, or by a version whose notes name no images.
    """

    arrays: int
    changed: tuple[str, ...]
    others: int


def verify(held: Sequence[Held], contents: Mapping[Path, str]) -> Verified:
    """Compare all arrays with an image of these domains, and remove those with one that changed.

    Args:
        held: the domains.
        contents: image -> SHA-256 of its bytes; others are read.
    """
    names = {os.path.realpath(image): image for one in held for image in one.domain.images}
    homes = {one.domain.folder.resolve() for one in held}
    compared = others = 0
    changed: dict[str, None] = {}
    for path in sorted((cache_folder() / "images").glob("*.json")):
        info = _notes(path)
        if info is None:
            continue
        images = info.get("images")
        if images is None:
            others += not homes.isdisjoint((at := Path(info["domain"]).resolve(), *at.parents))
            continue
        if names.keys().isdisjoint(images):
            continue
        if status_of(images) != info["status"] or is_damaged(path.with_suffix(".npy"), tried=1):
            others += 1
            continue
        compared += 1
        other = [
            str(names.get(image, image))
            for image, was in zip(images, info["contents"], strict=True)
            if (contents.get(names.get(image, Path())) or _digest(image))[:CONTENT_DIGITS] != was
        ]
        if other:
            changed |= dict.fromkeys(other)
            path.unlink(missing_ok=True)  # first: without its notes an array counts for nothing
            path.with_suffix(".npy").unlink(missing_ok=True)
    return Verified(compared, tuple(changed), others)


def _notes(path: Path) -> dict[str, Any] | None:
    """The notes beside an array; None where they are no notes."""
    try:
        info: dict[str, Any] = json.loads(path.read_text())
        whole = len(info["contents"]) == len(info.get("images", info["contents"]))
        known = isinstance(info["domain"], str) and ("images" in info) == ("status" in info)
        return info if whole and known else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _digest(image: str) -> str:
    """SHA-256 of a file's bytes; "" where it can't be read."""
    try:
        return hashlib.sha256(Path(image).read_bytes()).hexdigest()
    except OSError:
        return ""
