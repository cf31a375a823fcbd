"""The images of a classification: folders of class folders, with or without parts of their own.

Layouts: SRC/<class>/<image>; SRC/train and SRC/test or validation with class folders; a second
folder to test on; torchvision's data sets by name. What counts as class, part and image is said in
`genmix_da.data`.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from genmix_da.classify.parts import Parts
from genmix_da.classify.torchvision_sets import torchvision_parts
from genmix_da.data.domain import Domain
from genmix_da.data.folders import folder_domain, labelled_folder
from genmix_da.data.parts import parts_of
from genmix_da.data.spelling import Spelling
from genmix_da.errors import UserError

TRAIN = "train"
OTHERS = ("test", "val")

logger = logging.getLogger(__name__)


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
    test = _like(parts.train, labelled_folder(Path(test_data)))
    return Parts(parts.name, parts.folder, parts.train, parts.val, test)


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
    found = _scored(folder, parts_of(folder))
    return found[0] if found else None


def _folder_parts(folder: Path) -> Parts:
    """The parts of a folder; one with images of a class named "train" in it has none.

    Raises:
        UserError: it has parts and no training images.
    """
    name, parts = folder.resolve().name, parts_of(folder)
    if not parts:
        return Parts(name, folder, labelled_folder(folder), None, None)
    if TRAIN not in parts:
        raise UserError(
            f"{folder} has the parts {', '.join(parts)} and no training images; give the folder "
            "that has them with --data, and the others with --test-data."
        )
    train = _named(labelled_folder(folder, part=TRAIN), parts[TRAIN])
    found = [_like(train, part) for part in _scored(folder, parts)]
    test = found[0] if found else None
    val = found[1] if len(found) > 1 else None
    return Parts(name, folder, train, val, test)


def _like(train: Domain, part: Domain) -> Domain:
    """A part with the training images' spelling of classes and range of grey."""
    return dataclasses.replace(Spelling(train.classes).applied(part), grey=train.grey)


def _scored(folder: Path, parts: Mapping[str, Sequence[Path]]) -> list[Domain]:
    """The parts that can be scored on, the test part first."""
    found = []
    for part in OTHERS:
        if part not in parts:
            continue
        domain = folder_domain(folder, part=part)
        if domain.labels is None:
            logger.info("%s has images without classes: not used", parts[part][0])
        else:
            found.append(_named(domain, parts[part]))
    return found


def _named(domain: Domain, folders: Sequence[Path]) -> Domain:
    """A part under the name of its own folder, where it is one."""
    if len(folders) > 1:
        return domain
    return dataclasses.replace(domain, name=folders[0].name, folder=folders[0])
