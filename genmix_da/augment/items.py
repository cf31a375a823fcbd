"""The items of anybody's data set: where image and label are, and the image as RGB pixels and back.

Tuples as torchvision gives them, or dicts as the `datasets` library does. A picture is a PIL image,
a uint8 array [H, W, 3] or a uint8 tensor [3, H, W]; grey ones have one channel or none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import IterableDataset
from torchvision import tv_tensors

from genmix_da.data.hub import usual_columns
from genmix_da.errors import UserError

Pixels = NDArray[np.uint8]
Slot = int | str  # place in a tuple, or key in a dict

_CHANNELS = (1, 3)
_DEEP = ("I", "F")  # beginnings of Pillow's modes of grey with more than 8 bits


@dataclass(frozen=True)
class Items:
    """A data set whose items have an image and a label.

    Args:
        dataset: len() and indices from 0.
        image, label: where they are in an item.
    """

    dataset: Any
    image: Slot
    label: Slot

    @property
    def name(self) -> str:
        """For messages."""
        return type(self.dataset).__name__

    def item(self, index: int) -> Any:
        """An item as the data set gives it.

        Raises:
            UserError: it can't be read.
        """
        try:
            return self.dataset[index]
        except (OSError, ValueError) as error:
            raise UserError(
                f"item {index} of {self.name} can't be read ({error}); mend it or leave it out."
            ) from error

    def pixels(self, item: Any, index: int) -> Pixels:
        """The image of an item: [H, W, 3].

        Raises:
            UserError: it is no picture of 8 bits.
        """
        try:
            return to_pixels(item[self.image])
        except (LookupError, ValueError) as error:
            reason = f"no {self.image!r}" if isinstance(error, LookupError) else str(error)
            raise UserError(f"the image of item {index} of {self.name} is {reason}.") from error

    def label_of(self, item: Any, index: int) -> str:
        """The label of an item as text: equal texts are one class.

        Raises:
            UserError: it has none.
        """
        label = None
        with contextlib.suppress(LookupError):
            label = item[self.label]
        if isinstance(label, torch.Tensor | np.ndarray | np.generic) and label.ndim == 0:
            label = label.item()
        if label is None or (isinstance(label, int) and label == -1):
            raise UserError(
                f"item {index} of {self.name} has no label; leave such items out, or name where "
                "labels are with label=."
            )
        return str(label)

    def with_image(self, item: Any, picture: Any) -> Any:
        """The item with another image and everything else as it was."""
        if isinstance(item, Mapping):
            return {**item, self.image: picture}
        values = list(item)
        values[int(self.image)] = picture
        if hasattr(item, "_fields"):  # a named tuple
            return type(item)(*values)
        return tuple(values) if isinstance(item, tuple) else values


def items_of(dataset: Any, image: Slot | None = None, label: Slot | None = None) -> Items:
    """A data set with the places of image and label, as its first item shows them.

    Args:
        dataset: a map-style torch data set, or one split of the `datasets` library.
        image, label: place or key; None: 0 and 1 of a tuple, of a dict what holds a picture and
            the usual names.

    Raises:
        UserError: it is no such data set, or its items have no such places.
    """
    name = type(dataset).__name__
    if isinstance(dataset, Mapping):
        raise UserError(
            f"{name} is a dict of {', '.join(map(str, dataset)) or 'nothing'}; wrap one of these."
        )
    if isinstance(dataset, IterableDataset) or not (
        hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")
    ):
        raise UserError(
            f"{name} has no len() and indices (an iterable data set); GenMix asks for images more "
            "than once, so write it to disk or load it whole."
        )
    if not len(dataset):
        raise UserError(f"{name} is empty; check where it is read from.")
    first = Items(dataset, image or 0, label or 1).item(0)
    if isinstance(first, Mapping):
        return Items(dataset, *_keys(first, name, image, label))
    if not isinstance(first, tuple | list):
        raise UserError(
            f"the items of {name} are of the kind {type(first).__name__}; GenMix takes (image, "
            "label) tuples or dicts."
        )
    places = (0 if image is None else image, 1 if label is None else label)
    for role, place in zip(("image", "label"), places, strict=True):
        if not isinstance(place, int) or not -len(first) <= place < len(first):
            raise UserError(
                f"the items of {name} have {len(first)} values and no {role} at {place!r}; name "
                f"its place with {role}=."
            )
    return Items(dataset, *places)


def _keys(
    first: Mapping[str, Any], name: str, image: Slot | None, label: Slot | None
) -> tuple[Slot, Slot]:
    known = ", ".join(map(str, first))
    pictures = [key for key, value in first.items() if is_picture(value)]
    usual = [key for key in usual_columns("image") if key in first]
    labels = [key for key in usual_columns("label") if key in first]
    found = []
    for role, given, likely in (
        ("image", image, [*(k for k in usual if k in pictures), *pictures, *usual]),
        ("label", label, labels),
    ):
        chosen = given if given is not None else next(iter(likely), None)
        if chosen is None or chosen not in first:
            raise UserError(
                f"the items of {name} have no {role} that is known by its name; name it with "
                f"{role}=. There are: {known}."
            )
        found.append(chosen)
    return found[0], found[1]


def is_picture(value: Any) -> bool:
    """Whether a value may be a picture: of a dict's values the one to take."""
    return isinstance(value, Image.Image) or (
        isinstance(value, np.ndarray | torch.Tensor) and value.ndim in (2, 3)
    )


