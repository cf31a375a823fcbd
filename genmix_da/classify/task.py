"""From a configuration to decoded images with labels: everything a classification starts from."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from genmix_da.classify.config import ClassifyConfig
from genmix_da.classify.datasets import check_names, find_parts, own_test_part
from genmix_da.classify.parts import Parts
from genmix_da.classify.splits import limited, split_parts
from genmix_da.data.decode import decode_domain
from genmix_da.data.domain import Domain
from genmix_da.data.duplicates import warn_of_shared
from genmix_da.data.images import Images, check_batch
from genmix_da.data.root import is_mini
from genmix_da.data.shown_views import ShownViews
from genmix_da.data.sources import labelled
from genmix_da.data.spelling import Spelling
from genmix_da.device import resolve_device
from genmix_da.errors import UserError
from genmix_da.frozen.encoder import FrozenEncoder
from lead.backbones import Backbone, build_backbone
from lead.checkpoint import weights_identity
from lead.views import Preprocessing, Views

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ScoringTask:
    """What it takes to score a classifier.

    Attributes:
        config: without open values but those that depend on the method.
        classes: in the order of the classifier's outputs.
        test: images and labels.
        preprocessing: of the backbone at the configured image size.
        device: where the network runs.
    """

    config: ClassifyConfig
    classes: tuple[str, ...]
    test: Images
    preprocessing: Preprocessing
    device: torch.device

    def image_views(self, images: Images) -> ShownViews:
        """Views of one part's images."""
        return ShownViews(images.decoded.pixels, self.preprocessing, self.device, images.rows)


@dataclass(frozen=True, kw_only=True)
class ClassifyTask(ScoringTask):
    """One classification, resolved.

    Attributes:
        parts: the images by name, before decoding.
        dataset: name of the data set, or of its folder.
        synthetic: True for Mini Office-Home: a number from it says nothing about real images.
        train: images and labels.
        val: for choosing an epoch, or None.
        duplicates: number of test images that are training images, too.
    """

    parts: Parts
    dataset: str
    synthetic: bool
    train: Images
    val: Images | None
    duplicates: int

    @property
    def source(self) -> Images:
        """The images that GenMix makes others from."""
        return self.train

    @property
    def source_name(self) -> str:
        """Of the folder of GenMix images."""
        return self.dataset.replace("/", "-")

    @property
    def augments(self) -> bool:
        """Whether the method makes images."""
        return self.config.generative

    @property
    def encoder(self) -> FrozenEncoder | None:
        """None: the backbone is trained."""
        return None

    @property
    def target_contents(self) -> frozenset[str]:
        """Of the test images; those that are training images as well don't count."""
        return frozenset(self.test.decoded.contents) - frozenset(self.train.decoded.contents)

    def source_label(self, name: str) -> int | None:
        """Classifier output of a class."""
        return self._places.get(name)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.classes)}

    def views(self, pixels: NDArray[np.uint8], rows: NDArray[np.int64], name: str) -> Views:
        """Views of decoded images; see `genmix_da.adaptation.task.Task.views`."""
        return ShownViews(pixels, self.preprocessing, self.device, rows)

    def with_config(self, **changes: Any) -> ClassifyTask:
        """The same images with another method, seed or training; nothing is decoded again.

        Args:
            **changes: fields of ClassifyConfig that do not change data, split or image size.
        """
        return dataclasses.replace(self, config=dataclasses.replace(self.config, **changes))

    def contents(self) -> dict[str, str | None]:
        """Fingerprints of what is read from files: images of each part, and weights."""
        return {
            "train": self.train.decoded.fingerprint,
            "val": self.val.decoded.fingerprint if self.val else None,
            "test": self.test.decoded.fingerprint,
            "weights": weights_identity(self.config.weights),
        }

    def skipped(self) -> list[tuple[str, str]]:
        """(path, reason) of all images that could not be read."""
        parts = [self.train, self.test, *([self.val] if self.val else [])]
        return [pair for part in parts for pair in part.decoded.skipped]


def labels_of(images: Images) -> NDArray[np.int64]:
    """[N] labels of a part; here every part has them."""
    assert images.labels is not None
    return images.labels


