"""The sheet of all methods: every one is on it, and it shows what it does."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genmix_da.augment.sheets import TILE
from genmix_da.classify.augmentations import AUGMENTATIONS
from genmix_da.classify.sheet import augmentation_sheet
from genmix_da.errors import UserError

ROW = TILE + 16
SCRIPT = Path(__file__).resolve().parents[4] / "scripts" / "augmentation_sheet.py"
Photo = Callable[..., np.ndarray]


def tiles(file: Path) -> list[list[np.ndarray]]:
    """Pictures without their captions, line by line."""
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB"))
    return [
        [pixels[top : top + TILE, left : left + TILE] for left in range(0, pixels.shape[1], TILE)]
        for top in range(0, pixels.shape[0], ROW)
    ]


def test_every_method_has_its_draws(photo: Photo, tmp_path: Path) -> None:
    augmentation_sheet(tmp_path / "sheet.png", photo(48), photo(48, 1), draws=2, seed=2)
    lines = tiles(tmp_path / "sheet.png")
    blocks = [line[start : start + 2] for line in lines for start in (0, 2)]
    # "none" is the image itself; the two that learn how to mix, and the one that needs files, are
    # left out.
    names = [name for name in AUGMENTATIONS if name not in ("automix", "adautomix", "stylemix")]
    shown = blocks[: len(names)]
    assert all(np.all(blank == 255) for block in blocks[len(names) :] for blank in block)
    original = shown[0][0]
    for name, block in zip(names[1:], shown[1:], strict=True):
        assert any(not np.array_equal(picture, original) for picture in block), name
        assert all(picture.std() > 5 for picture in block), name


def test_same_seed_same_sheet(photo: Photo, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        augmentation_sheet(tmp_path / name, photo(32), photo(32, 1), draws=1)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_pictures_of_two_sizes_are_refused(photo: Photo, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="square and alike"):
        augmentation_sheet(tmp_path / "sheet.png", photo(32), photo(48))


def test_the_script_names_a_file_that_is_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_text("not a picture")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(SCRIPT), "a.jpg", "a.jpg", "sheet.png"])
    with pytest.raises(SystemExit, match=r"a\.jpg"):
        runpy.run_path(str(SCRIPT), run_name="__main__")
