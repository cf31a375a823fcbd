"""Printed classification results, where data set, backbone and protocol are the printed ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genmix_da.classify.published import Printed, printed_results
from genmix_da.tables.cells import PublishedRow, Run, rows_beside
from genmix_da.tables.records import Record

PUBLISHED_NOTE = (
    "Rows marked 'published' are printed results of other work for the same data set, backbone and "
    "protocol (weights at the start, shots; sources: {sources}); they are never the best of a "
    "column and never averaged with runs. Their schedules are not stated, and they train for equal "
    "epochs, so compare with --budget epochs first."
)
# Data set -> how many classes it has, and part -> how many images that is; so that a folder of
# the same name, or a part of the data set, is not taken for it.
_SIZES: dict[str, tuple[int, dict[str, int]]] = {
    "CIFAR-100": (100, {"test": 10_000}),
    "Tiny-ImageNet": (200, {"test": 10_000}),
    "ImageNet": (1000, {"test": 50_000}),
    "FGVCAircraft": (100, {"test": 3_333}),
    "StanfordCars": (196, {"test": 8_041}),
    "CUB-200-2011": (200, {"test": 5_794}),
    "Flowers102": (102, {"test": 6_149, "validation": 1_020}),
}
# Names by which folders go, in small letters and digits alone.
_ALIASES = {
    "tinyimagenet200": "Tiny-ImageNet",
    "imagenet1k": "ImageNet",
    "ilsvrc2012": "ImageNet",
    "aircraft": "FGVCAircraft",
    "cars": "StanfordCars",
    "cub": "CUB-200-2011",
    "cub200": "CUB-200-2011",
} | {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in _SIZES}


def published_rows(runs: Sequence[Run], columns: Sequence[str]) -> list[PublishedRow]:
    """Printed top-1 rows to set beside the runs of a table, by table and method as printed.

    Args:
        runs: of the setting "classification".
        columns: data sets of its table.
    """
    return rows_beside(runs, columns, _fitting)


def _fitting(records: Sequence[Record]) -> Iterator[tuple[str, str, float | None]]:
    for printed in printed_results():
        if all(_compares(record, printed) for record in records):
            yield printed.method, f"{printed.source}, {printed.table}", printed.value


def dataset_of(record: Record) -> str | None:
    """The published data set that a run is on; None for another one, or a part of one."""
    content = record.content
    classes = _config(record).get("classes") or ()
    synthetic = bool(content.get("synthetic"))
    return dataset_of_content(str(content["dataset"]), len(classes), synthetic=synthetic)


def dataset_of_content(name: str, classes: int, *, synthetic: bool) -> str | None:
    """The published data set of a name and so many classes; None where it is another one."""
    found = _ALIASES.get(re.sub(r"[^a-z0-9]", "", name.lower()))
    if found is None or synthetic:
        return None
    return found if classes == _SIZES[found][0] else None


def printed_self_supervised(
    dataset: str | None, *, framework: str, backbone: str, random: bool, whole: bool, tested: int
) -> list[Printed]:
    """Printed top-1 after pre-training, to set beside a probe.

    Args:
        dataset: as printed; see `dataset_of_content`.
        framework: "moco-v2" or "simsiam".
        backbone: nothing is said of another than ResNet-50, which no number is printed with either.
        random: its layers are the usual ones, and their weights began random.
        whole: neither shots nor test images were limited.
        tested: test images, which have to be those of the published test part.
    """
    if dataset is None or backbone != "resnet50" or not (random and whole):
        return []
    if tested != _SIZES[dataset][1].get("test"):
        return []
    named = f"pre-trained by {framework.replace('-', ' ')}"
    return [
        row
        for row in printed_results()
        if row.dataset == dataset and (row.protocol or "").lower() == named
    ]


def _config(record: Record) -> Mapping[str, Any]:
    return (record.content.get("provenance") or {}).get("config") or {}


def _compares(record: Record, printed: Printed) -> bool:
    """Whether a run has every condition of a printed number; what is not stated fits no run."""
    config, name = _config(record), dataset_of(record)
    if name is None or printed.dataset != name or printed.metric != "top1":
        return False
    tested = (record.content.get("images") or {}).get("test")
    protocol = {"none": "scratch", "imagenet": "transfer"}.get(str(config.get("weights")))
    backbone = str(record.content.get("backbone")).removeprefix("timm:")
    size = printed.image_size
    return (
        None not in (printed.backbone, printed.protocol)
        and backbone == printed.backbone
        and not config.get("backbone_arguments")
        and protocol == printed.protocol
        and config.get("shots") == printed.shots
        and tested == _SIZES[name][1].get(printed.part)
        and config.get("test_limit") is None  # as many images drawn by us are another part
        and config.get("adversarial", "none") == "none"
        and (size is None or config.get("image_size") == size)
    )
