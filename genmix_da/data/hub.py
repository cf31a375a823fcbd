"""Data sets of the `datasets` library: of a hub, parquet files, webdataset shards.

`datasets:NAME_OR_PATH?label=COLUMN&domain=COLUMN` in place of a data folder. Their images are
copied, as they are, into class folders in the cache, once; from there on they are read like all
others. A column that is not named is found by what it holds or by its usual names.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import logging
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from genmix_da.data.entries import IMAGE_SUFFIXES, is_hidden
from genmix_da.data.parts import part_name
from genmix_da.errors import UserError, check_name
from genmix_da.places import HUB, cache_folder, is_url, place_name, user_path
from genmix_da.progress import track
from genmix_da.sealed import damaged_in, seal_folder
from genmix_da.stores.copies import fetch

PREFIX = HUB
_OPTIONS = ("image", "label", "domain", "split", "config", "revision")
# Role -> usual names of its column, and the kind of what it holds.
_ROLES = {
    "image": ("image img jpg jpeg png webp picture photo", "Image"),
    "label": ("label labels class category cls target fine_label y class_name", "ClassLabel"),
    "domain": ("domain domains style", None),
}

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Columns:
    """Which columns hold what; `domain` is None where there is no such column."""

    image: str
    label: str
    domain: str | None


def usual_columns(role: str) -> list[str]:
    """The usual names of a column, the most usual first.

    Args:
        role: "image", "label" or "domain".
    """
    return _ROLES[role][0].split()


def local(source: str | Path) -> Path:
    """A data folder or list as a path; what a URL or the `datasets` library holds is copied first.

    Raises:
        UserError: nothing is at the URL; or see `copied` and `stores.fetch`.
    """
    text = os.fspath(source) if isinstance(source, os.PathLike) else source
    if not isinstance(text, str):
        return user_path(source)  # says what it is
    if is_url(source):
        copy = fetch(user_path(source), exact=True)
        if not any(file.is_file() for file in (copy, *copy.rglob("*"))):
            raise UserError(f"there is no file at {place_name(copy)}; check the address.")
        return copy
    return copied(text.removeprefix(PREFIX)) if text.startswith(PREFIX) else user_path(text)


def copied(spec: str) -> Path:
    """The folder in the cache that holds the images of a data set.

    Args:
        spec: NAME, a folder or a file, with `?OPTION=VALUE&...` behind it: the columns `image`,
            `label` and `domain` (`domain=`: there are none), and what to load: `split`, `config`,
            `revision`.

    Raises:
        UserError: the library is not installed, the data set can't be loaded, or a column is
            missing.
    """
    name, _, query = spec.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for option in options:
        check_name(f"option of {PREFIX}{name}", option, _OPTIONS)
    if not name.strip():
        raise UserError(f"{PREFIX} names no data set; give {PREFIX}NAME or a path.")
    splits = _load(name, options)
    marks = [(split, data._fingerprint) for split, data in splits.items()]
    key = hashlib.sha256(repr((sorted(options.items()), marks)).encode()).hexdigest()[:16]
    home = cache_folder() / "datasets" / key / (re.sub(r"\W+", "-", Path(name).stem) or "data")
    damaged = damaged_in(home, full=False) if home.is_dir() else []
    if damaged:
        logger.warning("%s is damaged; %s is copied again", damaged[0], name)
        shutil.rmtree(home)
    if not home.is_dir():
        logger.info("copying the images of %s into %s", name, home)
        unfinished = home.with_name(f".{home.name}.{os.getpid()}")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            for split, data in splits.items():
                _copy(data, _columns(data, options, name), unfinished, split, len(splits), name)
            if not unfinished.is_dir():
                raise UserError(f"{PREFIX}{name} has no image with a label.")
            seal_folder(unfinished)
            _rename(unfinished, home)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return home


def _rename(unfinished: Path, home: Path) -> None:
    try:
        unfinished.rename(home)
    except OSError:
        if not home.is_dir():  # another process may have copied it meanwhile
            raise


def _load(name: str, options: Mapping[str, str]) -> dict[str, Any]:
    """Split -> data."""
    try:
        import datasets
    except ImportError as error:
        raise UserError(
            f"{PREFIX}{name} needs the datasets library; pip install 'genmix-da[datasets]'."
        ) from error
    path = user_path(name)
    wanted: dict[str, Any] = {"split": options.get("split"), "revision": options.get("revision")}
    datasets.disable_progress_bars()
    try:
        if any((path / mark).is_file() for mark in ("dataset_dict.json", "state.json")):
            found = datasets.load_from_disk(str(path))
            found = found[options["split"]] if "split" in options else found
        elif (files := _files(path)) is not None:
            kind = "webdataset" if files[0].suffix == ".tar" else "parquet"
            named = [str(file) for file in files]
            found = datasets.load_dataset(kind, data_files=named, split=options.get("split"))
        else:
            found = datasets.load_dataset(name, options.get("config"), **wanted)
    except Exception as error:  # the library raises many kinds, of many others
        said = str(error).strip().splitlines()
        raise UserError(
            f"cannot load {PREFIX}{name}: {said[0] if said else type(error).__name__}; check the "
            "name, and the network where it is of a hub."
        ) from error
    if isinstance(found, datasets.Dataset):
        return {"": found}
    return {str(split): data for split, data in found.items() if len(data)}


def _files(path: Path) -> list[Path] | None:
    """Parquet files or tars: the file itself, or those in the folder where nothing else is."""
    if path.is_file():
        return [path] if path.suffix in (".parquet", ".tar") else None
    for suffix in (".parquet", ".tar"):
        found = sorted(path.glob(f"*{suffix}")) if path.is_dir() else []
        if found and not any(file.name.split("-")[0] in _SPLITS for file in found):
            return found
    return None


_SPLITS = ("train", "test", "validation", "val")  # in names of files, which the library reads


def _columns(data: Any, options: Mapping[str, str], name: str) -> Columns:
    """Which columns hold what.

    Raises:
        UserError: one is not there.
    """
    kinds = {column: type(feature).__name__ for column, feature in data.features.items()}
    found = {}
    for role, (usual, kind) in _ROLES.items():
        if options.get(role):
            check_name(f"column of {PREFIX}{name}", options[role], list(kinds))
        of_kind = [column for column, held in kinds.items() if held == kind]
        named = [column for column in usual.split() if column in kinds]
        # Pictures are told by what they are; of several class numbers the name tells.
        likely = of_kind + named if role == "image" else named + of_kind
        found[role] = options.get(role, next(iter(likely), None)) or None
    image, label = found["image"], found["label"]
    if image is None or label is None:
        missing = "image" if image is None else "label"
        raise UserError(
            f"{PREFIX}{name} has no column of {missing}s that is known by its name; name it: "
            f"'{PREFIX}{name}?{missing}=COLUMN'. There are: {', '.join(kinds)}."
        )
    return Columns(image, label, found["domain"])


def _copy(data: Any, columns: Columns, home: Path, split: str, splits: int, name: str) -> None:
    """Write the images of a split below home/[part]/[domain]/class."""
    import datasets

    images = data.select_columns([c for c in dataclasses.astuple(columns) if c])
    images = images.cast_column(columns.image, datasets.Image(decode=False))
    part = part_name(split) if split else None
    # Splits that are no parts are domains (one split a style).
    fixed = [split] if split and (part is None or splits > 1) else []
    classes, domains = (_Folders(data, column, name) for column in (columns.label, columns.domain))
    left_out = 0
    for number, row in enumerate(track(images, f"copying {split or name}", len(images))):
        label = classes.of(row)
        content = _content(row[columns.image])
        if label is None or content is None:
            left_out += 1
            continue
        folder = home.joinpath(*fixed, *([domains.of(row) or "none"] if columns.domain else []))
        file = folder / label / f"{number:07d}{_suffix(row[columns.image], content)}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    if left_out:
        logger.warning(
            "left out %d of %d images of %s%s: without a label or without content",
            left_out,
            len(images),
            name,
            f" ({split})" if split else "",
        )


class _Folders:
    """The folder's name of each value of a column.

    Args:
        data: with the column.
        column: of class numbers with names, texts or numbers; None: there is none.
        name: of the data set, for messages.
    """

    def __init__(self, data: Any, column: str | None, name: str) -> None:
        self._column, self._name = column, name
        names = getattr(data.features[column], "names", None) if column else None
        self._names: Sequence[str] | None = names
        self._taken: dict[str, str] = {}
        self._marked: set[str] = set()

    def of(self, row: Mapping[str, Any]) -> str | None:
        """None where there is no value, or -1 (of tests without labels).

        Raises:
            UserError: two values would have one folder, or a value is neither text nor number.
        """
        value = row[self._column] if self._column else None
        if value is None or value == -1:
            return None
        if isinstance(value, bytes):
            value = value.decode(errors="replace")
        if not isinstance(value, str | int):
            raise UserError(
                f"the column {self._column!r} of {PREFIX}{self._name} holds neither names nor "
                "numbers; name another."
            )
        names = self._names
        text = names[value] if isinstance(value, int) and names is not None else str(value)
        folder = re.sub(r"^\.|[/\\\0]", "_", text.strip()) or "_"
        if is_hidden(folder) or part_name(folder) or folder == "images":
            if folder not in self._marked:
                logger.warning(
                    "the label %r is read as %r: a folder of its name is no class",
                    text,
                    f"{folder}_",
                )
            self._marked.add(folder)
            folder += "_"
        if self._taken.setdefault(folder, text) != text:
            raise UserError(
                f"{text!r} and {self._taken[folder]!r} of {PREFIX}{self._name} would be one "
                "folder; rename one of them."
            )
        return folder


def _content(image: Any) -> bytes | None:
    """The bytes of an image that was not decoded."""
    if image is None:
        return None
    if image.get("bytes"):
        return bytes(image["bytes"])
    return Path(image["path"]).read_bytes() if image.get("path") else None


def _suffix(image: Mapping[str, Any], content: bytes) -> str:
    """The ending of an image's name, from its path, else from its content."""
    ending = Path(image.get("path") or "").suffix.lower()
    if ending in IMAGE_SUFFIXES:
        return ending
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as opened:
            return f".{(opened.format or 'jpeg').lower()}"
    except (UnidentifiedImageError, OSError):
        return ".jpg"  # named as unreadable when it is read
