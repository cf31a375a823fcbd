"""Printed rows in a table of probes: beside runs that compare with them, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genmix_da.runs.seal import seal
from genmix_da.selfsupervised.tables.jobs import probe_record
from genmix_da.selfsupervised.tables.kind import PROBES, SETTING
from genmix_da.tables.cells import Wanted
from genmix_da.tables.kinds import register
from genmix_da.tables.records import Record
from genmix_da.tables.render import markdown
from genmix_da.tables.summary import Summary, summarise

register(PROBES)

SOURCE = "GenMix, arXiv 2412.02366, self-supervised learning"
FLOWERS: dict[str, Any] = {"dataset": "Flowers102", "classes": 102, "tested": 6149}


def record_of(name: str, seed: int, method: str, **given: Any) -> Record:
    """A run of a table, as its job writes it from a pre-training and a probe.

    Args:
        name, seed: of the run.
        method: of the pre-training.
        **given: backbone, weights, backbone_arguments and augment of it; dataset, synthetic,
            classes, tested, shots and test_limit of the probe. The defaults are of a run that
            compares with nothing in its data set alone.
    """
    has = {
        **{"backbone": "resnet50", "weights": "none", "backbone_arguments": {}, "augment": "none"},
        **{"dataset": "photos", "synthetic": False, "classes": 10, "tested": 300},
        **{"shots": None, "test_limit": None, **given},
    }
    settings = ("weights", "backbone_arguments", "augment")
    config = {"method": method, "seed": seed, **{key: has[key] for key in settings}}
    run = {
        **{"schema": 1, "status": "done", "reason": None, "synthetic": has["synthetic"]},
        **{"method": method, "augment": None, "backbone": has["backbone"], "seed": seed},
        **{"last_epoch": {"epoch": 7}, "skipped_files": [], "timing": {"seconds": {"train": 9.0}}},
        "provenance": {"config": config},
    }
    source = {"git_commit": "a" * 40, "packages": {"genmix-da": "0.1.0", "torch": "2.9.0"}}
    found = {
        "dataset": has["dataset"],
        "classes": has["classes"],
        "images": {"train": 2040, "test": has["tested"]},
        "split": {"shots": has["shots"], "test_limit": has["test_limit"]},
        "trained": {"linear": 0.4, "knn": 0.3},
        **{"start": None, "seen": 0, "seconds": 2.0},
        "provenance": {**source, "data": {"train": "1" * 64, "val": None, "test": "2" * 64}},
    }
    content = probe_record(name, seal(run), seal(found), None)
    return Record(name, Path(name), content, "done", None)


def summary_of(*runs: dict[str, Any]) -> Summary:
    """Of runs that differ in seeds and in what is given."""
    wanted, records = [], []
    for seed, given in enumerate(runs):
        has = {"method": "moco-v2", **given}
        record = record_of(f"{seed:016x}", seed, **has)
        data = record.content["dataset"]
        wanted.append(Wanted(record.identity, SETTING, data, data, has["method"], seed))
        records.append(record)
    return summarise(wanted, records, command=["genmix-da", "ssl", "table"])


def test_rows_stand_beside_runs_that_compare() -> None:
    summary = summary_of(FLOWERS, {})
    rows = summary.published[SETTING]
    assert [(row.method, row.source) for row in rows] == [
        ("MoCo v2", SOURCE),
        ("MoCo v2 + DiffuseMix", SOURCE),
        ("MoCo v2 + GenMix", SOURCE),
    ]
    assert rows[-1].cells == {"Flowers102": pytest.approx(0.8357), "photos": None, "Avg": None}
    page = markdown(summary)
    line = next(line for line in page.splitlines() if line.startswith("| MoCo v2 (published)"))
    assert line.split(" | ")[1:] == ["80.3", "-", "- |"] and "**" not in line
    assert page.count("MoCo v2 (published)") == 1  # of linear probes, not of neighbours
    for words in ("not for comparison", "how many epochs", "linear probe", "editor", "backbone"):
        assert words in next(note for note in summary.notes if "'published'" in note)


def test_rows_are_those_of_the_methods_that_ran() -> None:
    both = summary_of({**FLOWERS, "method": "simsiam"}, {**FLOWERS, "method": "moco-v2"})
    names = [row.method for row in both.published[SETTING]]
    assert names[:3] == ["SimSiam", "SimSiam + DiffuseMix", "SimSiam + GenMix"]
    assert names[3:] == ["MoCo v2", "MoCo v2 + DiffuseMix", "MoCo v2 + GenMix"]
    one = summary_of({**FLOWERS, "method": "simsiam"})
    assert [row.method for row in one.published[SETTING]] == names[:3]
    assert one.published[SETTING][2].cells["Flowers102"] == pytest.approx(0.9045)


@pytest.mark.parametrize(
    "other",
    [
        {"backbone": "resnet18"},
        {"backbone_arguments": {"cut": 1}},
        {"weights": "imagenet"},
        {"shots": 10},
        {"test_limit": 6149},
        {"tested": 1020},
        {"classes": 17},
        {"synthetic": True},
        {"dataset": "flowers-17"},
        {"dataset": "CIFAR-100", "classes": 100, "tested": 10_000},
    ],
)
def test_no_rows_where_something_differs(other: dict[str, Any]) -> None:
    """And nothing is said of them."""
    summary = summary_of(FLOWERS | other)
    assert summary.published == {SETTING: []}
    assert "published" not in markdown(summary)


def test_one_run_that_differs_is_enough() -> None:
    assert summary_of(FLOWERS, FLOWERS | {"shots": 10}).published == {SETTING: []}


def test_a_record_that_does_not_say_its_classes_compares_with_nothing() -> None:
    record = record_of("0" * 16, 1, "moco-v2", **FLOWERS)
    del record.content["images"]["classes"]
    wanted = [Wanted("0" * 16, SETTING, "Flowers102", "Flowers102", "moco-v2", 1)]
    assert summarise(wanted, [record], command=[]).published == {SETTING: []}


def test_a_run_that_is_missing_shows_nothing() -> None:
    wanted = [Wanted("0" * 16, SETTING, "Flowers102", "Flowers102", "moco-v2", 1)]
    summary = summarise(wanted, [], command=[])
    assert summary.published == {SETTING: []} and "published" not in markdown(summary)
