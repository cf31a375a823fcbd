"""Image encoders for faithful selection: DINOv2 and its kin, any backbone, or a local folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from genmix_da.errors import UserError
from genmix_da.frozen.outline import outline_of
from lead.backbones import build_backbone
from lead.checkpoint import weights_identity
from lead.views import Preprocessing

Pixels = NDArray[np.uint8]

DINOV2 = "facebook/dinov2-base"


class Encoder(Protocol):
    """Images to feature vectors.

    Attributes:
        name: for records, e.g. "dinov2" or "backbone timm:mobilenetv1_100".
        identity: everything that decides a feature; part of its cache name.
    """

    name: str
    identity: str

    def encode(self, images: Sequence[Pixels]) -> NDArray[np.float32]:
        """Features [B, D] of images [H, W, 3] uint8; an image's does not depend on the others."""
        ...


def encode_one(encoder: Encoder, pixels: Pixels) -> NDArray[np.float32]:
    """Feature [D] of one picture [H, W, 3], encoded alone: rounding depends on the batch.

    Raises:
        UserError: it is zero or not finite.
    """
    feature = encoder.encode([pixels])[0]
    if not np.isfinite(feature).all() or not feature.any():
        raise UserError(
            f"the encoder {encoder.name} gives features that are zero or not finite; choose "
            "another --features."
        )
    return feature


@dataclass
class BackboneEncoder:
    """A torchvision or timm network with its classifier taken off."""

    name: str
    identity: str
    load: Callable[[], torch.nn.Module]
    preprocessing: Preprocessing
    device: torch.device

    @cached_property
    def module(self) -> torch.nn.Module:
        """The network; loaded when an edit has to be compared that was not before."""
        return self.load().to(self.device).eval()

    @torch.no_grad()
    def encode(self, images: Sequence[Pixels]) -> NDArray[np.float32]:
        """See `Encoder`. Each image is resized to a square, as everywhere in this toolkit."""
        pre = self.preprocessing
        side = (pre.image_size, pre.image_size)
        small = [cv2.resize(i, side, interpolation=cv2.INTER_AREA) for i in images]
        batch = torch.from_numpy(np.stack(small)).to(self.device).permute(0, 3, 1, 2).float() / 255
        mean = torch.tensor(pre.mean, device=self.device).view(1, 3, 1, 1)
        std = torch.tensor(pre.std, device=self.device).view(1, 3, 1, 1)
        return np.asarray(self.module((batch - mean) / std).float().cpu().numpy())


@dataclass
class TransformersEncoder:
    """A vision transformer from a local folder or the hub (DINOv2, with registers, DINOv3)."""

    name: str
    identity: str
    model: Any
    processor: Any
    device: torch.device

    @torch.no_grad()
    def encode(self, images: Sequence[Pixels]) -> NDArray[np.float32]:
        """See `Encoder`. The class token after the last layer norm."""
        # Copies: torch warns of arrays that it must not write to, as those of PIL's pictures are.
        pictures = [np.array(image) for image in images]
        inputs = self.processor(images=pictures, return_tensors="pt").to(self.device)
        output = self.model(**inputs)
        pooled = getattr(output, "pooler_output", None)
        features = output.last_hidden_state[:, 0] if pooled is None else pooled
        return np.asarray(features.float().cpu().numpy())


def backbone_encoder(
    name: str,
    weights: str,
    arguments: Mapping[str, Any],
    image_size: int | None,
    device: torch.device,
) -> BackboneEncoder:
    """A backbone as encoder.

    Args:
        name: torchvision name or `timm:NAME`.
        weights: "imagenet", "none" or a file.
        arguments: of the backbone's constructor.
        image_size: side of its input; None: its own.
        device: where it runs.
    """
    pre = outline_of(name, arguments)[1].resized(image_size)
    identity = f"{name}/{weights_identity(weights)}/{sorted(arguments.items())}/{pre}"

    def load() -> torch.nn.Module:
        return build_backbone(name, weights=weights, arguments=arguments).module

    return BackboneEncoder(f"backbone {name}", identity, load, pre, device)


def transformers_encoder(named: str, device: torch.device) -> TransformersEncoder:
    """An encoder through transformers.

    Args:
        named: "dinov2", a hub name, or a local folder (then the hub is not asked).
        device: where it runs.

    Raises:
        UserError: transformers is not installed, or the weights are not to be had.
    """
    try:
        from transformers import AutoImageProcessor, AutoModel
    except ImportError as error:
        raise UserError(
            "features through DINOv2 need transformers; pip install 'genmix-da[features]', or "
            "choose --features backbone or off."
        ) from error
    source = DINOV2 if named == "dinov2" else named
    local = Path(source).is_dir()
    try:
        model = AutoModel.from_pretrained(source, local_files_only=local)
        # Typed loosely: the library's own loader has no annotations.
        processors: Any = AutoImageProcessor
        processor = processors.from_pretrained(source, local_files_only=local)
    except (OSError, ValueError) as error:
        raise UserError(
            f"the encoder {source!r} is not on this machine and could not be fetched; download it "
            "elsewhere and pass its folder to --features, or choose --features backbone or off."
        ) from error
    place = _folder_hash(Path(source)) if local else source
    return TransformersEncoder(
        named, f"transformers/{place}", model.to(device).eval(), processor, device
    )


def _folder_hash(folder: Path) -> str:
    """SHA-256 over the files of a model folder, wherever it lies."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        with file.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest() + file.name.encode())
    return digest.hexdigest()


def dinov2_is_here() -> bool:
    """Whether DINOv2 can be loaded without asking the hub."""
    if find_spec("transformers") is None:  # importing it to ask takes seconds
        return False
    from huggingface_hub import try_to_load_from_cache

    files = ("config.json", "model.safetensors", "preprocessor_config.json")
    return all(isinstance(try_to_load_from_cache(DINOV2, file), str) for file in files)
