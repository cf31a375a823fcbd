"""Fractals: seeded, with structure, made once, cut to any size."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from genmix_da.augment import fractals as module
from genmix_da.augment.fractals import FractalSource, draw_fractal
from genmix_da.errors import UserError


def test_same_seed_same_pixels() -> None:
    first = draw_fractal(5, 128)
    assert (first.shape, first.dtype) == ((128, 128, 3), np.uint8)
    assert np.array_equal(first, draw_fractal(5, 128))
    assert not np.array_equal(first, draw_fractal(6, 128))


def test_thirty_seeds_have_structure_and_contrast() -> None:
    for seed in range(30):
        image = draw_fractal(seed, 96)
        assert image.std() >= 30
        grey = image.astype(np.float32).mean(axis=2)
        # Not one blob on a plain ground: most rows and columns cross something.
        assert np.mean(grey.std(axis=0) > 8) > 0.5
        assert np.mean(grey.std(axis=1) > 8) > 0.5
        # Nor a smooth wash: much of it is edge.
        assert np.mean(np.abs(cv2.Laplacian(grey, cv2.CV_32F)) > 8) > 0.1


def test_fractals_are_coloured() -> None:
    spread = [np.ptp(draw_fractal(seed, 64).astype(int), axis=2).mean() for seed in range(8)]
    assert min(spread) > 5


def test_sparse_draws_are_rejected() -> None:
    empty = np.zeros((128, 128), np.float32)
    empty[60:64, 60:64] = 1
    wash = np.tile(np.linspace(0, 1, 128, dtype=np.float32), (128, 1))
    assert not module._has_structure(empty)
    assert not module._has_structure(wash)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for every fractal that is drawn; small ones."""
    seeds: list[int] = []

    def counted(seed: int) -> np.ndarray:
        seeds.append(seed)
        return draw_fractal(seed, 64)

    monkeypatch.setattr(module, "draw_fractal", counted)
    return seeds


def windows(source: FractalSource, count: int, height: int = 20, width: int = 30) -> list:
    draw = np.random.default_rng(1)
    return [source.window(height, width, draw) for _ in range(count)]


def test_cache_is_made_once(made: list[int], tmp_path: Path) -> None:
    first = windows(FractalSource(tmp_path, count=3), 20)
    assert len(made) == len(set(made)) == 3
    assert sorted({name for name, _ in first}) == sorted(p.name for p in tmp_path.iterdir())
    second = windows(FractalSource(tmp_path, count=3), 20)
    assert len(made) == 3
    for (name, pixels), (other, others) in zip(first, second, strict=True):
        assert name == other
        assert np.array_equal(pixels, others)


def test_all_of_our_own_are_read_once(made: list[int], tmp_path: Path) -> None:
    source = FractalSource(tmp_path, count=module.COUNT)
    for seed in range(12 * module.COUNT):
        source.window(8, 8, np.random.default_rng(seed))
    assert len(made) == module.COUNT
    for file in source.files:
        file.unlink()
    for seed in range(12 * module.COUNT):
        source.window(8, 8, np.random.default_rng(seed))
    assert not any(file.exists() for file in source.files)


def test_only_the_fractals_that_are_drawn_are_made(made: list[int], tmp_path: Path) -> None:
    name, _ = FractalSource(tmp_path, count=50).window(8, 8, np.random.default_rng(2))
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert len(made) == 1


@pytest.mark.parametrize("size", [(20, 30), (64, 64), (100, 10), (65, 64), (300, 200), (1, 1)])
def test_window_of_any_size(size: tuple[int, int], made: list[int], tmp_path: Path) -> None:
    source = FractalSource(tmp_path, count=2)
    for _, pixels in windows(source, 6, *size):
        assert (pixels.shape, pixels.dtype) == ((*size, 3), np.uint8)
        assert pixels.flags.c_contiguous
        assert size == (1, 1) or pixels.std() > 3


def test_windows_differ_and_repeat_with_the_generator(made: list[int], tmp_path: Path) -> None:
    source = FractalSource(tmp_path, count=2)
    first, second = windows(source, 12), windows(source, 12)
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(first, second, strict=True))
    assert len({pixels.tobytes() for _, pixels in first}) == 12


