"""Printed results after pre-training, where data set, backbone and images of a probe compare.

The print names data sets, frameworks and augmentations. It leaves open what was pre-trained on, for
how long, which backbone, and what was trained after it, so that nothing here is a comparison: the
rows are for orientation, beside a ResNet-50 that began with random weights and was probed on all
training and test images.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from genmix_da.classify.published import Printed
from genmix_da.classify.tables.published import dataset_of_content, printed_self_supervised
from genmix_da.tables.cells import PublishedRow, Run, rows_beside
from genmix_da.tables.records import Record

PUBLISHED_NOTE = (
    "Rows marked 'published' are printed results of other work for the same data set after "
    "pre-training by the same method (sources: {sources}); they are never the best of a column and "
    "never averaged with runs. They are for orientation, not for comparison: the print states "
    "neither what was pre-trained on, nor for how many epochs, nor what was trained after it (here "
    "a linear probe), and no backbone stands beside its numbers (here ResNet-50). Its added images "
    "are those of a generative editor; a row of runs with added images has its editor in brackets."
)
_PROTOCOL = "pre-trained by "


def printed_beside(
    content: Mapping[str, Any], *, classes: int, config: Mapping[str, Any]
) -> list[Printed]:
    """Printed top-1 to set beside a probe; none where something is known to differ.

    Args:
        content: dataset, synthetic, backbone and images, as records have them.
        classes: of the data set.
        config: settings of the pre-training (method, weights, backbone_arguments) and of the probe
            (shots, test_limit).
    """
    return printed_self_supervised(
        dataset_of_content(content["dataset"], classes, synthetic=bool(content["synthetic"])),
        framework=config["method"],
        backbone=str(content["backbone"]).removeprefix("timm:"),
        random=config["weights"] == "none" and not config["backbone_arguments"],
        whole=config["shots"] is None and config["test_limit"] is None,
        tested=content["images"]["test"],
    )


def published_rows(runs: Sequence[Run], columns: Sequence[str]) -> list[PublishedRow]:
    """Printed rows to set beside the runs of a table, by framework and augmentation as printed.

    Args:
        runs: of the setting "linear probe".
        columns: data sets of its table.
    """
    return rows_beside(runs, columns, _fitting)


def _fitting(records: Sequence[Record]) -> Iterator[tuple[str, str, float | None]]:
    beside = [_beside(record) for record in records]
    if all(beside):  # one run that differs is enough
        for printed in dict.fromkeys(chain.from_iterable(beside)):
            yield _name(printed), f"{printed.source}, {printed.table}", printed.value


def _beside(record: Record) -> list[Printed]:
    content = record.content
    classes = content["images"].get("classes")
    if classes is None:  # older records do not say
        return []
    return printed_beside(content, classes=classes, config=content["provenance"]["config"])


def _name(printed: Printed) -> str:
    """ "MoCo v2", or "MoCo v2 + GenMix"."""
    framework = (printed.protocol or "").removeprefix(_PROTOCOL)
    return framework if printed.method == "none" else f"{framework} + {printed.method}"
