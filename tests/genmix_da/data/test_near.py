"""Pairs of rows of different places, by the cosine of their features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genmix_da.data.domain import Domain
from genmix_da.data.everything import Held
from genmix_da.data.grey import GreyRange
from genmix_da.data.near import Compared, comparable, group_pairs, near_pairs, square


def test_pairs_of_different_places_alone() -> None:
    features = np.array([[1, 0], [2, 0.02], [5, 0], [0, 1], [0.1, 1]], dtype=np.float32)
    pairs = near_pairs(features, ["A", "A", "B", "B", "C"], 0.99)
    assert [pair[:2] for pair in pairs] == [(0, 2), (1, 2), (3, 4)]
    assert [pair[2] for pair in pairs] == pytest.approx([1.0, 0.99995, 0.99504], abs=1e-4)


def test_the_same_pairs_as_by_one_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genmix_da.data.near._BLOCK", 7)
    draw = np.random.default_rng(1)
    features = draw.normal(size=(60, 3)).astype(np.float32)
    places = draw.integers(0, 3, size=60)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    alike = unit @ unit.T >= 0.9
    expected = {(i, j) for i, j in zip(*np.nonzero(np.triu(alike, 1)), strict=True)}
    expected = {(i, j) for i, j in expected if places[i] != places[j]}
    pairs = near_pairs(features, places.tolist(), 0.9)
    assert len(expected) > 20
    assert {tuple(sorted(pair[:2])) for pair in pairs} == expected
    assert [pair[2] for pair in pairs] == sorted((pair[2] for pair in pairs), reverse=True)


def test_equal_features_are_alike_at_one() -> None:
    row = np.random.default_rng(0).normal(size=333).astype(np.float32)
    assert near_pairs(np.stack([row, 3 * row]), ["A", "B"], 1.0) == [(0, 1, pytest.approx(1.0))]


def test_groups_are_what_pairs_join() -> None:
    paths = [Path(name) for name in "abcdef"]
    groups = group_pairs([(4, 5, 0.99), (0, 1, 0.98), (1, 2, 0.97)], paths)
    assert [group.images for group in groups] == [("e", "f"), ("a", "b", "c")]
    assert groups[1].pairs == (("a", "b", 0.98), ("b", "c", 0.97))
    assert group_pairs([], paths) == ()


def held(name: str, *images: str, **parts: tuple[str, ...]) -> Held:
    paths = tuple(map(Path, images))
    own = {part: frozenset(map(Path, members)) for part, members in parts.items()}
    return Held(Domain(name, Path(name), paths, None, ()), own)


def test_of_the_same_bytes_one_is_compared_and_unreadable_ones_are_not() -> None:
    digests = {Path("1"): "x", Path("2"): "y", Path("3"): "x"}
    found = comparable([held("Art", "1", "2"), held("Pen", "3", "4")], digests)
    assert found == []  # what is left lies in one domain
    found = comparable([held("Art", "1"), held("Pen", "2", "3", "4")], digests)
    assert [(str(one.path), one.place[0]) for one in found] == [("1", "Art"), ("2", "Pen")]


def test_deep_grey_is_read_in_the_range_of_its_domain(tmp_path: Path) -> None:
    images = tuple(tmp_path / f"{number}.tif" for number in range(2))
    for path, top in zip(images, (1000, 4000), strict=True):
        Image.fromarray(np.full((8, 8), top, np.uint16)).save(path)
    dim, other = (
        Compared(path, "00", ("Art", ""), GreyRange(own))
        for path, own in ((images[0], images), (images[0], images[:1]))
    )
    assert square(dim, 4, "bilinear").max() == 62  # of twelve bits
    assert square(other, 4, "bilinear").max() == 255  # of one shade, and no other image
    assert dim.pixels_digest != other.pixels_digest


def test_parts_are_places() -> None:
    one = held("Art", "1", "2", train=("1",), test=("2",))
    found = comparable([one], {Path("1"): "x", Path("2"): "y"})
    assert [each.place for each in found] == [("Art", "train"), ("Art", "test")]
