"""What augmentation relies on of every editor."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from genmix_da.augment.editors.base import Editor, edit_problem, to_uint8
from genmix_da.augment.prompts import Style, load_prompts

# A long edge, an odd one, and sides that are smaller than any filter's window.
SIZES = ((48, 64), (33, 17), (7, 40), (1, 1))


class EditorContract:
    """Tests of one editor, which the fixture `maker` makes anew; on drawn pictures."""

    @pytest.fixture
    def maker(self) -> Callable[[], Editor]:
        """Makes the editor that is tested."""
        raise NotImplementedError

    @pytest.fixture
    def styles(self) -> Sequence[Style]:
        """At least four styles that the editor knows; the published ones where it knows all."""
        return (*load_prompts("domain").styles, *load_prompts("classification").styles)

    def test_it_declares_itself(self, maker: Callable[[], Editor]) -> None:
        """Settings are plain values, the same for every one that is made."""
        editor = maker()
        assert isinstance(editor.name, str) and editor.name
        assert isinstance(editor.stand_in, bool)
        assert editor.largest_batch >= 1
        assert editor.native_size is None or editor.native_size > 0
        settings = dict(editor.settings)
        assert json.loads(json.dumps(settings)) == settings
        assert dict(maker().settings) == settings
        seconds = editor.seconds_per_edit()
        assert seconds is None or seconds > 0

    def test_results_have_the_sizes_of_the_images(
        self, maker: Callable[[], Editor], styles: Sequence[Style]
    ) -> None:
        """Or that of the editor; nothing is changed in place."""
        editor, images = maker(), _inputs(len(styles))
        before = [image.copy() for image in images]
        editor.check(styles)
        results = editor.edit(images, styles, range(len(styles)))
        native = editor.native_size
        sizes = [i.shape if native is None else (native, native, 3) for i in images]
        assert [r.shape for r in results] == sizes
        for result in results:
            assert result.dtype == np.uint8 or np.issubdtype(result.dtype, np.floating)
        assert all(np.array_equal(image, old) for image, old in zip(images, before, strict=True))

    def test_a_result_depends_on_image_prompt_and_seed_alone(
        self, maker: Callable[[], Editor], styles: Sequence[Style]
    ) -> None:
        """Whatever else is in the batch, and whichever came before."""
        editor, images, four = maker(), _inputs(4), styles[:4]
        together = editor.edit(images, four, [1, 2, 3, 4])
        backwards = maker().edit(images[::-1], four[::-1], [4, 3, 2, 1])[::-1]
        alone = [
            editor.edit([image], [style], [seed])[0]
            for image, style, seed in zip(images, four, [1, 2, 3, 4], strict=True)
        ]
        for first, second, third in zip(together, backwards, alone, strict=True):
            assert _near(first, second)
            assert _near(first, third)

    def test_results_are_usable(self, maker: Callable[[], Editor], styles: Sequence[Style]) -> None:
        """None is black, uniform or not finite."""
        editor = maker()
        for style in styles:
            assert edit_problem(editor.edit([picture(3, 64, 64)], [style], [5])[0]) is None


def picture(seed: int, height: int = 40, width: int = 32) -> NDArray[np.uint8]:
    """Smooth blobs of drawn colours: [height, width, 3]."""
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(0, 256, (5, 4, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def _inputs(count: int) -> list[NDArray[np.uint8]]:
    return [picture(n, *SIZES[n % len(SIZES)]) for n in range(count)]


def _near(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Equal up to one level: networks round differently in another batch."""
    return bool(np.abs(to_uint8(first).astype(int) - to_uint8(second).astype(int)).max() <= 1)
