"""Domains out of image lists: which file each line means, and what its class is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from genmix_da.data.domain import Domain, in_order
from genmix_da.data.grey import GreyRange
from genmix_da.data.lists import Line, label_numbers, read_list
from genmix_da.data.parts import part_name
from genmix_da.errors import UserError


def list_domain(file: Path, name: str, *, part: str | None = None) -> Domain:
    """The images of a list that is one domain.

    Args:
        file: of "path label" lines; paths are absolute, or relative to the list's folder, to its
            parent, to the domain's folder beside the list, or to the current folder.
        name: of the domain.
        part: the lines of this part alone.

    Raises:
        UserError: see `read_list`, `lines_domain`.
    """
    return lines_domain(file, name, read_list(file), part)


def domains_in(file: Path) -> dict[str, list[Line]]:
    """Domain -> lines of a list with a column of domains; the list's own name without one."""
    found: dict[str, list[Line]] = {}
    for line in read_list(file):
        found.setdefault(line.domain or file.stem, []).append(line)
    return found


def lines_domain(file: Path, name: str, lines: Sequence[Line], part: str | None) -> Domain:
    """One domain of `domains_in`.

    Raises:
        UserError: no line of this part, or no column of parts.
    """
    places = _Places(file, name)
    grey = GreyRange(places.of(lines))  # of the whole, also where a part of it is read
    if part is not None:
        if not any(line.part for line in lines):
            raise UserError(f"{file} says of no image which part it is of; leave --part out.")
        lines = [line for line in lines if part_name(line.part or "") == part]
        if not lines:
            raise UserError(f"{file} has no image of {name} in the part {part}; check --part.")
    images = places.of(lines)
    numbers = label_numbers(list(lines), file)
    if numbers is None:
        labels = tuple(line.label for line in lines)
        return Domain(name, file, images, labels, in_order(set(labels)), grey=grey)
    names = _names(images, numbers)
    labels = tuple(names[number] for number in numbers)
    classes = tuple(names[n] for n in sorted(names))
    return Domain(name, file, images, labels, classes, grey=grey)


class _Places:
    """Where the images of a list lie: the folder that the last one was found in is tried first."""

    def __init__(self, file: Path, name: str) -> None:
        home = file.parent
        self._bases = [home, home / name, home / "images", home.parent, Path()]

    def of(self, lines: Iterable[Line]) -> tuple[Path, ...]:
        return tuple(self._find(line.path) for line in lines)

    def _find(self, text: str) -> Path:
        for written in dict.fromkeys((text, text.replace("\\", "/"))):
            for base in self._bases:
                if (base / written).is_file():
                    self._bases.remove(base)
                    self._bases.insert(0, base)
                    return base / written
        return self._bases[0] / text  # named as missing when it is to be read


def _names(images: Iterable[Path], numbers: Iterable[int]) -> dict[int, str]:
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
