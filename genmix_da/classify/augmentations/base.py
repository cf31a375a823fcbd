"""What a training augmentation is: three places where it may act, and options that are checked.

`picture` changes one decoded image, `batch` mixes a batch and its labels, `forward` mixes inside
the network. Light to import: names and options are looked up without torch.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from genmix_da.classify.augmentations.companion import Companion
    from lead.views import Preprocessing

from genmix_da.errors import UserError


@dataclass(frozen=True)
class Setup:
    """What an augmentation may know of the run.

    Attributes:
        image_size: side S of the network's input, in pixels.
        class_count: C.
        preprocessing: mean and std, to get back from network inputs to pixels.
    """

    image_size: int
    class_count: int
    preprocessing: Preprocessing


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Does nothing ("none"); the base of all others, whose fields are their options.

    Every random choice comes from the `draw` that is handed over: the same draws give the same
    bits, whatever other threads draw from torch's or numpy's own generators. Inputs are not
    changed in place. Methods may be called from any thread.

    Attributes:
        setup: of the run.
        name: as users type it.
        labels_sum_to_one: whether the label weights of an image do, as those that are handed over.
            Where not, the sum lies between 0 and 2, as that of a pair of images does.
    """

    name: ClassVar[str] = "none"
    labels_sum_to_one: ClassVar[bool] = True

    setup: Setup

    @property
    def settings(self) -> dict[str, Any]:
        """Resolved values that decide the result, for result.json."""
        options = (field.name for field in dataclasses.fields(self) if field.name != "setup")
        return {name: getattr(self, name) for name in options}

    @property
    def acts_inside(self) -> bool:
        """Whether it looks at a whole batch in the network; no such run is shared by devices."""
        return self.learns or type(self).forward is not Augmentation.forward

    @property
    def learns(self) -> bool:
        """Whether it trains something beside the network."""
        return type(self).companion is not Augmentation.companion

    def picture(self, pixels: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.uint8]:
        """One training view after crop and flip: [S, S, 3] uint8 to the same, contiguous."""
        return pixels

    def batch(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Network inputs [B, 3, S, S] and label weights [B, C] to the same.

        Rows of the weights sum to 1, but for a method that says otherwise in `labels_sum_to_one`.
        """
        return images, weights

    def forward(
        self, network: nn.Module, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Logits [B, C] of the batch, and the label weights [B, C] that they are compared with.

        What the weights sum to is as with `batch`.

        Args:
            network: called as network(images), its features come from `network.backbone`.
            images: [B, 3, S, S], as `batch` returned them.
            weights: [B, C], as `batch` returned them.
            draw: of what is mixed.
        """
        return network(images), weights

    def companion(self, network: nn.Module) -> Companion | None:
        """What is trained beside the network, or None; takes the place of `forward`.

        Args:
            network: before its first step, on its device; torch's generator is seeded.
        """
        return None

    def _require(self, option: str, least: float, most: float = float("inf")) -> None:
        """An option must lie in [least, most].

        Raises:
            UserError: it does not.
        """
        value = float(getattr(self, option))
        if not (least <= value <= most and value < float("inf")):
            limits = f"at least {least:g}" if most == float("inf") else f"in [{least:g}, {most:g}]"
            raise UserError(f"{self.name}: {option} is {value:g}; it must be {limits}.")
