"""Content-addressed store of edits: each is made once, for all targets, settings and runs.

Key = hash of image bytes, prompt, editor with its settings, working size and seed. An edit is
written under a temporary name and renamed, so any number of processes and machines can fill one
store; at worst two make the same edit and one of two equal files stays.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.prompts import Style
from genmix_da.data.decode import DECODE_VERSION
from genmix_da.places import cache_folder
from lead.checkpoint import write_atomically

Pixels = NDArray[np.uint8]

JPEG_QUALITY = 95
_END = b"\xff\xd9"


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
    """JPEG bytes of `encode_jpeg` as RGB pixels [H, W, 3].

    Raises:
        ValueError: damaged bytes.
    """
    # OpenCV gives a picture for a truncated file too, its lower part grey.
    if not content.endswith(_END):
        raise ValueError("truncated JPEG")
    pixels = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("damaged JPEG")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def is_whole(path: Path) -> bool:
    """Whether a JPEG of `encode_jpeg` is there to its last byte: a full disk leaves less."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_END), os.SEEK_END)
            return file.read() == _END
    except OSError:  # also where it is shorter than that
        return False


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
    """The store of edits that all runs share."""
    return EditCache(cache_folder() / "edits")


class EditCache:
    """Edits and features on disk.

    Args:
        folder: of the store; made when the first edit is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where an edit lies; spread over 256 folders."""
        return self.folder / key[:2] / f"{key}.jpg"

    def _failure_path(self, key: str) -> Path:
        return self.path(key).with_suffix(".failed")

    def has(self, key: str) -> bool:
        """Whether the edit was made, or was tried and failed."""
        return is_whole(self.path(key)) or self._failure_path(key).is_file()

    def get(self, key: str) -> Pixels | Failure | None:
        """The edit, its failure, or None where it was not tried.

        A damaged file (a disk's fault: writes are atomic) counts as not tried and is removed.
        """
        path = self.path(key)
        try:
            return decode_jpeg(path.read_bytes())
        except FileNotFoundError:
            return self.failure(key)
        except ValueError:
            path.unlink(missing_ok=True)
            return None

    def failure(self, key: str) -> Failure | None:
        """Why an edit failed; None where it did not, or was not tried."""
        failed = self._failure_path(key)
        return Failure(failed.read_text()) if failed.is_file() else None

    def put(self, key: str, pixels: Pixels) -> None:
        """Keep an edit."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = encode_jpeg(pixels)
        write_atomically(path, lambda file: file.write_bytes(content))

    def note_retry(self, key: str) -> None:
        """Remember that an edit is the second attempt's."""
        path = self.path(key).with_suffix(".retried")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: file.write_text(""))

    def was_retried(self, key: str) -> bool:
        """Whether an edit is the second attempt's."""
        return self.path(key).with_suffix(".retried").is_file()

    def put_failure(self, key: str, reason: str) -> None:
        """Remember that an edit failed, so that it is not tried again."""
        path = self._failure_path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: file.write_text(reason))

    def feature(self, name: str) -> NDArray[np.float32] | None:
        """A kept feature vector [D], or None."""
        try:
            return np.asarray(np.load(self._feature_path(name)), dtype=np.float32)
        except (FileNotFoundError, ValueError, EOFError):
            return None

    def put_feature(self, name: str, feature: NDArray[np.float32]) -> None:
        """Keep a feature vector [D]."""
        path = self._feature_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)

        def write(file: Path) -> None:
            with file.open("wb") as handle:
                np.save(handle, feature)

        write_atomically(path, write)

    def _feature_path(self, name: str) -> Path:
        return self.folder / "features" / name[:2] / f"{name}.npy"
