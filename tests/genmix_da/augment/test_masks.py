"""Masks: the printed ramp where the paper has one, and PatchSwap fair to edit and original."""

from __future__ import annotations

import numpy as np
import pytest

from genmix_da.augment.masks import (
    MASK_KINDS,
    SEAM_KINDS,
    draw_kind,
    draw_mask,
    patchswap_mask,
    ramp,
    seam_mask,
)


@pytest.mark.parametrize(("length", "width"), [(64, 20), (65, 20), (64, 21), (33, 1), (10, 2.5)])
def test_ramp_follows_its_formula(length: int, width: float) -> None:
    exact = [min(max((i + 0.5 - length / 2) / width + 0.5, 0.0), 1.0) for i in range(length)]
    assert ramp(length, width) == pytest.approx(exact, abs=1e-6)
    assert ramp(length, width).dtype == np.float32


@pytest.mark.parametrize("length", [40, 41])
@pytest.mark.parametrize("width", [0.5, 1, 20, 21])
def test_ramp_runs_through_the_middle(length: int, width: float) -> None:
    line = ramp(length, width)
    assert line + line[::-1] == pytest.approx(np.ones(length), abs=1e-6)
    assert (np.diff(line) >= 0).all()
    assert (line[0], line[-1]) == (0, 1)
    assert ((line > 0) & (line < 1)).sum() <= width + 1


def test_ramp_without_width_is_a_step() -> None:
    assert ramp(6, 0).tolist() == [0, 0, 0, 1, 1, 1]
    assert ramp(5, 0).tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("length", [1, 2, 9])
def test_ramp_wider_than_the_image_is_cut_at_its_ends(length: int) -> None:
    line = ramp(length, 100)
    assert np.diff(line) == pytest.approx(np.full(length - 1, 0.01), abs=1e-6)
    assert line.mean() == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(("length", "width"), [(0, 20), (-1, 20), (5, -1)])
def test_impossible_ramps(length: int, width: float) -> None:
    with pytest.raises(ValueError, match="length >= 1 and width >= 0"):
        ramp(length, width)


@pytest.mark.parametrize("size", [(48, 64), (47, 63), (1, 1), (1, 30), (30, 1)])
def test_seams_run_along_their_side(size: tuple[int, int]) -> None:
    height, width = size
    vertical, horizontal = seam_mask("vertical", *size), seam_mask("horizontal", *size)
    assert vertical.shape == horizontal.shape == size
    assert (vertical == ramp(width, 20)[None, :]).all()
    assert (horizontal == ramp(height, 20)[:, None]).all()
    assert vertical.mean() == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("kind", ["vertical", "horizontal"])
@pytest.mark.parametrize("seam_width", [0, 20, 500])
def test_flipped_is_one_minus_the_mask(kind: str, seam_width: float) -> None:
    mask = seam_mask(kind, 31, 40, seam_width)
    flipped = seam_mask(f"{kind}-flipped", 31, 40, seam_width)
    assert np.array_equal(flipped, np.float32(1) - mask)
    assert not np.array_equal(flipped, mask)


def test_shared_masks_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        seam_mask("vertical", 8, 8)[0, 0] = 1


def test_patchswap_takes_half_of_the_cells() -> None:
    mask = patchswap_mask(64, 96, np.random.default_rng(1), patches=4, seam_width=0)
    cells = mask.reshape(4, 16, 4, 24)
    assert set(np.unique(mask)) == {0.0, 1.0}
    assert (cells == cells[:, :1, :, :1]).all()  # whole cells
    assert cells[:, 0, :, 0].sum() == 8


def test_patchswap_goes_both_ways_round() -> None:
    draw = np.random.default_rng(2)
    masks = [patchswap_mask(48, 48, draw, patches=4) for _ in range(400)]
    # Every place shows the edit as often as the original.
    assert np.mean(masks, axis=0) == pytest.approx(np.full((48, 48), 0.5), abs=0.12)
    assert np.mean(masks) == pytest.approx(0.5, abs=0.01)


def test_patchswap_with_an_odd_number_of_cells_favours_neither() -> None:
    draw = np.random.default_rng(3)
    shares = [patchswap_mask(30, 30, draw, patches=3, seam_width=0).mean() * 9 for _ in range(200)]
    assert {round(share) for share in shares} == {4, 5}
    assert np.mean(shares) == pytest.approx(4.5, abs=0.12)


def test_patchswap_edges_are_smooth() -> None:
    mask = patchswap_mask(128, 128, np.random.default_rng(4), patches=4, seam_width=16)
    assert np.abs(np.diff(mask, axis=0)).max() <= 1 / 16 + 1e-6
    assert np.abs(np.diff(mask, axis=1)).max() <= 1 / 16 + 1e-6
    assert mask.min() == 0
    assert mask.max() == 1  # the middle of a cell stays its own


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 200), (224, 224), (101, 67)])
@pytest.mark.parametrize("patches", [2, 3, 4, 7])
@pytest.mark.parametrize("seam_width", [0, 20, 1000])
def test_patchswap_fits_any_size(size: tuple[int, int], patches: int, seam_width: float) -> None:
    draw = np.random.default_rng(5)
    for _ in range(5):
        mask = patchswap_mask(*size, draw, patches=patches, seam_width=seam_width)
        assert (mask.shape, mask.dtype) == (size, np.float32)
        assert 0 <= mask.min() <= mask.max() <= 1


def test_patchswap_needs_two_patches() -> None:
    with pytest.raises(ValueError, match="at least 2 patches"):
        patchswap_mask(8, 8, np.random.default_rng(0), patches=1)


def test_kinds_are_drawn_with_equal_chance() -> None:
    draw = np.random.default_rng(6)
    drawn = [draw_mask(MASK_KINDS, 8, 8, draw)[0] for _ in range(1000)]
    for kind in MASK_KINDS:
        assert drawn.count(kind) == pytest.approx(200, abs=45)


@pytest.mark.parametrize("kind", MASK_KINDS)
def test_drawn_mask_is_of_the_drawn_kind(kind: str) -> None:
    name, mask = draw_mask((kind,), 40, 50, np.random.default_rng(7), seam_width=6, patches=3)
    assert name == kind
    again = np.random.default_rng(7)
    assert draw_kind((kind,), again) == kind
    expected = (
        patchswap_mask(40, 50, again, patches=3, seam_width=6)
        if kind == "patchswap"
        else seam_mask(kind, 40, 50, 6)
    )
    assert np.array_equal(mask, expected)


def test_unknown_kinds() -> None:
    draw = np.random.default_rng(0)
    with pytest.raises(ValueError, match="choose one of vertical, horizontal"):
        seam_mask("diagonal", 8, 8)
    with pytest.raises(ValueError, match="diagonal"):
        draw_mask(("diagonal",), 8, 8, draw)
    with pytest.raises(ValueError, match="at least one mask kind"):
        draw_mask((), 8, 8, draw)
    assert "patchswap" not in SEAM_KINDS
