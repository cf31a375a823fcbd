"""Where in an image the network's own head sees a class: class activation maps."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from genmix_da.classify.augmentations.network_mixing import evaluating
from genmix_da.errors import UserError

# Tokens before those of the image: none, a class token, that and a teacher's, that and registers.
_PREFIXES = (0, 1, 2, 5)


def class_maps(network: nn.Module, images: Tensor, weights: Tensor) -> Tensor:
    """sum_c w_c sum_f W_cf m_f: the head W at every place of the last feature map m.

    Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016. In evaluation
    mode and float32. A layer between map and features (a norm) is not seen, and of a transformer
    the tokens of the image are the map, whichever of them its features are made of.

    Args:
        network: with a `backbone` and a linear `head` on its features.
        images: [B, 3, S, S].
        weights: label weights [B, C].

    Returns:
        [B, h, w].

    Raises:
        UserError: see `last_map`.
    """
    plain = torch.autocast(images.device.type, enabled=False)
    with torch.no_grad(), plain:
        matrix = network.get_parameter("head.weight").detach().float()
        seen = last_map(network.get_submodule("backbone"), images.float(), matrix.shape[1])
        return torch.einsum("bf,bfhw->bhw", weights.float() @ matrix, seen.float())


def last_map(backbone: nn.Module, images: Tensor, features: int) -> Tensor:
    """The last map of a backbone with as many channels as its features: [B, F, h, w].

    Maps [B, F, h, w] and [B, h, w, F] count, and tokens [B, T, F] that make a square grid.

    Args:
        backbone: images -> features [B, F].
        images: [B, 3, S, S].
        features: F.

    Raises:
        UserError: there is none that has more than one cell.
    """
    found: list[Tensor] = []

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        grid = _as_map(output, features) if isinstance(output, Tensor) else None
        if grid is not None:
            found[:] = [grid]

    hooks = [module.register_forward_hook(note) for module in backbone.modules()]
    try:
        with evaluating(backbone), torch.no_grad():
            backbone(images)
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise UserError(
            f"snapmix: at {images.shape[-1]} px this backbone has no map of more than one cell "
            f"with the {features} channels of its features; use larger images, another backbone, "
            "or another augmentation."
        )
    return found[0]


def _as_map(output: Tensor, features: int) -> Tensor | None:
    """[B, F, h, w] of more than one cell; None where the output is no such map."""
    if output.ndim == 4:
        if output.shape[1] == features and output.shape[2:].numel() > 1:
            return output
        if output.shape[3] == features and output.shape[1:3].numel() > 1:
            return output.permute(0, 3, 1, 2)
    elif output.ndim == 3 and output.shape[2] == features:
        return token_grid(output)
    return None


def token_grid(tokens: Tensor) -> Tensor | None:
    """Tokens [B, T, D] as a square grid [B, D, s, s], s > 1, without those before the image's.

    None where they fill no such grid.
    """
    for prefix in _PREFIXES:
        side = math.isqrt(max(tokens.shape[1] - prefix, 0))
        if side > 1 and side**2 == tokens.shape[1] - prefix:
            return tokens[:, prefix:].transpose(1, 2).reshape(-1, tokens.shape[2], side, side)
    return None
