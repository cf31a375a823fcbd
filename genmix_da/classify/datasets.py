"""The images of a classification: folders of class folders, with or without parts of their own.

Layouts: SRC/<class>/<image>; SRC/train and SRC/test (or val, valid, validation) with class folders;
a second folder to test on; torchvision's data sets by name. Images may lie deeper below their class
folder, and a part may list its classes in `val_annotations.txt`: Tiny-ImageNet as it is unzipped.
"""

from __future__ import annotations

from pathlib import Path

from genmix_da.classify.parts import ANNOTATIONS, Parts, class_folders
from genmix_da.classify.torchvision_sets import torchvision_parts
from genmix_da.data.domains import Domain, is_image
from genmix_da.errors import UserError

TRAIN = "train"
TEST = "test"
VALIDATION = ("val", "valid", "validation")


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
