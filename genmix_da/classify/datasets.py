"""The images of a classification: class folders or lists, with or without parts of their own.

SRC/<class>/<image>; SRC/train and SRC/test or validation with class folders; a list of images, also
one that names the part of each; a second data set to test on; torchvision's data sets by name. What
counts as class, part and image is said in `genmix_da.data`.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from genmix_da.classify.parts import Parts
from genmix_da.classify.torchvision_sets import torchvision_parts
from genmix_da.data.domain import Domain
from genmix_da.data.hub import local
from genmix_da.data.sources import data_set, labelled, parts_in
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
        data: see `data_set`, or the name of a torchvision data set.
        test_data: see `data_set`: to test on, instead of the data's own test part.
        root: folder of torchvision's data sets; None: in the cache.
        download: fetch a torchvision data set that is not there.

    Raises:
        UserError: an empty name, no such folder or name, no images, no class folders, no network.
    """
    check_names(data, test_data)
    source = local(data)
    if source.exists():
        parts = _own_parts(source)
    else:
        parts = torchvision_parts(data, Path(root) if root else None, download=download)
    if test_data is None:
        return parts
    test = _like(parts.train, labelled(test_data))
    return Parts(parts.name, parts.folder, parts.train, parts.val, test)


def check_names(data: str, test_data: str | None) -> None:
    """No name is empty; as a path it would be the current folder.

    Raises:
        UserError: one is.
    """
    for option, name in (("--data", data), ("--test-data", test_data)):
        if name is not None and not name.strip():
            raise UserError(f"{option} is empty; name a folder.")


def own_test_part(data: str) -> Domain | None:
    """The part that a data set is tested on; None where it has none of its own.

    Args:
        data: the data set; its training part need not be there.

    Raises:
        UserError: the part cannot be read.
    """
    source = local(data)
    found = _scored(source, parts_in(source))
    return found[0] if found else None


def _own_parts(source: Path) -> Parts:
    """The parts of a folder or list; a folder with images of a class named "train" has none.

    Raises:
        UserError: it has parts and no training images.
    """
    parts = parts_in(source)
    folder = source if source.is_dir() else source.parent
    name = source.resolve().name if source.is_dir() else source.stem
    if not parts:
        return Parts(name, folder, labelled(source), None, None)
    if TRAIN not in parts:
        raise UserError(
            f"{source} has the parts {', '.join(parts)} and no training images; give what has "
            "them with --data, and the others with --test-data."
        )
    train = _named(labelled(source, part=TRAIN), parts[TRAIN])
    found = [_like(train, part) for part in _scored(source, parts)]
    test = found[0] if found else None
    val = found[1] if len(found) > 1 else None
    return Parts(name, folder, train, val, test)


def _like(train: Domain, part: Domain) -> Domain:
    """A part with the training images' spelling of classes and range of grey."""
    return dataclasses.replace(Spelling(train.classes).applied(part), grey=train.grey)


def _scored(source: Path, parts: Mapping[str, Sequence[Path]]) -> list[Domain]:
    """The parts that can be scored on, the test part first."""
    found = []
    for part in OTHERS:
        if part not in parts:
            continue
        domain = data_set(source, part=part)
        if domain.labels is None:
            logger.info("%s has images without classes: not used", parts[part][0])
        else:
            found.append(_named(domain, parts[part]))
    return found


def _named(domain: Domain, folders: Sequence[Path]) -> Domain:
    """A part under the name of its own folder, where it is one."""
    if len(folders) > 1 or not folders[0].is_dir():
        return domain
    return dataclasses.replace(domain, name=folders[0].name, folder=folders[0])
