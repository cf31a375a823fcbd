"""A domain: images, the class of each, and what was found and can't be used."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genmix_da.data.entries import Reason
from genmix_da.data.grey import GreyRange
from genmix_da.data.path_list import PathList
from genmix_da.errors import UserError

LAYOUT = "ROOT/<Domain>/<class>/<image>"


class NoImageError(UserError):
    """A folder without images."""


@dataclass(frozen=True)
class Domain:
    """The images of one domain.

    Attributes:
        name: as on disk.
        folder: where it was found (or the list file).
        images: paths, in a stable order; kept as a `PathList`.
        labels: class name of each image; None where the domain has no classes.
        classes: class names that occur, in order: sorted, or by label number for image lists.
        left_out: (path, reason) of what looks meant and isn't used.
        grey: what is black and white in deep grey images; parts of a domain share the whole's.
    """

    name: str
    folder: Path
    images: Sequence[Path]
    labels: tuple[str, ...] | None
    classes: tuple[str, ...]
    left_out: tuple[Reason, ...] = ()
    grey: GreyRange = field(default=None, compare=False, repr=False)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if not isinstance(self.images, PathList):
            object.__setattr__(self, "images", PathList(self.images))
        if self.grey is None:
            object.__setattr__(self, "grey", GreyRange(self.images))

    def with_grey(self, choice: str) -> Domain:
        """The same images under another --grey-range; see `GreyRange`.

        Raises:
            UserError: there is no such range.
        """
        return dataclasses.replace(self, grey=GreyRange(self.grey.images, choice))

    def part(self, rows: Iterable[int]) -> Domain:
        """Some of its images, in this order, as a domain of its own with the classes they have."""
        chosen = [int(row) for row in rows]
        labels = None if self.labels is None else tuple(self.labels[row] for row in chosen)
        present = set(labels or ())
        return dataclasses.replace(
            self,
            images=PathList(self.images[row] for row in chosen),
            labels=labels,
            classes=tuple(name for name in self.classes if name in present),
        )


def joined(name: str, folder: Path, domains: Iterable[Domain]) -> Domain:
    """Several domains as one; of those with and without classes, those with.

    Args:
        name, folder: of the whole.
        domains: at least one, their classes under the same names.
    """
    every = list(domains)
    used = [domain for domain in every if domain.labels is not None] or every
    left_out = [reason for domain in every for reason in domain.left_out]
    left_out += [
        (str(domain.folder), "images without classes beside others with classes")
        for domain in every
        if domain not in used
    ]
    labelled = used[0].labels is not None
    return Domain(
        name,
        folder,
        PathList(image for domain in used for image in domain.images),
        tuple(label for domain in used for label in domain.labels or ()) if labelled else None,
        in_order({label for domain in used for label in domain.classes}),
        tuple(left_out),
    )


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Class names sorted; numbers by their value."""
    every = list(names)
    if all(name.isascii() and name.isdigit() for name in every):
        return tuple(sorted(every, key=lambda name: (int(name), name)))
    return tuple(sorted(every))
