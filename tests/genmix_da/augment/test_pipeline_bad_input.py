"""Bad folders, bad files, a full disk: one clear sentence each, and nothing finished is lost."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genmix_da.augment import AugmentSettings, augment_domain, augment_folder
from genmix_da.augment import cache as cache_module
from genmix_da.augment import pipeline as pipeline_module
from genmix_da.augment.edits import load_working_image
from genmix_da.data.domains import load_domain
from genmix_da.errors import UserError

CLI = ("--features", "off", "--edit-size", 48)
RED, WHITE = (200, 30, 60), (255, 255, 255)


@pytest.fixture
def source(photos: Callable, tmp_path: Path) -> Path:
    return photos(tmp_path / "in", 3)


@pytest.fixture
def refused(run: Callable, complaint: Callable) -> Callable[..., str]:
    """`augment` must end with exit code 2 and one line; returns that line."""

    def call(source: Path, out: Path, *options: object) -> str:
        return str(complaint(run("augment", source, out, *CLI, *options)))

    return call


def test_no_source(refused: Callable, tmp_path: Path) -> None:
    assert "no source folder" in refused(tmp_path / "nothing", tmp_path / "out")


def test_source_without_classes(refused: Callable, tmp_path: Path, picture: Callable) -> None:
    (tmp_path / "in").mkdir()
    assert "no image under" in refused(tmp_path / "in", tmp_path / "out")
    Image.fromarray(picture(1)).save(tmp_path / "in" / "a.png")
    assert "has no class folders" in refused(tmp_path / "in", tmp_path / "out")


@pytest.mark.parametrize("out", ["in/out", "in", ".", "in/cup/deep/out"])
def test_output_and_source_in_each_other(
    refused: Callable, source: Path, tmp_path: Path, out: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert "lie in each other" in refused(source, tmp_path / out)
    assert sorted(tmp_path.rglob("*")) == before


def test_output_in_the_source_by_a_link(refused: Callable, source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(source)
    assert "lie in each other" in refused(source, tmp_path / "link" / "out")


@pytest.mark.parametrize("resume", [(), ("--resume",)])
def test_foreign_output_is_left_alone(
    refused: Callable, source: Path, tmp_path: Path, resume: tuple[str, ...]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    assert "not empty and not an augmentation" in refused(source, tmp_path / "out", *resume)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_output_is_a_file(refused: Callable, source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    assert "choose another folder" in refused(source, tmp_path / "out")


def test_empty_class_folder_is_warned_of(run: Callable, source: Path, tmp_path: Path) -> None:
    (source / "empty").mkdir()
    (source / "notes").mkdir()
    (source / "notes" / "a.txt").write_text("no image")
    outcome = run("augment", source, tmp_path / "out", *CLI)
    assert outcome.code == 0
    for name in ("empty", "notes"):
        assert f"class folder {source / name} holds no image" in outcome.err
    assert not (tmp_path / "out" / "empty").exists()


def test_images_folder_between_is_no_empty_class(
    run: Callable, photos: Callable, tmp_path: Path
) -> None:
    photos(tmp_path / "in" / "images", 1)
    outcome = run("augment", tmp_path / "in", tmp_path / "out", *CLI)
    assert outcome.code == 0
    assert "holds no image" not in outcome.err


def test_one_image_has_no_pair_statistics(
    photos: Callable, tmp_path: Path, settings: AugmentSettings, encoder: Any
) -> None:
    source = photos(tmp_path / "in", 1, ["cup"])
    with pytest.raises(UserError, match=r"too few images for faithful selection.*--features off"):
        augment_folder(source, tmp_path / "out", settings, encoder=encoder)
    done = augment_folder(source, tmp_path / "other", settings)
    assert done.written == 2


def test_unusable_features_are_refused(
    source: Path, tmp_path: Path, settings: AugmentSettings, encoder: Any
) -> None:
    for value in (0.0, np.nan):
        encoder.encode = lambda images, value=value: np.full((len(images), 8), value, np.float32)
        with pytest.raises(UserError, match="zero or not finite"):
            augment_folder(source, tmp_path / f"out {value}", settings, encoder=encoder)


def test_warned_of_a_threshold_that_keeps_everything_or_little(
    source: Path,
    tmp_path: Path,
    settings: AugmentSettings,
    encoder: Any,
    told: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    s = replace(settings, editor="told")
    told.answer = lambda image, seed: image
    augment_folder(source, tmp_path / "kept", s, encoder=encoder)
    assert "keeps every edit" in caplog.text
    caplog.clear()
    told.settings = {"strength": 2}
    told.answer = lambda image, seed: 255 - image
    augment_folder(source, tmp_path / "dropped", replace(s, sigmas=0.0), encoder=encoder)
    assert "drops 12 of 12 edits" in caplog.text


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
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60 * 60)
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


def test_two_images_of_one_class_and_name_are_refused(
    tmp_path: Path, settings: AugmentSettings, picture: Callable
) -> None:
    for seed, place in enumerate(("a/1", "b/1", "b/2")):
        (tmp_path / "data" / place).mkdir(parents=True)
        Image.fromarray(picture(seed)).save(tmp_path / "data" / place / "x.png")
    (tmp_path / "data" / "List.txt").write_text("a/1/x.png 0\nb/2/x.png 1\nb/1/x.png 0\n")
    domain = load_domain(tmp_path / "data", "List")
    with pytest.raises(UserError, match=r"two images of class '1' are named x.png.*b/1/x.png"):
        augment_domain(domain, tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


class Disk:
    """Lets some files be written, then has no room (or no permission) any more."""

    def __init__(self, room: int, error: OSError) -> None:
        self.room, self.error = room, error
        self.write = cache_module.write_atomically

    def __call__(self, path: Path, write: Callable[[Path], object]) -> None:
        self.room -= 1
        if self.room < 0:
            raise self.error
        self.write(path, write)


FAULTS = {
    "full": (OSError(errno.ENOSPC, "No space left"), "the disk is full"),
    "quota": (OSError(errno.EDQUOT, "Quota exceeded"), "the disk is full"),
    "forbidden": (PermissionError(errno.EACCES, "Permission denied"), "no permission to write"),
    "read-only": (OSError(errno.EROFS, "Read-only file system"), "no permission to write"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("module", "room"), [(cache_module, 4), (pipeline_module, 6)])
def test_fault_of_the_disk_is_one_sentence_and_resumed_from(
    run: Callable,
    refused: Callable,
    source: Path,
    tmp_path: Path,
    tree_of: Callable,
    fault: str,
    module: Any,
    room: int,
) -> None:
    error, sentence = FAULTS[fault]
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "write_atomically", Disk(room, error))
        assert sentence in refused(source, out)
    finished = {p: p.stat().st_mtime_ns for p in out.rglob("*.jpg")}
    assert len(finished) == (room - 2 if module is pipeline_module else 0)  # two of the record
    assert not (out / "manifest.jsonl").exists()
    outcome = run("augment", source, out, *CLI, "--resume")
    assert outcome.code == 0
    assert f"{12 - room if module is cache_module else 0} edits made now" in outcome.out
    assert all(file.stat().st_mtime_ns == time for file, time in finished.items())
    assert run("augment", source, tmp_path / "whole", *CLI).code == 0
    assert tree_of(tmp_path / "whole") == tree_of(out)


EVIL = {"output": "../evil.jpg", "source": "/etc/passwd", "kept": True, "status": "kept"}


@pytest.mark.parametrize("edited", [json.dumps(EVIL) + "\n", "no JSON", ""])
def test_manifest_edited_by_hand_has_no_effect(
    run: Callable, source: Path, tmp_path: Path, tree_of: Callable, edited: str
) -> None:
    out = tmp_path / "out"
    assert run("augment", source, out, *CLI).code == 0
    before, beside = tree_of(out), sorted(tmp_path.iterdir())
    (out / "manifest.jsonl").write_text(edited)
    assert run("augment", source, out, *CLI, "--resume").code == 0
    assert tree_of(out) == before
    assert sorted(tmp_path.iterdir()) == beside


@pytest.mark.parametrize("content", ["{", "[]", "3", '{"seed": 0}', ""])
def test_record_edited_by_hand_is_refused(
    run: Callable, refused: Callable, source: Path, tmp_path: Path, content: str
) -> None:
    assert run("augment", source, tmp_path / "out", *CLI).code == 0
    (tmp_path / "out" / "augment.json").write_text(content)
    assert "choose another folder" in refused(source, tmp_path / "out", "--resume")


def test_leftovers_of_a_killed_run_are_swept(
    run: Callable, source: Path, tmp_path: Path, tree_of: Callable
) -> None:
    out = tmp_path / "out"
    assert run("augment", source, out, *CLI).code == 0
    before = tree_of(out)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = socket.gethostname()
    dead = out / "cup" / f".00.png.0.graffiti.jpg.{host}-{gone.pid}-0123abcd.tmp"
    living = out / f".manifest.jsonl.{host}-{os.getpid()}-0123abcd.tmp"
    for leftover in (dead, living):
        leftover.write_bytes(b"half")
    assert run("augment", source, out, *CLI, "--resume").code == 0
    assert living.is_file()  # its writer is at work
    living.unlink()
    assert tree_of(out) == before


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
