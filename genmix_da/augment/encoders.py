"""Which encoder --features names, "auto" included."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from genmix_da.augment.features import (
    Encoder,
    backbone_encoder,
    dinov2_is_here,
    transformers_encoder,
)
from genmix_da.device import resolve_device
from genmix_da.errors import UserError

logger = logging.getLogger(__name__)


def encoder_of(given: Encoder | str | None, device: str = "auto") -> Encoder | None:
    """An encoder that Python was given, itself or by a name as --features takes it.

    Args:
        given: "auto", "dinov2", "timm:NAME", a hub name or folder, or "off"; an encoder; or None.
        device: of one that is named.

    Raises:
        UserError: something else, or it cannot be had.
    """
    if isinstance(given, str):
        return resolve_encoder(
            given, backbone=None, weights=None, arguments={}, image_size=None, device=device
        )
    if given is not None and not hasattr(given, "encode"):
        raise UserError(f"the encoder is a {type(given).__name__}; give its name, or an Encoder.")
    return given


def resolve_encoder(
    features: str,
    *,
    backbone: str | None,
    weights: str | None,
    arguments: Mapping[str, Any],
    image_size: int | None,
    device: str,
) -> Encoder | None:
    """The encoder that is meant; what "auto" became is logged.

    Args:
        features: "auto" (DINOv2 where its weights are there, else the backbone where it has
            weights, else off), "dinov2", "backbone", "timm:NAME", a hub name or folder, or "off".
        backbone, weights, arguments, image_size: of "backbone".
        device: "auto", "cpu" or "cuda".

    Raises:
        UserError: it cannot be had; "backbone" without weights.
    """
    trained = backbone is not None and weights not in (None, "none")
    if features == "auto":
        features = "dinov2" if dinov2_is_here() else "backbone" if trained else "off"
        meaning = {
            "dinov2": "DINOv2",
            "backbone": f"the backbone {backbone} (no DINOv2 here)",
            "off": "off, every edit is kept (no DINOv2 and no trained backbone here)",
        }[features]
        logger.info("faithful selection: %s", meaning)
    if features == "off":
        return None
    where = resolve_device(device)
    if features == "backbone":
        if not trained:
            raise UserError("--features backbone needs trained weights; give --weights too.")
        return backbone_encoder(str(backbone), str(weights), arguments, image_size, where)
    if features.startswith("timm:"):
        return backbone_encoder(features, "imagenet", {}, None, where)
    return transformers_encoder(features, where)
