"""GuidedMixup: pixel by pixel, each image of a pair weighs as much as it is salient there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pad
from torchvision.transforms.functional import gaussian_blur, rgb_to_grayscale

from genmix_da.classify.augmentations.mixing import PairMixing, like, pixels_of
from genmix_da.classify.augmentations.network_mixing import gradient_saliency, shares
from genmix_da.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KINDS = ("sr", "ap")
# The spectral residual is that of an image of at most this side.
_SIDE = 128
_WINDOW, _BLUR = 7, 3.0
_TINY = 1e-12


def residual_map(pixels: Tensor) -> Tensor:
    """Spectral residual as GuidedMixup takes it: |F^-1(exp(A - mean3x3(A) + i P))|, blurred.

    It differs from `saliencymix.saliency` in what lies beyond the border of the spectrum, in the
    amplitude instead of its square, and in resolution.

    Args:
        pixels: [B, 3, H, W] in [0, 1].

    Returns:
        [B, H, W].
    """
    size = pixels.shape[-2:]
    grey = rgb_to_grayscale(pixels.float())
    large = max(size) > _SIDE
    if large:
        grey = interpolate(grey, (_SIDE, _SIDE), mode="bilinear", antialias=True)
    spectrum = torch.fft.fft2(grey)
    amplitude = torch.log((spectrum.abs().square() + 1e-10).sqrt())
    around = avg_pool2d(pad(amplitude, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    residual = torch.polar(torch.exp(amplitude - around), spectrum.angle())
    found = _blurred(torch.fft.ifft2(residual).abs())
    if large:
        found = interpolate(found, size, mode="bilinear")
    return found[:, 0]


def _blurred(maps: Tensor) -> Tensor:
    """[..., h, w] under a Gaussian of 7 pixels, mirrored at the border."""
    blurred: Tensor = gaussian_blur(maps, [_WINDOW, _WINDOW], [_BLUR, _BLUR])
    return blurred


def distances(maps: Tensor) -> NDArray[np.float64]:
    """Euclidean distances of maps [B, h, w] from one another: [B, B]."""
    flat = maps.flatten(1).double()
    return torch.cdist(flat, flat, compute_mode="donot_use_mm_for_euclid_dist").cpu().numpy()


def one_cycle(distance: NDArray[np.float64]) -> NDArray[np.int64]:
    """Partners in one ring, each the farthest that is left: greedy, from the farthest pair on.

    Args:
        distance: [B, B], symmetric.

    Returns:
        The partner of every row, [B]; nobody is their own partner unless there is but one.
    """
    count = len(distance)
    left = np.array(distance, dtype=np.float64)
    np.fill_diagonal(left, -np.inf)
    first = int(left.argmax()) // count
    partners = np.empty(count, dtype=np.int64)
    row = first
    left[:, row] = -np.inf
    for _ in range(count - 1):
        partners[row] = left[row].argmax()
        row = int(partners[row])
        left[:, row] = -np.inf
    partners[row] = first
    return partners


@dataclass(frozen=True, kw_only=True)
class Guidedmixup(PairMixing):
    """x = m x_a + (1 - m) x_b, m = s_a / (s_a + s_b), where s are saliency maps that sum to 1.

    Kang and Kim, "GuidedMixup: An Efficient Mixup Strategy Guided by Saliency Maps", AAAI 2023:
    label weights are the mean of m; partners are those whose maps are far apart (Euclidean), in one
    ring found greedily, so that less of what is salient lies above one another. Maps are blurred
    with a window of 7 pixels and sigma 3. Half of the batches are mixed, as published for "sr";
    published for "ap" is a probability of 0.8. Nothing else is drawn.

    Attributes:
        saliency: "sr", the spectral residual of the image, which needs no network; or "ap", the
            size of the loss's gradient at each pixel, for a second pass through the network.

    Raises:
        UserError: an option is out of range.
    """

    name: ClassVar[str] = "guidedmixup"

    probability: float = 0.5
    saliency: str = "sr"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.saliency not in _KINDS:
            raise UserError(
                f"guidedmixup has no saliency {self.saliency!r}; choose one of {', '.join(_KINDS)}."
            )

    @property
    def acts_inside(self) -> bool:
        """Not by spectral residuals."""
        return self.saliency == "ap"

    def batch(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """With "sr", see the class; with "ap" nothing, see `forward`."""
        return super().batch(images, weights, draw) if self.saliency == "sr" else (images, weights)

    def mix(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """By spectral residuals."""
        return self._guided(images, weights, residual_map(self._pixels(images)))

    def forward(
        self, network: nn.Module, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """With "ap", see the class; with "sr" the batch is mixed already."""
        if self.saliency == "ap" and draw.random() < self.probability:
            found = gradient_saliency(network, images, weights)
            images, weights = self._guided(images, weights, found)
        return network(images), weights

    def _pixels(self, images: Tensor) -> Tensor:
        return pixels_of(images.float(), self.setup.preprocessing)

    @staticmethod
    def _guided(images: Tensor, weights: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Mix by saliency maps [B, S, S]."""
        own = shares(_blurred(maps[:, None])[:, 0])
        partners = torch.from_numpy(one_cycle(distances(own))).to(images.device)
        theirs = own[partners]
        # Where neither shows anything, both weigh the same.
        mask = (own + _TINY) / (own + theirs + 2 * _TINY)
        share = mask.mean((1, 2))[:, None].to(weights)
        weighed = mask[:, None].to(images.dtype)
        mixed = weighed * images + (1.0 - weighed) * images[partners]
        return like(mixed, images), share * weights + (1.0 - share) * weights[partners]