@pytest.fixture
def mostly_black(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fractals that are black but for a column of light at the left."""

    def one(seed: int) -> np.ndarray:
        pixels = np.zeros((64, 64, 3), np.uint8)
        pixels[:, :16] = 200
        return pixels

    monkeypatch.setattr(module, "draw_fractal", one)


def test_windows_that_are_nearly_black_are_drawn_again(mostly_black: None, tmp_path: Path) -> None:
    def share(windows: int) -> float:
        source = FractalSource(tmp_path, count=2, windows=windows)
        draw = np.random.default_rng(3)
        cuts = [source.window(20, 20, draw)[1] for _ in range(200)]
        return float(np.mean([module.lit_share(cut) < 0.1 for cut in cuts]))

    assert share(1) > 0.5
    assert share(module.WINDOWS) == 0.0


def test_windows_that_are_light_are_what_they_were(made: list[int], tmp_path: Path) -> None:
    first = FractalSource(tmp_path, count=4, windows=1)
    second = FractalSource(tmp_path, count=4)
    same = 0
    for seed in range(60):
        name, before = first.window(40, 40, np.random.default_rng(seed))
        other, after = second.window(40, 40, np.random.default_rng(seed))
        assert name == other  # which the manifest names without drawing the window
        if module.lit_share(before) >= 0.1:
            same += 1
            assert np.array_equal(before, after)
        else:
            assert module.lit_share(after) >= 0.1
    assert same > 30


def test_a_fractal_that_is_black_everywhere_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    black = np.zeros((64, 64, 3), np.uint8)
    monkeypatch.setattr(module, "draw_fractal", lambda seed: black)
    _, cut = FractalSource(tmp_path, count=1).window(20, 20, np.random.default_rng(0))
    assert cut.shape == (20, 20, 3)


def test_windows_of_a_users_images_are_taken_as_they_are(tmp_path: Path) -> None:
    Image.new("RGB", (40, 40), (0, 0, 0)).save(tmp_path / "night.png")
    source = FractalSource(tmp_path, count=0)
    draw, same = np.random.default_rng(4), np.random.default_rng(4)
    source.window(20, 20, draw)
    same.integers(1), same.integers(21), same.integers(21), same.random(), same.random()
    assert draw.random() == same.random()


def test_the_version_of_the_windows_is_in_the_fingerprint(tmp_path: Path) -> None:
    before, now = (FractalSource(tmp_path, windows=windows) for windows in (1, module.WINDOWS))
    assert before.fingerprint() == "own/v1/64/0"  # as in records of earlier versions
    assert now.fingerprint() == "own/v1/64/0/windows2"
    assert [module.windows_of(s.fingerprint()) for s in (before, now)] == [1, module.WINDOWS]
    assert module.windows_of(None) == 1
    assert before.files == now.files


def test_draw_file_is_the_first_draw_of_a_window(made: list[int], tmp_path: Path) -> None:
    source = FractalSource(tmp_path, count=9)
    for seed in range(30):
        _, path = source.draw_file(np.random.default_rng(seed))
        assert source.window(8, 8, np.random.default_rng(seed))[0] == path.name


def test_folder_of_the_users(tmp_path: Path) -> None:
    for number in range(3):
        colour = (0, 80 * number, 255)
        Image.new("RGB", (50, 40), colour).save(tmp_path / f"bild {number} é.png")
    (tmp_path / "notes.txt").write_text("no image")
    source = FractalSource(tmp_path, count=0)
    assert len(source.files) == 3
    seen = windows(source, 30)
    assert {name for name, _ in seen} == {f"bild {n} é.png" for n in range(3)}
    for name, pixels in seen:
        assert pixels.reshape(-1, 3).mean(axis=0).tolist() == [0, 80 * int(name[5]), 255]


@pytest.mark.parametrize("exists", [True, False])
def test_folder_without_images_is_refused(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "fractals"
    if exists:
        folder.mkdir()
    with pytest.raises(UserError, match=r"no image in the fractal folder .*fractals"):
        FractalSource(folder, count=0)


def test_damaged_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"cannot read the fractal .*broken.png"):
        FractalSource(tmp_path, count=0).window(8, 8, np.random.default_rng(0))


@pytest.mark.parametrize("damage", ["bit", "cut", "empty", "older"])
def test_damaged_fractals_of_our_own_are_drawn_again(
    made: list[int], tmp_path: Path, damage: str
) -> None:
    before = windows(FractalSource(tmp_path, count=1), 1)
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    if damage == "older":  # without a seal, as in earlier versions
        content = content[:-32]
    elif damage == "bit":
        content[len(content) // 2] ^= 1
    file.write_bytes({"cut": content[:-50], "empty": b""}.get(damage, content))
    after = windows(FractalSource(tmp_path, count=1), 1)
    assert np.array_equal(after[0][1], before[0][1])
    assert len(made) == (1 if damage == "older" else 2)


def test_source_travels_to_other_processes(made: list[int], tmp_path: Path) -> None:
    source = FractalSource(tmp_path, count=2)
    before = windows(source, 4)
    copy = pickle.loads(pickle.dumps(source))
    after = windows(copy, 4)
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(before, after, strict=True))


def test_empty_folder_on_the_command_line(
    run: Callable, complaint: Callable, photos: Callable, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    said = complaint(
        run(
            *("augment", photos(tmp_path / "in", 1), tmp_path / "out", "--features", "off"),
            *("--fractals", tmp_path / "mine"),
        )
    )
    assert "--fractals" in said
