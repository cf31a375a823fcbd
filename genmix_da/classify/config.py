"""The typed, frozen configuration of one classification run; saved with every result.

A value comes from the command line, else from --config, else from `ClassifyConfig.resolved`.
Unknown keys are an error.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genmix_da import config_values
from genmix_da.augment.settings import AugmentSettings, build_settings
from genmix_da.classify.augmentations import GENMIX_PRESETS, augmentation_settings
from genmix_da.errors import UserError

_CHOICES: dict[str, tuple[str, ...]] = {
    "augment_mode": ("offline", "online"),
    "budget": ("steps", "epochs"),
    "optimizer": ("sgd", "adamw"),
    "adversarial": ("none", "fast"),
    "device": ("auto", "cpu", "cuda"),
}
# What config.yaml holds beside the settings.
RECORDED = ("identity", "method", "augmentation", "classes", "contents")
_POSITIVE = ("epochs", "steps", "image_size", "lr", "shots", "test_limit", "eval_every")
_AT_LEAST_ZERO = ("backbone_factor", "weight_decay", "momentum", "warmup_steps", "warmup_epochs")
# Optimiser -> rate of the classifier on trained weights, and from scratch. Chosen on the domains
# DSLR and Webcam of Office-Caltech-10, which no result is reported on: docs/classification.md.
_RATES = {"sgd": (0.01, 0.02), "adamw": (1e-3, 3e-3)}
_DECAYS = {"sgd": 5e-4, "adamw": 0.05}
EPOCHS = 100
EVALUATIONS = 10
# Pixels. Padding keeps a map of 1 x 1 alive in any network, though nothing is left to see in it.
SMALLEST = 8
# The paper's styles for classification; the default of GenMix's own settings is domain adaptation.
GENMIX_DEFAULTS = {"prompts": "classification"}


@dataclass(frozen=True, kw_only=True)
class ClassifyConfig:
    """Settings of one classification run; None means "see `resolved`".

    Attributes:
        data: folder of class folders, with or without `train` and `val`/`test`, or the name of a
            torchvision data set.
        test_data: folder of class folders to test on; None: as `data` has it, else a split.
        dataset: name in results and tables; None: the folder's, or torchvision's.
        root: folder of torchvision's data sets; None: in the cache.
        download: fetch a torchvision data set that is not there.
        augment: a key of AUGMENTATIONS.
        augment_options: of the method, see `make_augmentation`.
        genmix: settings of GenMix, fields of AugmentSettings; for "genmix" and "diffusemix".
        augment_mode: "offline" (GenMix images written once) or "online" (drawn anew each view).
        budget: "steps" gives every method the same number of optimiser steps, "epochs" the same
            number of epochs over its own, perhaps larger, set.
        backbone, backbone_arguments, weights: see lead.build_backbone.
        image_size: side of the crop in pixels, at least 8; None in the end: the weights' own.
        batch_size: images a step.
        epochs: passes over the training images, of the originals where the budget is steps.
        steps: optimiser steps in all; wins over epochs.
        optimizer: "sgd" (Nesterov) or "adamw".
        lr: of the classifier, at its highest.
        backbone_factor: multiplies the backbone's rate.
        weight_decay, momentum: of the optimiser; momentum is SGD's.
        warmup_steps, warmup_epochs: length of the linear warm-up; steps win over epochs.
        label_smoothing: epsilon in [0, 1), of soft labels too.
        eval_every: epochs between two evaluations; the last epoch is always evaluated.
        shots: training images of each class; None: all.
        refuse_duplicates: a test image that is trained on, too, is an error.
        grey_range: of deep grey images: "auto", "full" or "MIN,MAX"; see `data.grey.GreyRange`.
        test_limit: at most this many test images, in the classes' proportions.
        test_fraction: share of each class that is tested on, where the data has no test part.
        seed: of initialisation, batches, views and augmentation; the edits of GenMix, which all
            seeds share, have their own in genmix.
        split_seed: of the split into training and test images, which all seeds share.
        device: "auto", "cpu" or "cuda".
        mixed_precision: on CUDA.
        channels_last: memory format of the network.
        adversarial: "fast" trains on FGSM examples (Wong et al., ICLR 2020).
        epsilon: radius of adversarial training, and of the FGSM error in the scores; in pixels of
            [0, 1].
        fgsm: radii to attack at the end of the run; one that is named again is left out.
    """

    data: str
    test_data: str | None = None
    dataset: str | None = None
    root: str | None = None
    download: bool = False
    refuse_duplicates: bool = False
    grey_range: str = "auto"
    augment: str = "genmix"
    augment_options: dict[str, Any] = field(default_factory=dict)
    genmix: dict[str, Any] = field(default_factory=dict)
    augment_mode: str = "offline"
    budget: str = "steps"
    backbone: str = "resnet50"
    backbone_arguments: dict[str, Any] = field(default_factory=dict)
    weights: str = "imagenet"
    image_size: int | None = None
    batch_size: int = 64
    epochs: int | None = None
    steps: int | None = None
    optimizer: str = "sgd"
    lr: float | None = None
    backbone_factor: float | None = None
    weight_decay: float | None = None
    momentum: float = 0.9
    warmup_steps: int | None = None
    warmup_epochs: float | None = None
    label_smoothing: float = 0.1
    eval_every: int | None = None
    shots: int | None = None
    test_limit: int | None = None
    test_fraction: float = 0.2
    seed: int = 2021
    split_seed: int = 0
    device: str = "auto"
    mixed_precision: bool = True
    channels_last: bool = True
    adversarial: str = "none"
    epsilon: float = 8 / 255
    fgsm: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        config_values.check_choices(self, _CHOICES)
        config_values.check_positive(self, _POSITIVE)
        config_values.check_training(self)
        config_values.check_grey_range(self.grey_range)
        config_values.check_seed(self.split_seed, "--split-seed")
        for name in _AT_LEAST_ZERO:
            config_values.check_not_below_zero(self, name)
        if self.image_size is not None and self.image_size < SMALLEST:
            raise UserError(f"--image-size is {self.image_size}; it must be at least {SMALLEST}.")
        if not self.momentum < 1:
            raise UserError(f"--momentum is {self.momentum}; it must be in [0, 1).")
        if not 0 < self.test_fraction < 1:
            raise UserError(f"--test-fraction is {self.test_fraction}; it must be in (0, 1).")
        check_radius(self.epsilon, "--epsilon")
        for radius in self.fgsm:
            check_radius(radius, "--fgsm")
        # In the order given, so that runs that named none twice are still the same runs.
        object.__setattr__(self, "fgsm", tuple(dict.fromkeys(self.fgsm)))
        # Files may be given as paths; the record has texts.
        plain = {
            key: os.fspath(value) if isinstance(value, os.PathLike) else value
            for key, value in self.augment_options.items()
        }
        object.__setattr__(self, "augment_options", plain)
        augmentation_settings(self.augment, plain)
        self.genmix_settings()

    @property
    def generative(self) -> bool:
        """Whether the method makes images: GenMix or DiffuseMix."""
        return self.augment in GENMIX_PRESETS

    def genmix_settings(self) -> AugmentSettings:
        """The settings of GenMix; what the method fixes wins over what is given.

        Raises:
            UserError: an unknown one, or one out of range.
        """
        given = GENMIX_DEFAULTS | self.genmix | GENMIX_PRESETS.get(self.augment, {})
        try:
            return build_settings(given)
        except UserError as error:  # --steps are the training's here
            raise UserError(str(error).replace("--steps", "--edit-steps")) from error

    def resolved(self) -> ClassifyConfig:
        """Every open value that does not depend on the data filled in.

        From scratch the whole network has to move, so the backbone learns at the classifier's rate.
        """
        scratch = self.weights == "none"
        filled: dict[str, Any] = {
            "lr": _RATES[self.optimizer][scratch],
            "backbone_factor": 1.0 if scratch else 0.1,
            "weight_decay": _DECAYS[self.optimizer],
            "epochs": EPOCHS,
        }
        missing = {key: value for key, value in filled.items() if getattr(self, key) is None}
        if self.steps is not None:
            missing["epochs"] = None  # of no account, so it does not make another run
        return dataclasses.replace(self, **missing)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for YAML and JSON."""
        return dataclasses.asdict(self) | {"fgsm": list(self.fgsm)}


def check_radius(radius: float, option: str, *, zero: bool = False) -> None:
    """A radius of an attack lies in (0, 1].

    Args:
        radius: in pixels of [0, 1].
        option: that it was given with.
        zero: 0 is one, too: no attack, whose error is the clean one.

    Raises:
        UserError: it does not.
    """
    if not (0 < radius <= 1 or (zero and radius == 0)):
        raise UserError(
            f"{option}: the radius {radius:g} is not in {'[' if zero else '('}0, 1]; pixels lie in "
            "[0, 1], so give 8/255, not 8."
        )


def build_classify_config(
    options: Mapping[str, Any], file: str | Path | None = None
) -> ClassifyConfig:
    """Join given options (None = not given) with a configuration file.

    Args:
        options: from the command line or Python.
        file: YAML with keys of ClassifyConfig; the options win over it.

    Raises:
        UserError: unknown key (the nearest is suggested), a value of the wrong kind, unreadable
            file, missing data.
    """
    required = {"data": "no data; give --data DIR or the name of a torchvision data set."}
    return config_values.build(ClassifyConfig, options, file, recorded=RECORDED, required=required)
