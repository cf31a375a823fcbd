"""An adaptation or a classification as augmentation sees it: source images and their views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from genmix_da.augment.settings import AugmentSettings
from genmix_da.data.images import Images
from genmix_da.frozen.encoder import FrozenEncoder
from lead.views import Preprocessing, Views


class TaskSettings(Protocol):
    """The settings that say how source images are made and compared; see AdaptConfig."""

    @property
    def augment_mode(self) -> str: ...
    @property
    def budget(self) -> str: ...
    @property
    def backbone(self) -> str | None: ...
    @property
    def backbone_arguments(self) -> Mapping[str, Any]: ...
    @property
    def weights(self) -> str | None: ...
    @property
    def image_size(self) -> int | None: ...
    @property
    def batch_size(self) -> int | None: ...
    @property
    def device(self) -> str: ...
    def genmix_settings(self) -> AugmentSettings: ...


class SourceTask(Protocol):
    """What is trained on source images: an adaptation or a classification."""

    @property
    def config(self) -> TaskSettings: ...
    @property
    def augments(self) -> bool:
        """Whether images are made at all."""
        ...

    @property
    def source(self) -> Images: ...
    @property
    def source_name(self) -> str: ...
    @property
    def preprocessing(self) -> Preprocessing: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def encoder(self) -> FrozenEncoder | None:
        """Of a frozen backbone, whose features are computed once."""
        ...

    def source_label(self, name: str) -> int | None:
        """Classifier output of a class; None where it is not used."""
        ...

    def views(self, pixels: NDArray[np.uint8], rows: NDArray[np.int64], name: str) -> Views:
        """Views of decoded images; see `Task.views`."""
        ...


@dataclass(frozen=True)
class TrainingSet:
    """What source training sees.

    Attributes:
        views: originals, then augmented images.
        labels: [N] classifier outputs.
        steps_per_epoch: limit that keeps the number of optimiser steps as without augmentation.
        record: counts for result.json; None without augmentation.
    """

    views: Views
    labels: NDArray[np.int64]
    steps_per_epoch: int | None
    record: dict[str, Any] | None
