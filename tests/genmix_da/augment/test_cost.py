"""--dry-run: counts and estimates, and nothing made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from genmix_da.places import cache_folder

CLI = ("--features", "off", "--edit-size", 48)


@pytest.fixture
def source(photos: Callable, tmp_path: Path) -> Path:
    return photos(tmp_path / "in", 4)


def test_dry_run_counts_and_leaves_nothing(run: Callable, source: Path, tmp_path: Path) -> None:
    outcome = run("augment", source, tmp_path / "out", *CLI, "--per-image", 3, "--dry-run")
    assert "8 images, 24 edits with filters, 0 of them in the cache" in outcome.out
    assert "hours on this device" in outcome.out
    assert "MiB on disk" in outcome.out
    assert not (tmp_path / "out").exists()
    assert not (cache_folder() / "edits").exists()


def test_dry_run_counts_what_is_cached(run: Callable, source: Path, tmp_path: Path) -> None:
    cost = run("augment", source, tmp_path / "out", *CLI, "--dry-run", "--json").json()
    assert (cost["images"], cost["edits"], cost["cached"]) == (8, 16, 0)
    assert cost["hours"] > 0
    assert cost["disk_mib"] > 0
    seconds = 16 * (cost["seconds_per_edit"] + cost["seconds_per_blend"])
    assert cost["hours"] * 3600 == pytest.approx(seconds)
    assert run("augment", source, tmp_path / "out", *CLI).code == 0
    folders = (cache_folder() / "edits", tmp_path / "out")
    files = [file for folder in folders for file in folder.rglob("*.jpg")]
    used = sum(p.stat().st_size for p in files) / 2**20
    assert cost["disk_mib"] == pytest.approx(used, rel=0.4)
    more = ("--per-image", 3, "--dry-run", "--json")
    cost = run("augment", source, tmp_path / "out", *CLI, *more).json()
    assert (cost["edits"], cost["cached"]) == (24, 16)
    seconds = 8 * cost["seconds_per_edit"] + 24 * cost["seconds_per_blend"]
    assert cost["hours"] * 3600 == pytest.approx(seconds)


def test_first_fractal_is_no_cost_of_every_image(
    run: Callable, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    from genmix_da.augment import fractals

    draw = fractals.draw_fractal

    def slow(seed: int) -> object:
        time.sleep(0.5)
        return draw(seed)

    monkeypatch.setattr(fractals, "draw_fractal", slow)
    cost = run("augment", source, tmp_path / "out", *CLI, "--dry-run", "--json").json()
    assert cost["seconds_per_blend"] < 0.1


def test_dry_run_goes_round_broken_images(
    run: Callable, complaint: Callable, source: Path, tmp_path: Path
) -> None:
    (source / "cup" / "00.png").write_bytes(b"broken")
    cost = run("augment", source, tmp_path / "out", *CLI, "--dry-run", "--json").json()
    assert cost["seconds_per_edit"] > 0
    for file in source.rglob("*.png"):
        file.write_bytes(b"broken")
    said = complaint(run("augment", source, tmp_path / "out", *CLI, "--dry-run"))
    assert "none of the 8 images" in said


def test_dry_run_refuses_bad_input(
    run: Callable, complaint: Callable, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert "no folder" in complaint(run("augment", tmp_path / "no", out, "--dry-run"))
    said = complaint(run("augment", source, out, *CLI, "--prompts", "oil", "--dry-run"))
    assert "it knows" in said
