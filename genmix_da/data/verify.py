"""Decoded images in the cache against the files that they were made from.

The cache knows files by size, times and number. Contents that change under these, as on a disk that
fails or by a tool that sets the clock, are found here alone: by the hashes in the cache's notes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from genmix_da.data.decode import _FILTERS, _key
from genmix_da.data.domain import Domain
from genmix_da.data.everything import Held
from genmix_da.data.grey import GreyRange
from genmix_da.data.spelling import Spelling
from genmix_da.places import cache_folder


@dataclass(frozen=True)
class Verified:
    """What the comparison found.

    Attributes:
        arrays: number of cached arrays of decoded images that were compared.
        changed: images whose contents are others than those that were decoded; the arrays are
            removed.
        others: number of arrays of these domains that were not compared: of other images of
            them (a split, some shots), or of files as they were before.
    """

    arrays: int
    changed: tuple[str, ...]
    others: int


def verify(held: Sequence[Held], contents: Mapping[Path, str]) -> Verified:
    """Compare, and remove the arrays of which an image has changed.

    Args:
        held: the domains.
        contents: image -> SHA-256 of its bytes; an image that is gone has none.
    """
    folder = cache_folder() / "images"
    notes = {path: info for path in sorted(folder.glob("*.json")) if (info := _notes(path))}
    homes = {one.domain.folder.resolve() for one in held}
    own = {
        path
        for path, info in notes.items()
        if not homes.isdisjoint((at := Path(info["domain"]).resolve(), *at.parents))
    }
    sides = sorted({info["side"] for info in notes.values()})
    compared: set[Path] = set()
    changed: dict[str, None] = {}
    for domain in _read_as(held):
        for side, interpolation in product(sides, _FILTERS):
            path = folder / f"{_key(domain, side, interpolation)}.json"
            if path not in notes or path in compared:
                continue
            compared.add(path)
            kept = zip(notes[path]["kept"], notes[path]["contents"], strict=True)
            images = [(domain.images[row], was) for row, was in kept]
            other = [str(image) for image, was in images if contents.get(image, "")[:16] != was]
            if other:
                changed |= dict.fromkeys(other)
                path.unlink(missing_ok=True)  # first: without its notes an array counts for nothing
                path.with_suffix(".npy").unlink(missing_ok=True)
    return Verified(len(compared), tuple(changed), len(own - compared))


def _notes(path: Path) -> dict[str, Any] | None:
    """The notes beside an array; None where they are no notes."""
    try:
        info: dict[str, Any] = json.loads(path.read_text())
        whole = len(info["kept"]) == len(info["contents"])
        return info if whole and {"side", "domain"} <= info.keys() else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _read_as(held: Iterable[Held]) -> Iterator[Domain]:
    """Every way in which a run may have read the domains: whole or by part, in any one's spelling.

    Labels enter the key of an array, and a target has the source's.
    """
    every = list(held)
    for one in every:
        images = one.domain.images
        for wanted in (frozenset(images), *one.parts.values()):
            part = one.domain.part(row for row, image in enumerate(images) if image in wanted)
            spellings = [Spelling(other.domain.classes) for other in every]
            read_as = {part.labels, *(_spelt(part, spelling) for spelling in spellings)}
            # A part that is read alone has a range of deep grey of its own.
            yield from (
                replace(part, labels=labels, grey=GreyRange(part.images)) for labels in read_as
            )


def _spelt(domain: Domain, spelling: Spelling) -> tuple[str, ...] | None:
    """The labels of a domain under the names of another; said in no log, as this is no run."""
    if domain.labels is None:
        return None
    return tuple(map(spelling.name, domain.labels))
