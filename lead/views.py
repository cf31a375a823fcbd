"""Training and evaluation views of images that were decoded and resized once.

The images lie in one uint8 array [N, R, R, 3], in memory or memory-mapped. A training view is a
random crop and flip, an evaluation view the centre crop; each is computed only for the batch that
asks for it. The layout [H, W, 3] is channels-last already, so no copy is spent on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lead.crops import VIEW_COUNT, six_views
from lead.seeds import batches

VIEW_BATCH = 128  # views at once where all views of an image are wanted

Item = TypeVar("Item")
Batch = TypeVar("Batch")


class EvaluationViews(Protocol):
    """What a pass of evaluation needs; inputs are [B, ...]."""

    @property
    def device(self) -> torch.device:
        """Where the batches are."""
        ...

    def evaluation_batches(self, batch_size: int) -> Iterator[Tensor]:
        """All samples in order as evaluation views [B, ...]; the last batch may be smaller."""
        ...


class Views(EvaluationViews, Protocol):
    """What training, adaptation and evaluation need of N samples; inputs are [B, ...].

    `ImageViews` gives pictures, `FeatureViews` features that were computed before.
    """

    def __len__(self) -> int:
        """N."""
        ...

    def training_batches(
        self, batch_size: int, draw: np.random.Generator, limit: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """A shuffled epoch of (row indices [B], training views [B, ...]) in full batches.

        Args:
            batch_size: B.
            draw: of order and views.
            limit: at most this many batches.

        Raises:
            TooFewImagesError: fewer samples than a batch.
        """
        ...

    def batches_of(
        self, plan: Sequence[NDArray[np.int64]], draw: np.random.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Training views of the rows [B] of each batch of a plan, as `training_batches` gives."""
        ...

    def view_batches(self, batch_size: int = VIEW_BATCH) -> Iterator[Tensor]:
        """All samples in order, each with its V fixed views: [B, V, ...], the first view being that
        of evaluation.

        Args:
            batch_size: B x V is at most this, where one sample allows it.
        """
        ...


@dataclass(frozen=True)
class Preprocessing:
    """How images become network inputs.

    Attributes:
        mean, std: per RGB channel, for values in [0, 1].
        image_size: side of the crop that the network sees, in pixels.
        resize_size: side of the square that images are resized to first, in pixels.
        interpolation: "bilinear" or "bicubic".
    """

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    image_size: int = 224
    resize_size: int = 256
    interpolation: str = "bilinear"

    def resized(self, image_size: int | None) -> Preprocessing:
        """The same with another crop, the resize side scaled along (160 of 224/256 gives 182).

        None leaves it as it is.
        """
        if image_size is None:
            return self
        resize_size = int(image_size * self.resize_size / self.image_size)
        return Preprocessing(self.mean, self.std, image_size, resize_size, self.interpolation)

    @property
    def centre(self) -> slice:
        """Rows, and columns, of the centre crop in a resized image."""
        corner = round((self.resize_size - self.image_size) / 2.0)
        return slice(corner, corner + self.image_size)


PINNED_ON = {"cuda"}  # kinds of devices


def is_pinned_on(device: torch.device) -> bool:
    """Whether a device copies from pinned memory while it computes."""
    return device.type in PINNED_ON


class NetworkInput:
    """Pixels to what a network takes: scaled by mean and std, on the device.

    Args:
        preprocessing: mean and std.
        device: where the result is.
    """

    def __init__(self, preprocessing: Preprocessing, device: torch.device) -> None:
        scale = torch.tensor(preprocessing.std).view(1, 3, 1, 1) * 255.0
        mean = torch.tensor(preprocessing.mean).view(1, 3, 1, 1) * 255.0
        self._scale = (1.0 / scale).to(device)
        self._shift = (-mean / scale).to(device)

    def __call__(self, batch: NDArray[np.uint8]) -> Tensor:
        """[B, S, S, 3] uint8 -> normalised float [B, 3, S, S], channels-last."""
        pixels = torch.from_numpy(batch)
        if is_pinned_on(self._scale.device):
            # The device of the constants, not "cuda": another thread may have another current one.
            pixels = pixels.pin_memory().to(self._scale.device, non_blocking=True)
        return torch.addcmul(self._shift, pixels.permute(0, 3, 1, 2).float(), self._scale)


