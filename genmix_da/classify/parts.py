"""A data set of class folders in parts: training, validation and test images.

Images may lie at any depth below their class folder, and a part may list its classes in
`val_annotations.txt`: Tiny-ImageNet as it is unzipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genmix_da.data.domains import Domain, NoImageError, folder_domain
from genmix_da.errors import UserError

LAYOUT = "SRC/<class>/<image>"
ANNOTATIONS = "val_annotations.txt"


@dataclass(frozen=True)
class Parts:
    """A data set as it is published or lies on disk.

    Attributes:
        name: of the data set.
        folder: that file names are recorded relative to.
        train: labelled images.
        val: for choosing an epoch; None where there is no such part beside the test part.
        test: to score on; None where it has to be split off.
    """

    name: str
    folder: Path
    train: Domain
    val: Domain | None
    test: Domain | None


def class_folders(folder: Path) -> Domain:
    """Index class folders, images at any depth below them.

    Raises:
        UserError: no such folder, no image, or images without classes.
    """
    if not folder.is_dir():
        raise UserError(f"no folder {folder}; expected {LAYOUT}.")
    if (folder / ANNOTATIONS).is_file():
        return _annotated(folder)
    try:
        domain = folder_domain(folder, deep=True)
    except NoImageError as error:
        raise UserError(f"no image under {folder}; expected {LAYOUT}.") from error
    if domain.labels is None:
        raise UserError(
            f"{folder} has images but no class folders, so they have no labels; expected {LAYOUT}."
        )
    _refuse_domains(domain)
    return domain


def _refuse_domains(domain: Domain) -> None:
    """Refuse a folder of domains, whose names would be taken for classes.

    Classes with views of them (class/left, class/right) look alike, but for their number: where
    the folders inside are fewer than the folders, the latter are taken for the classes.

    Raises:
        UserError: every folder has several folders of images and no image of its own, these have
            the same names in two folders or more, and there are at least as many names as folders.
    """
    inside: dict[str, set[str]] = {}
    for path, label in zip(domain.images, domain.labels or (), strict=True):
        parts = path.relative_to(domain.folder).parts
        below = parts[parts.index(label) + 1 :]
        inside.setdefault(label, set()).add(below[0] if len(below) > 1 else "")
    sets = list(inside.values())
    if any("" in names or len(names) < 2 for names in sets):
        return
    shared = any(names in sets[:place] for place, names in enumerate(sets))
    if shared and len(set().union(*sets)) >= len(sets):
        first = domain.classes[0]
        raise UserError(
            f"{domain.folder} holds domains, not classes: {first} has class folders of its own; "
            f"give one of them, e.g. --data {domain.folder / first}, or, if it is a class, move "
            "its images out of the folders inside it."
        )


def _annotated(folder: Path) -> Domain:
    """A part whose images lie in one folder, with "file class ..." lines beside it.

    Raises:
        UserError: the file cannot be read, or names no image.
    """
    labels = {}
    try:
        text = (folder / ANNOTATIONS).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {folder / ANNOTATIONS}: {error}") from error
    for line in text.splitlines():
        name, _, rest = line.strip().partition("\t")
        if rest:
            labels[name] = rest.split("\t")[0]
    found = sorted((name, label) for name, label in labels.items())
    if not found:
        raise UserError(f"{folder / ANNOTATIONS} names no image; expected 'file<TAB>class' lines.")
    home = folder / "images" if (folder / "images").is_dir() else folder
    images = tuple(home / name for name, _ in found)
    names = tuple(label for _, label in found)
    return Domain(folder.name, folder, images, names, tuple(sorted(set(names))))
