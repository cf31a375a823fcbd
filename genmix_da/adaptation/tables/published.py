"""Printed adaptation results, where data set, split and classes are the published ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from genmix_da.tables.cells import PublishedRow, Run
from genmix_da.tables.columns import AVERAGE
from genmix_da.tables.records import Record
from office_home.benchmarks import BENCHMARKS, OFFICE_HOME_CLASSES
from office_home.names import key
from office_home.published import (
    FOUNDATION_SOURCE,
    GENMIX_SOURCE,
    PAIRS,
    foundation_models,
    other_source_free,
    published_table,
)

_BENCHMARK = BENCHMARKS["office-home"]
_METRICS = {"opda": "opda_hscore", "osda": "osda_hscore", "pda": "pda_accuracy"}
_PARTS = ("shared", "source_private", "target_private")
PUBLISHED_NOTE = (
    "Rows marked 'published' are printed results of other work, with ResNet-50 where no other "
    "backbone stands in brackets (sources: {sources}); they are never the best of a column and "
    "never averaged with runs. The released LEAD code reports the best epoch by target labels, so "
    "compare with the oracle table first."
)


def published_rows(runs: Sequence[Run], columns: Sequence[str]) -> list[PublishedRow]:
    """Printed rows to set beside the runs of one setting; none where they would not compare.

    Those on foundation models name their backbone; of OSDA they are left out, for they have
    another split there.

    Args:
        runs: of one setting.
        columns: of its table.
    """
    records = [run.record for run in runs if run.record is not None]
    if not records or not all(_is_published(record) for record in records):
        return []
    setting = runs[0].wanted.setting
    whole = set(PAIRS) <= set(columns)
    rows = []
    for method, printed in published_table(setting).iterrows():
        cells = {column: _fraction(printed.get(column)) for column in columns}
        cells[AVERAGE] = _fraction(printed["average_printed"]) if whole else None
        rows.append(PublishedRow(str(method), GENMIX_SOURCE, cells))
    if whole:
        for method, printed in other_source_free().iterrows():
            cells = dict.fromkeys(columns) | {AVERAGE: _fraction(printed[_METRICS[setting]])}
            rows.append(PublishedRow(str(method), str(printed["source"]), cells))
        rows += _on_foundation_models(setting, columns)
    return [row for row in rows if any(value is not None for value in row.cells.values())]


def _on_foundation_models(setting: str, columns: Sequence[str]) -> list[PublishedRow]:
    split = f"{setting.upper()} {'/'.join(map(str, _BENCHMARK.splits[setting]))}"
    score = "overall_accuracy" if setting == "pda" else "h_score"
    found = foundation_models()
    return [
        PublishedRow(
            f"{row['method']} [{row['backbone']}]",
            FOUNDATION_SOURCE,
            dict.fromkeys(columns) | {AVERAGE: _fraction(row[score])},
        )
        for _, row in found[found["setting"] == split].iterrows()
    ]


def _is_published(record: Record) -> bool:
    """Whether a record is of Office-Home, with the published split of the published classes."""
    content = record.content
    setting = content["setting"]
    if content["dataset"] != _BENCHMARK.name or content.get("synthetic"):
        return False
    if tuple(content.get("split") or ()) != _BENCHMARK.splits.get(setting):
        return False
    config = (content.get("provenance") or {}).get("config") or {}
    found = config.get("label_sets") or {}
    wanted = _BENCHMARK.label_sets(setting, OFFICE_HOME_CLASSES)
    return all(
        _keys(found.get(part, ())) == _keys(names)
        for part, names in zip(_PARTS, wanted, strict=True)
    )


def _keys(names: Iterable[str]) -> set[str]:
    return {key(name) for name in names}


def _fraction(value: object) -> float | None:
    """A printed percentage as a fraction."""
    if value is None:
        return None
    number = float(str(value))
    return None if number != number else number / 100
