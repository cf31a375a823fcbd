"""Printed results of general classification, as printed, with the conditions they are printed for.

Source: GenMix (arXiv 2412.02366); the CSV files beside this hold its tables in percent. What the
print leaves open is left open here: a number whose data set, backbone or protocol is not stated has
None there and compares with nothing. To be kept in mind:

- FGSM error: neither backbone nor radius is stated, and Tiny-ImageNet prints 7 values for 9
  columns, so that nobody can tell which value is whose.
- Component ablation (ResNet-50): the columns are known by their place alone; on Flowers102 the last
  one, with all components (81.56), is lower than the one before it (90.67).
- Mask ablation: Flowers102 without a backbone.
- Data scarcity: what the table calls test is called top-5 in the text. The weights at the start
  are not stated; what plain training reaches speaks for random ones, so that the table is given
  as "scratch".
- Fine-grained: in the same way the weights are taken to be ImageNet's, at 448 px.
- Self-supervised: pre-training by MoCo v2 or SimSiam. No backbone stands beside its numbers, nor
  what was trained after the pre-training, so that no classification compares with them; a probe
  of a pre-trained ResNet-50, and a table of such probes, show them for orientation.
- CIFAR-100 and Tiny-ImageNet are usually trained with a ResNet whose first layers are made for
  small images, and for hundreds of epochs; neither is stated.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

SOURCE = "GenMix, arXiv 2412.02366"
_HERE = "genmix_da.classify.published"

_DATASETS = {
    "cifar100": "CIFAR-100",
    "tinyimagenet": "Tiny-ImageNet",
    "imagenet": "ImageNet",
    "aircraft": "FGVCAircraft",
    "cars": "StanfordCars",
    "stanford_cars": "StanfordCars",
    "cub200": "CUB-200-2011",
    "flowers102": "Flowers102",
}
# As lead.build_backbone names them.
_BACKBONES = {
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50",
    "resnext50": "resnext50_32x4d",
    "swin_t": "swin_t",
    "convnext_t": "convnext_tiny",
}


@dataclass(frozen=True, kw_only=True)
class Printed:
    """One printed number and the conditions that a run must have to be set beside it.

    Attributes:
        table: short name of the printed table.
        method: as printed there.
        value: a fraction in [0, 1].
        metric: "top1" or "fgsm_error".
        dataset: as this package names it; None where it is not certain.
        backbone: as lead.build_backbone names it; None where it is not stated.
        protocol: "scratch", "transfer" (from ImageNet weights), or words for what no run here does;
            None where it is not stated.
        image_size: side in pixels where the protocol fixes it, else None.
        shots: training images of each class; None: all.
        part: "test", or "validation".
        source: of the number.
    """

    table: str
    method: str
    value: float
    metric: str = "top1"
    dataset: str | None = None
    backbone: str | None = None
    protocol: str | None = None
    image_size: int | None = None
    shots: int | None = None
    part: str = "test"
    source: str = SOURCE


@cache
def printed_results() -> tuple[Printed, ...]:
    """Every printed number, table by table."""
    return (
        *_wide("general_classification_top1", "general classification", "scratch"),
        *_wide("fine_grained_top1", "fine-grained classification", "transfer", image_size=448),
        *_transfer(),
        *_scarcity(),
        *_fgsm(),
        *_masks(),
        *_components(),
        *_self_supervised(),
    )


def _read(name: str) -> list[dict[str, str]]:
    with (files(_HERE) / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _fraction(text: str) -> float:
    return float(text) / 100


def _numbers(
    name: str,
    table: str,
    columns: Mapping[str, Mapping[str, Any]],
    key: str = "method",
    **fields: Any,
) -> list[Printed]:
    """A table with a row a method.

    Args:
        name: of the file.
        table: see `Printed`.
        columns: what is particular to the numbers of each column.
        key: column with the names of the methods.
        fields: what holds for all numbers.
    """
    return [
        Printed(table=table, method=row[key], value=_fraction(row[column]), **fields, **own)
        for row in _read(name)
        for column, own in columns.items()
    ]


def _wide(name: str, table: str, protocol: str, image_size: int | None = None) -> list[Printed]:
    """A table whose columns are DATASET_BACKBONE."""
    columns = {}
    for column in _read(name)[0]:
        dataset, _, backbone = column.partition("_")
        if column != "method":
            columns[column] = {"dataset": _DATASETS[dataset], "backbone": _BACKBONES[backbone]}
    return _numbers(name, table, columns, protocol=protocol, image_size=image_size)


def _transfer() -> list[Printed]:
    columns = {name: {"dataset": _DATASETS[name]} for name in ("cub200", "stanford_cars")}
    return _numbers(
        "transfer_resnet50_top1",
        "transfer learning",
        columns,
        backbone="resnet50",
        protocol="transfer",
    )


def _scarcity() -> list[Printed]:
    """Ten images of each class of Flowers102."""
    return _numbers(
        "data_scarcity_flowers102_resnet18_10shot",
        "data scarcity",
        {
            "validation_top1": {"part": "validation"},
            "test": {"source": f"{SOURCE} (its text calls this column top-5)"},
        },
        dataset="Flowers102",
        backbone="resnet18",
        protocol="scratch",
        shots=10,
    )


def _fgsm() -> list[Printed]:
    return [
        Printed(
            table="FGSM error",
            method=row["method"],
            value=_fraction(row["error_percent"]),
            metric="fgsm_error",
            dataset="CIFAR-100" if row["dataset"] == "CIFAR-100" else None,
        )
        for row in _read("fgsm_error")
    ]


def _masks() -> list[Printed]:
    name = "mask_ablation_flowers102_top1"
    return _numbers(name, "mask ablation", {"top1": {}}, "masks", dataset="Flowers102")


def _components() -> list[Printed]:
    datasets = {"Stanford Cars": "StanfordCars", "Flowers102": "Flowers102"}
    return [
        Printed(
            table="component ablation",
            method=column,
            value=_fraction(text),
            dataset=datasets[row["dataset"]],
            backbone="resnet50",
        )
        for row in _read("component_ablation_resnet50_top1")
        for column, text in row.items()
        if column != "dataset"
    ]


def _self_supervised() -> list[Printed]:
    return [
        Printed(
            table="self-supervised learning",
            method=row["augmentation"],
            value=_fraction(row[column]),
            dataset=_DATASETS[column],
            protocol=f"pre-trained by {row['framework']}",
        )
        for row in _read("self_supervised_top1")
        for column in ("flowers102", "stanford_cars", "aircraft")
    ]
