"""Pixels to latents and back, through the model's VAE or a tiny one."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_KEPT = 256  # latents of recent images: 32 KiB each at 512 px in half precision
_SLICE = 4  # images decoded at once: activations at 512 px take about a gigabyte each


class LatentCoder:
    """Encodes each image once for all its prompts, and decodes.

    Args:
        vae: AutoencoderKL or AutoencoderTiny.
        scaling: the model's scaling factor of latents, e.g. 0.18215.
        size: side of the square in pixels.
        device: where the VAE is.
        dtype: of its parameters.
    """

    def __init__(
        self, vae: Any, scaling: float, size: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        self._vae = vae
        self._scaling = scaling
        self._size = size
        self._device = device
        self._dtype = dtype
        self._recent: OrderedDict[bytes, Tensor] = OrderedDict()
        # A tiny VAE's latents are scaled already; an AutoencoderKL's are not.
        self._tiny = not hasattr(vae, "quant_conv")

    @torch.no_grad()
    def encode(self, images: Sequence[NDArray[np.uint8]]) -> Tensor:
        """Image conditions [B, 4, h, w]: the mode of the VAE's distribution, not scaled.

        Args:
            images: [H, W, 3] uint8 RGB; resized to the square.
        """
        return torch.cat([self._latent(image) for image in images])

    def _latent(self, image: NDArray[np.uint8]) -> Tensor:
        pixels = square(image, self._size)
        key = hashlib.sha256(pixels.tobytes()).digest()
        if key in self._recent:
            self._recent.move_to_end(key)
            return self._recent[key]
        scaled = torch.from_numpy(pixels[None]).permute(0, 3, 1, 2).float() / 255 * 2 - 1
        encoded = self._vae.encode(scaled.to(self._device, self._dtype))
        latent = encoded.latents / self._scaling if self._tiny else encoded.latent_dist.mode()
        self._recent[key] = latent
        if len(self._recent) > _KEPT:
            self._recent.popitem(last=False)
        return latent

    @torch.no_grad()
    def decode(self, latents: Tensor) -> NDArray[np.float32]:
        """Pictures [B, size, size, 3], float32 in [0, 1]; non-finite values stay as they are.

        Args:
            latents: [B, 4, h, w], as the loop leaves them (scaled).
        """
        parts = []
        for part in torch.split(latents, _SLICE):
            plain = part if self._tiny else part / self._scaling
            pixels = self._vae.decode(plain, return_dict=False)[0]
            pixels = (pixels / 2 + 0.5).clamp(0, 1)
            parts.append(pixels.float().permute(0, 2, 3, 1).cpu().numpy())
        return np.concatenate(parts)


def square(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The image as a square of `side` pixels, its proportions changed as everywhere here."""
    if image.shape[:2] == (side, side):
        return np.array(image)  # a copy: torch warns of arrays that it must not write to
    smaller = image.shape[0] * image.shape[1] > side * side
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (side, side), interpolation=how), dtype=np.uint8)
