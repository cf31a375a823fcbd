"""The images of a classification: folders of class folders, with or without parts of their own.

Layouts: SRC/<class>/<image>; SRC/train and SRC/test (or val, valid, validation) with class folders;
a second folder to test on; torchvision's data sets by name. Images may lie deeper below their class
folder, and a part may list its classes in `val_annotations.txt`: Tiny-ImageNet as it is unzipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genmix_da.data.domains import Domain, NoImageError, folder_domain, is_image
from genmix_da.errors import UserError

LAYOUT = "SRC/<class>/<image>"
TRAIN = "train"
TEST = "test"
VALIDATION = ("val", "valid", "validation")
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


def find_parts(
    data: str, test_data: str | None = None, *, root: str | None = None, download: bool = False
) -> Parts:
    """Index a data set.

    Args:
        data: folder, or the name of a torchvision data set.
        test_data: folder of class folders to test on, instead of the data's own test part.
        root: folder of torchvision's data sets; None: in the cache.
        download: fetch a torchvision data set that is not there.

    Raises:
        UserError: an empty name, no such folder or name, no images, no class folders, no network.
    """
    check_names(data, test_data)
    folder = Path(data)
    if folder.is_dir():
        parts = _folder_parts(folder)
    else:
        # torchvision takes seconds to import, and most data are folders.
        from genmix_da.classify.torchvision_sets import torchvision_parts

        parts = torchvision_parts(data, Path(root) if root else None, download=download)
    if test_data is None:
        return parts
    return Parts(parts.name, parts.folder, parts.train, parts.val, class_folders(Path(test_data)))


def check_names(data: str, test_data: str | None) -> None:
    """No name is empty; as a path it would be the current folder.

    Raises:
        UserError: one is.
    """
    for option, name in (("--data", data), ("--test-data", test_data)):
        if name is not None and not name.strip():
            raise UserError(f"{option} is empty; name a folder.")


def own_test_part(folder: Path) -> Domain | None:
    """The part that a data set is tested on; None where it has none of its own.

    Args:
        folder: of the data set; its training part need not be there.

    Raises:
        UserError: the part cannot be read.
    """
    found = (folder / part for part in (TEST, *VALIDATION) if _holds_classes(folder / part))
    part = next(found, None)
    return None if part is None else class_folders(part)


def _folder_parts(folder: Path) -> Parts:
    """The parts of a folder; one with images of a class named "train" in it has none."""
    name = folder.resolve().name
    train = folder / TRAIN
    if not _holds_classes(train):
        return Parts(name, folder, class_folders(folder), None, None)
    others = [folder / part for part in (TEST, *VALIDATION)]
    found = [class_folders(part) for part in others if _holds_classes(part)]
    test = found[0] if found else None
    val = found[1] if len(found) > 1 else None
    return Parts(name, folder, class_folders(train), val, test)


def _holds_classes(part: Path) -> bool:
    """Whether a folder is a part of a data set, not one class of it."""
    if not part.is_dir() or any(is_image(path) for path in part.iterdir()):
        return False
    if (part / ANNOTATIONS).is_file():
        return True
    inside = [path for path in part.iterdir() if path.is_dir()]
    if [folder.name for folder in inside] == ["images"]:
        return False  # Tiny-ImageNet's test part: images without classes
    return any(is_image(path) for folder in inside for path in folder.rglob("*"))


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
