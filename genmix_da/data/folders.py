"""A folder as a domain: class folders with images at any depth, parts, or images alone.

Layouts: <class>/<image>; the same below `images` (Office-31 as unzipped) or below parts (train,
val, test); a part that lists its classes in `val_annotations.txt` (Tiny-ImageNet as unzipped); and
images without classes.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable
from pathlib import Path

from genmix_da.data.domain import LAYOUT, Domain, NoImageError, joined
from genmix_da.data.entries import Reason, has_images, is_image, loose, subfolders, walk
from genmix_da.data.grey import GreyRange
from genmix_da.data.lists import read_list
from genmix_da.data.parts import ANNOTATIONS, parts_of
from genmix_da.data.path_list import PathList
from genmix_da.data.spelling import Spelling, refuse_like_classes
from genmix_da.errors import UserError

logger = logging.getLogger(__name__)


def all_images(folder: Path) -> Domain:
    """Every image below a folder, however deep, without labels.

    Raises:
        UserError: there is none.
    """
    found = walk(folder)
    if not found.images:
        raise NoImageError(f"no image under {folder}.")
    return Domain(folder.name, folder, found.images, None, (), tuple(found.left_out))


def listed_images(file: Path) -> Domain | None:
    """The images whose paths a text file holds, one a line, without labels; None for another file.

    Args:
        file: paths in it are absolute, or from its own folder.
    """
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError):
        return None
    paths = tuple(file.parent / line for line in lines if line)
    if not paths or not all(is_image(path) and path.is_file() for path in paths):
        return None
    return Domain(file.stem, file.parent, paths, None, ())


def folder_domain(folder: Path, *, part: str | None = None) -> Domain:
    """Index one folder; without labels where it has images and no class folders.

    Args:
        folder: to look into.
        part: "train", "val" or "test"; None: all of them together, where it has parts.

    Raises:
        NoImageError: there is no image.
        UserError: it has no such part, it holds domains, or two classes are spelt alike.
    """
    parts = parts_of(folder)
    if not parts:
        if part is not None:
            raise UserError(
                f"{folder} has no part {part}: no folder of that name with classes; leave --part "
                "out."
            )
        return _classes(folder)
    if part is not None and part not in parts:
        raise UserError(f"{folder} has the parts {', '.join(parts)}; there is no {part}.")
    chosen = [part] if part is not None else list(parts)
    if len(chosen) > 1:
        logger.info(
            "%s: the parts %s together; --part takes one of them", folder, " and ".join(chosen)
        )
    spelling = Spelling(())
    read = [_part(path, spelling) for name in chosen for path in parts[name]]
    whole = joined(folder.name, folder, [domain for domain in read if domain.images])
    held = {path for paths in parts.values() for path in paths}
    strays = [*loose(folder).images, *(p for p in subfolders(folder) if p not in held)]
    beside = [
        (str(path), "beside the parts") for path in strays if path.is_file() or has_images(path)
    ]
    whole = dataclasses.replace(whole, left_out=(*whole.left_out, *beside))
    if part is not None:  # deep grey has the range of all parts
        every = [image for path in sorted(held) for image in walk(path).images]
        whole = dataclasses.replace(whole, grey=GreyRange(every))
    if not whole.images:
        raise NoImageError(f"no image under {folder}; expected {LAYOUT}. Check --data.")
    return whole


def _part(folder: Path, spelling: Spelling) -> Domain:
    try:
        return spelling.applied(_classes(folder))
    except NoImageError:
        return Domain(folder.name, folder, (), None, (), ((str(folder), "a part without images"),))


def _classes(folder: Path) -> Domain:
    """A folder without parts."""
    if (folder / ANNOTATIONS).is_file():
        return _annotated(folder)
    inside = subfolders(folder)
    home = inside[0] if [path.name for path in inside] == ["images"] else folder
    beside = loose(home)
    if home != folder:
        beside.add(loose(folder))
    images = PathList()
    labels: list[str] = []
    left_out: list[Reason] = list(beside.left_out)
    entered: set[tuple[int, int]] = set()
    # Linked folders last: a link to a class beside it is that class again, and no other.
    walked = {
        path: walk(path, entered)
        for path in sorted(subfolders(home), key=lambda path: (path.is_symlink(), path.name))
    }
    for path in sorted(walked):
        found = walked[path]
        left_out += found.left_out
        if not found.images:
            left_out.append((str(path), "a folder without images: no class"))
        images += found.images
        labels += [path.name] * len(found.images)
    if not labels:
        if not beside.images:
            raise NoImageError(f"no image under {folder}; expected {LAYOUT}. Check --data.")
        return Domain(folder.name, folder, beside.images, None, (), tuple(left_out))
    left_out += [(str(path), "beside the class folders") for path in beside.images]
    classes = tuple(sorted(set(labels)))
    domain = Domain(folder.name, folder, images, tuple(labels), classes, tuple(left_out))
    _refuse_domains(domain, home, images.folders)
    refuse_like_classes(domain)
    return domain


def _refuse_domains(domain: Domain, home: Path, folders: Iterable[Path]) -> None:
    """Refuse a folder of domains, whose names would be taken for classes.

    Classes with views of them (class/left, class/right) look alike, but for their number: where
    the folders inside are fewer than the folders, the latter are taken for the classes.

    Raises:
        UserError: every folder has several folders of images and no image of its own, these have
            the same names in two folders or more, and there are at least as many names as folders.
    """
    inside: dict[str, set[str]] = {}
    for path in folders:
        label, *below = path.relative_to(home).parts
        inside.setdefault(label, set()).add(below[0] if below else "")
    sets = list(inside.values())
    if any("" in names or len(names) < 2 for names in sets):
        return
    shared = any(names in sets[:place] for place, names in enumerate(sets))
    if shared and len(set().union(*sets)) >= len(sets):
        first = domain.classes[0]
        raise UserError(
            f"{domain.folder} holds domains, not classes: {first} has class folders of its own; "
            f"give one of them, e.g. {domain.folder / first}, or, if it is a class, move "
            "its images out of the folders inside it."
        )


def _annotated(folder: Path) -> Domain:
    """A part whose images lie in one folder, with "file class ..." lines beside it.

    Raises:
        UserError: the file cannot be read, or names no image.
    """
    lines = sorted((line.path, line.label) for line in read_list(folder / ANNOTATIONS))
    home = folder / "images" if (folder / "images").is_dir() else folder
    images = tuple(home / name for name, _ in lines)
    labels = tuple(label for _, label in lines)
    return Domain(folder.name, folder, images, labels, tuple(sorted(set(labels))))
