"""torchvision's data sets in the form that it keeps on disk, without any download."""

from __future__ import annotations

import pickle
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torchvision
from PIL import Image

from genmix_da.classify.datasets import find_parts
from genmix_da.classify.torchvision_sets import SETS, _indexed

CIFAR_CLASSES = [f"kind_{n:03}" for n in range(100)]


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, Any]]:
    """CIFAR-100's pickles with four training and two test images."""
    root, draw, arrays = tmp_path / "tv", np.random.default_rng(0), {}
    folder = root / "cifar-100-python"
    folder.mkdir(parents=True)
    for part, labels in (("train", [3, 1, 3, 0]), ("test", [1, 3])):
        pixels = draw.integers(0, 256, (len(labels), 3 * 32 * 32), dtype=np.uint8)
        arrays[part] = (pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels)
        (folder / part).write_bytes(pickle.dumps({"data": pixels, "fine_labels": labels}))
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": CIFAR_CLASSES}))
    kind = torchvision.datasets.CIFAR100
    for name in ("train_list", "test_list"):  # what is kept has other check sums
        monkeypatch.setattr(kind, name, [[file, None] for file, _ in getattr(kind, name)])
    monkeypatch.setattr(kind, "meta", kind.meta | {"md5": None})
    return root, arrays


@pytest.mark.parametrize("name", ["cifar100", "CIFAR-100"])
def test_cifar100(cifar: tuple[Path, dict[str, Any]], name: str) -> None:
    root, arrays = cifar
    parts = find_parts(name, root=str(root))
    assert parts.name == "CIFAR-100"
    assert parts.train.classes == ("kind_000", "kind_001", "kind_003")
    assert parts.test is not None
    for part, domain in (("train", parts.train), ("test", parts.test)):
        pixels, labels = arrays[part]
        for path, label in zip(domain.images, domain.labels or (), strict=True):
            number = int(path.stem)
            assert CIFAR_CLASSES[labels[number]] == label
            assert (np.asarray(Image.open(path)) == pixels[number]).all()
        assert len(domain.images) == len(labels)
    shutil.rmtree(root)  # unpacked once
    assert find_parts(name, root=str(root)).train == parts.train


def jpegs(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    for name in names:
        Image.new("RGB", (6, 6)).save(folder / name)


def test_flowers102(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.io import savemat

    home = tmp_path / "flowers-102"
    jpegs(home / "jpg", [f"image_{n:05}.jpg" for n in range(1, 7)])
    savemat(home / "imagelabels.mat", {"labels": np.array([1, 1, 2, 2, 1, 2])})
    ids = {"trnid": np.array([1, 3]), "valid": np.array([2, 4]), "tstid": np.array([5, 6])}
    savemat(home / "setid.mat", ids)
    monkeypatch.setattr(torchvision.datasets.Flowers102, "_check_integrity", lambda self: True)
    parts = find_parts("flowers102", root=str(tmp_path))
    assert len(parts.train.images) == 2
    assert parts.val is not None
    assert parts.test is not None
    assert {path.name for path in parts.test.images} == {"image_00005.jpg", "image_00006.jpg"}
    assert parts.train.classes == parts.test.classes == parts.val.classes
    assert len(parts.train.classes) == 2


def test_classes_without_names_have_one_number_in_all_parts(tmp_path: Path) -> None:
    class Numbered:
        def __init__(self, *labels: int) -> None:
            self._image_files = [tmp_path / f"{label}.jpg" for label in labels]
            self._labels = list(labels)

    train, test = (_indexed("x", tmp_path, Numbered(*labels)) for labels in ((3, 12), (3,)))
    assert train.classes == ("0003", "0012")
    assert test.classes == ("0003",)


def test_class_names_become_folder_names(tmp_path: Path) -> None:
    data = tmp_path / "fgvc-aircraft-2013b" / "data"
    jpegs(data / "images", ["1.jpg", "2.jpg", "3.jpg"])
    (data / "variants.txt").write_text("747-400\nF/A-18\n")
    (data / "images_variant_trainval.txt").write_text("1 F/A-18\n2 747-400\n")
    (data / "images_variant_test.txt").write_text("3 F/A-18\n")
    parts = find_parts("FGVCAircraft", root=str(tmp_path))
    assert parts.train.labels == ("747-400", "F-A-18")
    assert parts.train.images[0] == data / "images" / "2.jpg"
    assert parts.test is not None
    assert parts.test.labels == ("F-A-18",)


@pytest.mark.parametrize("name", SETS)
def test_not_there_and_not_asked_to_fetch_it(refused: Callable[..., str], name: str) -> None:
    said = refused("--data", name)
    assert f"{SETS[name].name} is not in " in said
    assert "--download" in said
    assert "--root" in said


@pytest.mark.parametrize("name", SETS)
def test_no_network(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    def unreachable(*arguments: Any, **options: Any) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    said = refused("--data", name, "--download", "--root", tmp_path / "tv")
    assert f"{SETS[name].name} could not be downloaded" in said
    assert "check the network" in said
