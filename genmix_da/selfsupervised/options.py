"""The settings of a pre-training by name, so that editors complete them."""

from __future__ import annotations

from typing import Any, TypedDict


class SelfSupervisedOptions(TypedDict, total=False):
    """Fields of `SelfSupervisedConfig`, which says what they mean; all may be left out but data."""

    data: str
    dataset: str | None
    root: str | None
    download: bool
    grey_range: str
    method: str
    augment: str
    genmix: dict[str, Any]
    views: str
    backbone: str
    backbone_arguments: dict[str, Any]
    weights: str
    image_size: int | None
    picture_size: int | None
    batch_size: int
    epochs: int | None
    lr: float | None
    weight_decay: float
    momentum: float
    temperature: float | None
    encoder_momentum: float | None
    queue: int | None
    norm_group: int | None
    seed: int
    device: str
    mixed_precision: bool
    workers: int | None
