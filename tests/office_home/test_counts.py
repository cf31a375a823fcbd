"""Published image counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from office_home import BENCHMARKS, class_counts, key


def test_office_home_totals() -> None:
    totals = class_counts("office-home").sum().to_dict()
    assert totals == {"Art": 2427, "Clipart": 4365, "Product": 4439, "Real World": 4357}


def test_office_31_totals() -> None:
    assert class_counts("office-31").sum().to_dict() == {"Amazon": 2817, "Dslr": 498, "Webcam": 795}


def test_office_home_is_the_default() -> None:
    assert class_counts().equals(class_counts("office-home"))


@pytest.mark.parametrize("name", ["office-home", "office-31"])
def test_rows_and_columns_are_those_of_the_benchmark(name: str) -> None:
    table = class_counts(name)
    assert tuple(table.index) == BENCHMARKS[name].classes
    assert tuple(table.columns) == BENCHMARKS[name].domains
    assert (table > 0).all().all()
    assert all(kind.kind == "i" for kind in table.dtypes)


def test_no_counts_of_other_data_sets() -> None:
    with pytest.raises(KeyError):
        class_counts("visda-c")


@pytest.mark.parametrize(
    ("name", "file"),
    [("office-home", "officehome_classes.json"), ("office-31", "office31_classes.json")],
)
def test_every_count_is_the_published_one(
    golden: Callable[[str], Any], name: str, file: str
) -> None:
    table = class_counts(name)
    columns = {key(column): column for column in table.columns}
    for item in golden(file)["classes"]:
        for domain, count in item["counts"].items():
            assert table.loc[item["name"], columns[key(domain)]] == count, (item["name"], domain)
