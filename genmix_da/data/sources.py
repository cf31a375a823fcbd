"""One data set as a whole: class folders, a list or table of images, or images alone.

What `augment`, `preview`, `editors compare` and `classify` read. Several data sets under one root
are in `domains`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from genmix_da.config_values import AUTO
from genmix_da.data.domain import Domain, NoImageError
from genmix_da.data.folders import folder_domain
from genmix_da.data.hub import PREFIX, local
from genmix_da.data.listed import list_domain
from genmix_da.data.lists import is_list, read_list
from genmix_da.data.parts import PARTS, check_part, part_name, parts_of
from genmix_da.errors import UserError

logger = logging.getLogger(__name__)

# A list of the images of the folder that it lies in.
LISTS = ("image_unida_list.txt", "labels.csv")
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")


def data_set(source: str | Path, *, part: str | None = None) -> Domain:
    """Index a data set; without labels where it is a folder of images and no class folders.

    Args:
        source: a folder, a list of images, or "datasets:NAME".
        part: "train", "val" or "test" by any of its names; None: all of them together.

    Raises:
        NoImageError: there is no image.
        UserError: there is no such folder or list, or what its reader refuses.
    """
    path, part = local(source), check_part(part)
    file = own_list(path)
    if file is not None:
        name = path.name if path.is_dir() else path.stem
        return list_domain(file, name, part=part)
    if not path.is_dir():
        raise UserError(f"no folder {path}; expected <class>/<image> below it, or a list of them.")
    return folder_domain(path, part=part)


def labelled(source: str | Path, *, part: str | None = None) -> Domain:
    """Index a data set whose images have classes; see `data_set`.

    Raises:
        UserError: no image, no class, or what `data_set` refuses.
    """
    try:
        domain = data_set(source, part=part)
    except NoImageError as error:
        raise UserError(f"no image under {source}; expected <class>/<image> below it.") from error
    if domain.labels is None:
        raise UserError(
            f"{source} has images but no class folders, so they have no labels; expected "
            "<class>/<image> below it."
        )
    return domain


def training_images(
    source: str | Path,
    *,
    part: str | None = None,
    grey_range: str = AUTO,
    classes: bool = True,
) -> Domain:
    """The images that others are made from: the training part, where there is one.

    Args:
        source: see `data_set`.
        part: another part.
        grey_range: of deep grey images, see `GreyRange`.
        classes: images without classes are an error.

    Raises:
        UserError: what `labelled` refuses, no such part or range.
    """
    path = local(source)
    if part is None and "train" in parts_in(path):
        part = "train"
        logger.info("%s: its training part alone; --part takes another", source)
    domain = (labelled if classes else data_set)(path, part=part).with_grey(grey_range)
    for name, reason in domain.left_out:
        logger.warning("left out %s: %s", name, reason)
    return domain


def parts_in(source: str | Path) -> Mapping[str, Sequence[Path]]:
    """Part -> the folders that hold it, or the list that names it; empty where there are none."""
    path = local(source)
    file = own_list(path)
    if file is not None:
        named = {part_name(line.part or "") for line in read_list(file)}
        return {part: [file] for part in PARTS if part in named}
    return parts_of(path) if path.is_dir() else {}


def own_list(path: Path) -> Path | None:
    """The list that a path is, or that lies in the folder that it is; None where there is none.

    Raises:
        UserError: it is a file and no list.
    """
    if path.is_file():
        return checked_list(path)
    return next((path / name for name in LISTS if (path / name).is_file()), None)


def checked_list(file: Path) -> Path:
    """A file in place of a data folder, where it is a list.

    Raises:
        UserError: it is an archive, or something else.
    """
    if is_list(file):
        return file
    if file.suffix.lower() in _ARCHIVES:
        shards = f" (shards of webdataset: '{PREFIX}{file}')" if file.suffix == ".tar" else ""
        raise UserError(f"{file} is an archive; unpack it and give the folder{shards}.")
    raise UserError(f"{file} is neither a folder nor a list of 'path label' lines; check the path.")
