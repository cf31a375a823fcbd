"""Read the runs of a report, and say what is missing of each."""

from __future__ import annotations

import json
import os.path
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmix_da.adaptation.evidence import Arrays, read_evidence
from genmix_da.errors import UserError
from genmix_da.places import is_url, place_name, user_path
from genmix_da.progress import track
from genmix_da.reporting.form import read_metrics, record_problem
from genmix_da.reporting.hidden_places import HiddenPlaces
from genmix_da.reporting.moved_files import find_recorded
from genmix_da.reporting.probes import probes_of
from genmix_da.reporting.run import ReportRun, class_names, split_of
from genmix_da.selfsupervised.record import STAGE as PRETRAIN
from genmix_da.selfsupervised.tables.jobs import PRETRAINED
from genmix_da.selfsupervised.tables.kind import PRETRAININGS, PROBES
from genmix_da.stores.copies import fetch
from genmix_da.tables.kinds import kind_of
from genmix_da.tables.records import NAME, UNREAD, Problem, Record, read_records
from genmix_da.tables.values import SOURCE_ONLY, has_no_epochs

# Recorded of a run, and no reason to call its method otherwise: what it is, where its files lie,
# and what follows from its settings.
_NO_DIFFERENCE = frozenset(
    (
        *("identity", "method", "src", "tgt", "seed", "setting", "data", "test_data", "root"),
        *("dataset", "download", "classes", "contents", "label_sets", "target_data"),
        *("source_model", "augmentation", "augment", "weights", "source_checkpoint"),
        *("graph", "graph_threshold", "graph_options"),  # of a step after the run
    )
)


@dataclass(frozen=True)
class Loaded:
    """All runs of a report.

    Attributes:
        runs: whatever their status, in the order of pairs, methods and seeds.
        problems: files that are not used, and why.
        root: folder that holds all of them; files are named relative to it.
    """

    runs: tuple[ReportRun, ...]
    problems: tuple[Problem, ...]
    root: Path


def load_runs(paths: Sequence[Path]) -> Loaded:
    """Read the runs below some folders; a record of one run counts once, wherever it lies.

    Args:
        paths: run folders, folders of run folders (of a table), or result.json files.

    Raises:
        UserError: a path that is not there, or no run in any of them.
    """
    records: dict[str, Record] = {}
    problems: list[Problem] = []
    for path in paths:
        folder = path.parent if path.name == NAME else path
        found, unused = read_records(folder)
        if not folder.is_dir():
            raise UserError(f"no run folder {place_name(path)}; give folders that hold {NAME}.")
        problems += unused
        for record in found:
            problem = record_problem(record.content)
            held = records.get(record.identity)
            if problem is not None:
                problems.append(Problem(record.path, problem))
            elif held is None or (record.status == "done" and held.status != "done"):
                records[record.identity] = record
    if not records and not problems:
        listed = ", ".join(map(place_name, paths))
        raise UserError(f"no run in {listed}: no {NAME} below; run genmix-da adapt or table first.")
    if not records:
        raise UserError(f"no usable run: {problems[0].path} {problems[0].reason}.")
    ordered = sorted(_whole(list(records.values())), key=_place)
    labels = method_labels(ordered)
    runs = [
        _load(record, f"run-{number}", labels[record.identity])
        for number, record in enumerate(track(ordered, "reading", len(ordered)), start=1)
    ]
    return Loaded(tuple(runs), tuple(dict.fromkeys(problems)), _common(paths))


def _whole(records: Sequence[Record]) -> list[Record]:
    """Without those that are a part of another one, as a pre-training is of its table's run."""
    folders = {
        (record.path.parent, part)
        for record in records
        for part in kind_of(record.content["setting"]).parts
    }
    return [
        record
        for record in records
        if not any((up, record.content["setting"]) in folders for up in record.path.parents)
    ]


def _place(record: Record) -> tuple[Any, ...]:
    c = record.content
    # The baselines first: the source model, then what trains nothing, then "lead" before
    # "lead+genmix"; "none" before all others.
    kind = kind_of(c["setting"])
    first = c["method"].startswith(SOURCE_ONLY) or c["method"] == kind.baseline
    rank = 0 if first else 1 if has_no_epochs(c["method"]) else 2
    method = (rank, c["method"], c["seed"], record.identity)
    setting = (not kind.pairs, list(kind.headlines).index(c["setting"]))
    return *setting, c["source"], c["target"], *method


