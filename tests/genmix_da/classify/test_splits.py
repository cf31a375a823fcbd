"""The split: stratified, seeded, without overlap; few shots are among many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from genmix_da.classify.parts import Parts
from genmix_da.classify.splits import quotas, split_parts, split_record
from genmix_da.data.domain import Domain
from genmix_da.errors import UserError

COUNTS = {"ant": 20, "bee": 10, "cat": 5}


def domain(counts: dict[str, int] = COUNTS, name: str = "photos") -> Domain:
    named = [(label, n) for label, count in counts.items() for n in range(count)]
    root = Path("/") / name
    images = tuple(root / label / f"{n:03}.png" for label, n in named)
    return Domain(name, root, images, tuple(label for label, _ in named), tuple(counts))


def parts(counts: dict[str, int] = COUNTS, test: Domain | None = None) -> Parts:
    whole = domain(counts)
    return Parts("photos", whole.folder, whole, None, test)


def counted(part: Domain | None) -> dict[str, int]:
    assert part is not None
    names = list(part.labels or ())
    return {name: names.count(name) for name in part.classes}


def test_fraction_of_each_class() -> None:
    done = split_parts(parts(), test_fraction=0.2)
    assert counted(done.test) == {"ant": 4, "bee": 2, "cat": 1}
    assert counted(done.train) == {"ant": 16, "bee": 8, "cat": 4}
    assert done.test is not None
    assert set(done.train.images).isdisjoint(done.test.images)
    assert set(done.train.images) | set(done.test.images) == set(domain().images)


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_every_class_is_trained_and_tested_on(fraction: float) -> None:
    done = split_parts(parts(), test_fraction=fraction)
    assert counted(done.train).keys() == counted(done.test).keys() == COUNTS.keys()


def test_the_seed_decides_and_nothing_else() -> None:
    first, again, other = (split_parts(parts(), seed=seed) for seed in (1, 1, 2))
    assert first.train.images == again.train.images
    assert first.train.images != other.train.images
    # A class's split does not hang on which other classes there are.
    alone = split_parts(parts({"ant": 20, "dog": 9}), seed=1)
    ants = {path for path in first.train.images if path.parent.name == "ant"}
    assert ants == {path for path in alone.train.images if path.parent.name == "ant"}


def test_shots_leave_the_rest_to_test_on() -> None:
    done = split_parts(parts(), shots=4)
    assert counted(done.train) == dict.fromkeys(COUNTS, 4)
    assert counted(done.test) == {"ant": 16, "bee": 6, "cat": 1}


def test_few_shots_are_among_many() -> None:
    few, many = (split_parts(parts(), shots=shots).train.images for shots in (2, 4))
    assert set(few) < set(many)


def test_limit_keeps_proportions() -> None:
    done = split_parts(parts(), shots=2, test_limit=10)
    assert counted(done.test) == {"ant": 6, "bee": 3, "cat": 1}
    assert split_parts(parts(), shots=2, test_limit=1000).test == split_parts(parts(), shots=2).test


def test_own_test_part_is_kept() -> None:
    own = domain({"ant": 3, "bee": 3}, "held-out")
    done = split_parts(parts(test=own), shots=5)
    assert done.test is own
    assert counted(done.train) == dict.fromkeys(COUNTS, 5)


@pytest.mark.parametrize(
    ("counts", "options", "said"),
    [
        ({"ant": 9}, {}, "has one class only (ant)"),
        ({"ant": 9, "bee": 1}, {}, "class 'bee' of /photos has 1 image, fewer than one to train"),
        (COUNTS, {"shots": 5}, "class 'cat' of /photos has 5 images, fewer than 5 shots plus one"),
        (COUNTS, {"test_limit": 2}, "--test-limit 2 is below the number of classes, 3"),
    ],
)
def test_refused(counts: dict[str, int], options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        split_parts(parts(counts), **options)
    assert said in str(caught.value)


def test_all_shots_may_be_used_where_there_is_a_test_part() -> None:
    own = domain(name="held-out")
    assert counted(split_parts(parts(test=own), shots=5).train)["cat"] == 5
    with pytest.raises(UserError, match="fewer than 6 shots; add images or use fewer"):
        split_parts(parts(test=own), shots=6)


def test_no_image_is_trained_and_tested_on() -> None:
    with pytest.raises(
        UserError, match=r"/photos/ant/000\.png is a test image and a training image"
    ):
        split_parts(parts(test=domain()), shots=1, test_limit=3)


def test_links_to_one_image_in_two_parts(tmp_path: Path) -> None:
    names = ("ant/0.png", "bee/0.png")
    for name in names:
        for part in ("train", "val", "test"):
            (tmp_path / part / name).parent.mkdir(parents=True)
        (tmp_path / "train" / name).touch()
        (tmp_path / "val" / name).touch()
        (tmp_path / "test" / name).symlink_to(tmp_path / "val" / name)

    def part(name: str) -> Domain:
        images = tuple(tmp_path / name / image for image in names)
        return Domain(name, tmp_path / name, images, ("ant", "bee"), ("ant", "bee"))

    train, val, test = (part(name) for name in ("train", "val", "test"))
    assert split_parts(Parts("photos", tmp_path, train, None, test)).test is test
    with pytest.raises(UserError, match=r"ant/0\.png is a test image and a validation image too"):
        split_parts(Parts("photos", tmp_path, train, val, test))


def test_classes_that_are_tested_on_alone() -> None:
    with pytest.raises(UserError, match="1 classes without training images, the first is 'dog'"):
        split_parts(parts(test=domain({"ant": 2, "dog": 2})))


@pytest.mark.parametrize("counts", [(1, 1, 1), (100, 1, 1), (7, 11, 13), (1000, 3, 2, 1)])
def test_quotas_share_out_everything(counts: tuple[int, ...]) -> None:
    for total in range(len(counts), sum(counts) + 1):
        quota = quotas(counts, total)
        assert sum(quota) == total
        assert all(1 <= q <= count for q, count in zip(quota, counts, strict=True))


def test_record_names_every_image() -> None:
    done = split_parts(parts(), seed=7)
    record = json.loads(json.dumps(split_record(done, 7)))
    assert record["split_seed"] == 7
    named = {f"/photos/{n}" for part in ("train", "test") for f in record[part].values() for n in f}
    assert named == {str(path) for path in domain().images}
    assert all(name.startswith("cat/") for name in record["train"]["cat"])
    assert "val" not in record
