"""Data behind URLs, by fsspec's own file system in memory."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

from genmix_da.data.hub import local
from genmix_da.errors import UserError
from genmix_da.places import cache_folder

URL = "memory://bucket/photos"


def picture(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def bucket() -> Iterator[fsspec.AbstractFileSystem]:
    files = fsspec.filesystem("memory")
    for domain in ("Art", "Clipart"):
        for kind in ("bike", "cup", "mug"):
            for number in range(6):
                files.pipe(f"/bucket/photos/{domain}/{kind}/{number}.png", picture(number))
    yield files
    files.rm("/bucket", recursive=True)


@pytest.fixture
def gets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths that were fetched."""
    found: list[str] = []
    kind = type(fsspec.filesystem("memory"))
    get = kind.get_file

    def counted(self: object, path: str, *arguments: object, **options: object) -> object:
        found.append(path)
        return get(self, path, *arguments, **options)

    monkeypatch.setattr(kind, "get_file", counted)
    return found


def held(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_what_is_there_is_fetched_once(bucket: fsspec.AbstractFileSystem, gets: list[str]) -> None:
    folder = local(URL)
    assert folder.name == "photos"
    assert folder.is_relative_to(cache_folder())
    assert len(held(folder)) == len(gets) == 36
    assert held(folder)["Art/cup/3.png"] == picture(3)
    assert local(URL) == folder
    assert len(gets) == 36


def test_changes_are_followed(bucket: fsspec.AbstractFileSystem, gets: list[str]) -> None:
    folder = local(URL)
    gets.clear()
    bucket.pipe("/bucket/photos/Art/cup/3.png", picture(99))
    bucket.pipe("/bucket/photos/Art/cup/new.png", picture(98))
    bucket.rm("/bucket/photos/Clipart/mug/0.png")
    (folder / "Art" / "bike" / "1.png").write_bytes(b"cut off")
    local(URL)
    names = {path.removeprefix("/bucket/photos/") for path in gets}
    assert names == {"Art/cup/3.png", "Art/cup/new.png", "Art/bike/1.png"}
    assert held(folder)["Art/cup/3.png"] == picture(99)
    assert held(folder)["Art/bike/1.png"] == picture(1)
    assert "Clipart/mug/0.png" not in held(folder)


def test_an_interrupted_copy_goes_on(
    bucket: fsspec.AbstractFileSystem, gets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(bucket)
    counted = kind.get_file

    def fails(self: object, path: str, *arguments: object, **options: object) -> object:
        if len(gets) >= 10:
            raise OSError("connection reset")
        return counted(self, path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "get_file", fails)
        with pytest.raises(UserError, match=r"connection reset; what has arrived is kept"):
            local(URL)
    before = len(gets)
    folder = local(URL)
    assert len(held(folder)) == 36
    assert before <= len(gets) <= 36 + 2 * 8  # those that were under way are fetched again
    assert not [file for file in folder.rglob(".*") if file.is_file()]


def test_a_list_is_a_file(bucket: fsspec.AbstractFileSystem) -> None:
    bucket.pipe("/bucket/photos/list.txt", b"Art/cup/3.png 1\n")
    assert local(f"{URL}/list.txt").read_text() == "Art/cup/3.png 1\n"


def test_nothing_lands_outside(bucket: fsspec.AbstractFileSystem) -> None:
    bucket.store["/bucket/photos/Art/../../../../escaped.png"] = bucket.store[
        "/bucket/photos/Art/cup/3.png"
    ]
    folder = local(URL)
    assert not list(cache_folder().parent.glob("escaped.png"))
    assert all(file.is_relative_to(folder) for file in folder.rglob("escaped.png"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("memory://bucket/nothing", "no file at memory://bucket/nothing"),
        ("nowhere://bucket/photos", "cannot reach nowhere://bucket/photos"),
    ],
)
def test_what_is_not_there(url: str, expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        local(url)


def test_a_run_on_data_behind_a_url(
    run: Callable, bucket: fsspec.AbstractFileSystem, tmp_path: Path
) -> None:
    tiny = ("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", 32)
    tiny = (*tiny, "--batch-size", 4, "--source-epochs", 1, "--epochs", 1, "--augment", "none")
    given = ("adapt", "--data", URL, "--src", "Art", *tiny, "--device", "cpu", "--split", "1/1/1")
    outcome = run(*given, "--tgt", "Clipart", "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    outcome = run(*given, "--tgt", f"{URL}/Clipart", "--out", tmp_path / "other")
    assert outcome.code == 0, outcome.err
    first, second = (tmp_path / name / "predictions.csv" for name in ("run", "other"))
    assert len(first.read_text().splitlines()) == len(second.read_text().splitlines()) > 6
    assert run("predict", tmp_path / "run", f"{URL}/Clipart", "--out", tmp_path / "p.csv").code == 0
    assert run("evaluate", tmp_path / "run", "--tgt", f"{URL}/Clipart").code == 0
    assert run("data", "check", URL).code in (0, 1)
    refused = run(*given, "--tgt", "Clipart", "--out", f"{URL}/run")
    assert refused.code == 2
    assert f"the output {URL}/run lies in the data folder {URL}" in refused.err


def test_augment_and_classify_read_urls(
    run: Callable, bucket: fsspec.AbstractFileSystem, tmp_path: Path
) -> None:
    outcome = run("augment", f"{URL}/Art", tmp_path / "more", "--editor", "filters")
    assert outcome.code == 0, outcome.err
    assert len(list((tmp_path / "more").rglob("*.jpg"))) > 6
    tiny = ("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", 32)
    given = ("--data", f"{URL}/Art", *tiny, "--batch-size", 4, "--epochs", 1, "--device", "cpu")
    outcome = run("classify", "train", *given, "--augment", "mixup", "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "run" / "checkpoint.safetensors").is_file()