def prepare(config: ClassifyConfig) -> ClassifyTask:
    """Index, split and decode the data, and try the backbone on the image size.

    Args:
        config: settings, open values allowed.

    Raises:
        UserError, LeadError: bad input, in one sentence.
    """
    config = config.resolved()
    device = resolve_device(config.device)
    parts = _split(config)
    weights_identity(config.weights)  # a missing file is named before anything is decoded
    backbone = build_backbone(config.backbone, weights="none", arguments=config.backbone_arguments)
    preprocessing = backbone.preprocessing.resized(config.image_size)
    config = dataclasses.replace(config, image_size=preprocessing.image_size)
    try_size(backbone, config.backbone, preprocessing.image_size)
    assert parts.test is not None
    classes = parts.train.classes
    grey = config.grey_range
    train, test = (_images(p, classes, preprocessing, grey) for p in (parts.train, parts.test))
    val = _images(parts.val, classes, preprocessing, grey) if parts.val is not None else None
    _check_readable(train, classes)
    check_batch(train, config.batch_size)
    refuse = config.refuse_duplicates
    duplicates = warn_of_shared(train, test, "training images", refuse=refuse)
    dataset = config.dataset or parts.name
    home = parts.train.folder.resolve()
    synthetic = any(map(is_mini, (home, *home.parents)))
    return ClassifyTask(
        config=config,
        parts=parts,
        dataset=dataset,
        synthetic=synthetic,
        classes=classes,
        train=train,
        val=val,
        test=test,
        duplicates=duplicates,
        preprocessing=preprocessing,
        device=device,
    )


def prepare_test(config: ClassifyConfig, classes: tuple[str, ...]) -> ScoringTask:
    """Index and decode the images that a finished run was scored on, and no others.

    Args:
        config: of the run, without open values.
        classes: of the run.

    Raises:
        UserError, LeadError: bad input, in one sentence.
    """
    device = resolve_device(config.device)
    part = _scored_part(config, classes)
    unknown = sorted(set(part.classes) - set(classes))
    if unknown:
        raise UserError(
            f"{part.folder} has a class that the run does not know, {unknown[0]!r}; check --data "
            "and --test-data."
        )
    backbone = build_backbone(config.backbone, weights="none", arguments=config.backbone_arguments)
    preprocessing = backbone.preprocessing.resized(config.image_size)
    return ScoringTask(
        config=config,
        classes=classes,
        test=_images(part, classes, preprocessing, config.grey_range),
        preprocessing=preprocessing,
        device=device,
    )


def _scored_part(config: ClassifyConfig, classes: tuple[str, ...]) -> Domain:
    """The test images of a run; its training images need be there only to split them off."""
    check_names(config.data, config.test_data)
    if config.test_data is not None:
        part: Domain | None = labelled(config.test_data)
    else:
        part = own_test_part(config.data)
    if part is not None:
        part = Spelling(classes).applied(part)
    if part is not None and config.test_data is None and not set(part.classes) <= set(classes):
        part = None  # a class of the name "test"
    if part is not None:
        return limited(part, config.test_limit, config.split_seed)
    test = _split(config).test
    assert test is not None
    return test


def _split(config: ClassifyConfig) -> Parts:
    """The parts of a configuration's data, split."""
    parts = find_parts(config.data, config.test_data, root=config.root, download=config.download)
    return split_parts(
        parts,
        shots=config.shots,
        test_limit=config.test_limit,
        test_fraction=config.test_fraction,
        seed=config.split_seed,
    )


def _images(
    part: Domain, classes: tuple[str, ...], preprocessing: Preprocessing, grey_range: str
) -> Images:
    """Decode a part; labels are places among the classes."""
    part = part.with_grey(grey_range)
    decoded = decode_domain(part, preprocessing.resize_size, preprocessing.interpolation)
    place = {name: label for label, name in enumerate(classes)}
    labels = np.array([place[name] for name in decoded.domain.labels or ()], dtype=np.int64)
    return Images(decoded, np.arange(len(labels)), labels)


def _check_readable(train: Images, classes: tuple[str, ...]) -> None:
    """Every class has a training image that can be read."""
    missing = sorted(set(classes) - set(train.decoded.domain.labels or ()))
    if missing:
        raise UserError(
            f"no training image of class {missing[0]!r} can be read; mend them or take another "
            "--split-seed."
        )


@torch.no_grad()
def try_size(backbone: Backbone, name: str, size: int) -> None:
    """One forward pass, so that an impossible size is named before anything is decoded.
    Raises:
        UserError: the backbone cannot take images of this size.
    """
    module: nn.Module = backbone.module.eval()
    try:
        shape = module(torch.zeros(1, 3, size, size)).shape
    except (RuntimeError, ValueError, TypeError, AssertionError, MemoryError) as error:
        if _too_large(error):
            raise UserError(
                f"images of {size} px need more memory than there is; choose a smaller "
                "--image-size."
            ) from error
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(
            f"{name} cannot take images of {size} px ({reason}); choose another --image-size."
        ) from error
    if tuple(shape) != (1, backbone.feature_dim):
        raise UserError(
            f"{name} gives {tuple(shape[1:])} instead of {backbone.feature_dim} features at "
            f"{size} px; choose another --image-size or --backbone."
        )


def _too_large(error: Exception) -> bool:
    """Whether there is no memory for a tensor, or none could have so many elements."""
    signs = ("allocate memory", "out of memory", "overflow", "tensor is too large")
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in signs)
