"""Data sets of the datasets library: copied once into class folders, read like all others."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from genmix_da.data.domains import find_domains, load_domain
from genmix_da.data.hub import local
from genmix_da.data.sources import data_set, labelled, training_images
from genmix_da.errors import UserError
from genmix_da.places import cache_folder

datasets = pytest.importorskip("datasets")


def png(colour: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (12, 10), (colour, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def table(count: int, start: int = 0, **columns: Any) -> Any:
    """A data set of images; columns beside them are functions of the row."""
    rows = range(start, start + count)
    held = {"image": [{"bytes": png(row), "path": f"{row}.png"} for row in rows]}
    held |= {name: [of(row) for row in rows] for name, of in columns.items()}
    return datasets.Dataset.from_dict(held).cast_column("image", datasets.Image())


def named(data: Any, *classes: str) -> Any:
    return data.cast_column("label", datasets.ClassLabel(names=list(classes)))


def test_parquet_with_names_of_classes(tmp_path: Path) -> None:
    data = named(table(6, label=lambda row: row % 2), "cup", "a/b")
    data.to_parquet(tmp_path / "own.parquet")
    domain = labelled(f"datasets:{tmp_path / 'own.parquet'}")
    assert domain.labels == ("a_b",) * 3 + ("cup",) * 3
    assert [path.read_bytes() for path in domain.images] == [png(n) for n in (1, 3, 5, 0, 2, 4)]
    before = {path: path.stat().st_mtime_ns for path in domain.images}
    again = labelled(f"datasets:{tmp_path / 'own.parquet'}")
    assert {path: path.stat().st_mtime_ns for path in again.images} == before
    assert [found.name for found in cache_folder().rglob(".*")] == [".checksums.json"]


def test_labels_that_are_names_of_a_system_or_of_parts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("@eaDir", "train", "images", "mug")
    data = named(table(8, label=lambda row: row % 4), *names)
    data.to_parquet(tmp_path / "own.parquet")
    domain = labelled(f"datasets:{tmp_path / 'own.parquet'}")
    assert domain.classes == ("@eaDir_", "images_", "mug", "train_")
    assert len(domain.images) == 8
    for name in names[:3]:
        assert f"the label {name!r} is read as '{name}_'" in caplog.text


@pytest.mark.parametrize("damage", ["gone", "no JSON", "other JSON", "another file"])
def test_a_copy_that_its_notes_do_not_vouch_for(tmp_path: Path, damage: str) -> None:
    named(table(4, label=lambda row: row % 2), "cup", "mug").to_parquet(tmp_path / "own.parquet")
    source = f"datasets:{tmp_path / 'own.parquet'}"
    before = {path: path.read_bytes() for path in labelled(source).images}
    (notes,) = cache_folder().rglob(".checksums.json")
    first, second = list(before)[:2]
    first.write_bytes(before[second])
    if damage == "another file":
        first.write_bytes(before[first])
        (first.parent / "foreign.png").write_bytes(png(9))
    elif damage == "gone":
        notes.unlink()
    else:
        notes.write_text("{" if damage == "no JSON" else '{"cup/0000000.png": []}')
    assert {path: path.read_bytes() for path in labelled(source).images} == before


def test_a_damaged_copy_is_copied_again(
    tmp_path: Path, run: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    named(table(4, label=lambda row: row % 2), "cup", "mug").to_parquet(tmp_path / "own.parquet")
    source = f"datasets:{tmp_path / 'own.parquet'}"
    first, second = labelled(source).images[:2]
    for damage in (lambda: first.write_bytes(b""), second.unlink):
        caplog.clear()
        damage()
        assert labelled(source).images[:2] == (first, second)
        assert (first.read_bytes(), second.read_bytes()) == (png(0), png(2))
        assert "is damaged" in caplog.text
    # At its full length it is found by who reads everything.
    first.write_bytes(png(0).replace(b"IDAT", b"idat"))
    outcome = run("cache", "verify")
    assert outcome.code == 1
    assert str(first.parents[1]) in outcome.out
    assert labelled(source).images[0].read_bytes() == png(0)


def test_domains_and_parts_out_of_columns_and_splits(tmp_path: Path) -> None:
    columns = {
        "label": lambda row: f"c{row % 2}",
        "style": lambda row: "photo" if row % 4 else "art",
    }
    splits = {"train": table(8, **columns), "validation": table(4, 8, **columns)}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved")
    root = local(f"datasets:{tmp_path / 'saved'}")
    assert set(find_domains(root)) == {"art", "photo"}
    assert len(load_domain(root, "photo").images) == 9
    assert len(load_domain(root, "photo", part="val").images) == 3
    alone = local(f"datasets:{tmp_path / 'saved'}?split=train")
    assert len(load_domain(alone, "photo").images) == 6


def test_splits_that_are_no_parts_are_domains(tmp_path: Path) -> None:
    splits = {name: table(4, label=lambda row: row % 2) for name in ("sketch", "real")}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved")
    root = local(f"datasets:{tmp_path / 'saved'}")
    assert load_domain(root, "sketch").classes == ("0", "1")
    assert set(find_domains(root)) == {"sketch", "real"}


def test_parts_of_one_data_set(tmp_path: Path) -> None:
    splits = {
        "train": table(6, label=lambda row: row % 2),
        "test": table(4, 9, label=lambda r: r % 2),
    }
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved")
    name = f"datasets:{tmp_path / 'saved'}"
    assert len(data_set(name).images) == 10
    assert len(data_set(name, part="testing").images) == 4
    assert len(training_images(name).images) == 6


def test_webdataset(tmp_path: Path) -> None:
    shard = tmp_path / "shard-000.tar"
    with tarfile.open(shard, "w") as tar:
        for number in range(4):
            for suffix, content in (("png", png(number)), ("cls", str(number % 2).encode())):
                info = tarfile.TarInfo(f"{number:04d}.{suffix}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    before = shard.read_bytes()
    domain = labelled(f"datasets:{shard}")
    assert domain.labels == ("0", "0", "1", "1")
    assert shard.read_bytes() == before


def test_columns_are_named(tmp_path: Path) -> None:
    file = tmp_path / "odd.parquet"
    table(4, kind=lambda row: f"k{row % 2}", other=lambda row: row).to_parquet(file)
    with pytest.raises(UserError, match=r"has no column of labels .*label=COLUMN.*kind, other"):
        local(f"datasets:{file}")
    assert labelled(f"datasets:{file}?label=kind").classes == ("k0", "k1")
    with pytest.raises(UserError, match=r"no column of .* 'kin'; did you mean 'kind'"):
        local(f"datasets:{file}?label=kin")
    with pytest.raises(UserError, match=r"no option of .* 'labl'; did you mean 'label'"):
        local(f"datasets:{file}?labl=kind")


def test_images_without_labels_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "some.parquet"
    named(table(5, label=lambda row: -1 if row == 2 else row % 2), "a", "b").to_parquet(file)
    assert len(labelled(f"datasets:{file}").images) == 4
    assert "left out 1 of 5 images" in caplog.text
    named(table(2, label=lambda row: -1), "a", "b").to_parquet(tmp_path / "none.parquet")
    with pytest.raises(UserError, match="has no image with a label"):
        local(f"datasets:{tmp_path / 'none.parquet'}")


def test_two_classes_never_share_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "like.parquet"
    named(table(4, label=lambda row: row % 2), "a/b", "a_b").to_parquet(file)
    with pytest.raises(UserError, match="would be one folder"):
        local(f"datasets:{file}")
    assert not [path for path in (cache_folder() / "datasets").rglob("*") if path.is_file()]


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more"])
def test_damaged_files_are_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "cut.parquet").write_bytes(content)
    with pytest.raises(UserError, match=r"cannot load datasets:.*cut.parquet"):
        local(f"datasets:{tmp_path / 'cut.parquet'}")


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"pip install 'genmix-da\[datasets\]'"):
        local(f"datasets:{tmp_path}")


def test_an_adaptation_and_an_augmentation(run: Callable, adapt: Callable, tmp_path: Path) -> None:
    columns = {"label": lambda row: f"c{row % 5}", "domain": lambda row: "ab"[row >= 40]}
    table(80, **columns).to_parquet(tmp_path / "set.parquet")
    name = f"datasets:{tmp_path / 'set.parquet'}"
    outcome = adapt(
        *("--data", name, "--src", "a", "--tgt", "b", "--split", "2/1/2", "--augment", "none"),
        *("--image-size", 32, "--batch-size", 8, "--source-epochs", 1, "--epochs", 1),
        *("--backbone", "timm:test_efficientnet", "--weights", "none", "--out", tmp_path / "run"),
        "--json",
    )
    assert outcome.code == 0, outcome
    assert json.loads(outcome.out)["target"] == "b"
    listed = run(
        "augment", f"{name}?domain=", "--only-edit", "--editor", "filters", "--edit-size", 16
    )
    assert listed.code == 0, listed
    assert "160 edits of 80 images" in listed.out
