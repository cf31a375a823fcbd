"""Whole files in the place of others: nothing about them is damaged, and they are not the ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from genmix_da.augment.cache import edit_cache
from genmix_da.caches import verify
from genmix_da.data.decode import decode_domain
from genmix_da.data.domains import load_domain
from genmix_da.frozen.store import FeatureStore
from genmix_da.places import cache_folder


def exchange(one: Path, other: Path) -> None:
    beside = one.with_name("beside")
    one.rename(beside)
    other.rename(one)
    beside.rename(other)


@pytest.mark.parametrize("how", ["exchanged", "copied"])
def test_decoded_images_of_another_domain(
    data: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    domains = [load_domain(data, name) for name in ("Art", "Clipart")]
    pixels = [decode_domain(domain, 8, "bilinear").pixels.copy() for domain in domains]
    first, second = sorted((cache_folder() / "images").glob("*.npy"))
    for suffix in (".npy", ".json"):
        pair = first.with_suffix(suffix), second.with_suffix(suffix)
        exchange(*pair) if how == "exchanged" else shutil.copy(*pair)
    assert verify(remove=False)[1] == ([first, second] if how == "exchanged" else [second])
    for domain, expected in zip(domains, pixels, strict=True):
        assert np.array_equal(decode_domain(domain, 8, "bilinear").pixels, expected)
    assert "are damaged and are made again" in caplog.text


def test_features_of_another_image() -> None:
    store = FeatureStore(cache_folder() / "features", "one", (2, 3))
    keys = [store.key(np.full((4, 4, 3), n, np.uint8)) for n in range(2)]
    store.add(keys, np.arange(12, dtype=np.float32).reshape(2, 2, 3))
    content = store.table.path.read_bytes()
    store.table.path.write_bytes(content[24:] + content[:24])
    assert verify(remove=False)[1] == [store.table.path]
    assert store.find(keys).tolist() == [-1, -1]


def test_an_edit_of_another_image(picture: Callable) -> None:
    cache = edit_cache()
    keys = [f"{n:02}" + "0" * 38 for n in range(2)]
    for n, key in enumerate(keys):
        cache.put(key, picture(n, 20, 20))
        cache.put_feature(key, np.full(4, n, np.float32))
    exchange(*(cache.path(key) for key in keys))
    exchange(*sorted((cache.folder / "features").rglob("*.npy")))
    assert len(verify(remove=False)[1]) == 4
    assert [cache.feature(key) for key in keys] == [None, None]
    assert [cache.get(key) for key in keys] == [None, None]


def test_a_source_model_of_other_images(adapt: Callable, tmp_path: Path) -> None:
    quick = ("--split", "3/1/2", "--source-epochs", 1, "--epochs", 1, "--no-graph", "--json")
    out = tmp_path / "runs"
    expected = adapt(*quick, "--out", out / "one").json()["scores"]
    assert adapt(*quick, "--src", "Product", "--out", out / "two").code == 0
    (own,), (other,) = ((out / "sources").glob(f"{name}-*") for name in ("Art", "Product"))
    for suffix in (".json", ".safetensors"):
        shutil.copy(other / f"checkpoint{suffix}", own / f"checkpoint{suffix}")
    outcome = adapt(*quick, "--out", out / "three")
    assert "was trained on other images" in outcome.err
    assert outcome.json()["scores"] == expected


def test_a_graph_without_its_tensors(
    adapt: Callable, run: Callable, complaint: Callable, data: Path, tmp_path: Path
) -> None:
    assert adapt("--split", "3/1/2", "--source-epochs", 1, "--epochs", 1).code == 0
    folder = tmp_path / "runs" / "run"
    (folder / "graph.safetensors").unlink()
    said = complaint(run("evaluate", folder, "--tgt", "Clipart", "--data", data))
    assert "graph.safetensors" in said
    assert "--no-graph" in said


@pytest.mark.parametrize("left", ["empty", "gone", "without digests"])
def test_images_that_no_manifest_vouches_for(
    run: Callable, photos: Callable, tmp_path: Path, left: str
) -> None:
    source, out = photos(tmp_path / "in", 2), tmp_path / "out"
    options = ("augment", source, out, "--features", "off", "--edit-size", 32, "--per-image", 1)
    assert run(*options).code == 0
    images = sorted(out.rglob("*.jpg"))
    expected = [image.read_bytes() for image in images]
    assert not (out / ".written.jsonl").exists()
    manifest = out / "manifest.jsonl"
    if left == "empty":
        manifest.write_text("")
    elif left == "gone":
        manifest.unlink()
    else:
        rows = [json.loads(line) for line in manifest.read_text().splitlines()]
        rows[0].pop("sha256")
        manifest.write_text("\n".join(map(json.dumps, rows)))
    exchange(images[0], images[1])
    outcome = run(*options, "--resume")
    assert outcome.code == 0, outcome
    assert [image.read_bytes() for image in images] == expected
    assert "made again" in outcome.err
