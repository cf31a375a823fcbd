"""The typed, frozen configuration of one pre-training; saved with every result.

A value comes from the command line, else from --config, else from the paper of the method: MoCo v2
(Chen et al., arXiv 2003.04297, and its code's defaults), SimSiam (Chen and He, CVPR 2021, Sec. 4).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genmix_da import config_values
from genmix_da.augment.settings import AugmentSettings, build_settings
from genmix_da.classify.augmentations import GENMIX_PRESETS
from genmix_da.classify.config import GENMIX_DEFAULTS, SMALLEST
from genmix_da.errors import UserError

MOCO, SIMSIAM = "moco-v2", "simsiam"
METHODS = (MOCO, SIMSIAM)
NONE = "none"
AUGMENTS = (NONE, *GENMIX_PRESETS)
ORIGINAL_AUGMENTED, AUGMENTED, MIXED = VIEWS = ("original-augmented", "augmented", "mixed")
_CHOICES: dict[str, tuple[str, ...]] = {
    "method": METHODS,
    "augment": AUGMENTS,
    "views": VIEWS,
}
# What config.yaml holds beside the settings.
RECORDED = ("identity", "augmentation", "contents")
_POSITIVE = ("image_size", "picture_size", "epochs", "lr", "temperature", "queue", "norm_group")
# Method -> learning rate of a batch of 256, and epochs of the shortest schedule of its paper.
_RATES = {MOCO: 0.03, SIMSIAM: 0.05}
_EPOCHS = {MOCO: 200, SIMSIAM: 100}
RATE_BATCH = 256
# What MoCo alone has, and its values there. An open queue hangs on the data: see `queue_of`.
_MOCO: dict[str, Any] = {"temperature": 0.2, "encoder_momentum": 0.999}
MOCO_ALONE = (*_MOCO, "norm_group", "queue")
NORM_GROUP = 32
LOWEST_TEMPERATURE = 1e-3  # below, exponents of cosines over it overflow
# Smallest share of a picture's area that a view shows, in both methods.
SMALLEST_CROP = 0.2
LARGEST_QUEUE = 65_536
_LARGEST_SIDE = 8192


@dataclass(frozen=True, kw_only=True)
class SelfSupervisedConfig:
    """Settings of one pre-training; None means "see `resolved`".

    Attributes:
        data: folder of images, with class folders or without (labels are not used), a list of
            them, or the name of a torchvision data set. Where it has parts, its training part.
        dataset: name in results; None: the folder's, or torchvision's.
        root: folder of torchvision's data sets; None: in the cache.
        download: fetch a torchvision data set that is not there.
        grey_range: of deep grey images: "auto", "full" or "MIN,MAX"; see `data.grey.GreyRange`.
        method: "moco-v2" or "simsiam".
        augment: "none", "diffusemix" or "genmix": which images are made beside the originals.
        genmix: settings of GenMix, fields of AugmentSettings.
        views: which pictures the two views of an image are cut from, where images are made.
            "original-augmented": one from the original, one from one of its made pictures;
            "augmented": both from made pictures, each drawn anew; "mixed": each from any of its
            pictures, the original among them.
        backbone, backbone_arguments, weights: see lead.build_backbone.
        image_size: side of a view in pixels, at least 8; None in the end: the backbone's own.
        picture_size: side of the pictures that views are cut from; None: so large that no cut is
            ever enlarged, image_size / sqrt(0.2).
        batch_size: images a step, two views of each.
        epochs: passes over the original images, whatever is made beside them.
        lr: at the first step.
        weight_decay, momentum: of SGD; all parameters are decayed, as published.
        temperature: tau of MoCo's loss.
        encoder_momentum: m of MoCo's momentum encoder.
        queue: keys that MoCo remembers, whole batches; None: see `queue_of`.
        norm_group: images that MoCo's batch norm takes together; the keys are shuffled first, which
            does nothing where a group is the whole batch. None: 32, at most half of the batch.
        seed: of initialisation, batches and views; the edits of GenMix, which all seeds share,
            have their own in genmix.
        device: "auto", "cpu" or "cuda".
        mixed_precision: on CUDA.
        workers: processes that cut views, which decides no result; None: 0 on a CPU, up to 8
            beside a GPU.
    """

    data: str
    dataset: str | None = None
    root: str | None = None
    download: bool = False
    grey_range: str = "auto"
    method: str = MOCO
    augment: str = "genmix"
    genmix: dict[str, Any] = field(default_factory=dict)
    views: str = ORIGINAL_AUGMENTED
    backbone: str = "resnet50"
    backbone_arguments: dict[str, Any] = field(default_factory=dict)
    weights: str = "none"
    image_size: int | None = None
    picture_size: int | None = None
    batch_size: int = 256
    epochs: int | None = None
    lr: float | None = None
    weight_decay: float = 1e-4
    momentum: float = 0.9
    temperature: float | None = None
    encoder_momentum: float | None = None
    queue: int | None = None
    norm_group: int | None = None
    seed: int = 2021
    device: str = "auto"
    mixed_precision: bool = True
    workers: int | None = None

    def __post_init__(self) -> None:
        if not self.data.strip():
            raise UserError("--data is empty; name a folder.")
        config_values.check_choices(self, _CHOICES)
        config_values.check_positive(self, _POSITIVE)
        config_values.check_grey_range(self.grey_range)
        config_values.check_seed(self.seed)
        for name in ("weight_decay", "momentum", "workers"):
            config_values.check_not_below_zero(self, name)
        for name in ("momentum", "encoder_momentum"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                flag = config_values.flag(name)
                raise UserError(f"{flag} is {value}; it must be in [0, 1).")
        # Batch norm has nothing to normalise in a batch of one.
        for name in ("batch_size", "norm_group"):
            value = getattr(self, name)
            if value is not None and value < 2:
                raise UserError(f"{config_values.flag(name)} is {value}; it must be at least 2.")
        if self.temperature is not None and self.temperature < LOWEST_TEMPERATURE:
            raise UserError(
                f"--temperature is {self.temperature}; it must be at least {LOWEST_TEMPERATURE}."
            )
        if self.image_size is not None and self.image_size < SMALLEST:
            raise UserError(f"--image-size is {self.image_size}; it must be at least {SMALLEST}.")
        if self.picture_size is not None and not SMALLEST <= self.picture_size <= _LARGEST_SIDE:
            raise UserError(
                f"--picture-size is {self.picture_size}; it must be from {SMALLEST} to "
                f"{_LARGEST_SIDE}."
            )
        given = [name for name in MOCO_ALONE if getattr(self, name) is not None]
        if self.method != MOCO and given:
            flag = config_values.flag(given[0])
            raise UserError(f"{flag} is of --method {MOCO} alone; leave it out.")
        self.genmix_settings()

    @property
    def makes_images(self) -> bool:
        """Whether images are made beside the originals."""
        return self.augment != NONE

    @property
    def augment_mode(self) -> str:
        """Made images are written once."""
        return "offline"

    @property
    def budget(self) -> str:
        """As many steps as without made images."""
        return "steps"

    def genmix_settings(self) -> AugmentSettings:
        """The settings of GenMix; what DiffuseMix fixes wins over what is given.

        Raises:
            UserError: an unknown one, or one out of range.
        """
        given = GENMIX_DEFAULTS | self.genmix | GENMIX_PRESETS.get(self.augment, {})
        try:
            return build_settings(given)
        except UserError as error:  # as the command spells it
            raise UserError(str(error).replace("--steps", "--edit-steps")) from error

    def resolved(self) -> SelfSupervisedConfig:
        """Every open value that does not depend on data or backbone filled in."""
        filled: dict[str, Any] = {
            "lr": _RATES[self.method] * self.batch_size / RATE_BATCH,
            "epochs": _EPOCHS[self.method],
            **(_MOCO if self.method == MOCO else {}),
        }
        if self.method == MOCO:
            filled["norm_group"] = max(min(NORM_GROUP, self.batch_size // 2), 2)
        missing = {key: value for key, value in filled.items() if getattr(self, key) is None}
        if not self.makes_images:
            missing["views"] = ORIGINAL_AUGMENTED  # of no account, so it makes no other run
        return dataclasses.replace(self, **missing)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for YAML and JSON."""
        return dataclasses.asdict(self)


