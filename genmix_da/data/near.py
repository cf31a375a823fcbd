"""Images that are nearly the same, in several domains or parts: resized, recompressed, cropped.

Told by the cosine of features of a frozen backbone. All pairs are compared, with faiss: the time
grows with the square of the images, 0.1 s for two thousand and an hour for some hundred thousand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from genmix_da.data.everything import Held
from genmix_da.data.grey import GreyRange
from genmix_da.data.pixels import read_image

# Chosen on Office-Caltech-10 with an ImageNet EfficientNet-Lite0; docs/data.md says what it finds.
THRESHOLD = 0.95
_BLOCK = 1024  # queries at once


@dataclass(frozen=True)
class NearGroup:
    """Images that pairs join.

    Attributes:
        images: paths.
        pairs: (path, path, cosine), the most alike first.
    """

    images: tuple[str, ...]
    pairs: tuple[tuple[str, str, float], ...]


@dataclass(frozen=True)
class Near:
    """Near-duplicates across domains and parts; the same bytes are no near-duplicates.

    Attributes:
        threshold: cosine from which on a pair counts.
        backbone: that the features are of.
        compared: number of images.
        groups: the one with the most alike pair first.
    """

    threshold: float
    backbone: str
    compared: int
    groups: tuple[NearGroup, ...]


@dataclass(frozen=True)
class Compared:
    """One image to compare.

    Attributes:
        path, digest: of the file and its bytes.
        place: domain and part.
        grey: of its domain.
    """

    path: Path
    digest: str
    place: tuple[str, str]
    grey: GreyRange

    @property
    def pixels_digest(self) -> str:
        """Of what decides the pixels: the bytes, and the range of deep grey where it is one."""
        mark = self.grey.mark([self.path])
        return hashlib.sha256((self.digest + mark).encode()).hexdigest() if mark else self.digest


def comparable(held: Sequence[Held], digests: Mapping[Path, str]) -> list[Compared]:
    """The images to compare, of the same bytes the first; none where all lie in one place.

    Args:
        held: the domains.
        digests: image -> SHA-256, of those that can be read.
    """
    found: dict[str, Compared] = {}
    for one in held:
        part_of = {image: part for part, images in one.parts.items() for image in images}
        for image in one.domain.images:
            if image in digests:
                place = (one.domain.name, part_of.get(image, ""))
                new = Compared(image, digests[image], place, one.domain.grey)
                found.setdefault(digests[image], new)
    several = len({each.place for each in found.values()}) > 1
    return list(found.values()) if several else []


def square(image: Compared, side: int, interpolation: str) -> NDArray[np.uint8]:
    """An image [R, R, 3] as the network's view is cut from.

    Args:
        image: to read.
        side: R in pixels.
        interpolation: "bilinear" or "bicubic".
    """
    whole = read_image(image.path.read_bytes(), image.grey)
    resized = whole.resize((side, side), Image.Resampling[interpolation.upper()])
    return np.asarray(resized)


def near_pairs(
    features: NDArray[np.float32], places: Sequence[Hashable], threshold: float
) -> list[tuple[int, int, float]]:
    """Pairs of rows of different places with a cosine of at least `threshold`, most alike first.

    Args:
        features: [N, F], of any length but zero.
        places: [N] domain and part of each.
        threshold: at most 1.
    """
    import faiss

    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit = np.ascontiguousarray(features / np.maximum(lengths, 1e-12), dtype=np.float32)
    rows: dict[Hashable, list[int]] = {}
    for row, place in enumerate(places):
        rows.setdefault(place, []).append(row)
    members = list(rows.values())
    found = []
    for number, own in enumerate(members):
        index = faiss.IndexFlatIP(unit.shape[1])
        index.add(unit[own])
        later = [row for other in members[number + 1 :] for row in other]
        for start in range(0, len(later), _BLOCK):
            block = later[start : start + _BLOCK]
            # faiss takes what is above a radius, and a cosine of 1 may come out a little less.
            limits, cosines, nearest = index.range_search(unit[block], threshold - 1e-6)
            for place, row in enumerate(block):
                for at in range(limits[place], limits[place + 1]):
                    found.append((own[nearest[at]], row, min(float(cosines[at]), 1.0)))
    return sorted(found, key=lambda pair: (-pair[2], pair[:2]))


def group_pairs(
    pairs: Sequence[tuple[int, int, float]], paths: Sequence[Path]
) -> tuple[NearGroup, ...]:
    """Pairs of rows as groups of paths.

    Args:
        pairs: the most alike first.
        paths: of the rows.
    """
    ends = np.array([pair[:2] for pair in pairs], dtype=np.int64).reshape(-1, 2)
    edges = coo_array((np.ones(len(ends)), ends.T), shape=(len(paths),) * 2)
    _, group = connected_components(edges, directed=False)
    found: dict[int, list[tuple[str, str, float]]] = {}
    for one, other, cosine in pairs:
        named = (str(paths[one]), str(paths[other]), cosine)
        found.setdefault(int(group[one]), []).append(named)
    return tuple(
        NearGroup(tuple(dict.fromkeys(p for pair in own for p in pair[:2])), tuple(own))
        for own in found.values()
    )
