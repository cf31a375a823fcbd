"""torchvision's data sets by name, as class folders and files that everything else can read.

Sets of image files are indexed where they lie. CIFAR-100 is one array; its images are written once
into the cache as PNG, so that decoding, GenMix and split files treat them like any others.
"""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from genmix_da.classify.parts import Parts
from genmix_da.data.domain import Domain
from genmix_da.data.sources import labelled
from genmix_da.errors import UserError, or_did_you_mean
from genmix_da.places import cache_folder
from genmix_da.progress import track
from genmix_da.sealed import damaged_in, seal_folder

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Set:
    """How a data set is asked for.

    Attributes:
        name: as papers write it.
        kind: torchvision's class.
        parts: arguments of train, val (or None) and test.
    """

    name: str
    kind: str
    parts: tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any]]


SETS = {
    "cifar100": _Set("CIFAR-100", "CIFAR100", ({"train": True}, None, {"train": False})),
    "flowers102": _Set(
        "Flowers102", "Flowers102", ({"split": "train"}, {"split": "val"}, {"split": "test"})
    ),
    "stanfordcars": _Set(
        "StanfordCars", "StanfordCars", ({"split": "train"}, None, {"split": "test"})
    ),
    "fgvcaircraft": _Set(
        "FGVCAircraft", "FGVCAircraft", ({"split": "trainval"}, None, {"split": "test"})
    ),
}


def torchvision_parts(query: str, root: Path | None, *, download: bool) -> Parts:
    """A data set by name, in any case, with or without hyphens.

    Args:
        query: what the user typed.
        root: that torchvision keeps it in; None: `torchvision` in the cache.
        download: fetch it where it is not there.

    Raises:
        UserError: neither a folder nor a name; not there, and not downloaded or no network.
    """
    key = re.sub(r"[-_ ]", "", query).lower()
    if key not in SETS:
        hint = or_did_you_mean(key, SETS, "; check --data.")
        raise UserError(
            f"{query!r} is neither a folder nor one of torchvision's data sets that are known "
            f"here ({', '.join(SETS)}){hint}"
        )
    chosen = SETS[key]
    home = root or cache_folder() / "torchvision"
    if key == "cifar100":
        folder = cache_folder() / "classification" / key
        damaged = damaged_in(folder, full=False) if folder.is_dir() else []
        if damaged:
            logger.warning("%s is damaged; %s is unpacked again", damaged[0], chosen.name)
            shutil.rmtree(folder)
        if not folder.is_dir():
            _export(lambda part: _open(chosen, home, part, download), chosen, folder)
        test = labelled(folder / "test")
        return Parts(chosen.name, folder, labelled(folder / "train"), None, test)
    train, val, test_part = (
        None if part is None else _indexed(chosen.name, home, _open(chosen, home, part, download))
        for part in chosen.parts
    )
    assert train is not None
    return Parts(chosen.name, home, train, val, test_part)


def _open(chosen: _Set, home: Path, part: dict[str, Any], download: bool) -> Any:
    """torchvision's data set object.

    Raises:
        UserError: it is not there, or cannot be fetched.
    """
    import torchvision

    kind = getattr(torchvision.datasets, chosen.kind)
    try:
        if download:
            home.mkdir(parents=True, exist_ok=True)
        # torchvision prints while it downloads; standard output is for results.
        with contextlib.redirect_stdout(sys.stderr):
            return kind(root=home, download=download, **part)
    except (RuntimeError, OSError, ValueError) as error:
        if not download:
            raise UserError(
                f"{chosen.name} is not in {home}; fetch it with --download, or name the folder "
                "that torchvision keeps it in with --root."
            ) from error
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(
            f"{chosen.name} could not be downloaded ({reason}); check the network, or put "
            f"torchvision's files into {home}."
        ) from error


def _indexed(name: str, home: Path, dataset: Any) -> Domain:
    """The files of a data set, in order of class and name."""
    pairs = getattr(dataset, "_samples", None)
    if pairs is None:
        pairs = zip(dataset._image_files, dataset._labels, strict=True)
    samples = [(Path(path), int(label)) for path, label in pairs]
    names = list(getattr(dataset, "classes", ()))
    # Class names become folder names ("F/A-18"), and equal ones would merge two classes.
    named = len(set(names)) == len(names) > 0
    classes = {
        label: str(names[label]).replace("/", "-") if named else f"{label:04}"
        for label in {label for _, label in samples}
    }
    found = sorted((classes[label], path) for path, label in samples)
    return Domain(
        name,
        home,
        tuple(path for _, path in found),
        tuple(label for label, _ in found),
        tuple(sorted(set(classes.values()))),
    )


def _export(opened: Callable[[dict[str, Any]], Any], chosen: _Set, folder: Path) -> None:
    """Write train and test arrays as <part>/<class>/<number>.png; all of it, or nothing."""
    datasets = {
        part: opened(arguments)
        for part, arguments in zip(("train", "val", "test"), chosen.parts, strict=True)
        if arguments is not None
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for part, dataset in datasets.items():
            for name in dataset.classes:
                (temporary / part / name).mkdir(parents=True)
            images = zip(dataset.data, dataset.targets, strict=True)
            for number, (pixels, label) in enumerate(
                track(images, f"unpacking {chosen.name} {part}", len(dataset.targets))
            ):
                path = temporary / part / dataset.classes[label] / f"{number:05}.png"
                Image.fromarray(pixels).save(path, compress_level=1)
        seal_folder(temporary)
        with contextlib.suppress(OSError):  # another process was faster; its folder is the same
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
