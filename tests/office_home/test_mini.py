"""The drawn stand-in for Office-Home: fixed, complete, and different from domain to domain."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from office_home import OFFICE_HOME_CLASSES, mini
from office_home.mini import MINI_CLASSES, MINI_DOMAINS, draw
from office_home.mini import generate as generator

SAMPLE = MINI_CLASSES[::4]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, int]]:
    """A set of one or two images per folder, so that writing it takes a second."""
    small = {
        domain: {name: 1 + (row + column) % 2 for column, name in enumerate(SAMPLE)}
        for row, domain in enumerate(MINI_DOMAINS)
    }
    monkeypatch.setattr(generator, "counts", lambda: small)
    return small


@pytest.fixture(scope="module")
def tiles() -> dict[str, NDArray[np.float64]]:
    """Domain -> (N, 80, 80, 3) images in 0..255."""
    return {
        domain: np.stack(
            [np.asarray(draw(domain, name, i), float) for name in MINI_CLASSES for i in range(3)]
        )
        for domain in MINI_DOMAINS
    }


def border(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M, 3) pixels of the outer frame, two pixels wide."""
    frame = np.ones(images.shape[1:3], dtype=bool)
    frame[2:-2, 2:-2] = False
    return images[:, frame]


def roughness(images: NDArray[np.float64]) -> float:
    """Mean brightness step between neighbours along the top and the bottom rows."""
    grey = images.mean(axis=3)[:, [0, 1, -2, -1]]
    return float(np.abs(np.diff(grey, axis=2)).mean())


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_names_are_sorted_and_splits_cover_them() -> None:
    assert len(set(MINI_CLASSES)) == 24
    assert list(MINI_CLASSES) == sorted(MINI_CLASSES)
    assert MINI_DOMAINS == ("Art", "Clipart", "Product", "Real World")
    assert all(sum(split) == len(MINI_CLASSES) for split in mini.MINI_SPLITS.values())


def test_classes_are_office_home_classes() -> None:
    assert set(MINI_CLASSES) <= set(OFFICE_HOME_CLASSES)


def test_counts_are_fixed_and_mildly_uneven() -> None:
    counts = mini.counts()
    numbers = [number for classes in counts.values() for number in classes.values()]
    assert counts == mini.counts()
    assert tuple(counts) == MINI_DOMAINS
    assert all(tuple(classes) == MINI_CLASSES for classes in counts.values())
    assert 32 <= min(numbers) < max(numbers) <= 48


@pytest.mark.parametrize("domain", MINI_DOMAINS)
def test_draw_repeats_itself(domain: str) -> None:
    first, second = draw(domain, "Mug", 5), draw(domain, "Mug", 5)
    assert first.mode == "RGB"
    assert first.size == (80, 80)
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(("domain", "name"), [("Photo", "Mug"), ("Art", "Zebra")])
def test_draw_rejects_unknown_names(domain: str, name: str) -> None:
    with pytest.raises(ValueError, match="Unknown"):
        draw(domain, name, 0)


def test_all_images_differ(tiles: dict[str, NDArray[np.float64]]) -> None:
    for images in tiles.values():
        assert len({image.tobytes() for image in images}) == len(images)


def test_clipart_has_few_colours(tiles: dict[str, NDArray[np.float64]]) -> None:
    def main_share(image: NDArray[np.float64]) -> float:
        packed = image.astype(int) @ np.array([65536, 256, 1])
        _, times = np.unique(packed, return_counts=True)
        return float(np.sort(times)[-8:].sum() / times.sum())

    share = {
        domain: np.median([main_share(image) for image in images])
        for domain, images in tiles.items()
    }
    assert share["Clipart"] > 0.75
    assert share["Clipart"] > max(share["Art"], share["Real World"], share["Product"]) + 0.05


def test_only_product_lies_on_white_with_soft_shading(
    tiles: dict[str, NDArray[np.float64]],
) -> None:
    white = {
        domain: float((border(images).min(axis=2) > 240).mean()) for domain, images in tiles.items()
    }
    assert white["Product"] > 0.9
    assert white["Clipart"] > 0.5
    assert max(white["Art"], white["Real World"]) < 0.1


def test_grounds_differ_in_texture(tiles: dict[str, NDArray[np.float64]]) -> None:
    rough = {domain: roughness(images) for domain, images in tiles.items()}
    assert rough["Real World"] > 4 * rough["Product"]
    assert rough["Art"] > 1.3 * rough["Real World"]


def test_make_does_not_depend_on_processes(tmp_path: Path, few: dict[str, dict[str, int]]) -> None:
    seen: list[tuple[int, int]] = []
    one = mini.make(tmp_path / "one", lambda done, total: seen.append((done, total)), processes=1)
    two = mini.make(tmp_path / "two", processes=2)
    total = sum(sum(classes.values()) for classes in few.values())
    assert seen[-1] == (total, total)
    assert contents(one) == contents(two)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]
    assert {
        domain: {name: len(list((one / domain / name).iterdir())) for name in classes}
        for domain, classes in few.items()
    } == few
    with Image.open(one / "Real World" / SAMPLE[0] / "0001.jpg") as image:
        assert image.size == (80, 80)


def test_make_is_idempotent_and_repairs(tmp_path: Path, few: dict[str, dict[str, int]]) -> None:
    root = mini.make(tmp_path / "set", processes=1)
    before = contents(root)
    marker = json.loads(before[generator.MARKER])
    assert marker["version"] == mini.GENERATOR_VERSION
    assert marker["synthetic"] is True
    assert marker["counts"] == few

    stamp = root.stat().st_mtime_ns
    mini.make(root, processes=1)
    assert root.stat().st_mtime_ns == stamp

    (root / "Art" / SAMPLE[0] / "0001.jpg").unlink()
    mini.make(root, processes=1)
    assert contents(root) == before
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("marker", ["[]", "null", '{"version": ', "[" * 100_000])
def test_make_replaces_a_set_whose_marker_is_damaged(
    tmp_path: Path, few: dict[str, dict[str, int]], marker: str
) -> None:
    root = tmp_path / "set"
    root.mkdir()
    (root / generator.MARKER).write_text(marker)
    mini.make(root, processes=1)
    assert json.loads((root / generator.MARKER).read_text())["counts"] == few


def test_make_yields_to_a_call_that_finished_first(
    tmp_path: Path, few: dict[str, dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "set"
    write = generator._write_set

    def overtaken(*arguments: object) -> None:
        write(*arguments)
        monkeypatch.setattr(generator, "_write_set", write)
        mini.make(root, processes=1)

    monkeypatch.setattr(generator, "_write_set", overtaken)
    mini.make(root, processes=1)
    assert (root / generator.MARKER).is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_make_leaves_nothing_behind_when_it_fails(
    tmp_path: Path, few: dict[str, dict[str, int]]
) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mini.make(tmp_path / "set", interrupt, processes=1)
    assert list(tmp_path.iterdir()) == []


def test_make_refuses_a_folder_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        mini.make(tmp_path)
    assert (tmp_path / "photo.jpg").read_bytes() == b"precious"


def test_contact_sheet_is_written_in_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank = Image.new("RGB", (80, 80))
    monkeypatch.setattr("office_home.mini.sheet.draw", lambda domain, name, index: blank)
    path = mini.contact_sheet(tmp_path / "sheet.png", per_class=1)
    with Image.open(path) as sheet:
        assert sheet.format == "PNG"
        assert sheet.width > 4 * 80
        assert sheet.height > 24 * 80
    assert [entry.name for entry in tmp_path.iterdir()] == ["sheet.png"]
