"""Images of odd kinds, sizes and names are augmented; broken ones are skipped and named."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genmix_da.augment import AugmentSettings, augment_folder
from genmix_da.augment.edits import load_working_image

CLI = ("--features", "off", "--edit-size", 48)
RED, WHITE = (200, 30, 60), (255, 255, 255)


def save(file: Path, kind: str) -> None:
    """A file that PIL reads in another mode than RGB; red on white, wide and low."""
    wide = np.full((24, 40, 3), 255, np.uint8)
    wide[:, :20] = RED
    image = Image.fromarray(wide)
    grey = np.full((24, 40), 50 * 257, np.uint16)
    grey[:, 20:] = 65535
    alpha = np.dstack([wide, np.where(np.arange(40) < 20, 255, 0) * np.ones((24, 1))])
    alpha[:, 20:, :3] = 0  # what lies under the transparent part must not show
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    {
        "16-bit": lambda: Image.fromarray(grey).save(file.with_suffix(".png")),
        "cmyk": lambda: image.convert("CMYK").save(file.with_suffix(".jpg"), quality=95),
        "palette": lambda: image.quantize(8).save(file.with_suffix(".png")),
        "grey": lambda: image.convert("L").save(file.with_suffix(".bmp")),
        "alpha": lambda: Image.fromarray(alpha.astype(np.uint8)).save(file.with_suffix(".png")),
        "animated": lambda: image.save(
            file.with_suffix(".gif"), save_all=True, append_images=[Image.new("RGB", (40, 24))]
        ),
        "rotated": lambda: image.transpose(Image.Transpose.ROTATE_90).save(
            file.with_suffix(".jpg"), exif=exif, quality=95
        ),
    }[kind]()


@pytest.mark.parametrize(
    "kind", ["16-bit", "cmyk", "palette", "grey", "alpha", "animated", "rotated"]
)
def test_image_of_another_kind_is_seen_as_a_person_sees_it(
    kind: str, tmp_path: Path, settings: AugmentSettings, told: Any
) -> None:
    (tmp_path / "in" / "cup").mkdir(parents=True)
    save(tmp_path / "in" / "cup" / "a", kind)
    told.answer = lambda image, seed: image
    s = replace(settings, editor="told", masks=(), fractal_lambda=0.0, per_image=1)
    augment_folder(tmp_path / "in", tmp_path / "out", s)
    (file,) = (tmp_path / "out").rglob("*.jpg")
    seen = load_working_image(file, 48).astype(int)
    assert seen.shape == (24, 40, 3)
    expected = {"16-bit": (50,) * 3, "grey": (84,) * 3}.get(kind, RED)
    assert np.abs(seen[2:-2, 2:16] - expected).max() <= 12
    assert np.abs(seen[2:-2, 24:-2] - WHITE).max() <= 12


BROKEN = {
    "zero bytes": b"",
    "not an image": b"GIF, or so its name says",
    "truncated": None,
    "bomb": None,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_image_is_skipped_and_named(
    run: Callable,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows_of: Callable,
    picture: Callable,
    kind: str,
) -> None:
    bad = source / "cup" / "bad.png"
    content = BROKEN[kind]
    if content is None:
        Image.fromarray(picture(9, 90, 90)).save(bad)
        content = bad.read_bytes()[: 400 if kind == "truncated" else None]
    bad.write_bytes(content)
    if kind == "bomb":
        monkeypatch.setenv("GENMIX_DA_MAX_PIXELS", "3600")
    outcome = run("augment", source, tmp_path / "out", *CLI)
    assert outcome.code == 0, outcome
    assert [line for line in outcome.err.splitlines() if "Warning" in line] == []
    said = [line for line in outcome.err.splitlines() if line.startswith("skipped ")]
    assert len(said) == 1
    assert str(bad) in said[0]
    assert not any("bad.png" in row["source"] for row in rows_of(tmp_path / "out"))
    assert len(rows_of(tmp_path / "out")) == 12
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [path for path, _ in report["skipped"]] == [str(bad)]


def test_nothing_readable(refused: Callable, tmp_path: Path) -> None:
    (tmp_path / "in" / "cup").mkdir(parents=True)
    (tmp_path / "in" / "cup" / "a.png").write_bytes(b"")
    assert "none of the 1 images" in refused(tmp_path / "in", tmp_path / "out")


def test_tiny_and_thin_images(tmp_path: Path, settings: AugmentSettings, picture: Callable) -> None:
    sizes = {"dot.png": (1, 1), "thin.png": (3, 400), "low.png": (600, 9)}
    (tmp_path / "in" / "cup").mkdir(parents=True)
    for name, size in sizes.items():
        Image.fromarray(picture(1, *size)).save(tmp_path / "in" / "cup" / name)
    s = replace(settings, prompts="classification", per_image=9)
    done = augment_folder(tmp_path / "in", tmp_path / "out", s)
    assert done.selection.skipped == ()
    # One pixel is a uniform edit whatever the filter does.
    assert {e.reason for e in done.selection.edits if e.status == "failed"} <= {"uniform", "black"}
    thin = [p for p in (tmp_path / "out").rglob("*.jpg") if p.name.startswith("thin")]
    assert len(thin) >= 8
    assert all(load_working_image(p, 48).shape == (1, 48, 3) for p in thin)


def test_odd_names(
    tmp_path: Path, settings: AugmentSettings, picture: Callable, rows_of: Callable
) -> None:
    folder = tmp_path / "in dir" / "Tasse à café 茶"
    folder.mkdir(parents=True)
    names = [
        "ein Bild.png",
        "ein Bild.jpg",
        "写真.png",
        "a;b'c\"d.png",
        "UPPER.PNG",
        "no.dot.s.png",
    ]
    for number, name in enumerate(names):
        Image.fromarray(picture(number)).save(folder / name)
    done = augment_folder(tmp_path / "in dir", tmp_path / "out dir", settings)
    assert done.written == 12
    rows = rows_of(tmp_path / "out dir")
    assert {row["source"] for row in rows} == {f"Tasse à café 茶/{name}" for name in names}
    # Two stems alike with different endings stay apart.
    assert len({row["output"] for row in rows}) == 12
    assert all((tmp_path / "out dir" / row["output"]).is_file() for row in rows)


@pytest.mark.skipif(not os.path.supports_unicode_filenames and os.name == "nt", reason="POSIX")
def test_name_that_is_no_text_is_augmented(run: Callable, source: Path, tmp_path: Path) -> None:
    odd = os.fsencode(source / "cup") + b"/caf\xe9.png"
    try:
        Path(os.fsdecode(odd)).write_bytes((source / "cup" / "00.png").read_bytes())
    except OSError:
        pytest.skip("this file system takes no such names")
    outcome = run("augment", source, tmp_path / "out", *CLI)
    assert outcome.code == 0
    rows = (tmp_path / "out" / "manifest.jsonl").read_text()
    assert "caf\\udce9.png" in rows
