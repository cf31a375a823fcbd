"""Checkpoints: safetensors plus a JSON file, and the LEAD authors' .pth files.

Everything is written to a temporary name and renamed, so a killed process leaves the old file or
the new one, never half of one. Pickles are read with `weights_only`: no code runs from a file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import pickle
import zipfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from lead.errors import WeightsError
from lead.files import write_atomically
from lead.large import LIMIT

_RELEASED_NAMES = {
    "backbone_layer.": "backbone.",
    "feat_embed_layer.bottleneck.": "bottleneck.linear.",
    "feat_embed_layer.bn.": "bottleneck.norm.",
    "class_layer.fc.weight_g": "classifier.linear.parametrizations.weight.original0",
    "class_layer.fc.weight_v": "classifier.linear.parametrizations.weight.original1",
    "class_layer.fc.bias": "classifier.linear.bias",
}


# Where training code keeps the tensors of a model in its checkpoints; averaged ones win.
_NESTED = (
    *("state_dict_ema", "model_ema", "ema_state_dict", "ema"),
    *("model_state_dict", "state_dict", "model", "net", "network", "module"),
)
_DEPTH = 4
# Weights that are named and no file: a library's own, and those of `lead.packaged`.
LIBRARY_WEIGHTS = ("imagenet", "none")
PACKAGED = "packaged"
_DIGEST = "sha256"  # in the metadata of a checkpoint
_OWN_DIGEST = "description_sha256"

logger = logging.getLogger(__name__)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """A state dict from .safetensors or a torch file, on the CPU.

    Torch files may hold the state dict itself or under "model_state_dict", "state_dict" or "model".

    Raises:
        WeightsError: no such file, unreadable, or not a state dict.
    """
    if not path.is_file():
        raise WeightsError(f"no weights file {path}; check --weights")
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path} is damaged, or holds more than tensors, which is not read because it could "
            "run code; convert it to safetensors"
        ) from error
    except Exception as error:  # torch and pickle raise many kinds on damaged files
        said = str(error) or type(error).__name__
        raise WeightsError(f"cannot read weights from {path}: {said}") from error
    for _ in range(_DEPTH):
        key = next((n for n in _NESTED if isinstance(content, dict) and _is_dict(content, n)), None)
        if key is None:
            break
        content = content[key]
        if "ema" in key:
            logger.info("weights %s: its averaged (EMA) weights, %r", path, key)
    if not isinstance(content, dict) or not all(isinstance(t, Tensor) for t in content.values()):
        raise WeightsError(f"{path} is not a state dict of tensors")
    return {str(key): tensor for key, tensor in content.items()}


def _is_dict(content: dict[Any, Any], name: str) -> bool:
    return isinstance(content.get(name), dict)


def read_released_checkpoint(path: Path) -> dict[str, Tensor]:
    """A checkpoint of the LEAD authors' code, its tensors renamed to ours.

    Reads the keys backbone_layer.*, feat_embed_layer.* and class_layer.fc.weight_g/weight_v/bias.

    Raises:
        WeightsError: unreadable, or tensors of another naming.
    """
    renamed: dict[str, Tensor] = {}
    for key, tensor in read_tensors(path).items():
        for theirs, ours in _RELEASED_NAMES.items():
            if key.startswith(theirs):
                renamed[ours + key[len(theirs) :]] = tensor
                break
        else:
            raise WeightsError(f"{path} is not a LEAD checkpoint: unexpected tensor {key!r}")
    return renamed


def weights_identity(weights: str) -> str:
    """What weights are, wherever they lie: those with a name as they are, a file by SHA-256.

    Raises:
        WeightsError: no such file.
    """
    if weights in (*LIBRARY_WEIGHTS, PACKAGED):
        return weights
    path = Path(weights)
    if not path.is_file():
        raise WeightsError(f"no weights file {path}; check --weights")
    status = path.stat()
    return _file_hash(str(path.resolve()), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _file_hash(path: str, size: int, changed: int) -> str:
    """SHA-256 of a file, once for all that ask; size and time tell when it is another one."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def is_released_checkpoint(tensors: Mapping[str, Tensor]) -> bool:
    """Whether the tensor names are those of the LEAD authors' code."""
    return "class_layer.fc.weight_v" in tensors


