"""The settings of a classification by name, so that editors complete them."""

from __future__ import annotations

from typing import Any, TypedDict


class ClassifyOptions(TypedDict, total=False):
    """Fields of `ClassifyConfig`, which says what they mean; all may be left out but data."""

    data: str
    test_data: str | None
    dataset: str | None
    root: str | None
    download: bool
    refuse_duplicates: bool
    grey_range: str
    augment: str
    augment_options: dict[str, Any]
    genmix: dict[str, Any]
    augment_mode: str
    budget: str
    backbone: str
    backbone_arguments: dict[str, Any]
    weights: str
    image_size: int | None
    batch_size: int
    epochs: int | None
    steps: int | None
    optimizer: str
    lr: float | None
    backbone_factor: float | None
    weight_decay: float | None
    momentum: float
    warmup_steps: int | None
    warmup_epochs: float | None
    label_smoothing: float
    eval_every: int | None
    shots: int | None
    test_limit: int | None
    test_fraction: float
    seed: int
    split_seed: int
    device: str
    mixed_precision: bool
    channels_last: bool
    adversarial: str
    epsilon: float
    fgsm: tuple[float, ...]
