"""Published splits: numbers of classes, their order, and the samples that follow from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from office_home import BENCHMARKS, OFFICE_HOME_CLASSES, class_counts, identify, key
from office_home.benchmarks import OFFICE_31_CLASSES, VISDA_CLASSES, Benchmark

NAMES = {
    "office-home": "OfficeHome",
    "office-31": "Office",
    "visda-c": "VisDA",
    "domainnet": "DomainNet",
}
SETTINGS = ("opda", "osda", "pda")
PARTS = ("shared", "source_private", "target_private")


def class_names(benchmark: Benchmark) -> tuple[str, ...]:
    return benchmark.classes or tuple(f"c{i:03}" for i in range(benchmark.class_count))


@pytest.mark.parametrize(
    ("name", "splits"),
    [
        ("office-home", {"opda": (10, 5, 50), "osda": (25, 0, 40), "pda": (25, 40, 0)}),
        ("office-31", {"opda": (10, 10, 11), "osda": (10, 0, 11), "pda": (10, 21, 0)}),
        ("visda-c", {"opda": (6, 3, 3), "osda": (6, 0, 6), "pda": (6, 6, 0)}),
        ("domainnet", {"opda": (150, 50, 145)}),
    ],
)
def test_splits(name: str, splits: dict[str, tuple[int, int, int]]) -> None:
    benchmark = BENCHMARKS[name]
    assert benchmark.name == name
    assert benchmark.splits == splits
    for setting, counts in splits.items():
        sets = benchmark.label_sets(setting, class_names(benchmark))
        assert tuple(map(len, sets)) == counts
        assert not set(sets[0]) & set(sets[1])
        assert not (set(sets[0]) | set(sets[1])) & set(sets[2])


@pytest.mark.parametrize(
    ("classes", "count"), [(OFFICE_HOME_CLASSES, 65), (OFFICE_31_CLASSES, 31), (VISDA_CLASSES, 12)]
)
def test_class_lists_are_complete(classes: tuple[str, ...], count: int) -> None:
    assert len(classes) == len({key(name) for name in classes}) == count


def test_office_home_classes_are_in_the_order_of_their_bytes() -> None:
    assert list(OFFICE_HOME_CLASSES) == sorted(OFFICE_HOME_CLASSES)  # "TV" before "Table"
    assert OFFICE_HOME_CLASSES[0] == "Alarm_Clock"
    assert OFFICE_HOME_CLASSES[-1] == "Webcam"


def test_office_31_osda_skips_ten_classes() -> None:
    benchmark = BENCHMARKS["office-31"]
    osda = benchmark.label_sets("osda", OFFICE_31_CLASSES)
    opda = benchmark.label_sets("opda", OFFICE_31_CLASSES)
    assert osda[2] == OFFICE_31_CLASSES[20:31] == opda[2]
    assert osda[0] == OFFICE_31_CLASSES[:10] == opda[0]


def test_label_sets_keep_the_names_on_disk() -> None:
    found = [name.replace("_", " ").upper() for name in reversed(OFFICE_HOME_CLASSES)]
    shared, _, _ = BENCHMARKS["office-home"].label_sets("opda", found)
    assert shared[0] == "ALARM CLOCK"
    assert [key(name) for name in shared] == [key(name) for name in OFFICE_HOME_CLASSES[:10]]


def test_classes_without_a_published_list_are_ordered_without_case() -> None:
    assert BENCHMARKS["domainnet"].order(["b", "A", "C"]) == ("A", "b", "C")


def test_setting_that_is_not_published() -> None:
    with pytest.raises(KeyError):
        BENCHMARKS["domainnet"].label_sets("pda", class_names(BENCHMARKS["domainnet"]))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_data_set_is_known_by_its_classes(name: str) -> None:
    classes = class_names(BENCHMARKS[name])
    found = identify(tuple(reversed(classes)))
    assert found is BENCHMARKS[name]


@pytest.mark.parametrize("name", ["office-home", "office-31", "visda-c"])
def test_one_class_more_or_less_is_another_data_set(name: str) -> None:
    classes = BENCHMARKS[name].classes
    assert identify(classes[1:]) is None
    assert identify((*classes, "Unicorn")) is None
    assert identify((*classes[1:], "Unicorn")) is None


def test_nothing_is_no_data_set() -> None:
    assert identify(()) is None


# --- against the golden files ----------------------------------------------------------------


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", NAMES)
def test_splits_are_the_published_ones(
    golden: Callable[[str], Any], name: str, setting: str
) -> None:
    published = golden("protocol.json")["datasets"][NAMES[name]]["settings"][setting.upper()]
    benchmark = BENCHMARKS[name]
    if published is None:
        assert setting not in benchmark.splits
        return
    assert benchmark.splits[setting] == tuple(published[part] for part in PARTS)
    classes = class_names(benchmark)
    shared, source_private, target_private = benchmark.label_sets(setting, classes)
    first, last = published["source_class_indices"]
    assert shared + source_private == classes[first : last + 1]
    if published["target_private_class_indices"] is None:
        assert target_private == ()
    else:
        first, last = published["target_private_class_indices"]
        assert target_private == classes[first : last + 1]


@pytest.mark.parametrize("name", NAMES)
def test_domains_are_the_published_ones(golden: Callable[[str], Any], name: str) -> None:
    order = golden("protocol.json")["datasets"][NAMES[name]]["domain_order"]
    assert [key(domain) for domain in BENCHMARKS[name].domains] == [key(domain) for domain in order]


@pytest.mark.parametrize(
    ("name", "file"),
    [("office-home", "officehome_classes.json"), ("office-31", "office31_classes.json")],
)
def test_class_order_is_the_published_one(
    golden: Callable[[str], Any], name: str, file: str
) -> None:
    listed = golden(file)["classes"]
    assert [item["index"] for item in listed] == list(range(len(listed)))
    assert list(BENCHMARKS[name].classes) == [item["name"] for item in listed]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", ["office-home", "office-31"])
def test_sample_numbers_follow_from_counts_and_splits(
    golden: Callable[[str], Any], name: str, setting: str
) -> None:
    published = golden("protocol.json")["datasets"][NAMES[name]]["settings"][setting.upper()]
    counts = class_counts(name)
    shared, source_private, target_private = BENCHMARKS[name].label_sets(setting, counts.index)
    assert len(published["samples"]) == len(BENCHMARKS[name].domains)
    for domain, samples in published["samples"].items():
        column = next(c for c in counts.columns if key(c) == key(domain))
        known, private, unknown = (
            int(counts.loc[list(names), column].sum())
            for names in (shared, source_private, target_private)
        )
        assert known + private == samples["as_source"], domain
        assert known + unknown == samples["as_target"], domain
        assert known == samples["as_target_known"], domain
        assert unknown == samples["as_target_unknown"], domain
