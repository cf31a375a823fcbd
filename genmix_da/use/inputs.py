"""What a model may be given to classify: files, pictures in memory, or batches of a loader."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from genmix_da.data.decode import DecodedDomain
from genmix_da.data.domain import Domain
from genmix_da.data.entries import is_image
from genmix_da.data.folders import all_images, listed_images
from genmix_da.data.grey import is_deep
from genmix_da.data.hub import local
from genmix_da.data.shown_views import ShownViews
from genmix_da.data.sources import data_set, own_list
from genmix_da.errors import UserError
from lead.views import NetworkInput, Preprocessing, Views

Picture = Image.Image | NDArray[np.uint8] | Tensor
WANTED = (
    "give a path, a list of paths, PIL pictures, uint8 arrays [H, W, 3], or batches, uint8 or "
    "normalised floats [B, 3, S, S]"
)


_CHANNELS = (1, 3, 4)  # grey, RGB, RGBA


@dataclass(frozen=True)
class Given:
    """Inputs made ready for a pass.

    Attributes:
        views: of the images.
        paths, skipped: see `genmix_da.use.predictions.Predictions`.
    """

    views: Views | LoaderViews
    paths: tuple[str, ...] | None = None
    skipped: tuple[tuple[str, str], ...] = ()


class Reader(Protocol):
    """What `read` needs of a model."""

    @property
    def preprocessing(self) -> Preprocessing:
        """Of its inputs."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the inputs go."""
        ...

    def run(self, domain: Domain, *, strict: bool = True) -> tuple[DecodedDomain, Views]:
        """Decode a domain; views of its readable images."""
        ...


def read(inputs: Any, reader: Reader, *, strict: bool = False) -> Given:
    """Make inputs ready for a model.

    Args:
        inputs: a path, or a sequence of paths; a picture (see `pixels_of`), a uint8 batch of them
            [N, H, W, 3] or [N, 3, H, W], or a sequence of pictures; or a batch of floats or an
            iterable of batches, see `LoaderViews`.
        reader: the model.
        strict: more than 5 % unreadable files are an error.

    Raises:
        UserError: something else, or nothing that can be read.
    """
    if isinstance(inputs, str | Path):
        return _of_files(images_at(inputs), reader, strict)
    if _is_picture(inputs):
        several = not isinstance(inputs, Image.Image) and inputs.ndim == 4
        inputs = list(inputs) if several else [inputs]
    elif isinstance(inputs, Tensor | np.ndarray):
        inputs = [inputs]  # one batch
    if not isinstance(inputs, Sequence):
        if isinstance(inputs, Iterable):
            return Given(LoaderViews(inputs, reader.preprocessing, reader.device))
        raise UserError(f"{type(inputs).__name__} can't be classified; {WANTED}.")
    if not inputs:
        raise UserError("there is nothing to classify: the list is empty.")
    if isinstance(inputs[0], str | Path):
        return _of_files(images_named(inputs), reader, strict)
    if _is_picture(inputs[0]):
        pixels = pixels_of(inputs, reader.preprocessing)
        rows = np.arange(len(pixels))
        return Given(ShownViews(pixels, reader.preprocessing, reader.device, rows))
    return Given(LoaderViews(inputs, reader.preprocessing, reader.device))


def _of_files(domain: Domain, reader: Reader, strict: bool) -> Given:
    decoded, views = reader.run(domain, strict=strict)
    return Given(views, tuple(str(path) for path in decoded.domain.images), decoded.skipped)


def _is_picture(given: Any) -> bool:
    """Whether it is a PIL picture, or bytes of one or several; floats are a batch for a network."""
    if isinstance(given, Tensor | np.ndarray):
        return given.dtype in (torch.uint8, np.uint8)
    return isinstance(given, Image.Image)


def images_at(place: str | Path | Sequence[str | Path]) -> Domain:
    """All images below a folder, of a list, of a data set "datasets:NAME", or one image.

    Args:
        place: of them; or paths of images, which keep their order.

    Raises:
        UserError: there is nothing of the kind.
    """
    if not isinstance(place, str | os.PathLike) and isinstance(place, Sequence):
        return images_named(place)
    path = local(place)
    if not path.exists():
        raise UserError(f"no folder {place} with images to classify.")
    if path.is_file() and is_image(path):
        return Domain(path.stem, path.parent, (path,), None, ())
    if path.is_file() and (listed := listed_images(path)) is not None:
        return listed
    return all_images(path) if own_list(path) is None else data_set(path)


