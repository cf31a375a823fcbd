"""What one record says in one row of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genmix_da.methods import METHODS, has_graph
from genmix_da.tables.records import Record

SOURCE_ONLY = "source-only"
# Editors that are neither the paper's nor a stand-in for it.
_NOT_THE_PAPERS = {
    "style-transfer": "edits are neural style transfer, not InstructPix2Pix as in the paper",
    "target-styled": "edits are neural style transfer in the style of the target: the source stage "
    "has seen (unlabelled) target images",
}


def percent(fraction: float) -> str:
    """A fraction in percent with one decimal, as every printed table has it."""
    return f"{100 * fraction:.1f}"


def has_no_epochs(method: str) -> bool:
    """Whether a method trains nothing, so that there is no choice of an epoch."""
    one_epoch = (known.name for known in METHODS.values() if known.epochs is not None)
    return method.startswith(tuple(one_epoch))


def score(record: Record, method: str, block: str, metric: str) -> float | None:
    """A fraction in [0, 1], or None where the metric is not defined or not recorded.

    Args:
        record: of a run that is done.
        method: the row; a method and the graph step behind it are two rows of one record.
        block: "last", "selected" or "oracle".
        metric: key of a score block.
    """
    if has_graph(method):
        scores = (record.content.get("graph") or {}).get(block)
    else:
        scores = record.content["scores"][block]
        if method.startswith(SOURCE_ONLY):
            scores = record.content.get("source_only") or record.content["scores"]["last"]
    value = (scores or {}).get(metric)
    return None if value is None else float(value)


def editor_note(augment: Mapping[str, Any]) -> str | None:
    """What a reader has to know of the editor, without capital and full stop; None: nothing.

    Args:
        augment: of a record: `editor`, `stand_in`.
    """
    if augment.get("stand_in"):
        return f"the editor {augment['editor']!r} stands in for a generative one"
    return _NOT_THE_PAPERS.get(str(augment.get("editor")))


def stand_in_of(record: Record) -> str | None:
    """The editor's name where it stands in for a generative one."""
    augment = record.content.get("augment") or {}
    return str(augment.get("editor")) if augment.get("stand_in") else None
