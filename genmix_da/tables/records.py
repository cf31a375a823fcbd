"""Run records below a folder: every result.json, checked before a number of it is believed."""

from __future__ import annotations

import gc
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmix_da.runs.seal import SCHEMA, digest_of
from genmix_da.stores.copies import fetch

NAME = "result.json"
BLOCKS = ("last", "selected", "oracle")
# Of several records of one run the furthest counts.
_STATUSES = ("done", "incomplete", "failed")
_SCORES = (
    *("h_score", "known_accuracy", "unknown_accuracy", "accuracy", "auroc", "oscr", "h3_score"),
    *("top1", "top5", "fgsm_error"),
    *("linear", "knn", "linear_before", "knn_before"),
)
# Suffixes of files that neither a table nor a report reads.
UNREAD = (".pt", ".safetensors", ".jpg")
_TEXTS = ("setting", "source", "target", "method", "dataset")


@dataclass(frozen=True)
class Record:
    """One result.json as its run wrote it.

    Attributes:
        identity: hash of what decides the result, 16 hexadecimal digits.
        path: of the file.
        content: of the file.
        status: "done", "incomplete" or "failed".
        reason: why it failed, else None.
    """

    identity: str
    path: Path
    content: dict[str, Any]
    status: str
    reason: str | None


@dataclass(frozen=True)
class Problem:
    """A file that is not used, and why."""

    path: Path
    reason: str


class _Unusable(Exception):
    """The reason why a file is not used."""


def read_records(root: Path) -> tuple[list[Record], list[Problem]]:
    """Read every result.json below a folder; links to folders are not followed.

    Of each identity at most one record is returned: a finished one where there is one. Finished
    ones of one identity with the same scores count once; with other scores none of them is used.

    Args:
        root: folder of run folders; one that does not exist yet holds no records; one that stands
            for a URL is fetched, but for what models are made of.

    Returns:
        The usable records, whatever their status, and the files that are not used, both by path.
    """
    problems: list[Problem] = []
    fetch(root, leave=UNREAD)
    # Thousands of nested records make the garbage collector search all of them again and again,
    # for nothing: JSON has no cycles.
    collects = gc.isenabled()
    gc.disable()
    try:
        records = _read_all(sorted(_files(root, problems)), problems)
    finally:
        if collects:
            gc.enable()
    kept = _one_per_identity(records, problems)
    return kept, sorted(problems, key=lambda problem: problem.path)


def _read_all(paths: Sequence[Path], problems: list[Problem]) -> list[Record]:
    records = []
    for path in paths:
        try:
            record = _read(path)
        except _Unusable as error:
            problems.append(Problem(path, str(error)))
            continue
        except FileNotFoundError:  # replaced or removed between listing and reading
            continue
        except OSError as error:
            problems.append(Problem(path, f"cannot be read ({error.strerror})"))
            continue
        records.append(record)
    return records


def _files(root: Path, problems: list[Problem]) -> Iterator[Path]:
    """Paths of the records; os.scandir, because folders of images have many entries."""
    waiting = [os.fspath(root)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.name == NAME:
                        yield Path(entry.path)
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(Problem(Path(folder), f"cannot be listed ({error.strerror})"))


def _no_constant(name: str) -> Any:
    raise _Unusable(f"holds {name}, which is not JSON and no score")


def _read(path: Path) -> Record:
    """A record whose form, schema and digest are right.

    Raises:
        _Unusable, OSError: with the reason.
    """
    try:
        content = json.loads(path.read_bytes(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:  # ValueError: also bytes that are no text
        raise _Unusable(f"is half-written or not JSON ({error})") from error
    if not isinstance(content, dict):
        raise _Unusable("is not a record: a JSON object is expected")
    if content.get("schema") != SCHEMA or isinstance(content.get("schema"), bool):
        raise _Unusable(f"has schema {content.get('schema')!r}; this version reads schema {SCHEMA}")
    if not isinstance(content.get("digest"), str):
        raise _Unusable("has no digest, so nobody can tell whether it was edited; run it again")
    if content["digest"] != digest_of(content):
        raise _Unusable("was edited: its digest does not match its content")
    _check_form(content)
    return Record(content["identity"], path, content, content["status"], content.get("reason"))


def _check_form(content: dict[str, Any]) -> None:
    """What later steps rely on.

    Raises:
        _Unusable: something is missing or of another kind.
    """
    if not re.fullmatch("[0-9a-f]{16}", str(content.get("identity"))):
        raise _Unusable("has no identity (16 hexadecimal digits), so it belongs to no known run")
    if content.get("status") not in _STATUSES:
        raise _Unusable(f"has the unknown status {content.get('status')!r}")
    for name in _TEXTS:
        if not isinstance(content.get(name), str):
            raise _Unusable(f"has no {name}")
    seed = content.get("seed")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise _Unusable("has no seed")
    if content["status"] == "done":
        scores = content.get("scores")
        if not isinstance(scores, dict) or not set(BLOCKS) <= set(scores):
            raise _Unusable("is done but has no scores")
        graph = content.get("graph")
        if graph is not None and not isinstance(graph, dict):
            raise _Unusable("has a graph that is not an object")
        smoothed = [(graph or {}).get(name) for name in (*BLOCKS, "source_only")]
        for block in (*(scores[name] for name in BLOCKS), content.get("source_only"), *smoothed):
            _check_block(block)


def _check_block(block: Any) -> None:
    if block is None:
        return
    if not isinstance(block, dict):
        raise _Unusable("has a score block that is not an object")
    for name in _SCORES:
        value = block.get(name)
        if value is None:
            continue
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value <= 1:
            raise _Unusable(f"has {name} {value!r}; a score is a fraction in [0, 1] or null")


def _one_per_identity(records: Iterable[Record], problems: list[Problem]) -> list[Record]:
    """At most one record of an identity; finished ones that contradict each other are problems."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.identity, []).append(record)
    kept = []
    for group in groups.values():
        # Of finished ones that with the graph step, which says more.
        group.sort(key=lambda r: (_STATUSES.index(r.status), r.content.get("graph") is None))
        done = [record for record in group if record.status == "done"]
        if len(done) > 1 and any(_scores(record) != _scores(done[0]) for record in done[1:]):
            paths = ", ".join(str(record.path) for record in done[1:])
            problems.append(
                Problem(
                    done[0].path,
                    f"has other scores than {paths}, though both are the run {done[0].identity}; "
                    "none of them is used",
                )
            )
            continue
        kept.append(group[0])
    return sorted(kept, key=lambda record: record.path)


def _scores(record: Record) -> tuple[Any, Any]:
    return record.content["scores"], record.content.get("source_only")
