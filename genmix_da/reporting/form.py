"""Whether records and learning curves have the form that a report relies on.

`genmix_da.tables.records` checks what a table needs; a page needs more. What does not fit is named
and left out, so that one damaged file costs its own run or figure and no other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genmix_da.selfsupervised.record import STAGE as PRETRAIN
from genmix_da.selfsupervised.tables.kind import PRETRAININGS, PROBES
from genmix_da.tables.kinds import is_setting, kind_of

_OBJECTS = (
    *("provenance", "source_model", "timing", "images", "augment", "made", "robustness"),
    *("rejection", "graph", "last_epoch"),
)
_LAST = ("epoch", "loss", "learning_rate", "feature_std", "even_std")
# Stage -> numbers of each of its epochs, beside the learning rate.
_NUMBERS = {PRETRAIN: ("loss", "feature_std"), "target": ()}


def record_problem(content: Mapping[str, Any]) -> str | None:
    """Why a result.json cannot be shown, or None."""
    if not is_setting(content["setting"]):
        return f"has the unknown setting {content['setting']!r}"
    for name in _OBJECTS:
        if not isinstance(content.get(name) or {}, Mapping):
            return f"has a {name} that is no object"
    origin = content.get("provenance") or {}
    for name in ("config", "packages", "data"):
        if not isinstance(origin.get(name) or {}, Mapping):
            return f"has a provenance whose {name} is no object"
    lacks = _lacks(content, origin.get("config") or {})
    if lacks:
        return lacks
    if not isinstance(content.get("split") or [], list):
        return "has a split that is no list"
    timing = content.get("timing") or {}
    for name in ("seconds", "peak_memory_mib"):
        found = timing.get(name) or {}
        if not isinstance(found, Mapping) or not _numbers(found):
            return f"has a timing whose {name} are no numbers"
    if not _fits_graph(content.get("graph") or {}) or not _fits_rejection(content.get("rejection")):
        return "has a graph or a rejection of another form"
    skipped = content.get("skipped_files") or []
    if not all(isinstance(item, Mapping) and {"path", "reason"} <= set(item) for item in skipped):
        return "has skipped files without path and reason"
    return None


def _lacks(content: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """What a run of its kind has to say: its classes, or how a pre-training ended."""
    kind = kind_of(content["setting"])
    if kind in (PRETRAININGS, PROBES):
        return _lacks_of_pretraining(content, config)
    names = config.get("classes")
    if kind.pairs:
        sets = config.get("label_sets")
        names = None if not isinstance(sets, Mapping) else sets.get("shared")
    if not isinstance(names, Sequence) or not names:
        return "does not say which classes the run knows"
    return None


def _lacks_of_pretraining(content: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    last: Any = content.get("last_epoch")
    ended = last is not None or content["status"] == "done"
    if ended and not all(_number((last or {}).get(name)) for name in _LAST):
        return "does not say how the pre-training ended"
    made, timing = content.get("made") or {}, content.get("timing") or {}
    counts = [(content.get("images") or {}).get(part) for part in ("train", "test")]
    counts += [content.get("seen"), timing.get("steps")]
    counts += [made.get(name) for name in ("made", "kept", "dropped", "failed")]
    counts += [config.get(name) for name in ("batch_size", "lr")]
    if not all(value is None or _number(value) for value in counts):
        return "has counts of images or steps that are no numbers"
    return None


def probe_problem(found: Any) -> str | None:
    """Why a probe of a pre-training cannot be shown, or None."""
    if not isinstance(found, Mapping):
        return "is no object"
    parts: list[Any] = [found.get(name) for name in ("images", "split", "trained")]
    if not all(isinstance(part, Mapping) for part in parts):
        return "has no images, split or scores"
    images, _, trained = parts
    numbers = [found.get(name) for name in ("classes", "neighbours", "temperature")]
    numbers += [images.get("train"), images.get("test")]
    seen = found.get("seen")
    if not all(map(_number, numbers)) or not (seen is None or _number(seen)):
        return "has counts that are no numbers"
    start = found.get("start")
    if not _fits_scores(trained) or not (start is None or _fits_scores(start)):
        return "has scores that are no fractions"
    printed = found.get("published")
    if not isinstance(printed, list) or not all(map(_fits_printed, printed)):
        return "has printed rows of another form"
    named = isinstance(found.get("dataset"), str) and {"synthetic", "start"} <= set(found)
    if not named or not isinstance(found.get("provenance") or {}, Mapping):
        return "does not say of what it is"
    return None


def _fits_scores(scores: Any) -> bool:
    if not isinstance(scores, Mapping):
        return False
    values: list[Any] = [scores.get(name) for name in ("linear", "knn")]
    return all(_number(value) and 0 <= value <= 1 for value in values)


def _fits_printed(row: Any) -> bool:
    return (
        isinstance(row, Mapping) and {"source", "method"} <= set(row) and _number(row.get("top1"))
    )


def read_metrics(path: Path, stage: str) -> tuple[list[dict[str, Any]], str]:
    """Lines of one stage of a metrics.jsonl.

    Args:
        path: of the file.
        stage: "source", "target", "classify" or "pretrain".

    Returns:
        The lines that have the form of their stage, and a sentence where there are others or the
        file cannot be read ("" otherwise).
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return [], f"{path.name} is not in {path.parent}."
    except (OSError, UnicodeDecodeError) as error:
        return [], f"{path} cannot be read ({error})."
    rows, bad = [], 0
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            bad += 1
            continue
        if not isinstance(row, dict) or row.get("stage") != stage:
            bad += not isinstance(row, dict)
        elif _fits(row, stage):
            rows.append(row)
        else:
            bad += 1
    note = f"{bad} of {len(lines)} lines of {path} cannot be used; what is drawn lacks them."
    return rows, note if bad else ""


