"""Printed numbers: read as printed, and set beside runs only where everything compares."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Any

import pytest

from genmix_da.classify import published
from genmix_da.classify.published import printed_results
from genmix_da.tables.render import markdown

TABLES = {
    "component_ablation_resnet50_top1.csv": 12,
    "data_scarcity_flowers102_resnet18_10shot.csv": 20,
    "fgsm_error.csv": 16,
    "fine_grained_top1.csv": 48,
    "general_classification_top1.csv": 99,
    "mask_ablation_flowers102_top1.csv": 5,
    "self_supervised_top1.csv": 18,
    "transfer_resnet50_top1.csv": 16,
}


def numbers_of(name: str) -> list[float]:
    with (files("genmix_da.classify.published") / name).open() as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    found = []
    for cell in cells:
        try:
            found.append(float(cell))
        except ValueError:
            continue
    return found


def test_every_printed_number_is_read() -> None:
    printed = sorted(round(100 * item.value, 2) for item in printed_results())
    on_file = sorted(number for name in TABLES for number in numbers_of(name))
    assert printed == on_file
    assert {name: len(numbers_of(name)) for name in TABLES} == TABLES
    assert all(0 < item.value < 1 for item in printed_results())


@pytest.mark.parametrize(
    ("place", "percent"),
    [
        (("general classification", "GenMix", "CIFAR-100", "resnet18", "scratch"), 84.25),
        (("general classification", "Vanilla", "ImageNet", "resnet50", "scratch"), 76.83),
        (("fine-grained classification", "CutMix", "StanfordCars", "resnext50_32x4d", "transfer"),
         91.22),
        (("transfer learning", "DiffuseMix", "CUB-200-2011", "resnet50", "transfer"), 83.83),
    ],
)  # fmt: skip
def test_numbers_have_their_conditions(place: tuple[str, ...], percent: float) -> None:
    (found,) = [
        item
        for item in printed_results()
        if (item.table, item.method, item.dataset, item.backbone, item.protocol) == place
    ]
    assert 100 * found.value == pytest.approx(percent)


def test_what_the_print_leaves_open_stays_open() -> None:
    """See the module's docstring, which names each."""
    by_table: dict[str, list[Any]] = {}
    for item in printed_results():
        by_table.setdefault(item.table, []).append(item)
    assert all(item.backbone is None for item in by_table["FGSM error"])
    tiny = [item for item in by_table["FGSM error"] if item.method.startswith("printed value")]
    assert len(tiny) == 7 and all(item.dataset is None for item in tiny)
    assert all(item.backbone is None for item in by_table["mask ablation"])
    assert all(item.protocol is None for item in by_table["component ablation"])
    flowers = [i.value for i in by_table["component ablation"] if i.dataset == "Flowers102"]
    assert flowers[-1] < flowers[-2]
    assert all("pre-trained" in item.protocol for item in by_table["self-supervised learning"])
    text = published.__doc__ or ""
    for words in ("7 values for 9", "81.56", "top-5", "without a backbone"):
        assert words in text


CIFAR: dict[str, Any] = {
    "images": {"classes": 100, "train": 50_000, "val": None, "test": 10_000},
    "config": {"weights": "none", "classes": [str(n) for n in range(100)]},
}


def test_rows_stand_beside_runs_that_compare(bench: Any) -> None:
    bench.add("CIFAR-100", "none", **CIFAR)
    bench.add("mine", "none")
    summary = bench.summary()
    rows = {row.method: row for row in summary.published["classification"]}
    assert rows["GenMix"].cells == {"CIFAR-100": pytest.approx(0.8425), "mine": None, "Avg": None}
    assert rows["GenMix"].source == "GenMix, arXiv 2412.02366, general classification"
    page = markdown(summary)
    line = next(line for line in page.splitlines() if line.startswith("| GenMix (published)"))
    assert line.split(" | ")[1:] == ["84.2", "-", "- |"] and "**" not in line
    assert "compare with --budget epochs" in page


@pytest.mark.parametrize(
    "other",
    [
        {"backbone": "resnet34"},
        {"config": {"weights": "imagenet"}},
        {"config": {"shots": 10}},
        {"config": {"test_limit": 10_000}},
        {"config": {"adversarial": "fast"}},
        {"config": {"backbone_arguments": {"cut": 1}}},
        {"config": {"classes": ["one", "two"]}},
        {"images": {"test": 300}},
        {"synthetic": True},
        {"dataset": "cifar-10"},
    ],
)
def test_no_rows_where_something_differs(bench: Any, other: dict[str, Any]) -> None:
    given = {**CIFAR, **other, "config": {**CIFAR["config"], **other.get("config", {})}}
    name = given.pop("dataset", "CIFAR-100")
    bench.add(name, "none", **given)
    assert bench.summary().published == {"classification": []}


def test_one_run_that_differs_is_enough(bench: Any) -> None:
    bench.add("CIFAR-100", "none", 1, **CIFAR)
    bench.add("CIFAR-100", "none", 2, **{**CIFAR, "config": {**CIFAR["config"], "shots": 5}})
    assert bench.summary().published == {"classification": []}


def test_few_shots_and_large_images_are_protocols(bench: Any) -> None:
    flowers = {"classes": [str(n) for n in range(102)], "shots": 10}
    bench.add("Flowers102", "none", config=flowers, images={"test": 6149})
    aircraft = {"classes": [str(n) for n in range(100)], "weights": "imagenet", "image_size": 448}
    bench.add("fgvc_aircraft", "none", config=aircraft, images={"test": 3333})
    rows = bench.summary().published["classification"]
    scarce = [row for row in rows if row.cells["Flowers102"] is not None]
    assert {row.method: row.cells["Flowers102"] for row in scarce}["GuidedMixup"] == 0.7044
    assert all("top-5" in row.source for row in scarce)
    fine = {row.method: row.cells["fgvc_aircraft"] for row in rows if row not in scarce}
    assert fine["GenMix"] == pytest.approx(0.8387)
    assert len(rows) == 10 + 12
