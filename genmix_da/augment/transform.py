"""GenMix on the fly: edit, mask and fractal drawn anew each time an image is asked for.

For any PyTorch training loop; the edits come from the cache, joining and blending cost about as
much as decoding the picture. Random draws come from torch's generator, so DataLoader workers and
epochs differ and torch.manual_seed repeats them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms import v2

from genmix_da.augment.cache import Failure, edit_cache
from genmix_da.augment.compose import Draws, compose, fractal_source
from genmix_da.augment.edits import load_working_image
from genmix_da.augment.selection import Selection
from genmix_da.augment.settings import AugmentSettings
from genmix_da.errors import UserError

Pixels = NDArray[np.uint8]


def _draws() -> Draws:
    """Fresh draws from torch's generator."""
    return Draws(int(torch.randint(2**31, ()).item()), "on the fly")


class GenMixTransform(v2.Transform):  # type: ignore[misc]
    """Join an edit with its original and blend in a fractal, as a torchvision v2 transform.

    Called with (original, edit), both uint8 tensors [3, H, W] of one size; returns uint8 [3, H, W].

    Args:
        settings: masks, seam width, patches, lambda and fractals are used.
    """

    def __init__(self, settings: AugmentSettings | None = None) -> None:
        super().__init__()
        self.settings = settings or AugmentSettings()
        self._fractals = fractal_source(self.settings)

    def forward(self, original: Tensor, edit: Tensor) -> Tensor:
        """See the class."""
        image, changed = (p.permute(1, 2, 0).contiguous().numpy() for p in (original, edit))
        final = compose(image, changed, self._fractals, self.settings, _draws()).final
        return torch.from_numpy(np.ascontiguousarray(final)).permute(2, 0, 1)


class GenMixDataset(Dataset[tuple[Any, int]]):
    """A class folder's images, each given as it is or as a fresh GenMix of itself.

    Args:
        selection: judged edits, from `select_edits` or `Augmented.selection`.
        settings: the ones the edits were made with.
        transform: applied to the uint8 tensor [3, H, W].
        chance: of GenMix, where the image has a kept edit.

    Example:
        >>> from genmix_da.augment import AugmentSettings, GenMixDataset, augment_folder
        >>> settings = AugmentSettings(size=64)
        >>> done = augment_folder("photos", "photos-genmix", settings)  # doctest: +SKIP
        >>> dataset = GenMixDataset(done.selection, settings)  # doctest: +SKIP
        >>> image, label = dataset[0]  # doctest: +SKIP
    """

    def __init__(
        self,
        selection: Selection,
        settings: AugmentSettings,
        transform: Callable[[Tensor], Any] | None = None,
        chance: float = 0.5,
    ) -> None:
        domain = selection.domain
        if domain.labels is None:
            raise UserError(f"{domain.folder} has no class folders.")
        self.classes = domain.classes
        self.targets = [domain.classes.index(label) for label in domain.labels]
        self._images = domain.images
        self._size = settings.size
        self._grey = domain.grey
        self._keys: list[list[str]] = [[] for _ in domain.images]
        for edit in selection.edits:
            if edit.status == "kept":
                self._keys[edit.job.index].append(edit.job.key)
        self._mix = GenMixTransform(settings)
        self._transform = transform
        self._chance = chance

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image = _tensor(load_working_image(self._images[index], self._size, self._grey))
        keys = self._keys[index]
        if keys and float(torch.rand(())) < self._chance:
            edit = edit_cache().get(keys[int(torch.randint(len(keys), ()))])
            if edit is None or isinstance(edit, Failure):
                raise UserError("an edit vanished from the cache; make the selection again.")
            image = self._mix(image, _tensor(edit))
        return self._transform(image) if self._transform else image, self.targets[index]


def _tensor(pixels: Pixels) -> Tensor:
    """[H, W, 3] -> [3, H, W]."""
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1)
