"""The domain folders of a published data set, wherever an archive or a copy has them.

ROOT/<Domain>/<class>/<image> is made of them, with the published names of the domains.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from genmix_da.data.entries import subfolders, walk
from genmix_da.data.published_sets import PublishedSet
from genmix_da.errors import UserError
from genmix_da.progress import track

_DEPTH = 5  # folders above the domains, at most
_LEVEL = "images"  # between domain and class: Office-31 as unzipped


def domain_folders(root: Path, published: PublishedSet) -> dict[str, list[Path]]:
    """Published domain -> its folders, which are not looked into for others.

    Args:
        root: what was unpacked, or a copy of the data set.
        published: whose domains.
    """
    found: dict[str, list[Path]] = {}
    level = [root]
    for _ in range(_DEPTH):
        following: list[Path] = []
        for folder in level:
            for path in subfolders(folder):
                domain = published.domain_named(path.name)
                if domain is None:
                    following.append(path)
                else:
                    found.setdefault(domain, []).append(path)
        level = following
    return {domain: found[domain] for domain in published.domains if domain in found}


def bring(folders: Iterable[Path], target: Path, *, move: bool) -> int:
    """Bring a domain's images to TARGET/<class>/<image>; returns their number.

    Args:
        folders: that hold its class folders.
        target: folder of the domain; made here.
        move: the images; else they are copied.

    Raises:
        UserError: two of them would be one file, or a folder can't be read.
    """
    count = 0
    for folder in folders:
        home = _classes_in(folder)
        found = walk(home)
        if found.left_out and not move:
            path, reason = found.left_out[0]
            raise UserError(f"{path} can't be copied: {reason}; mend or remove it.")
        for image in track(found.images, f"bringing {target.name}", len(found.images)):
            place = target / image.relative_to(home)
            if place.exists():
                raise UserError(
                    f"{image} and another file would both be {place.relative_to(target.parent)}; "
                    "give one copy of the data set."
                )
            place.parent.mkdir(parents=True, exist_ok=True)
            if move:
                image.rename(place)
            else:
                shutil.copyfile(image, place)
            count += 1
    return count


def _classes_in(folder: Path) -> Path:
    inside = subfolders(folder)
    return inside[0] if [path.name.lower() for path in inside] == [_LEVEL] else folder