class ImageViews:
    """Batches of network inputs from decoded images.

    Args:
        images: [N, R, R, 3] uint8, R = preprocessing.resize_size.
        preprocessing: crop side, mean and std.
        device: where the batches go.
        rows: [M] which images belong to the set, in order; all of them where it is not given.

    Raises:
        ValueError: the array has another shape or type.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        preprocessing: Preprocessing,
        device: torch.device,
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        side = preprocessing.resize_size
        if images.ndim != 4 or images.shape[1:] != (side, side, 3) or images.dtype != np.uint8:
            raise ValueError(
                f"images must be uint8 [N, {side}, {side}, 3], not {images.dtype} {images.shape}"
            )
        self.images = images
        self.rows = np.arange(len(images)) if rows is None else rows
        self.preprocessing = preprocessing
        self.device = device
        self._to_network = NetworkInput(preprocessing, device)

    def __len__(self) -> int:
        return len(self.rows)

    def picture(self, row: int, draw: np.random.Generator) -> NDArray[np.uint8]:
        """The resized image [R, R, 3] behind a training view; a subclass may draw it anew."""
        picture: NDArray[np.uint8] = self.images[row]
        return picture

    def finish(self, view: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.uint8]:
        """A training view [S, S, 3] after crop and flip; a subclass may change it."""
        return view

    def train(self, rows: NDArray[np.int64], draw: np.random.Generator) -> Tensor:
        """Random crops of rows [B], flipped with probability 1/2: [B, 3, S, S]."""
        size = self.preprocessing.image_size
        room = self.preprocessing.resize_size - size + 1
        corners = draw.integers(0, room, size=(len(rows), 2))
        flips = draw.random(len(rows)) < 0.5
        batch = np.empty((len(rows), size, size, 3), dtype=np.uint8)
        for place, (row, (top, left), flip) in enumerate(
            zip(self.rows[rows], corners, flips, strict=True)
        ):
            crop = self.picture(int(row), draw)[top : top + size, left : left + size]
            batch[place] = self.finish(crop[:, ::-1] if flip else crop, draw)
        return self._to_network(batch)

    def evaluation(self, rows: slice) -> Tensor:
        """Centre crops of some rows: [B, 3, S, S]."""
        centre = self.preprocessing.centre
        return self._to_network(np.ascontiguousarray(self.images[self.rows[rows], centre, centre]))

    def training_batches(
        self, batch_size: int, draw: np.random.Generator, limit: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """A shuffled epoch of (row indices [B], training views [B, 3, S, S]) in full batches.

        Args:
            batch_size: B.
            draw: of order, crops and flips.
            limit: at most this many batches.

        Raises:
            TooFewImagesError: fewer images than a batch.
        """
        return self.batches_of(batches(len(self), batch_size, draw)[:limit], draw)

    def batches_of(
        self, plan: Sequence[NDArray[np.int64]], draw: np.random.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Training views of the rows [B] of each batch of a plan."""
        views = prefetch(plan, lambda rows: self.train(rows, draw))
        for rows, images in zip(plan, views, strict=True):
            yield torch.from_numpy(rows).to(self.device), images

    def evaluation_batches(self, batch_size: int) -> Iterator[Tensor]:
        """All images in order as evaluation views [B, 3, S, S]; the last batch may be smaller."""
        plan = [slice(start, start + batch_size) for start in range(0, len(self), batch_size)]
        return prefetch(plan, self.evaluation)

    def view_batches(self, batch_size: int = VIEW_BATCH) -> Iterator[Tensor]:
        """All images in order as the six views of `lead.crops`: [B, 6, 3, S, S]."""
        size = self.preprocessing.image_size
        together = max(1, batch_size // VIEW_COUNT)

        def load(rows: NDArray[np.int64]) -> Tensor:
            views = np.concatenate([six_views(self.images[row], size) for row in rows])
            return self._to_network(views).view(len(rows), VIEW_COUNT, 3, size, size)

        plan = [self.rows[start : start + together] for start in range(0, len(self), together)]
        return prefetch(plan, load)


def prefetch(items: Iterable[Item], load: Callable[[Item], Batch]) -> Iterator[Batch]:
    """Load the next batch in a thread while the caller computes with the present one.

    The order, and with it every random draw, is that of `items`.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = None
        for item in items:
            upcoming = pool.submit(load, item)
            if waiting is not None:
                yield waiting.result()
            waiting = upcoming
        if waiting is not None:
            yield waiting.result()
