"""Classifier-free guidance with two conditions, and the branches that it needs.

InstructPix2Pix (Brooks et al., CVPR 2023, Eq. 3), with e(text, image):
    e = e(0, 0) + s_I (e(0, I) - e(0, 0)) + s_T (e(T, I) - e(0, I)).
At s_I = 1 the unconditional branch e(0, 0) cancels. At s_T = 1 the stock pipeline drops guidance
altogether, the image's too, and one branch e(T, I) is left: so do we.
"""

from __future__ import annotations

import torch
from torch import Tensor


def branch_count(guidance: float, image_guidance: float) -> int:
    """UNet evaluations per step: 3 in general, 2 at image guidance 1, 1 at guidance 1."""
    if guidance <= 1:
        return 1
    return 2 if image_guidance == 1 else 3


def image_branches(latents: Tensor, branches: int) -> Tensor:
    """Image conditions of all branches, [text, image, unconditional] one after the other.

    Args:
        latents: [B, 4, h, w] of the images.
        branches: 1 to 3.

    Returns:
        [branches * B, 4, h, w]; the third branch sees zeros.
    """
    return torch.cat([latents, latents, torch.zeros_like(latents)][:branches])


def text_branches(positive: Tensor, negative: Tensor, branches: int) -> Tensor:
    """Text conditions of all branches: [branches * B, L, D] from two of [B, L, D]."""
    return torch.cat([positive, negative, negative][:branches])


def combine(predicted: Tensor, guidance: Tensor, image_guidance: Tensor, branches: int) -> Tensor:
    """The guided prediction.

    Args:
        predicted: [branches * B, 4, h, w].
        guidance, image_guidance: [B, 1, 1, 1] float32, one scale an image.
        branches: 1 to 3.

    Returns:
        [B, 4, h, w].
    """
    if branches == 1:
        return predicted
    if branches == 2:
        text, image = predicted.chunk(2)
        return (image + guidance * (text - image)).to(predicted.dtype)
    text, image, nothing = predicted.chunk(3)
    guided = nothing + guidance * (text - image) + image_guidance * (image - nothing)
    return guided.to(predicted.dtype)
