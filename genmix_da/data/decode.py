"""Decode and resize every image of a domain once, into a memory-mapped file.

The file lies in the cache folder under a key of paths, sizes, modification times, side and
interpolation; a second run maps it and decodes nothing. Images that cannot be read are left out
and named. It is written under a temporary name and renamed.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from genmix_da.data.domains import Domain
from genmix_da.errors import UserError
from genmix_da.places import cache_folder
from genmix_da.progress import track
from lead.checkpoint import write_atomically

CORRUPT_LIMIT = 0.05
DECODE_VERSION = 2
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DecodedDomain:
    """A domain's readable images as pixels.

    Attributes:
        domain: the index, without the skipped images.
        pixels: [N, R, R, 3] uint8, memory-mapped, in the order of domain.images.
        skipped: (path, reason) of every image that could not be read.
        fingerprint: SHA-256 over class, file name and bytes of all readable images.
    """

    domain: Domain
    pixels: NDArray[np.uint8]
    skipped: tuple[tuple[str, str], ...]
    fingerprint: str


def read_image(content: bytes) -> Image.Image:
    """Decode an image file to upright RGB, transparency on white; of an animation the first frame.

    Raises:
        ValueError: zero bytes, not an image, truncated, or larger than PIL's bomb limit.
    """
    if not content:
        raise ValueError("zero bytes")
    try:
        with Image.open(io.BytesIO(content)) as image:
            limit = Image.MAX_IMAGE_PIXELS
            if limit is not None and image.width * image.height > limit:
                raise ValueError("too many pixels")
            upright = _upright(image)
            # PIL clips 16-bit grey to white; versions before 11 call a 16-bit PNG "I".
            if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
                return Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8)).convert("RGB")
            if not upright.has_transparency_data:
                return upright.convert("RGB")
            # What lies under transparent pixels is arbitrary, black more often than not.
            white = Image.new("RGBA", upright.size, "white")
            return Image.alpha_composite(white, upright.convert("RGBA")).convert("RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError("too many pixels") from error
    except UnidentifiedImageError as error:
        raise ValueError("not an image") from error
    except Exception as error:  # PIL's decoders raise many kinds on damaged files
        raise ValueError(str(error).splitlines()[0] if str(error) else "unreadable") from error


def _upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF data say; untouched where those are missing or damaged."""
    image.load()
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # PIL's EXIF parser raises many kinds; the pixels are good all the same
        return image
    return image if orientation == 1 else ImageOps.exif_transpose(image)


@contextmanager
def pil_warnings_ignored() -> Iterator[None]:
    """Silence PIL where damaged files are expected; enter it once, outside of threads.

    The filters belong to the whole process: changed by many threads they end in any state.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        # A palette image with transparency converts through alpha; PIL's advice is noise here.
        warnings.filterwarnings("ignore", message="Palette images with Transparency")
        warnings.filterwarnings("ignore", message="Corrupt EXIF data")
        yield


def decode_domain(domain: Domain, side: int, interpolation: str) -> DecodedDomain:
    """Pixels of a domain at side x side, decoded now or mapped from the cache.

    Args:
        domain: the images.
        side: R in pixels; images are resized to a square, as in the released LEAD code.
        interpolation: "bilinear" or "bicubic".

    Raises:
        UserError: more than 5 % of the images cannot be read.
    """
    folder = cache_folder() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_key(domain, side, interpolation)}.npy"
    notes = path.with_suffix(".json")
    if not (path.is_file() and notes.is_file()):
        _decode_to(path, notes, domain, side, interpolation)
    info = json.loads(notes.read_text())
    _refuse_many(domain, info["skipped"])
    kept = info["kept"]
    readable = Domain(
        domain.name,
        domain.folder,
        tuple(domain.images[i] for i in kept),
        None if domain.labels is None else tuple(domain.labels[i] for i in kept),
        domain.classes,
    )
    pixels: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    skipped = tuple((str(p), str(reason)) for p, reason in info["skipped"])
    return DecodedDomain(readable, pixels, skipped, str(info["fingerprint"]))


def _key(domain: Domain, side: int, interpolation: str) -> str:
    digest = hashlib.sha256(f"{DECODE_VERSION}/{side}/{interpolation}".encode())
    for image in domain.images:
        try:
            status = image.stat()
            line = f"{image.resolve()}\0{status.st_size}\0{status.st_mtime_ns}\n"
        except OSError:
            line = f"{image}\0missing\n"
        digest.update(os.fsencode(line))
    for label in domain.labels or ():
        digest.update(os.fsencode(f"{label}\n"))
    return digest.hexdigest()[:32]


def _decode_one(
    side: int, resample: Image.Resampling, path: Path
) -> tuple[NDArray[np.uint8] | None, str]:
    """(pixels, SHA-256 of the bytes) or (None, reason)."""
    try:
        content = path.read_bytes()
        image = read_image(content).resize((side, side), resample)
    except OSError as error:
        return None, error.strerror or "unreadable"
    except ValueError as error:
        return None, str(error)
    return np.asarray(image), hashlib.sha256(content).hexdigest()


def _decode_to(path: Path, notes: Path, domain: Domain, side: int, interpolation: str) -> None:
    """Fill the cache file, then the notes beside it."""
    decode = partial(_decode_one, side, _FILTERS[interpolation])
    kept: list[int] = []
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
            kept.append(index)
            label = domain.labels[index] if domain.labels else ""
            digest.update(os.fsencode(f"{label}/{domain.images[index].name}/{note}\n"))
        pixels.flush()

    write_atomically(path, fill)
    info: dict[str, Any] = {
        "kept": kept,
        "skipped": skipped,
        "fingerprint": digest.hexdigest(),
        "side": side,
        "domain": str(domain.folder),
    }
    write_atomically(notes, lambda file: file.write_text(json.dumps(info)))


def _in_threads(
    decode: partial[tuple[NDArray[np.uint8] | None, str]], images: Sequence[Path]
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


def _refuse_many(domain: Domain, skipped: Sequence[tuple[str, str]]) -> None:
    """Too many unreadable images are an error."""
    if len(skipped) > CORRUPT_LIMIT * len(domain.images):
        path, reason = skipped[0]
        raise UserError(
            f"{len(skipped)} of {len(domain.images)} images of {domain.name} cannot be read "
            f"(the first: {path}, {reason}); that is more than {CORRUPT_LIMIT:.0%}. "
            "Mend or remove them: genmix-da data check lists all."
        )
