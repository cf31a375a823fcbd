"""Parts of a source: which there are, that they are the whole, and workers that die."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from genmix_da.augment import AugmentSettings
from genmix_da.augment.sharding import edit_on_devices, fill_cache, parse_shard
from genmix_da.augment.shards import Filled
from genmix_da.data.domain import Domain
from genmix_da.data.sources import training_images
from genmix_da.errors import UserError

IMAGES = 5


@pytest.mark.parametrize(
    ("text", "part"),
    [("1/1", (1, 1)), ("1/4", (1, 4)), ("4/4", (4, 4)), (" 12/100 ", (12, 100))],
)
def test_parts_that_are_understood(text: str, part: tuple[int, int]) -> None:
    assert parse_shard(text) == part


@pytest.mark.parametrize(
    "text",
    ["", "1", "/", "0/4", "5/4", "1/0", "0/0", "-1/4", "1/-4", "1.0/4", "1/4/2", "a/b", "1 of 4"],
)
def test_parts_that_are_not(text: str) -> None:
    with pytest.raises(UserError, match=r"--shard is .*; give i/n with i from 1 to n, e.g. 1/4\."):
        parse_shard(text)


@pytest.fixture
def domain(photos: Callable, tmp_path: Path) -> Domain:
    """Five images of one class."""
    return training_images(photos(tmp_path / "in", IMAGES, ["cup"]))


@pytest.fixture(name="settings")
def filters(settings: AugmentSettings) -> AugmentSettings:
    """Two edits an image with an editor that takes milliseconds."""
    return replace(settings, editor="filters")


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[], dict[str, bytes]]:
    """Edits in the cache, by key."""
    return lambda: {p.stem: p.read_bytes() for p in (tmp_path / "cache").rglob("*.jpg")}


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 7])
def test_parts_are_disjoint_and_complete(
    domain: Domain,
    settings: AugmentSettings,
    stored: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    parts: int,
) -> None:
    filled, counts = [], [0]
    for part in range(1, parts + 1):
        filled.append(fill_cache(domain, settings, shard=(part, parts)))
        counts.append(len(stored()))
    assert [f.made for f in filled] == [b - a for a, b in pairwise(counts)]
    assert sum(f.made for f in filled) == 2 * IMAGES
    images = [f.images for f in filled]
    assert sum(images) == IMAGES
    assert max(images) - min(images) <= 1
    assert [f.edits for f in filled] == [2 * n for n in images]
    together = stored()
    monkeypatch.setenv("GENMIX_DA_CACHE", str(tmp_path / "alone"))
    whole = fill_cache(domain, settings)
    assert (whole.images, whole.made) == (IMAGES, 2 * IMAGES)
    alone = {p.stem: p.read_bytes() for p in (tmp_path / "alone").rglob("*.jpg")}
    assert together == alone


def test_a_part_without_images_is_no_error(domain: Domain, settings: AugmentSettings) -> None:
    filled = fill_cache(domain, settings, shard=(IMAGES + 1, IMAGES + 1))
    assert replace(filled, fingerprint="") == Filled(0, 0, 0, 0, 0, "")


def test_unreadable_images_and_failed_edits_are_counted(
    domain: Domain,
    settings: AugmentSettings,
    told: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    domain.images[0].write_bytes(b"broken")
    monkeypatch.setattr(told, "answer", lambda image, seed: image * 0)
    s = replace(settings, editor="told")
    first, second = (fill_cache(domain, s, shard=(part, 2)) for part in (1, 2))
    assert (first.images, first.edits, first.made, first.failed, first.skipped) == (2, 4, 4, 4, 1)
    assert (second.images, second.failed, second.skipped) == (2, 4, 0)
    again = fill_cache(domain, s, shard=(1, 2))
    assert (again.made, again.failed) == (0, 4)
    for image in domain.images:
        image.write_bytes(b"broken")
    assert fill_cache(domain, s, shard=(1, 2)).skipped == 3
    with pytest.raises(UserError, match="none of the 5 images"):
        fill_cache(domain, s)


class Deadly(str):
    """A device's name that ends the process that it is sent to."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (9,)


def test_a_worker_that_dies_is_reported_and_the_others_go_on(
    domain: Domain, settings: AugmentSettings, stored: Callable
) -> None:
    with pytest.raises(UserError) as caught:
        edit_on_devices(domain, settings, ["cpu", Deadly("cuda:0")])
    said = str(caught.value)
    assert "editing failed on 1 of 2 devices; finished edits are kept" in said
    assert "(cuda:0: its process died (exit code 9))" in said
    kept = stored()
    assert len(kept) == 2 * len(domain.images[::2])
    filled = fill_cache(domain, settings)
    assert filled.made == 2 * IMAGES - len(kept)
    assert kept.items() <= stored().items()
