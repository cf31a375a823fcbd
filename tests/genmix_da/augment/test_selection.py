"""What must not change the selection: the order of the images and what the cache held before."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.augment import AugmentSettings, selection
from genmix_da.augment.cache import EditCache
from genmix_da.augment.editors import make_editor
from genmix_da.augment.prompts import load_prompts
from genmix_da.augment.selection import Selection, select_edits
from genmix_da.data.domain import Domain
from genmix_da.data.folders import folder_domain


@pytest.fixture
def domain(photos: Callable, tmp_path: Path) -> Domain:
    return folder_domain(photos(tmp_path / "source", count=6))


def select(domain: Domain, encoder: Any, settings: AugmentSettings, cache: Path) -> Selection:
    prompts = load_prompts("graffiti; mosaic; autumn")
    return select_edits(
        domain, prompts, make_editor("filters"), encoder, EditCache(cache), settings
    )


def test_same_class_pairs_do_not_depend_on_the_order_of_the_images(
    domain: Domain, encoder: Any, settings: AugmentSettings, tmp_path: Path
) -> None:
    order = [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]  # the two classes alternate
    labels = domain.labels or ()
    mixed = dataclasses.replace(
        domain,
        images=tuple(domain.images[i] for i in order),
        labels=tuple(labels[i] for i in order),
    )
    settings = dataclasses.replace(settings, rule="same-class")
    sorted_ = select(domain, encoder, settings, tmp_path / "a")
    shuffled = select(mixed, encoder, settings, tmp_path / "b")
    assert sorted_.statistics is not None and shuffled.statistics is not None
    assert shuffled.statistics.pairs == sorted_.statistics.pairs == 2 * 6 * 5
    assert shuffled.threshold == pytest.approx(sorted_.threshold, abs=1e-12)
    assert [edit.job.index for edit in shuffled.edits] == [i for i in range(12) for _ in range(2)]


def test_similarities_do_not_depend_on_what_the_cache_held(
    domain: Domain, encoder: Any, settings: AugmentSettings, tmp_path: Path
) -> None:
    cold = select(domain, encoder, settings, tmp_path / "cold")
    select(domain, encoder, dataclasses.replace(settings, per_image=3), tmp_path / "warm")
    warm = select(domain, encoder, settings, tmp_path / "warm")
    assert warm.made == 0 < cold.made
    assert list(warm.edits) == list(cold.edits)
    assert warm.threshold == cold.threshold


def test_statistics_are_taken_many_images_at_a_time(
    domain: Domain,
    encoder: Any,
    settings: AugmentSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []

    class Counting(selection.PairStatistics):
        def add(self, features: Any) -> None:
            sizes.append(len(features))
            super().add(features)

    monkeypatch.setattr(selection, "PairStatistics", Counting)
    select(domain, encoder, settings, tmp_path / "cache")
    assert sizes == [12]  # one by one, the Gram matrix costs seventy times as much
