"""Domains on disk: which images there are and which class each has.

Layouts: ROOT/<Domain>/<class>/<image>; the same with an `images` folder between (Office-31 as
unzipped); image lists ROOT/<Domain>.txt or ROOT/<Domain>/image_unida_list.txt with "path label" per
line; and, for targets, a folder of images without classes. Decoding is left to `decode`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from genmix_da.errors import UserError
from office_home.names import match_domain

logger = logging.getLogger(__name__)

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"})
LIST_NAME = "image_unida_list.txt"
LAYOUT = "ROOT/<Domain>/<class>/<image>"


class NoImageError(UserError):
    """A folder without images."""


@dataclass(frozen=True)
class Domain:
    """The images of one domain.

    Attributes:
        name: as on disk.
        folder: where it was found (or the list file).
        images: paths, in a stable order.
        labels: class name of each image; None where the domain has no classes.
        classes: class names that occur, in order: sorted, or by label number for image lists.
    """

    name: str
    folder: Path
    images: tuple[Path, ...]
    labels: tuple[str, ...] | None
    classes: tuple[str, ...]

    def part(self, rows: Iterable[int]) -> Domain:
        """Some of its images, in this order, as a domain of its own with the classes they have."""
        chosen = [int(row) for row in rows]
        labels = None if self.labels is None else tuple(self.labels[row] for row in chosen)
        present = set(labels or ())
        classes = tuple(name for name in self.classes if name in present)
        pictures = tuple(self.images[row] for row in chosen)
        return Domain(self.name, self.folder, pictures, labels, classes)


def is_image(path: Path) -> bool:
    """Whether the name is that of an image; hidden files are not."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def find_domains(root: Path) -> dict[str, Path]:
    """Domain name -> folder or list file, for everything below ROOT that may be a domain.

    Raises:
        UserError: ROOT is missing or holds no domain.
    """
    if not root.is_dir():
        raise UserError(f"no data folder {root}; expected {LAYOUT}. Check --data.")
    domains = {folder.name: folder for folder in _folders(root)}
    domains |= {p.stem: p for p in sorted(root.glob("*.txt")) if _is_list(p)}
    if not domains:
        raise UserError(f"no domain folder under {root}; expected {LAYOUT}. Check --data.")
    return domains


def _is_list(path: Path) -> bool:
    with path.open(errors="replace") as file:
        fields = file.readline().rsplit(maxsplit=1)
    return len(fields) == 2 and fields[1].isdigit() and is_image(Path(fields[0]))


def load_domain(root: Path, query: str) -> Domain:
    """Index one domain, named by folder name, alias, unique beginning, or as a path of its own.

    Raises:
        UserError: unknown domain (the nearest is suggested) or no image in it.
    """
    try:
        found = find_domains(root)
        place = found[match_domain(query, list(found))]
    except LookupError as error:
        place = Path(query)
        if not (query and place.is_dir()):
            raise UserError(f"{error} (under {root}).") from error
    if place.is_file():
        return _from_list(place, place.stem)
    if (place / LIST_NAME).is_file():
        return _from_list(place / LIST_NAME, place.name)
    return folder_domain(place)


def all_images(folder: Path) -> Domain:
    """Every image below a folder, however deep, without labels.

    Raises:
        UserError: there is none.
    """
    images = tuple(sorted(path for path in folder.rglob("*") if is_image(path) and path.is_file()))
    if not images:
        raise NoImageError(f"no image under {folder}.")
    return Domain(folder.name, folder, images, None, ())


def folder_domain(folder: Path, *, deep: bool = False) -> Domain:
    """Index one folder: class folders with images, or images alone (then without labels).

    Args:
        folder: to look into.
        deep: images may lie at any depth below a class folder.

    Raises:
        NoImageError: there is no image.
    """
    home = folder
    if (folder / "images").is_dir() and len(_folders(folder)) == 1:
        home = folder / "images"
    classes = _folders(home)
    labelled = [(path, c.name) for c in classes for path in _images(c, deep)]
    if labelled:
        loose = sum(is_image(path) for path in home.iterdir())
        if loose:
            logger.warning("%d images beside the class folders of %s are not used", loose, home)
        images, labels = zip(*labelled, strict=True)
        return Domain(folder.name, folder, images, labels, tuple(sorted(set(labels))))
    flat = tuple(path for path in sorted(home.iterdir()) if is_image(path))
    if not flat:
        raise NoImageError(f"no image under {folder}; expected {LAYOUT}. Check --data.")
    return Domain(folder.name, folder, flat, None, ())


def _images(folder: Path, deep: bool) -> list[Path]:
    """The images of a class folder, in order; nothing of hidden folders inside it."""
    if not deep:
        return [path for path in sorted(folder.iterdir()) if is_image(path)]
    found = (path for path in sorted(folder.rglob("*")) if is_image(path) and path.is_file())
    return [
        path
        for path in found
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def _from_list(path: Path, name: str) -> Domain:
    """Read "path label" lines; paths are relative to the list's folder or to its parent."""
    numbers: list[int] = []
    images: list[Path] = []
    for line_number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        text, *rest = line.strip().rsplit(maxsplit=1)
        label = rest[0] if rest else ""
        if not label.isdigit():
            raise UserError(f"line {line_number} of {path} is not 'path label': {line!r}")
        places = (path.parent / text, path.parent.parent / text, Path(text))
        images.append(next((p for p in places if p.is_file()), places[0]))
        numbers.append(int(label))
    if not images:
        raise UserError(f"the image list {path} is empty")
    names = _label_names(images, numbers)
    labels = tuple(names[number] for number in numbers)
    return Domain(name, path, tuple(images), labels, tuple(names[n] for n in sorted(names)))


def _label_names(images: Iterable[Path], numbers: Iterable[int]) -> dict[int, str]:
    """Label number -> class name: the images' folder name where that is unambiguous."""
    folders: dict[int, set[str]] = {}
    for image, number in zip(images, numbers, strict=True):
        folders.setdefault(number, set()).add(image.parent.name)
    single = all(len(names) == 1 for names in folders.values())
    distinct = len({min(names) for names in folders.values()}) == len(folders)
    if single and distinct:
        return {number: min(names) for number, names in folders.items()}
    width = len(str(max(folders)))
    return {number: f"{number:0{width}d}" for number in folders}