def _number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) < 1e300 and math.isfinite(value)


def _numbers(values: Mapping[str, Any]) -> bool:
    """Numbers and nulls alone."""
    return all(value is None or _number(value) for value in values.values())


def _fits_rejection(rejection: Any) -> bool:
    """None, or a `lead.rejection.Rejection`."""
    if rejection is None:
        return True
    if not isinstance(rejection, Mapping) or not isinstance(rejection.get("rule"), str):
        return False
    apart = rejection.get("separability")
    numbers = all(_number(rejection.get(name)) for name in ("threshold", "rejected"))
    complete = {"separability", "floored"} <= set(rejection)
    return numbers and complete and (apart is None or _number(apart))


def _fits_graph(graph: Mapping[str, Any]) -> bool:
    """Nothing, or what `GraphStep.record` writes."""
    if not graph:
        return True
    settings, seconds = graph.get("settings"), graph.get("seconds")
    if not isinstance(settings, Mapping) or not isinstance(seconds, Mapping):
        return False
    numbers = [graph.get(name) for name in ("threshold", "nodes", "edges", "isolated")]
    numbers += [seconds.get(name) for name in ("views", "graph")]
    rejects = graph.get("rejection") is not None and _fits_rejection(graph["rejection"])
    return rejects and all(map(_number, numbers)) and isinstance(graph.get("search"), str)


def _fits(row: Mapping[str, Any], stage: str) -> bool:
    if not isinstance(row.get("epoch"), int) or not _number(row.get("learning_rate")):
        return False
    if not all(_number(row.get(name)) for name in _NUMBERS.get(stage, ("loss", "accuracy"))):
        return False
    scores = row.get("scores") or {}
    if not isinstance(scores, Mapping) or not _numbers(scores):
        return False
    return stage != "target" or _fits_target(row)


def _fits_target(row: Mapping[str, Any]) -> bool:
    if not isinstance(row.get("graph") or {}, Mapping) or not _fits_rejection(row.get("rejection")):
        return False
    losses = row.get("losses")
    # None in epoch 0, and where nothing is trained.
    wanted = {"total"} if losses else set()  # the others are the method's own
    if not isinstance(losses, Mapping) or not wanted <= set(losses):
        return False
    if not all(map(_number, losses.values())):
        return False
    scores = (row.get("graph") or {}).get("scores") or {}
    if not isinstance(scores, Mapping) or not _numbers(scores):
        return False
    if row.get("unknown_share") is not None and not _number(row["unknown_share"]):
        return False
    found = row.get("silhouettes")
    if found is None:
        return True
    counts = row.get("cluster_counts")
    if not isinstance(found, list) or not isinstance(counts, list) or len(found) != len(counts):
        return False
    values = [value for value in found if value is not None]
    return all(map(_number, [*values, *counts])) and _number(row.get("cluster_count"))
