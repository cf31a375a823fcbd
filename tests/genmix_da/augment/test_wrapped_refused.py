"""What GenMix can't be put around: one sentence that says what, where and how to mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import IterableDataset

from genmix_da.augment import AugmentSettings, GenMix
from genmix_da.errors import UserError
from held_items import Held

Picture = Callable[..., np.ndarray]


class Streamed(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        yield None


class Drawing(Held):
    """Another image every time."""

    def __getitem__(self, index: int) -> Any:
        image, label = self.items[index]
        return np.roll(image, int(torch.randint(1, 1000, ())), axis=0), label


class Broken(Held):
    def __getitem__(self, index: int) -> Any:
        raise OSError("image file is truncated")


PIXELS = np.zeros((8, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (Streamed(), "an iterable data set"),
        (iter([(PIXELS, 0)]), "an iterable data set"),
        ({"train": Held([(PIXELS, 0)])}, "a dict of train; wrap one"),
        (Held([]), "Held is empty"),
        (Held([PIXELS]), "of the kind ndarray; GenMix takes"),
        (Held([(PIXELS,)]), "1 values and no label at 1"),
        (Held([(PIXELS, None)]), "item 0 of Held has no label"),
        (Held([(PIXELS, 0), (PIXELS, -1)]), "item 1 of Held has no label"),
        (Held([{"image": PIXELS, "kind": 1}]), "no label that is known by its name"),
        (Held([{"a": "b", "label": 1}]), "no image that is known by its name"),
        (Held([("a.jpg", 0)]), "image of item 0 of Held is of the kind str"),
        (Held([(PIXELS / 255, 0)]), "a picture of float64 and not of uint8; leave conversions"),
        (Held([(torch.zeros(3, 8, 8), 0)]), "a picture of torch.float32 and not of uint8"),
        (Held([(np.zeros((3, 8, 8), np.uint8), 0)]), r"shape \(3, 8, 8\); give an array"),
        (Held([(torch.zeros(8, 8, 3, dtype=torch.uint8), 0)]), r"shape \(8, 8, 3\); give a tensor"),
        (Held([(np.zeros((2, 3, 8, 8), np.uint8), 0)]), r"shape \(2, 3, 8, 8\)"),
        (Held([(Image.new("I;16", (8, 8)), 0)]), "grey of more than 8 bits"),
        (Drawing([(np.arange(3072, dtype=np.uint8).reshape(32, 32, 3), 0)]), "that draw"),
        (Broken([1]), "item 0 of Broken can't be read"),
    ],
)
def test_what_can_t_be_wrapped_is_said_in_one_sentence(
    dataset: Any, said: str, settings: AugmentSettings
) -> None:
    with pytest.raises(UserError, match=said) as caught:
        GenMix(settings).wrap(dataset)
    assert str(caught.value).endswith(".")


def test_named_places_that_are_not_there(picture: Picture, settings: AugmentSettings) -> None:
    rows = Held([{"picture": picture(1), "label": 1, "mask": picture(2)}])
    assert GenMix(settings).wrap(rows, image="mask", label="label")[0]["label"] == 1
    with pytest.raises(UserError, match="There are: picture, label, mask"):
        GenMix(settings).wrap(rows, label="class")
    with pytest.raises(UserError, match="chance is 2"):
        GenMix(settings).wrap(rows, chance=2)


def test_an_image_that_changed_after_wrapping(picture: Picture, settings: AugmentSettings) -> None:
    held = Held([(picture(n), 0) for n in range(4)])
    dataset = GenMix(settings).wrap(held, chance=1.0)
    held.items[2] = (held.items[3][0], 0)
    with pytest.raises(UserError, match="item 2 of Held is another image than before"):
        _ = dataset[2]
