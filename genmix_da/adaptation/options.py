"""The settings of an adaptation by name, so that editors complete them."""

from __future__ import annotations

from typing import Any, TypedDict


class AdaptOptions(TypedDict, total=False):
    """Fields of `AdaptConfig`, which says what they mean; all may be left out but src and tgt."""

    src: str
    tgt: str
    setting: str
    data: str | None
    split: str | None
    part: str | None
    refuse_duplicates: bool
    grey_range: str
    profile: str | None
    augment: str
    method: str | None
    augment_mode: str
    budget: str
    genmix: dict[str, Any]
    backbone: str | None
    backbone_arguments: dict[str, Any]
    weights: str | None
    freeze_backbone: bool | None
    source_checkpoint: str | None
    bottleneck_dim: int | None
    image_size: int | None
    batch_size: int | None
    source_epochs: int | None
    source_lr: float | None
    source_backbone_factor: float | None
    label_smoothing: float
    epochs: int | None
    lr: float | None
    lambda_psd: float | None
    threshold: float | str | None
    graph: bool
    graph_threshold: float | str
    graph_options: dict[str, Any]
    unknown_share: float | None
    cluster_estimator: str
    subsample_estimation: bool | None
    confident_weight: str
    method_options: dict[str, Any]
    seed: int
    device: str
    mixed_precision: bool