def method_labels(records: Sequence[Record]) -> dict[str, str]:
    """Identity -> name of the method, which tells runs of one pair and seed apart.

    Where two runs have the same setting, split, pair, method and seed, every run of that method is
    called by the settings that differ between them: "lead (threshold 0.7)".
    """
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        c = record.content
        place = (c["setting"], c["method"], split_of(record), c["source"], c["target"], c["seed"])
        groups.setdefault(place, []).append(record)
    settings = {record.identity: _settings(record) for record in records}
    hide = HiddenPlaces()
    telling: dict[tuple[str, str], set[str]] = {}
    for (setting, method, *_), group in groups.items():
        found = [settings[record.identity] for record in group]
        names = {name for each in found for name in each}
        differ = {name for name in names if len({each.get(name) for each in found}) > 1}
        telling.setdefault((setting, method), set()).update(differ)
    labels = {}
    for (setting, method, *_), group in groups.items():
        keys = sorted(telling[setting, method])
        told = []
        for record in group:
            own = settings[record.identity]
            told.append(", ".join(f"{key} {hide(own[key])}" for key in keys if key in own))
        for record, words in zip(group, told, strict=True):
            if told.count(words) > 1:  # no setting says it: other data, weights or versions
                words = ", ".join(filter(None, (words, f"run {record.identity[:8]}")))
            labels[record.identity] = f"{method} ({words})" if words else method
    return labels


def _config(record: Record) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (record.content.get("provenance") or {}).get("config") or {}
    return found


def _settings(record: Record) -> dict[str, str]:
    """Setting -> its value in words; of grouped ones (GenMix's) each by its own name."""
    flat: dict[str, Any] = {}
    for name, value in _config(record).items():
        if name not in _NO_DIFFERENCE:
            flat |= value if isinstance(value, Mapping) else {name: value}
    return {str(name): _text(value) for name, value in flat.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "+".join(map(str, value)) or "none"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _common(paths: Sequence[Path]) -> Path:
    folders = [p.parent if p.name == NAME else p for p in paths]
    if len(folders) == 1:
        return folders[0]
    return Path(os.path.commonpath([folder.resolve() for folder in folders]))


def _load(record: Record, key: str, method: str) -> ReportRun:
    folder = record.path.parent
    kind = kind_of(record.content["setting"])
    if kind in (PRETRAININGS, PROBES):
        return _load_pretraining(record, key, method)
    pairs = kind.pairs
    metrics, note = read_metrics(folder / "metrics.jsonl", "target" if pairs else "classify")
    notes = {"curves": note, "evidence": "", "probes": ""}
    source_metrics: list[dict[str, Any]] = []
    evidence: dict[str, Arrays] = {}
    if pairs:
        source = _source_folder(record)
        if source is not None:
            source_metrics, _ = read_metrics(source / "metrics.jsonl", "source")
        evidence, refused = read_evidence(folder, len(class_names(record)) - 1)
        notes["evidence"] = " ".join(f"{name}.npz {reason}." for name, reason in refused.items())
    return ReportRun(key, folder, record, method, metrics, source_metrics, evidence, notes)


def _load_pretraining(record: Record, key: str, method: str) -> ReportRun:
    folder = record.path.parent
    alone = kind_of(record.content["setting"]) is PRETRAININGS
    home = folder if alone else folder / PRETRAINED
    metrics, note = read_metrics(home / "metrics.jsonl", PRETRAIN)
    probes, told = probes_of(folder, record.identity) if alone else ((), "")
    notes = {"curves": note, "evidence": "", "probes": told}
    return ReportRun(key, folder, record, method, metrics, [], {}, notes, probes)


def _source_folder(record: Record) -> Path | None:
    """Of the source model: as recorded, or where a run that has not come so far would have it."""
    folder = record.path.parent
    model = record.content.get("source_model") or {}
    if model.get("folder"):
        found = str(model["folder"])
        if is_url(found):
            fetch(user_path(found), leave=UNREAD)
        return find_recorded(found, folder)
    name = _config(record).get("source_model")
    if not name:
        return None
    home = f"{str(record.content['source']).replace(' ', '_')}-{name}"
    return find_recorded(f"sources/{home}", folder)