def to_pixels(picture: Any) -> Pixels:
    """A picture as RGB [H, W, 3]; transparency on white.

    Raises:
        ValueError: saying what it is instead, for the end of "the image ... is".
    """
    if isinstance(picture, Image.Image):
        return _of_pil(picture)
    if isinstance(picture, torch.Tensor):
        _check_kind(picture, picture.dtype == torch.uint8, "tensor [3, H, W]")
        array = picture.detach().cpu().numpy()
        channels_last = array if array.ndim == 2 else array.transpose(1, 2, 0)
        return _rgb(channels_last, picture.shape, "a tensor [3, H, W]")
    if isinstance(picture, np.ndarray):
        _check_kind(picture, picture.dtype == np.uint8, "array [H, W, 3]")
        return _rgb(picture, picture.shape, "an array [H, W, 3]")
    raise ValueError(
        f"of the kind {type(picture).__name__}; GenMix takes PIL images, uint8 arrays [H, W, 3] "
        "and uint8 tensors [3, H, W]"
    )


def _of_pil(picture: Image.Image) -> Pixels:
    if picture.mode.startswith(_DEEP):
        raise ValueError(f"grey of more than 8 bits (mode {picture.mode}); convert it to 8 first")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return np.asarray(picture.convert("RGB"))


def _check_kind(picture: Any, whole: bool, wanted: str) -> None:
    if not whole:
        raise ValueError(
            f"a picture of {picture.dtype} and not of uint8; leave conversions (ToTensor, "
            "Normalize) out of the data set and give them to wrap(transform=...); what is taken is "
            f"a uint8 {wanted}"
        )
    if picture.ndim not in (2, 3):
        raise ValueError(f"of the shape {tuple(picture.shape)}; give a uint8 {wanted}")


def _rgb(pixels: NDArray[np.uint8], shape: Any, wanted: str) -> Pixels:
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if pixels.shape[2] not in _CHANNELS or 0 in pixels.shape:
        raise ValueError(f"of the shape {tuple(shape)}; give {wanted} of one or three channels")
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def like(picture: Any, pixels: Pixels) -> Any:
    """Pixels [H, W, 3] as a picture of the same kind as another, in RGB."""
    if isinstance(picture, Image.Image):
        return Image.fromarray(pixels)
    if isinstance(picture, torch.Tensor):
        tensor = torch.from_numpy(np.array(pixels)).permute(2, 0, 1).contiguous()
        return tv_tensors.wrap(tensor, like=picture) if _is_tv(picture) else tensor
    return np.array(pixels)


def _is_tv(picture: torch.Tensor) -> bool:
    return isinstance(picture, tv_tensors.TVTensor)
