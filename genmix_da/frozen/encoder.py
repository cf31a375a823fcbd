"""A frozen backbone as encoder: what decides its features, and views in, features out.

Nothing is loaded before the first image has to be encoded: a run whose features are all kept needs
neither the weights in memory nor the library that made them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from genmix_da.errors import UserError
from genmix_da.frozen.outline import outline_of
from genmix_da.frozen.towers import (
    PREFIX,
    load_tower,
    tower_folder,
    tower_identity,
    tower_outline,
)
from lead.backbones import Backbone, build_backbone
from lead.checkpoint import LIBRARY_WEIGHTS, weights_identity
from lead.precision import Precision
from lead.seeds import derive
from lead.views import NetworkInput, Preprocessing

# What `weights` of a `transformers:` backbone resolves to: its own.
OWN_WEIGHTS = "pretrained"


@dataclass(frozen=True)
class BackboneChoice:
    """Which backbone, with which weights; everything that is needed to load it again.

    Attributes:
        name: torchvision name, `timm:NAME` or `transformers:NAME_OR_DIR`.
        weights: "imagenet", "none" (random, from the seed) or a file; of transformers
            `OWN_WEIGHTS`, or a folder that stands in for the one named.
        arguments: of the constructor; none for transformers.
        seed: of random weights.
    """

    name: str
    weights: str
    arguments: Mapping[str, Any]
    seed: int

    @property
    def library(self) -> str:
        """ "torchvision", "timm" or "transformers"."""
        return self.name.partition(":")[0] if ":" in self.name else "torchvision"

    @property
    def nickname(self) -> str:
        """The name without the folder of a model: where it lies decides nothing."""
        return "transformers" if self.library == "transformers" else self.name

    @cached_property
    def folder(self) -> Path:
        """Where a model of transformers lies."""
        own = self.weights == OWN_WEIGHTS
        return tower_folder(self.name.removeprefix(PREFIX) if own else self.weights)

    @cached_property
    def weights_identity(self) -> str:
        """What the weights are, wherever they lie.

        Raises:
            UserError, WeightsError: they are not there.
        """
        if self.library == "transformers":
            return tower_identity(self.folder)
        if self.weights == "none":
            return f"random/{self.seed}"
        return weights_identity(self.weights)

    def outline(self) -> tuple[int, Preprocessing]:
        """Feature width F and preprocessing, without the weights."""
        if self.library == "transformers":
            return tower_outline(self.folder)
        return outline_of(self.name, self.arguments)

    def load(self, image_size: int) -> Backbone:
        """The backbone with its weights, in evaluation mode.

        Args:
            image_size: side of its input in pixels.
        """
        if self.library == "transformers":
            return load_tower(self.folder, image_size)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(self.seed, "frozen backbone"))
            backbone = build_backbone(self.name, weights=self.weights, arguments=self.arguments)
        backbone.module.eval()
        return backbone


@dataclass
class FrozenEncoder:
    """Computes the features of views.

    Attributes:
        choice: the backbone.
        feature_dim: F.
        preprocessing: of its inputs.
        device: where it runs.
        mixed_precision: on CUDA.
        seconds: spent on features so far, for the run's record.
    """

    choice: BackboneChoice
    feature_dim: int
    preprocessing: Preprocessing
    device: torch.device
    mixed_precision: bool = True
    seconds: float = field(default=0.0)

    @cached_property
    def identity(self) -> str:
        """Everything beside an image's pixels and the views that decides its features."""
        choice = self.choice
        # The names of library weights say nothing of their version, nor do random ones.
        made_by = ""
        if choice.weights in LIBRARY_WEIGHTS:
            made_by = f"{choice.library} {version(choice.library)}"
        parts = {
            "backbone": choice.nickname,
            "arguments": dict(choice.arguments),
            "weights": choice.weights_identity,
            "library": made_by,
            "preprocessing": repr(self.preprocessing),
            "device": self.device.type,
            "precision": str(self._precision.dtype),
        }
        return json.dumps(parts, sort_keys=True, default=str)

    @cached_property
    def _precision(self) -> Precision:
        return Precision(self.device, mixed=self.mixed_precision)

    @cached_property
    def module(self) -> nn.Module:
        """The backbone on its device; loaded when it is first asked for."""
        module = self.choice.load(self.preprocessing.image_size).module
        module.requires_grad_(False)
        return module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    @cached_property
    def _input(self) -> NetworkInput:
        return NetworkInput(self.preprocessing, self.device)

    @torch.no_grad()
    def encode(self, views: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features [B, F] float32 of network-sized pictures [B, S, S, 3]."""
        with self._precision.autocast():
            features = self.module(self._input(views))
        return np.asarray(features.float().cpu().numpy())


def frozen_encoder(
    choice: BackboneChoice,
    *,
    image_size: int | None,
    device: torch.device,
    mixed_precision: bool = True,
) -> FrozenEncoder:
    """An encoder for a run; weights that are not there are found missing now.

    Args:
        choice: the backbone.
        image_size: side of its input; None: its own.
        device: where it runs.
        mixed_precision: on CUDA.

    Raises:
        UserError, WeightsError: the backbone or its weights are not there, or do not fit.
    """
    if choice.library == "transformers" and choice.arguments:
        raise UserError(f"--backbone-arg has no meaning with {PREFIX}...; leave it out.")
    feature_dim, preprocessing = choice.outline()
    if image_size is not None:
        preprocessing = preprocessing.resized(image_size)
    encoder = FrozenEncoder(choice, feature_dim, preprocessing, device, mixed_precision)
    assert encoder.identity  # reads the weights' bytes
    return encoder