def images_named(paths: Sequence[str | Path]) -> Domain:
    """Images by their paths, in this order.

    Raises:
        UserError: there is none, one is no file, or no path at all.
    """
    if not paths:
        raise UserError("there is nothing to classify: the list is empty.")
    other = next((path for path in paths if not isinstance(path, str | Path)), None)
    if other is not None:
        raise UserError(f"{type(other).__name__} among paths; {WANTED}, all of one kind.")
    files = [Path(path) for path in paths]
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None:
        raise UserError(f"{missing} is no file; give paths of images.")
    return Domain("images", files[0].parent, tuple(files), None, ())


def pixels_of(pictures: Sequence[Picture], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Pictures in memory as pixels [N, R, R, 3], resized as files are.

    Args:
        pictures: PIL pictures, taken as they are (EXIF turns files alone upright); or uint8 arrays
            or tensors, [H, W, 3] or [3, H, W]; grey with one channel or none, RGBA with four.
        preprocessing: of the network.

    Raises:
        UserError: something else, or deep grey.
    """
    side = preprocessing.resize_size
    resample = Image.Resampling[preprocessing.interpolation.upper()]
    pixels = np.empty((len(pictures), side, side, 3), dtype=np.uint8)
    for place, picture in enumerate(pictures):
        pixels[place] = np.asarray(_as_pil(picture, place).resize((side, side), resample))
    return pixels


def _as_pil(picture: Any, place: int) -> Image.Image:
    if isinstance(picture, Image.Image):
        if is_deep(picture):
            raise UserError(
                f"picture {place} is grey of more than 8 bits ({picture.mode}): what is black and "
                "white in it is not known; give its path, or an 8-bit picture."
            )
        return picture.convert("RGB")
    array = np.asarray(picture.cpu()) if isinstance(picture, Tensor) else picture
    if isinstance(array, np.ndarray) and array.dtype == np.uint8 and array.size:
        if array.ndim == 3 and array.shape[2] not in _CHANNELS and array.shape[0] in _CHANNELS:
            array = array.transpose(1, 2, 0)
        if array.ndim == 3 and array.shape[2] == 1:
            array = array[:, :, 0]
        if array.ndim == 2 or (array.ndim == 3 and array.shape[2] in _CHANNELS):
            return Image.fromarray(np.ascontiguousarray(array)).convert("RGB")
    raise UserError(f"picture {place} is {_kind_of(picture)}; {WANTED}, all of one kind.")


def _kind_of(given: Any) -> str:
    """E.g. "ndarray (float32, [4, 4])"."""
    about = f" ({given.dtype}, {list(given.shape)})" if hasattr(given, "dtype") else ""
    return f"{type(given).__name__}{about}"


@dataclass
class LoaderViews:
    """Batches of a loader as evaluation views, passed on once; see `lead.views.Views`.

    A batch is a tensor, or a tuple or list that begins with one. uint8 batches [B, H, W, 3] or
    [B, 3, H, W] are pixels, resized and cropped as files are; float batches [B, 3, S, S], tensors
    or arrays, are what the network takes, normalised with `Model.preprocessing` already.

    Attributes:
        loader: of the batches.
        preprocessing: of the network.
        device: where the batches go.
    """

    loader: Iterable[Any]
    preprocessing: Preprocessing
    device: torch.device

    def evaluation_batches(self, batch_size: int) -> Iterator[Tensor]:
        """The batches, of whatever size the loader gives them.

        Raises:
            UserError: a batch is something else or not finite, or there is none.
        """
        given = False
        for batch in self.loader:
            given = True
            yield self._input(batch[0] if isinstance(batch, tuple | list) else batch)
        if not given:
            raise UserError("there is nothing to classify: the loader gives no batch.")

    def _input(self, batch: Any) -> Tensor:
        pre = self.preprocessing
        if isinstance(batch, np.ndarray) and batch.dtype.kind == "f":
            batch = torch.from_numpy(batch)
        if isinstance(batch, Tensor) and batch.is_floating_point():
            wanted = (3, pre.image_size, pre.image_size)
            if batch.ndim != 4 or tuple(batch.shape[1:]) != wanted:
                raise UserError(
                    f"a batch of floats has the shape {list(batch.shape)}; the network takes "
                    f"[B, 3, {pre.image_size}, {pre.image_size}], normalised, or uint8 pictures."
                )
            if not batch.isfinite().all():
                raise UserError(
                    "a batch of floats holds values that are not finite (NaN or infinite); mend "
                    "the images, or how they are normalised."
                )
            return batch.to(self.device).float()
        if isinstance(batch, Tensor | np.ndarray) and batch.ndim == 4:
            pixels = pixels_of(list(batch), pre)
            centre = pre.centre
            crops = np.ascontiguousarray(pixels[:, centre, centre])
            return NetworkInput(pre, self.device)(crops)
        raise UserError(f"a batch is {_kind_of(batch)}; {WANTED}.")
