"""Sizes of shards from seconds that are told, never measured."""

from __future__ import annotations

import pytest

from genmix_da.augment.shard_sizes import AIM, FIRST, GROWTH, MOST, MOST_UNTIMED, ShardSizes

MILLION = 1_000_000


def handed_out(sizes: ShardSizes, seconds: float, *, cached: bool = False) -> int:
    """Give out a shard and end it at once, at so many seconds an image."""
    size = sizes.wanted()
    sizes.given(size)
    sizes.ended(size, 0 if cached else size, size * seconds)
    return size


def test_the_first_are_small_and_grow_to_two_minutes() -> None:
    sizes = ShardSizes(MILLION)
    given = [handed_out(sizes, 0.5) for _ in range(6)]
    assert given == [FIRST, 16, 64, 240, 240, 240]
    assert given[-1] * 0.5 == AIM
    assert sizes.left == MILLION - sum(given)


@pytest.mark.parametrize(("seconds", "size"), [(0.0, MOST), (1e-4, MOST), (60.0, 2), (600.0, 1)])
def test_sizes_have_bounds(seconds: float, size: int) -> None:
    sizes = ShardSizes(MILLION)
    assert [handed_out(sizes, seconds) for _ in range(12)][-1] == size


def test_a_start_that_takes_long_is_part_of_the_two_minutes() -> None:
    sizes = ShardSizes(MILLION)
    for _ in range(40):  # 30 seconds to load a model, then two an image
        size = sizes.wanted()
        sizes.given(size)
        sizes.ended(size, size, 30 + 2 * size)
    assert size in (44, 45)


def test_they_follow_a_change_of_pace() -> None:
    sizes = ShardSizes(MILLION)
    quick = [handed_out(sizes, 0.1) for _ in range(12)][-1]
    slow = [handed_out(sizes, 1.0) for _ in range(12)][-1]
    assert (quick, slow) == (1200, 120)


def test_cached_images_say_nothing_of_those_that_are_missing() -> None:
    sizes = ShardSizes(MILLION)
    assert [handed_out(sizes, 0.001, cached=True) for _ in range(8)][-1] == MOST_UNTIMED
    assert [handed_out(sizes, 4.0) for _ in range(8)][-1] == 30
    # Half of the images were there: the seconds are those of the other half.
    size = sizes.wanted()
    sizes.given(size)
    sizes.ended(size, size / 2, 4.0 * size / 2)
    assert sizes.wanted() == 30


def test_a_shard_that_comes_to_nothing_says_nothing() -> None:
    sizes = ShardSizes(MILLION)
    sizes.given(sizes.wanted())
    sizes.failed()
    assert sizes.wanted() == FIRST
    assert handed_out(sizes, 0.001) == FIRST
    assert sizes.wanted() == GROWTH * FIRST


def test_the_last_ones_are_shared_by_all_workers() -> None:
    sizes = ShardSizes(1000)
    for _ in range(4):
        sizes.given(FIRST)
    for _ in range(4):
        sizes.ended(FIRST, FIRST, FIRST * 0.01)
    sizes.given(16)
    largest, given = 0, 16
    while sizes.left:
        size = sizes.wanted()
        assert size <= max(-(-sizes.left // 8), FIRST)
        sizes.given(size)
        sizes.ended(size, size, size * 0.01)
        largest, given = max(largest, size), given + size
    assert given == 1000 - 4 * FIRST
    assert 100 < largest <= 125
    assert sizes.wanted() == 0


@pytest.mark.parametrize("images", [1, 2, 3, 5, 9])
def test_few_images_are_all_handed_out(images: int) -> None:
    sizes = ShardSizes(images)
    given = 0
    while sizes.left:
        given += handed_out(sizes, 0.01)
    assert given == images
