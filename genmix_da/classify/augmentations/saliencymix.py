"""SaliencyMix: the box that is pasted lies around the most salient point of its image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

from genmix_da.classify.augmentations.mixing import (
    BetaMixing,
    joined,
    mates,
    mixed_weights,
    pixels_of,
)

if TYPE_CHECKING:
    import numpy as np

# Hou and Zhang look at images 64 pixels wide, where the map shows things and not textures.
_SIDE = 64
_BLUR = 2.5


def saliency(pixels: Tensor) -> Tensor:
    """Spectral residual: what of an image's spectrum is not as smooth as in any other image.

    With A and P the log amplitude and the phase of the Fourier transform, the map is
    |F^-1(exp(A - mean3x3(A) + i P))|^2, blurred. Hou and Zhang, "Saliency Detection: A Spectral
    Residual Approach", CVPR 2007.

    Args:
        pixels: [B, 3, h, w] in any linear scale; see `shrunk`.

    Returns:
        [B, h, w].
    """
    spectrum = torch.fft.fft2(pixels.mean(1, keepdim=True))
    amplitude = torch.log(spectrum.abs() + 1e-8)
    around = avg_pool2d(pad(amplitude, (1, 1, 1, 1), mode="circular"), 3, stride=1)
    residual = torch.polar(torch.exp(amplitude - around), spectrum.angle())
    return _blurred(torch.fft.ifft2(residual).abs() ** 2)[:, 0]


def shrunk(images: Tensor) -> Tensor:
    """Images [B, 3, H, W] with their longer side at most 64, in float32."""
    scale = min(_SIDE / max(images.shape[-2:]), 1.0)
    size = [max(round(scale * side), 1) for side in images.shape[-2:]]
    return interpolate(images.float(), size, mode="area")


def _blurred(maps: Tensor) -> Tensor:
    """[B, 1, h, w] under a Gaussian; beyond the border there is nothing."""
    reach = math.ceil(3 * _BLUR)
    steps = torch.arange(-reach, reach + 1, device=maps.device, dtype=maps.dtype)
    kernel = torch.exp(-(steps**2) / (2 * _BLUR**2))
    kernel = kernel / kernel.sum()
    down = conv2d(maps, kernel[None, None, :, None], padding=(reach, 0))
    return conv2d(down, kernel[None, None, None, :], padding=(0, reach))


def peaks(maps: Tensor, height: int, width: int) -> Tensor:
    """Row and column of the highest point of maps [B, h, w] in an image [height, width]: [B, 2]."""
    place = maps.flatten(1).argmax(1)
    found = torch.stack([place // maps.shape[2], place % maps.shape[2]], 1).to(maps)
    return (found + 0.5) * maps.new_tensor([height / maps.shape[1], width / maps.shape[2]])


@dataclass(frozen=True, kw_only=True)
class Saliencymix(BetaMixing):
    """The partner's box around its most salient point replaces the same box of the image.

    Uddin et al., "SaliencyMix: A Saliency Guided Data Augmentation Strategy for Better
    Regularization", ICLR 2021: box sides sqrt(1 - l), l ~ Beta(alpha, alpha), alpha 1, cut at the
    border; label weights by area. One l a batch and a box for each pair. Saliency is the spectral
    residual; the detector that the paper settles on (Montabone and Soto, 2010) is not in the
    OpenCV build that this package needs.
    """

    name: ClassVar[str] = "saliencymix"

    def mix(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class."""
        side = math.sqrt(1.0 - self._share(draw))
        height, width = images.shape[-2:]
        centre = mates(
            peaks(saliency(pixels_of(shrunk(images), self.setup.preprocessing)), height, width)
        )
        inside = [
            self._within(centre[:, axis], side, length)
            for axis, length in enumerate((height, width))
        ]
        box = (inside[0][:, :, None] & inside[1][:, None, :])[:, None]  # [B, 1, S, S]
        share = 1.0 - box.flatten(1).double().mean(1)
        return joined(images, ~box), mixed_weights(weights, share)

    @staticmethod
    def _within(centre: Tensor, side: float, length: int) -> Tensor:
        """Which pixels along an axis are inside the boxes: [B, length]."""
        places = torch.arange(length, device=centre.device) + 0.5
        return (places[None] - centre[:, None]).abs() < side * length / 2
