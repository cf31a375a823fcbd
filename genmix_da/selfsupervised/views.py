"""Two views of every image: which pictures they are cut from, and how they are changed.

The cuts, colours and blurs are lightly's (MoCoV2Transform, SimSiamTransform), which draw from the
global generators of torch, numpy and Python. These are seeded anew for every view, from seed,
epoch, image and view alone, so that neither the order nor the number of processes decides a view.
Where the views are cut in the process that trains, its generators are put back afterwards.

Blur: the recipes for CIFAR leave it out (SimCLR, App. B.9; SimSiam, App. D), so there is none below
64 px. Above, the largest sigma is the published 2 at 224 px and shrinks with the side of the view.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from genmix_da.selfsupervised.config import (
    AUGMENTED,
    MIXED,
    MOCO,
    SMALLEST_CROP,
    SelfSupervisedConfig,
)
from genmix_da.selfsupervised.needed import lightly
from lead.seeds import derive
from lead.views import Preprocessing, is_pinned_on

Pixels = NDArray[np.uint8]
Transform = Callable[[Image.Image], Tensor]

BLURRED_FROM = 64  # px
_PUBLISHED_SIDE = 224
_SIGMAS = (0.1, 2.0)


def view_transform(config: SelfSupervisedConfig, preprocessing: Preprocessing) -> Transform:
    """What turns a picture into one view [3, S, S], normalised.

    Args:
        config: method.
        preprocessing: S, mean and std.

    Raises:
        UserError: lightly is not installed.
    """
    transforms = lightly("transforms")
    size = preprocessing.image_size
    kind = transforms.MoCoV2Transform if config.method == MOCO else transforms.SimSiamTransform
    largest = max(_SIGMAS[1] * min(size / _PUBLISHED_SIDE, 1.0), _SIGMAS[0])
    both = kind(
        input_size=size,
        min_scale=SMALLEST_CROP,
        gaussian_blur=0.5 if size >= BLURRED_FROM else 0.0,
        sigmas=(_SIGMAS[0], largest),
        normalize={"mean": list(preprocessing.mean), "std": list(preprocessing.std)},
    )
    single: Transform = both.transforms[0]  # both are the same
    return single


class Pictures:
    """The pictures of every image: the original, and those that were made of it.

    Args:
        originals: [N, R, R, 3].
        made: [M, R, R, 3]; None where none were made.
        made_of: [M] row of the original of each.
        views: a name of VIEWS.
    """

    def __init__(
        self, originals: Pixels, made: Pixels | None, made_of: Sequence[int], views: str
    ) -> None:
        self._originals, self._made, self._views = originals, made, views
        self._of: dict[int, list[int]] = {}
        for place, row in enumerate(made_of):
            self._of.setdefault(int(row), []).append(place)

    def __len__(self) -> int:
        return len(self._originals)

    def chosen(self, row: int, draw: np.random.Generator) -> tuple[int | None, int | None]:
        """Which pictures the two views of an image are cut from: None is the original.

        An image of which nothing was made has two views of the original, whatever was asked for.
        Which of the two views is the original's is drawn, so that each of MoCo's encoders sees
        both kinds.

        Args:
            row: of the image.
            draw: of this image in this epoch.
        """
        made = self._of.get(row)
        if not made:
            return None, None
        if self._views == MIXED:
            every = [None, *made]
            first, second = draw.integers(0, len(every), size=2)
            return every[first], every[second]
        first, second = (made[place] for place in draw.integers(0, len(made), size=2))
        if self._views == AUGMENTED:
            return first, second
        return (None, first) if draw.random() < 0.5 else (first, None)

    def picture(self, row: int, place: int | None) -> Image.Image:
        """The original of an image, or one of its made pictures."""
        if place is None or self._made is None:
            return Image.fromarray(self._originals[row])
        return Image.fromarray(self._made[place])


class TwoViews(Dataset[tuple[Tensor, Tensor]]):
    """Two views [3, S, S] of an image by its row.

    Args:
        pictures: to cut from.
        transform: see `view_transform`.
        seed: of the run.
        epoch: counted from 1.
    """

    def __init__(self, pictures: Pictures, transform: Transform, seed: int, epoch: int) -> None:
        self._pictures, self._transform = pictures, transform
        self._seed, self._epoch = seed, epoch

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        """The views; of a MoCo step the query's first, then the key's."""
        value = derive(self._seed, "views", self._epoch, row)
        places = self._pictures.chosen(row, np.random.default_rng(value))
        first, second = (self._view(row, place, view) for view, place in enumerate(places))
        return first, second

    def _view(self, row: int, place: int | None, view: int) -> Tensor:
        picture = self._pictures.picture(row, place)
        with seeded(derive(self._seed, "view", self._epoch, row, view)):
            return self._transform(picture)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The CPU's global generators of torch, numpy and Python begin at a seed, and are put back.

    Args:
        seed: of 63 bits; numpy takes 32 of them.
    """
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])


def view_batches(
    dataset: TwoViews, plan: Sequence[NDArray[np.int64]], device: torch.device, workers: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The two views [B, 3, S, S] of the rows of each batch of a plan, on the device.

    Args:
        dataset: of this epoch.
        plan: rows [B] of each batch.
        device: where they go.
        workers: processes that cut them; 0: this one. A thread of this one would share its
            generators with the network.
    """
    fork: dict[str, Any] = {}
    if workers and "fork" in torch.multiprocessing.get_all_start_methods():
        fork = {"multiprocessing_context": "fork"}  # decoded pictures are mapped, not copied
    loader = DataLoader(
        dataset,
        batch_sampler=[rows.tolist() for rows in plan],
        num_workers=workers,
        pin_memory=is_pinned_on(device),
        generator=torch.Generator(),  # the loader draws a number that nothing here uses
        **fork,
    )
    for first, second in loader:
        layout = torch.channels_last
        yield (
            first.to(device, non_blocking=True, memory_format=layout),
            second.to(device, non_blocking=True, memory_format=layout),
        )
