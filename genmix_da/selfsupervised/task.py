"""From a configuration to decoded images: everything a pre-training starts from."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from genmix_da.classify.task import try_size
from genmix_da.classify.torchvision_sets import torchvision_parts
from genmix_da.data.decode import decode_domain
from genmix_da.data.domain import Domain
from genmix_da.data.hub import local
from genmix_da.data.images import Images
from genmix_da.data.root import is_mini
from genmix_da.data.shown_views import ShownViews
from genmix_da.data.sources import training_images
from genmix_da.device import resolve_device
from genmix_da.errors import UserError
from genmix_da.frozen.encoder import FrozenEncoder
from genmix_da.selfsupervised.config import MOCO, SMALLEST_CROP, SelfSupervisedConfig, queue_of
from lead.backbones import build_backbone
from lead.checkpoint import weights_identity
from lead.views import Preprocessing, Views


@dataclass(frozen=True, kw_only=True)
class SelfSupervisedTask:
    """One pre-training, resolved.

    Attributes:
        config: without open values.
        dataset: name of the data set, or of its folder.
        synthetic: True for Mini Office-Home: a number from it says nothing about real images.
        source: the images, decoded at `config.picture_size`; their classes name the folders of
            made images and are used for nothing else.
        preprocessing: of the backbone at the configured image size.
        feature_dim: F, of the backbone.
        device: where the network runs.
    """

    config: SelfSupervisedConfig
    dataset: str
    synthetic: bool
    source: Images
    preprocessing: Preprocessing
    feature_dim: int
    device: torch.device

    @property
    def source_name(self) -> str:
        """Of the folder of made images."""
        return self.dataset.replace("/", "-")

    @property
    def augments(self) -> bool:
        """Whether images are made."""
        return self.config.makes_images

    @property
    def encoder(self) -> FrozenEncoder | None:
        """None: the backbone is trained."""
        return None

    @property
    def target_contents(self) -> frozenset[str]:
        """There is no target."""
        return frozenset()

    def source_label(self, name: str) -> int | None:
        """None: labels are not used."""
        return None

    def views(self, pixels: NDArray[np.uint8], rows: NDArray[np.int64], name: str) -> Views:
        """Plain views of decoded images; see `genmix_da.adaptation.task.Task.views`."""
        return ShownViews(pixels, self.preprocessing, self.device, rows)

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches of the originals."""
        return len(self.source.rows) // self.config.batch_size

    def contents(self) -> dict[str, str | None]:
        """Fingerprints of what is read from files: images and weights."""
        return {
            "train": self.source.decoded.fingerprint,
            "weights": weights_identity(self.config.weights),
        }


def prepare(config: SelfSupervisedConfig) -> SelfSupervisedTask:
    """Index and decode the data, and try the backbone on the image size.

    Args:
        config: settings, open values allowed.

    Raises:
        UserError, LeadError: bad input, in one sentence.
    """
    config = config.resolved()
    device = resolve_device(config.device)
    domain = _domain(config)
    weights_identity(config.weights)  # a missing file is named before anything is decoded
    backbone = build_backbone(config.backbone, weights="none", arguments=config.backbone_arguments)
    preprocessing = backbone.preprocessing.resized(config.image_size)
    size = preprocessing.image_size
    picture = config.picture_size or math.ceil(size / math.sqrt(SMALLEST_CROP))
    config = dataclasses.replace(config, image_size=size, picture_size=picture)
    try_size(backbone, config.backbone, size)
    _check_batch(domain.name, len(domain.images), config.batch_size)
    decoded = decode_domain(domain, picture, preprocessing.interpolation)
    count = len(decoded.domain.images)
    _check_batch(domain.name, count, config.batch_size)
    if config.method == MOCO:
        config = dataclasses.replace(config, queue=queue_of(config, count))
    home = domain.folder.resolve()
    return SelfSupervisedTask(
        config=config,
        dataset=config.dataset or domain.name,
        synthetic=any(map(is_mini, (home, *home.parents))),
        source=Images(decoded, np.arange(count), None),
        preprocessing=preprocessing,
        feature_dim=backbone.feature_dim,
        device=device,
    )


def _domain(config: SelfSupervisedConfig) -> Domain:
    """The images of a folder or list, or torchvision's training part."""
    source = local(config.data)
    if source.exists():
        domain = training_images(config.data, grey_range=config.grey_range, classes=False)
        name = source.resolve().name if source.is_dir() else source.stem
        return dataclasses.replace(domain, name=name)
    root = Path(config.root) if config.root else None
    parts = torchvision_parts(config.data, root, download=config.download)
    return dataclasses.replace(parts.train.with_grey(config.grey_range), name=parts.name)


def _check_batch(name: str, count: int, batch_size: int) -> None:
    if count < batch_size:
        hint = f"use --batch-size {count} or less" if count > 1 else "add images"
        raise UserError(f"{name} has {count} images, fewer than a batch of {batch_size}; {hint}.")
