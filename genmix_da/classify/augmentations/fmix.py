"""FMix: masks of any shape, from thresholded low-frequency noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from genmix_da.classify.augmentations.mixing import BetaMixing, joined, mixed_weights

if TYPE_CHECKING:
    from torch import Tensor


def frequency_mask(
    share: float, height: int, width: int, decay: float, draw: np.random.Generator
) -> NDArray[np.bool_]:
    """A mask [H, W] that is true on `share` of the pixels, to within half a pixel.

    Complex normal noise z over the frequencies f is weighted by 1 / |f|^decay; of the real part of
    its inverse Fourier transform the highest pixels are true.

    Args:
        share: in [0, 1].
        height, width: in pixels.
        decay: delta, above 0 for connected regions.
        draw: of the noise.
    """
    vertical = np.fft.fftfreq(height)[:, None]
    horizontal = np.fft.rfftfreq(width)[None, :]
    # The constant part has frequency 0; it moves no pixel above another, any finite weight will do.
    length = np.maximum(np.hypot(vertical, horizontal), 1.0 / max(height, width))
    noise = draw.normal(size=(2, *length.shape))
    field = np.fft.irfft2((noise[0] + 1j * noise[1]) / length**decay, s=(height, width))
    count = round(share * height * width)
    order = np.argsort(field, axis=None, kind="stable")
    mask = np.zeros(height * width, dtype=bool)
    mask[order[height * width - count :]] = True
    return mask.reshape(height, width)


@dataclass(frozen=True, kw_only=True)
class Fmix(BetaMixing):
    """x = M x_a + (1 - M) x_b, M binary with mean l ~ Beta(alpha, alpha).

    Harris et al., "FMix: Enhancing Mixed Sample Data Augmentation", arXiv 2002.12047, 2020: alpha
    1, decay delta 3. The label weight is the mean of the mask. One mask a batch.

    Attributes:
        decay: power delta of the frequency that noise is divided by, 0 or more.

    Raises:
        UserError: an option is out of range.
    """

    name: ClassVar[str] = "fmix"

    decay: float = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("decay", 0)

    def mix(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class."""
        height, width = images.shape[-2:]
        share = self._share(draw)
        own = frequency_mask(share, height, width, self.decay, draw)
        mask = torch.from_numpy(own).to(images.device)
        return joined(images, mask), mixed_weights(weights, float(own.mean()))
