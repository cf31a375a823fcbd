"""StyleMix: content and style of two images are mixed in shares of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor
from torch.nn.functional import interpolate

from genmix_da.classify.augmentations.mixing import (
    BetaMixing,
    inputs_of,
    like,
    mates,
    mixed_weights,
    pixels_of,
)
from genmix_da.classify.augmentations.style_network import (
    FACTOR,
    StyleNetwork,
    load_style_network,
    restyled,
)

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class Stylemix(BetaMixing):
    """Between an AdaIN encoder and its decoder, four features are added up.

    Hong, Choi and Kim, "StyleMix: Separating Content and Style for Enhanced Data Augmentation",
    CVPR 2021. With shares of the content c and of the style s, each drawn from Beta(alpha, alpha),
    and t drawn evenly from max(0, c + s - 1) to min(c, s), the decoder is given

        t f_aa + (1 - c - s + t) f_bb + (c - t) f_ab + (s - t) f_ba,

    f_ij the features of i's content in j's style. Labels weigh r c + (1 - r) s and the rest. One
    c, s and t a batch; alpha 0.5, r 0.7 and a chance of 0.2 as published for CIFAR; images are
    enlarged to 224 pixels on the way (a side in multiples of 8), as in the authors' code. That code
    hands the encoder images that are normalised for the classifier, and the classifier what is
    decoded; here the encoder has the colours in [0, 1] that it was trained on, and what is decoded
    is cut to them and normalised. StyleCutMix, their second method, is not here.

    Attributes:
        encoder: a file, AdaIN's vgg_normalised.pth.
        decoder: a file, its decoder.pth.
        content_weight: r.
        side: in pixels, at least; images are enlarged to it for the style network.

    Raises:
        UserError: an option is out of range, or a file is not what it should be.
    """

    name: ClassVar[str] = "stylemix"
    _loaded: ClassVar[tuple[StyleNetwork, dict[str, str]]]  # of each object its own

    encoder: str
    decoder: str
    alpha: float = 0.5
    probability: float = 0.2
    content_weight: float = 0.7
    side: int = 224

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("content_weight", 0, 1)
        self._require("side", 2 * FACTOR, 4096)
        # Before anything long begins, and once: the files may change or go while it runs.
        loaded = load_style_network(self.encoder, self.decoder)
        object.__setattr__(self, "_loaded", loaded)

    @property
    def settings(self) -> dict[str, Any]:
        """The files by what they hold, wherever they lie."""
        return super().settings | self._loaded[1]

    def mix(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class."""
        content, style = self._share(draw), self._share(draw)
        most = min(content, style)
        least = min(max(0.0, content + style - 1.0), most)  # rounding may put it above
        both = draw.uniform(least, most)
        pixels = pixels_of(images.float(), self.setup.preprocessing)
        mixed = self._resized(self._decoded(pixels, content, style, both), images.shape[-1])
        found = inputs_of(mixed.clamp(0, 1), self.setup.preprocessing).to(images.dtype)
        share = self.content_weight * content + (1.0 - self.content_weight) * style
        return like(found, images), mixed_weights(weights, share)

    def _decoded(self, pixels: Tensor, content: float, style: float, both: float) -> Tensor:
        """Pictures of the mixed features, as large as the network had them."""
        network = self._loaded[0].to(pixels.device)
        side = max(self.side, pixels.shape[-1])
        own = network.encode(self._resized(pixels, -(-side // FACTOR) * FACTOR))
        theirs = mates(own)
        found: Tensor = network.decode(
            both * own
            + (1.0 - content - style + both) * theirs
            + (content - both) * restyled(own, theirs)
            + (style - both) * restyled(theirs, own)
        )
        return found

    @staticmethod
    def _resized(images: Tensor, side: int) -> Tensor:
        """Squares [B, 3, S, S] of another side."""
        if images.shape[-1] == side:
            return images
        return interpolate(images, (side, side), mode="bilinear", align_corners=False)