def save_checkpoint(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write tensors to `path` (.safetensors) and metadata to the same name with .json.

    The metadata is written first: a checkpoint that exists is complete. It holds the SHA-256 of the
    tensors' file, and of itself.
    """
    tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in state.items()}
    digest = hashlib.sha256()
    for part in _content(tensors):
        digest.update(part)
    text = _sealed(metadata, digest.hexdigest())

    def write(file: Path) -> None:
        with file.open("wb") as handle:
            handle.writelines(_content(tensors))

    write_atomically(path.with_suffix(".json"), lambda file: file.write_text(text))
    write_atomically(path, write)


def _content(tensors: Mapping[str, Tensor]) -> Iterator[bytes | memoryview]:
    """What `safetensors.torch.save` makes of contiguous tensors, in parts, without a copy of them.

    The order of the tensors is its own: that of one value each.
    """
    small = save({name: tensor.new_zeros(1) for name, tensor in tensors.items()})
    header: dict[str, Any] = json.loads(small[8 : 8 + int.from_bytes(small[:8], "little")])
    start = 0
    for name, about in header.items():
        end = start + tensors[name].nbytes
        about |= {"shape": list(tensors[name].shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for name in header:
        yield tensors[name].reshape(-1).view(torch.uint8).numpy().data


def sealed_description(metadata: Mapping[str, Any], path: Path) -> str:
    """The JSON that describes a checkpoint that is there, with other metadata."""
    return _sealed(metadata, weights_identity(str(path)))


def _sealed(metadata: Mapping[str, Any], digest: str) -> str:
    described = {**metadata, _DIGEST: digest}
    described[_OWN_DIGEST] = _digest_of(described)
    return json.dumps(described, indent=2, sort_keys=True, allow_nan=False) + "\n"


def _digest_of(metadata: Mapping[str, Any]) -> str:
    text = json.dumps(metadata, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and metadata of a checkpoint made by `save_checkpoint`.

    Raises:
        WeightsError: a file is missing, unreadable, or not the one that the metadata describe.
    """
    tensors = read_tensors(path)
    sidecar = path.with_suffix(".json")
    try:
        metadata = json.loads(sidecar.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"cannot read {sidecar}, which describes {path}: {error}") from error
    if not isinstance(metadata, dict):
        raise WeightsError(f"{sidecar} does not hold a description of {path}")
    own = metadata.pop(_OWN_DIGEST, None)  # none of the two in those of earlier versions
    if own is not None and own != _digest_of(metadata):
        raise WeightsError(f"{sidecar} is not as it was written: another SHA-256")
    digest = metadata.pop(_DIGEST, None)
    if digest is not None and digest != weights_identity(str(path)):
        raise WeightsError(
            f"{path} is damaged, or not the checkpoint that {sidecar} describes: another SHA-256"
        )
    return tensors, metadata


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state of a training stage, from which it resumes."""

    def write(file: Path) -> None:
        # Through a handle: given a name, torch reports a full disk as a RuntimeError of its own.
        with file.open("wb") as handle:
            torch.save(dict(state), handle)

    write_atomically(path, write)


def load_state(path: Path) -> dict[str, Any]:
    """Read a training state on the CPU, tensors and plain values only; mapped where it is large.

    Raises:
        WeightsError: missing, unreadable, or not as it was written.
    """
    try:
        with zipfile.ZipFile(path) as archive:  # which torch reads without a look at its checksums
            damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"{damaged} is damaged")
        # Of a file that is replaced while it is mapped the old one stays, but for Windows.
        mapped = os.name == "posix" and path.stat().st_size > LIMIT
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # torch and pickle raise many kinds on damaged files
        raise WeightsError(
            f"cannot read training state {path}: {error}; remove it to train from the beginning"
        ) from error
    if not isinstance(state, dict):
        raise WeightsError(f"{path} is not a training state")
    return state
