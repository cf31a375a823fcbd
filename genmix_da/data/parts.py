"""The parts of a data set or a domain: folders for training, validation and test.

Recognised by their names in any case and with the usual suffixes: train, Training, train_set,
images_test, val2017, validation. A class may be called "train", too: a folder with images of its
own beside other classes is a class.
"""

from __future__ import annotations

import re
from pathlib import Path

from genmix_da.data.entries import has_images, is_image, subfolders
from genmix_da.errors import UserError

PARTS = ("train", "val", "test")
ANNOTATIONS = "val_annotations.txt"

_STEMS = {
    "train": "train|training|trn",
    "val": "val|valid|validation|dev",
    "test": "test|testing|tst|eval|evaluation",
}
_AFFIX = "images?|imgs?|data|dataset|set|split|folder|part|full|[0-9]{1,4}"
_NAMES = {
    part: re.compile(rf"(?:(?:{_AFFIX})[\s_-]?)?(?:{stems})(?:[\s_-]?(?:{_AFFIX}))*", re.IGNORECASE)
    for part, stems in _STEMS.items()
}


def part_name(name: str) -> str | None:
    """ "train", "val" or "test" where a folder or list is called so, else None."""
    return next((part for part, names in _NAMES.items() if names.fullmatch(name.strip())), None)


def split_stem(stem: str) -> tuple[str, str | None]:
    """The domain and the part of a list's name: "real_train" is ("real", "train")."""
    head, mark, tail = re.match(r"(.*?)(?:([_. -])([^_. -]+))?$", stem).groups()  # type: ignore[union-attr]
    part = part_name(tail) if mark and head else None
    return (head, part) if part else (stem, None)


def check_part(part: str | None) -> str | None:
    """A part by any of its names.

    Raises:
        UserError: it is no part.
    """
    if part is None:
        return None
    known = part_name(part)
    if known is None:
        raise UserError(f"no part {part!r}; there are: {', '.join(PARTS)}. Check --part.")
    return known


def parts_of(folder: Path) -> dict[str, list[Path]]:
    """Part -> the folders that hold it; empty where a folder has none.

    They are parts where one of them holds class folders, or where there is nothing beside them:
    two or more, or one and no other folder with images.
    """
    folders = subfolders(folder)
    found: dict[str, list[Path]] = {}
    for path in folders:
        part = part_name(path.name)
        if part is not None:
            found.setdefault(part, []).append(path)
    if not found:
        return {}
    named = [path for paths in found.values() for path in paths]
    others = [path for path in folders if path not in named]
    alone = not any(map(has_images, others))
    held = any(map(holds_classes, named))
    if not ((alone and held) or (len(found) > 1 and (alone or held))):
        return {}
    return {part: found[part] for part in PARTS if part in found}


def holds_classes(folder: Path) -> bool:
    """Whether a folder has class folders: images below its subfolders and none of its own."""
    if not folder.is_dir() or any(is_image(path) for path in folder.iterdir()):
        return False
    if (folder / ANNOTATIONS).is_file():
        return True
    inside = subfolders(folder)
    if [path.name for path in inside] == ["images"]:
        return holds_classes(inside[0])
    return any(map(has_images, inside))
