"""Variants against each other: numbers known by hand."""

from __future__ import annotations

import gc
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genmix_da.augment.diffusion.options import EditorOptions


def degrees(angle: float) -> float:
    return math.cos(math.radians(angle))


def test_pixel_difference_by_hand(world: Any, compare: Callable) -> None:
    world.answer = lambda image, steps: 255 - image + steps
    reference, near, far = compare("3", "7")["variants"]
    assert reference["pixel_difference"] == 0
    assert reference["psnr_db"] is None
    assert (near["pixel_difference"], far["pixel_difference"]) == (3, 7)
    assert near["psnr_db"] == pytest.approx(20 * math.log10(255 / 3))
    assert far["psnr_db"] == pytest.approx(20 * math.log10(255 / 7))


def test_similarities_and_kept_by_hand(world: Any, compare: Callable) -> None:
    # Images of 10 and 20 degrees are turned by the steps, those of 30 and 40 by twice as much.
    world.answer = lambda image, steps: image + steps * (1 if image[0, 0, 0] <= 20 else 2)
    result = compare("20", "40")
    pairs = [degrees(10)] * 3 + [degrees(20)] * 2 + [degrees(30)]
    found = result["statistics"]
    assert found["mean"] == pytest.approx(np.mean(pairs))
    assert found["std"] == pytest.approx(np.std(pairs))
    assert found["threshold"] == pytest.approx(np.mean(pairs) - 2 * np.std(pairs))
    assert degrees(40) < found["threshold"] < degrees(20)
    assert (found["pairs"], found["rule"]) == (12, "all-pairs")
    reference, half, none = result["variants"]
    assert (reference["similarity"], reference["kept"]) == (pytest.approx(1), 1)
    assert half["similarity"] == pytest.approx((degrees(20) + degrees(40)) / 2)
    assert half["similarity_to_reference"] == pytest.approx(half["similarity"])
    assert (half["kept"], none["kept"]) == (0.5, 0)
    # Red, green and blue are all moved: 20 for two images, 40 for two.
    assert half["pixel_difference"] == 30


def test_similarity_to_the_reference_is_not_that_to_the_original(
    world: Any, compare: Callable
) -> None:
    result = compare("50", against="20")
    variant = result["variants"][1]
    assert result["against"] == "20"
    assert variant["similarity"] == pytest.approx(degrees(50))
    assert variant["similarity_to_reference"] == pytest.approx(degrees(30))


def test_speed_leaves_out_loading_and_the_warm_up(world: Any, compare: Callable) -> None:
    world.cost = lambda steps: 0.5 if steps else 2.0
    reference, variant = compare("1")["variants"]
    assert reference["images_per_second"] == pytest.approx(0.5)
    assert variant["images_per_second"] == pytest.approx(2)
    assert (reference["speed"], variant["speed"]) == (pytest.approx(1), pytest.approx(4))
    assert variant["seconds"] == pytest.approx(2)
    assert variant["batch"] == 3
    assert [len(batch) for batch in world.calls[1]] == [3, 1]


def test_every_variant_has_the_same_images_styles_and_seeds(world: Any, compare: Callable) -> None:
    result = compare("1", "2")
    assert world.calls[0] == world.calls[1] == world.calls[2]
    groups: dict[str, list[tuple[Any, ...]]] = {}
    for row in result["edits"]:
        seen = (row["class"], row["image"], row["style"], row["seed"])
        groups.setdefault(row["variant"], []).append(seen)
    assert groups["exact"] == groups["1"] == groups["2"]
    assert [style for _, _, style, _ in groups["1"]] == ["mosaic", "autumn", "sunset", "mosaic"]
    assert len({seed for *_, seed in groups["1"]}) == 4
    assert compare("1", seed=1)["edits"][0]["seed"] != result["edits"][0]["seed"]


def test_an_editor_is_freed_before_the_next_works(world: Any, compare: Callable) -> None:
    gc.disable()  # or chance might free them
    try:
        compare("1", "2", "3")
    finally:
        gc.enable()
    assert len(world.alive) == 9
    assert world.seen_alive == 0


def test_unusable_edits_are_counted_and_left_out(
    world: Any, compare: Callable, tmp_path: Path
) -> None:
    def answer(image: np.ndarray, steps: int) -> np.ndarray:
        if steps == 5 and image[0, 0, 0] == 10:
            return np.zeros_like(image)
        if steps == 5 and image[0, 0, 0] == 20:
            return np.full(image.shape, np.nan, np.float32)
        return np.zeros_like(image) if steps == 6 else image + steps

    world.answer = answer
    result = compare("5", "6", plot=True)
    _, some, all_ = result["variants"]
    assert (some["failed"], all_["failed"]) == (2, 4)
    assert (some["pixel_difference"], some["kept"]) == (5, 1)
    assert some["similarity"] == pytest.approx(degrees(5))
    keys = ("similarity", "similarity_to_reference", "kept", "pixel_difference", "psnr_db")
    assert {all_[key] for key in keys} == {None}
    problems = [row["problem"] for row in result["edits"] if row["variant"] == "5"]
    assert Counter(problems) == {"black": 1, "non-finite": 1, None: 2}
    assert (tmp_path / "out" / "speed.png").is_file()


def test_a_failed_reference_leaves_nothing_to_compare_with(world: Any, compare: Callable) -> None:
    world.answer = lambda image, steps: image + steps if steps else np.zeros_like(image)
    reference, variant = compare("5")["variants"]
    assert reference["failed"] == 4
    assert variant["pixel_difference"] is variant["similarity_to_reference"] is None
    assert variant["similarity"] == pytest.approx(degrees(5))


def test_edits_of_another_size_are_fitted(world: Any, compare: Callable) -> None:
    world.answer = lambda image, steps: np.kron(image, np.ones((2, 2, 1), np.uint8)) + steps
    assert compare("3")["variants"][1]["pixel_difference"] == 3


def test_without_features_or_pairs_there_is_no_threshold(
    world: Any, compare: Callable, tmp_path: Path
) -> None:
    result = compare("3", encoder=None)
    assert result["features"] == "off"
    assert result["statistics"] is None
    assert result["variants"][1]["kept"] is result["variants"][1]["similarity"] is None
    alone = compare("3", images=1, out=tmp_path / "alone")
    assert alone["statistics"] is alone["variants"][1]["kept"] is None
    assert alone["variants"][1]["similarity"] == pytest.approx(degrees(3))


@pytest.mark.parametrize(
    ("images", "of_class"),
    [(1, [1]), (3, [1, 1, 1]), (5, [1, 2, 2]), (50, [3, 3, 3])],
)
def test_images_are_drawn_from_all_classes(
    world: Any, compare: Callable, photos: Callable, tmp_path: Path, images: int, of_class: list
) -> None:
    src = photos(tmp_path / "more", 3, ("cup", "lamp", "pen"))
    rows = compare("1", src=src, images=images)["edits"]
    drawn = Counter(row["class"] for row in rows if row["variant"] == "1")
    assert sorted(drawn.values()) == of_class


def test_broken_images_are_gone_round(world: Any, compare: Callable, source: Path) -> None:
    (source / "cup" / "0.png").write_bytes(b"broken")
    result = compare("1")
    assert result["images"] == 3
    assert "0.png" not in {row["image"] for row in result["edits"]}


def test_options_for_all_reach_every_editor(world: Any, compare: Callable) -> None:
    result = compare("3", base=EditorOptions(size=64))
    assert [v["settings"]["size"] for v in result["variants"]] == [64, 64]
    assert result["given"] == {"size": 64}