def queue_of(config: SelfSupervisedConfig, images: int) -> int:
    """Length of MoCo's queue, in whole batches.

    Left open it is 65536 as published, and half of the images where these are fewer, but one batch
    at least. An older key of a query's own image counts as another image to the loss. Where the
    queue holds a share q <= 1 of the images, q^2 / 2 of the queries meet one: an eighth at a half.

    Args:
        config: queue and batch size.
        images: that are trained on, at least a batch.

    Raises:
        UserError: a given one that is no whole number of batches, or above the number of images.
    """
    size = config.batch_size
    if config.queue is None:
        return max(min(LARGEST_QUEUE, images // 2) // size, 1) * size
    if config.queue % size:
        raise UserError(
            f"--queue is {config.queue}, which is no multiple of the batch of {size}; give one."
        )
    if config.queue > images:
        raise UserError(
            f"--queue is {config.queue}, more than the {images} images, so it would hold two "
            f"keys of some; use {images // size * size} or less."
        )
    return config.queue


def build_ssl_config(
    options: Mapping[str, Any], file: str | Path | None = None
) -> SelfSupervisedConfig:
    """Join given options (None = not given) with a configuration file.

    Args:
        options: from the command line or Python.
        file: YAML with keys of SelfSupervisedConfig; the options win over it.

    Raises:
        UserError: unknown key (the nearest is suggested), a value of the wrong kind, unreadable
            file, missing data.
    """
    required = {"data": "no data; give --data DIR or the name of a torchvision data set."}
    return config_values.build(
        SelfSupervisedConfig, options, file, recorded=RECORDED, required=required
    )
