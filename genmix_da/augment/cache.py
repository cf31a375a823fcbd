"""Content-addressed store of edits: each is made once, for all targets, settings and runs.

Key = hash of image bytes, prompt, editor with its settings, working size and seed. An edit is
written under a temporary name and renamed, so any number of processes and machines can fill one
store; at worst two make the same edit and one of two equal files stays. Edits and features are
sealed; those of earlier versions are not and are read all the same.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.prompts import Style
from genmix_da.data.decode import DECODE_VERSION
from genmix_da.places import shared_cache
from genmix_da.sealed import SIZE, read_sealed, write_sealed
from genmix_da.stores.copies import fetch_files, remove
from genmix_da.stores.listing import Listing
from lead.files import write_atomically

Pixels = NDArray[np.uint8]

JPEG_QUALITY = 95
_END = b"\xff\xd9"
_TOGETHER = 64  # edits that are fetched together
Value = TypeVar("Value")


@dataclass(frozen=True)
class Failure:
    """An edit that could not be used, after its retry.

    Attributes:
        reason: "black", "uniform" or "non-finite".
    """

    reason: str


def encode_jpeg(pixels: Pixels, quality: int = JPEG_QUALITY) -> bytes:
    """RGB pixels as JPEG without chroma subsampling; the same pixels give the same bytes."""
    flags = [
        *(cv2.IMWRITE_JPEG_QUALITY, quality),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    ]
    _, encoded = cv2.imencode(".jpg", pixels[:, :, ::-1], flags)
    return encoded.tobytes()


def decode_jpeg(content: bytes) -> Pixels:
    """JPEG bytes of `encode_jpeg`, sealed or not, as RGB pixels [H, W, 3].

    Raises:
        ValueError: damaged bytes.
    """
    # OpenCV gives a picture for a truncated file too, its lower part grey.
    whole = next((c for c in (content, content[:-SIZE]) if is_jpeg(c)), None)
    if whole is None:
        raise ValueError("truncated JPEG")
    pixels = cv2.imdecode(np.frombuffer(whole, dtype=np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("damaged JPEG")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def is_whole(path: Path) -> bool:
    """Whether a JPEG is there to its last byte, sealed or not: a full disk leaves less."""
    try:
        with path.open("rb") as file:
            file.seek(-min(path.stat().st_size, len(_END) + SIZE), os.SEEK_END)
            last = file.read()
    except OSError:
        return False
    return last.endswith(_END) or (len(last) > SIZE and last.startswith(_END))


def edit_key(
    image_hash: str,
    style: Style,
    editor: str,
    settings: Mapping[str, Any],
    size: int,
    seed: int,
) -> str:
    """The name of an edit: 40 hexadecimal digits.

    Args:
        image_hash: SHA-256 of the image file's bytes.
        style: prompt text, negative prompt and scales enter.
        editor: its name.
        settings: everything that changes the editor's results.
        size: longest side of the working image in pixels.
        seed: of the edit.
    """
    content = [DECODE_VERSION, image_hash, style.key(), editor, dict(settings), size, seed]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:40]


def edit_cache() -> EditCache:
    """The store of edits that all runs share; all machines too, where it lies behind a URL."""
    return EditCache(shared_cache() / "edits")


class EditCache:
    """Edits and features on disk.

    Args:
        folder: of the store; made when the first edit is kept. Where it stands for a URL, what is
            not here is fetched one by one, and what is made is there at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._far = Listing()

    def path(self, key: str) -> Path:
        """Where an edit lies; spread over 256 folders."""
        return self.folder / key[:2] / f"{key}.jpg"

    def _failure_path(self, key: str) -> Path:
        return self.path(key).with_suffix(".failed")

    def has(self, key: str) -> bool:
        """Whether the edit was made and is whole, or was tried and failed."""
        if self.holds(self._failure_path(key)):
            return True
        # What lies behind a URL alone is not fetched for the question.
        path = self.path(key)
        return self._content(key) is not None if path.is_file() else self.holds(path)

    def holds(self, path: Path) -> bool:
        """Whether a file of this store is here or behind its URL.

        Raises:
            UserError: what is there can't be read.
        """
        return path.is_file() or self._far.holds(path)

    def get(self, key: str) -> Pixels | Failure | None:
        """The edit, its failure, or None where it was not tried.

        A damaged file (a disk's fault: writes are atomic) counts as not tried and is removed.
        """
        content = self._content(key)
        if content is None:
            return self.failure(key)
        try:
            return decode_jpeg(content)
        except ValueError:
            remove(self.path(key))
            return None

    def _content(self, key: str) -> bytes | None:
        path = self.here(self.path(key))
        content = read_sealed(path, is_jpeg)
        if content is None and path.exists():
            path.unlink(missing_ok=True)
            content = read_sealed(self.here(path), is_jpeg)  # the one behind the URL may be whole
            if content is None and path.exists():
                remove(path)
        return content

    def here(self, path: Path) -> Path:
        """A file of this store, after it was fetched where it lies behind a URL alone.

        Raises:
            UserError: it can't be fetched.
        """
        if not path.is_file() and self._far.holds(path):
            fetch_files([path])
        return path

    def ahead(self, edits: Iterable[Value], key: Callable[[Value], str]) -> Iterator[Value]:
        """Pass items through, some at a time: what lies behind a URL alone is fetched together.

        Args:
            edits: of any kind.
            key: of one.

        Raises:
            UserError: it can't be fetched.
        """
        waiting = iter(edits)
        while some := list(islice(waiting, _TOGETHER)):
            paths = (self.path(key(edit)) for edit in some)
            fetch_files([p for p in paths if not p.is_file() and self._far.holds(p)])
            yield from some

    def failure(self, key: str) -> Failure | None:
        """Why an edit failed; None where it did not, or was not tried."""
        failed = self.here(self._failure_path(key))
        return Failure(failed.read_text()) if failed.is_file() else None

    def put(self, key: str, pixels: Pixels) -> None:
        """Keep an edit."""
        write_sealed(self.path(key), encode_jpeg(pixels))

    def note_retry(self, key: str) -> None:
        """Remember that an edit is the second attempt's."""
        path = self.path(key).with_suffix(".retried")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: file.write_text(""))

    def was_retried(self, key: str) -> bool:
        """Whether an edit is the second attempt's."""
        return self.holds(self.path(key).with_suffix(".retried"))

    def put_failure(self, key: str, reason: str) -> None:
        """Remember that an edit failed, so that it is not tried again."""
        path = self._failure_path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: file.write_text(reason))

    def feature(self, name: str) -> NDArray[np.float32] | None:
        """A kept feature vector [D], or None."""
        content = read_sealed(self.here(self._feature_path(name)), is_array)
        return None if content is None else _array(content)

    def put_feature(self, name: str, feature: NDArray[np.float32]) -> None:
        """Keep a feature vector [D]."""
        buffer = io.BytesIO()
        np.save(buffer, feature)
        write_sealed(self._feature_path(name), buffer.getvalue())

    def _feature_path(self, name: str) -> Path:
        return self.folder / "features" / name[:2] / f"{name}.npy"


def is_jpeg(content: bytes) -> bool:
    """Whether bytes end as a JPEG does."""
    return content.endswith(_END)


def is_array(content: bytes) -> bool:
    """Whether bytes are a .npy file, neither cut off nor with anything behind it."""
    try:
        buffer = io.BytesIO()
        np.save(buffer, _array(content))
    except (ValueError, EOFError):
        return False
    return len(buffer.getvalue()) == len(content)


def _array(content: bytes) -> NDArray[np.float32]:
    return np.asarray(np.load(io.BytesIO(content), allow_pickle=False), dtype=np.float32)
