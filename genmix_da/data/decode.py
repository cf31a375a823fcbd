"""Decode and resize every image of a domain once, into a memory-mapped file.

The file lies in the cache folder under a key of paths, sizes, times and numbers of the files, side
and interpolation; a second run maps it and decodes nothing. Images that cannot be read are left out
and named, and tried again by the next run. It is written under a temporary name and renamed; the
notes beside it hold its length and a CRC of every image and have a checksum of their own, and what
differs is made again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from PIL import Image

from genmix_da.config_values import AUTO
from genmix_da.data.domain import Domain
from genmix_da.data.grey import GreyRange
from genmix_da.data.pixels import pil_warnings_ignored, read_image
from genmix_da.errors import UserError
from genmix_da.places import cache_folder
from genmix_da.progress import track
from lead.files import write_atomically

CORRUPT_LIMIT = 0.05
DECODE_VERSION = 2  # of the pixels that an image gives
CONTENT_DIGITS = 16  # of an image's SHA-256 in the notes
# Bytes whose CRC is held against the notes when a file is opened: a quarter of a second.
_TRIED = 2**28
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}

# A path -> (pixels, SHA-256 of the bytes) or (None, reason).
_Decode = Callable[[Path], tuple[NDArray[np.uint8] | None, str]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DecodedDomain:
    """A domain's readable images as pixels.

    Attributes:
        domain: the index, without the skipped images.
        pixels: [N, R, R, 3] uint8, memory-mapped, in the order of domain.images.
        skipped: (path, reason) of what was left out of the domain and of every image that could
            not be read.
        fingerprint: SHA-256 over class, file name and bytes of all readable images, and what is
            black and white in deep grey.
        contents: the first 16 digits of the SHA-256 of each image's bytes.
    """

    domain: Domain
    pixels: NDArray[np.uint8]
    skipped: tuple[tuple[str, str], ...]
    fingerprint: str
    contents: tuple[str, ...]


def decode_domain(
    domain: Domain, side: int, interpolation: str, *, strict: bool = True
) -> DecodedDomain:
    """Pixels of a domain at side x side, decoded now or mapped from the cache.

    Args:
        domain: the images.
        side: R in pixels; images are resized to a square, as in the released LEAD code.
        interpolation: "bilinear" or "bicubic".
        strict: False: any number of images may be unreadable, but for one.

    Raises:
        UserError: more than 5 % of the images cannot be read, or none can be.
    """
    folder = cache_folder() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_key(domain, side, interpolation)}.npy"
    notes = path.with_suffix(".json")
    decode = partial(_decode_one, side, _FILTERS[interpolation], domain.grey)
    info = _usable(path, notes)
    if info is None or _any_mended(info, decode):
        _decode_to(path, notes, domain, side, decode)
        info = json.loads(notes.read_text())
    _refuse_many(domain, info["skipped"], CORRUPT_LIMIT if strict else 1.0)
    readable = dataclasses.replace(domain.part(info["kept"]), classes=domain.classes)
    pixels: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    skipped = (*domain.left_out, *((str(p), str(reason)) for p, reason in info["skipped"]))
    contents = tuple(info["contents"])
    return DecodedDomain(readable, pixels, skipped, str(info["fingerprint"]), contents)


def _usable(path: Path, notes: Path) -> dict[str, Any] | None:
    """The notes of a cached file where the two fit."""
    if not (path.is_file() and notes.is_file()):
        return None
    if not is_damaged(path, tried=_TRIED):
        info: dict[str, Any] = json.loads(notes.read_text())
        return info
    logger.warning("the decoded images %s are damaged and are made again", path)
    return None


def is_damaged(path: Path, tried: float = np.inf) -> bool:
    """Whether a file of decoded images is not what the notes beside it say.

    Args:
        path: of the file.
        tried: bytes of its images that are looked at, spread evenly. Notes of earlier versions have
            no checksums; of theirs the length alone is.
    """
    try:
        info = json.loads(path.with_suffix(".json").read_text())
        pixels: NDArray[np.uint8] = np.load(path, mmap_mode="r")
        if not len(pixels) >= len(info["kept"]) == len(info["contents"]):
            return True
        if path.stat().st_size != info.get("bytes", path.stat().st_size):
            return True
        if info.get("key", path.stem) != path.stem:
            return True  # another array and its notes, in the place of this one
        # Whatever has checksums has a digest.
        if not info.keys().isdisjoint(("checksums", "key")) and info.get("digest") != _digest(info):
            return True
        known = info.get("checksums", [])
        step = max(int(np.ceil(len(known) * pixels[0:1].nbytes / tried)), 1)
        return any(
            zlib.crc32(np.ascontiguousarray(pixels[row]).data) != known[row]
            for row in range(0, len(known), step)
        )
    except (OSError, ValueError, EOFError, TypeError, KeyError, RecursionError):
        return True


def _digest(info: Mapping[str, Any]) -> str:
    """SHA-256 of the notes; none in those of earlier versions."""
    content = {key: value for key, value in info.items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _any_mended(info: Mapping[str, Any], decode: _Decode) -> bool:
    """Whether an image that could not be read once (a permission, a network drive) can be now."""
    with pil_warnings_ignored():
        return any(decode(Path(name))[0] is not None for name, _ in info["skipped"])


def _key(domain: Domain, side: int, interpolation: str) -> str:
    digest = hashlib.sha256(f"{DECODE_VERSION}/{side}/{interpolation}".encode())
    for image in domain.images:
        digest.update(_status_line(image))
    for label in domain.labels or ():
        digest.update(os.fsencode(f"{label}\n"))
    grey = domain.grey
    if grey.choice != AUTO:
        digest.update(grey.choice.encode())
    elif grey.images != domain.images:  # the range of a part is the whole's
        for image in grey.images:
            digest.update(_status_line(image))
    return digest.hexdigest()[:32]


def status_of(images: Iterable[str | Path]) -> str:
    """A digest of the sizes, times and numbers of files, as they are now."""
    return hashlib.sha256(b"".join(_status_line(Path(image)) for image in images)).hexdigest()


def _status_line(image: Path) -> bytes:
    try:
        status = image.stat()
        marks = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        return os.fsencode("\0".join(map(str, (image.resolve(), *marks))) + "\n")
    except OSError:
        return os.fsencode(f"{image}\0missing\n")


def _decode_one(
    side: int, resample: Image.Resampling, grey: GreyRange, path: Path
) -> tuple[NDArray[np.uint8] | None, str]:
    """(pixels, SHA-256 of the bytes) or (None, reason)."""
    try:
        content = path.read_bytes()
        image = read_image(content, grey).resize((side, side), resample)
    except OSError as error:
        return None, error.strerror or "unreadable"
    except ValueError as error:
        return None, str(error)
    return np.asarray(image), hashlib.sha256(content).hexdigest()


def _decode_to(path: Path, notes: Path, domain: Domain, side: int, decode: _Decode) -> None:
    """Fill the cache file, then the notes beside it."""
    notes.unlink(missing_ok=True)  # of a file that is damaged, or misses what can be read now
    kept: list[int] = []
    contents: list[str] = []
    checksums: list[int] = []
    skipped: list[tuple[str, str]] = []
    digest = hashlib.sha256()
    count = len(domain.images)

    def fill(file: Path) -> None:
        pixels = open_memmap(file, mode="w+", dtype=np.uint8, shape=(count, side, side, 3))
        # Reserve the space now: writing to a mapped file on a full disk would kill the process.
        if hasattr(os, "posix_fallocate"):
            with file.open("r+b") as handle:
                os.posix_fallocate(handle.fileno(), 0, file.stat().st_size)
        results = track(_in_threads(decode, domain.images), f"decoding {domain.name}", count)
        for index, (array, note) in enumerate(results):
            if array is None:
                skipped.append((str(domain.images[index]), note))
                continue
            pixels[len(kept)] = array
            checksums.append(zlib.crc32(array.data))
            kept.append(index)
            contents.append(note[:CONTENT_DIGITS])
            label = domain.labels[index] if domain.labels else ""
            digest.update(os.fsencode(f"{label}/{domain.images[index].name}/{note}\n"))
        pixels.flush()

    write_atomically(path, fill)
    digest.update(domain.grey.mark(domain.images[index] for index in kept).encode())
    images = [os.path.realpath(domain.images[index]) for index in kept]
    info: dict[str, Any] = {
        "key": path.stem,
        "kept": kept,
        "images": images,
        "status": status_of(images),
        "contents": contents,
        "checksums": checksums,
        "skipped": skipped,
        "fingerprint": digest.hexdigest(),
        "side": side,
        "domain": str(domain.folder),
        "bytes": path.stat().st_size,
    }
    info = json.loads(json.dumps(info))  # tuples become lists
    info["digest"] = _digest(info)
    write_atomically(notes, lambda file: file.write_text(json.dumps(info)))


def _in_threads(
    decode: _Decode, images: Sequence[Path]
) -> Iterator[tuple[NDArray[np.uint8] | None, str]]:
    """Decode in order, a few images ahead, so that memory does not grow with the domain."""
    workers = os.cpu_count() or 1
    with pil_warnings_ignored(), ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(images), 16 * workers):
            yield from pool.map(decode, images[start : start + 16 * workers])


def log_skipped(*decoded: DecodedDomain) -> None:
    """Name the images that could not be read; the caller chooses in which log."""
    for domain in decoded:
        for path, reason in domain.skipped:
            logger.warning("skipped %s: %s", path, reason)


def _refuse_many(domain: Domain, skipped: Sequence[tuple[str, str]], limit: float) -> None:
    """Too many unreadable images are an error, and so is none that can be read."""
    if skipped and len(skipped) == len(domain.images):
        path, reason = skipped[0]
        raise UserError(
            f"none of the {len(skipped)} images of {domain.name} can be read (the first: {path}, "
            f"{reason}); genmix-da data check lists all."
        )
    if len(skipped) > limit * len(domain.images):
        path, reason = skipped[0]
        raise UserError(
            f"{len(skipped)} of {len(domain.images)} images of {domain.name} cannot be read "
            f"(the first: {path}, {reason}); that is more than {limit:.0%}. "
            "Mend or remove them: genmix-da data check lists all."
        )
