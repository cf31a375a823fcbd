"""Where the numbers of a table come from, and what differs between its runs that no row says."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genmix_da.methods import has_graph, method_of
from genmix_da.tables.cells import Run
from genmix_da.tables.columns import short_domains
from genmix_da.tables.kinds import kind_of
from genmix_da.tables.records import Record
from genmix_da.tables.values import editor_note, stand_in_of

_UNKNOWN = "not recorded"


@dataclass(frozen=True)
class Origin:
    """Provenance of all finished runs of a table.

    Attributes:
        runs: finished and used.
        wanted: runs asked for, n/a ones not counted.
        packages: package -> versions, several where runs differ.
        commits: of the code, "+dirty" where it had uncommitted changes.
        devices: that the runs were made on.
        seeds: of the finished runs.
        datasets, backbones: of the runs.
        splits: setting -> "S/P/T" counts of classes.
        thresholds: rejection thresholds of the runs, or the rules that set them.
        graph_rules: of the graph step, likewise; of the rows that have it.
        data: domain or data set -> first digits of the fingerprints of its images, one for each
            setting's classes and use.
        skipped: unreadable images that were left out, over all runs.
        command: that made the table.
        config_hash: of the identities of all wanted runs, so of every setting of each.
        synthetic: whether any run is on drawn images.
        stand_ins: editors that stand in for a generative one.
        editor_notes: what to know of the editors, see `editor_note`.
        differences: sentences on what differs between the runs beside column, seed and method.
    """

    runs: int
    wanted: int
    packages: dict[str, tuple[str, ...]]
    commits: tuple[str, ...]
    devices: tuple[str, ...]
    seeds: tuple[int, ...]
    datasets: tuple[str, ...]
    backbones: tuple[str, ...]
    splits: dict[str, tuple[str, ...]]
    thresholds: tuple[float | str, ...]
    graph_rules: tuple[float | str, ...]
    data: dict[str, tuple[str, ...]]
    skipped: int
    command: str
    config_hash: str
    synthetic: bool
    stand_ins: tuple[str, ...]
    editor_notes: tuple[str, ...]
    differences: tuple[str, ...]

    def line(self) -> str:
        """All of it in one line."""
        data = ", ".join(f"{domain} {' '.join(prints)}" for domain, prints in self.data.items())
        rejects = not self.splits or any(kind_of(setting).pairs for setting in self.splits)
        parts = (
            f"genmix-da {_listed(self.packages.get('genmix-da', ()))}",
            f"commit {_listed(commit_name(commit) for commit in self.commits)}",
            f"torch {_listed(self.packages.get('torch', ()))}",
            f"device {_listed(self.devices)}",
            f"dataset {_listed(self.datasets)}",
            f"backbone {_listed(self.backbones)}",
            *([f"threshold {_listed(self.thresholds)}"] if rejects else []),
            *([f"graph threshold {_listed(self.graph_rules)}"] if self.graph_rules else []),
            f"seeds {_listed(self.seeds)}",
            f"{self.runs} of {self.wanted} runs",
            f"data fingerprints {data or _UNKNOWN}",
            f"config hash {self.config_hash}",
            f"command {self.command}",
        )
        return "; ".join(parts)


def build_origin(runs: Sequence[Run], command: Sequence[str]) -> Origin:
    """Provenance of a table.

    Args:
        runs: all wanted ones; those that are done count.
        command: that makes the table, with its arguments.
    """
    # A row may take its numbers from the run of another one; it counts once.
    used = {run.record.identity: run.record for run in runs if run.record is not None}
    records = list(used.values())
    origins = [record.content.get("provenance") or {} for record in records]
    names = {name: None for origin in origins for name in origin.get("packages") or {}}
    packages = {
        name: _seen((origin.get("packages") or {}).get(name) for origin in origins)
        for name in names
    }
    commits = _seen(origin.get("git_commit") for origin in origins)
    devices = _seen(_device(origin) for origin in origins)
    identities = sorted({run.wanted.identity for run in runs if not run.wanted.undefined})
    splits = {
        setting: _seen(
            "/".join(map(str, record.content.get("split") or ()))
            for record in records
            if record.content["setting"] == setting
        )
        for setting in dict.fromkeys(record.content["setting"] for record in records)
    }
    content = [record.content for record in records]
    graphs = [
        graph
        for run in runs
        if run.record is not None and has_graph(run.wanted.method)
        if (graph := run.record.content.get("graph"))
    ]
    datasets = _seen(item["dataset"] for item in content)
    shared = _seen(record.content["dataset"] for record in records if _in_pairs(record))
    backbones = _seen(item.get("backbone") for item in content)
    return Origin(
        runs=len(records),
        wanted=len(identities),
        packages=packages,
        commits=commits,
        devices=devices,
        seeds=tuple(sorted({item["seed"] for item in content})),
        datasets=datasets,
        backbones=backbones,
        splits=splits,
        thresholds=_thresholds(content),
        graph_rules=_thresholds(graphs),
        data=_fingerprints(records),
        skipped=sum(len(item.get("skipped_files") or ()) for item in content),
        command=shlex.join(command),
        config_hash=hashlib.sha256("\n".join(identities).encode()).hexdigest()[:16],
        synthetic=any(bool(item.get("synthetic")) for item in content),
        stand_ins=_seen(name for record in records if (name := stand_in_of(record))),
        editor_notes=_seen(
            note for item in content if (note := editor_note(item.get("augment") or {}))
        ),
        differences=(
            *_hidden({**packages, "commit": commits, "device": devices, "dataset": shared}),
            *_hidden(
                {f"{kind_of(name).title(name)} split": found for name, found in splits.items()}
            ),
            *_hidden(_settings(records)),
            *_by_method(records),
            *_own_options(records),
            *_hidden({"graph": _seen(json.dumps(graph["settings"]) for graph in graphs)}),
            *_changed_data(records),
        ),
    )


def _thresholds(items: Iterable[Mapping[str, Any]]) -> tuple[float | str, ...]:
    """Numbers, then the names of rules where those set them."""
    rules = [(item, (item.get("rejection") or {}).get("rule", "fixed")) for item in items]
    numbers = {
        float(item["threshold"])
        for item, rule in rules
        if rule == "fixed" and item.get("threshold")
    }
    return (*sorted(numbers), *sorted({rule for _, rule in rules if rule != "fixed"}))


def commit_name(commit: str) -> str:
    """A commit's first ten digits, and "+dirty" where it has it."""
    name, dirty, _ = commit.partition("+dirty")
    return name if name == _UNKNOWN else name[:10] + dirty


def _device(origin: dict[str, Any]) -> Any:
    return origin.get("device") or (origin.get("config") or {}).get("device")


def _seen(values: Iterable[Any]) -> tuple[str, ...]:
    """Different values as text, sorted."""
    return tuple(sorted({_UNKNOWN if value is None else str(value) for value in values}))


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values)) or _UNKNOWN


def _short(value: str) -> str:
    return value if len(value) <= 60 else value[:57] + "..."


def _hidden(found: dict[str, tuple[str, ...]]) -> list[str]:
    """Sentences on what has several values, or uncommitted changes."""
    sentences = []
    for name, values in found.items():
        shown = map(commit_name, values) if name == "commit" else map(_short, values)
        if len(values) > 1:
            sentences.append(f"the runs differ in {name}: {', '.join(shown)}")
    if any("+dirty" in commit for commit in found.get("commit", ())):
        sentences.append("some runs were made with uncommitted changes (+dirty)")
    return sentences


def _settings(records: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    """Setting of the configuration -> its values, for those that are no part of the design.

    Without those of which every method has one value: see `_by_method`.
    """
    return {
        name: tuple(sorted({value for values in found.values() for value in values}))
        for name, found in _values(records).items()
        if any(len(values) > 1 for values in found.values())
    }


def _by_method(records: Sequence[Record]) -> list[str]:
    """Sentences on settings that differ between methods alone, as published ones do."""
    sentences = []
    for name, found in _values(records).items():
        methods: dict[str, list[str]] = {}
        for method, values in found.items():
            known = method_of(method)
            if known is None or known.uses(name):
                methods.setdefault(values[0], []).append(method)
        if len(methods) > 1 and all(len(values) == 1 for values in found.values()):
            shown = (f"{_short(value)} ({', '.join(who)})" for value, who in methods.items())
            sentences.append(f"the methods differ in {name}: {', '.join(shown)}")
    return sentences


def _own_options(records: Sequence[Record]) -> list[str]:
    """Sentences on methods with other options (--method-arg) than their own."""
    found: dict[str, None] = {}
    for record in records:
        config = (record.content.get("provenance") or {}).get("config") or {}
        method, given = method_of(str(record.content["method"])), config.get("method_options")
        if method is None or method.joint is None or not given:
            continue
        frozen, profile = bool(config.get("freeze_backbone")), str(config.get("profile"))
        usual = method.joint.usual(profile, frozen=frozen)
        changed = {name: v for name, v in given.items() if v != usual.get(name, v)}
        shown = ", ".join(f"{name} {value}" for name, value in changed.items())
        if shown:
            found[f"{method.name} ran with options of its own: {shown}"] = None
    return list(found)


def _values(records: Sequence[Record]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Setting that is no part of the design -> method -> its values as JSON."""
    configs = [
        (
            str(record.content["method"]),
            (record.content.get("provenance") or {}).get("config") or {},
        )
        for record in records
    ]
    names = {name for _, config in configs for name in config} - {"device"}
    for setting in {record.content["setting"] for record in records}:
        names -= kind_of(setting).by_design
    return {
        name: {
            method: _seen(
                json.dumps(config.get(name), sort_keys=True)
                for other, config in configs
                if other == method
            )
            for method in dict.fromkeys(method for method, _ in configs)
        }
        for name in sorted(names)
    }


def _roles(record: Record) -> list[tuple[str, str, str | None]]:
    """(role, domain or data set, fingerprint) of all images that a run used."""
    data = (record.content.get("provenance") or {}).get("data") or {}
    roles = kind_of(record.content["setting"]).roles
    return [(role, record.content[name], data.get(key)) for role, name, key in roles]


def _in_pairs(record: Record) -> bool:
    """Whether the columns of its table are pairs: then they have the data set in common."""
    return kind_of(record.content["setting"]).pairs


def _fingerprints(records: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for record in records:
        for _, domain, fingerprint in _roles(record):
            found.setdefault(domain, set()).add(str(fingerprint or _UNKNOWN)[:12])
    in_pairs = (
        domain for record in records if _in_pairs(record) for _, domain, _ in _roles(record)
    )
    short = short_domains(in_pairs)
    named = sorted(found.items())
    return {short.get(domain, domain): tuple(sorted(prints)) for domain, prints in named}


def _changed_data(records: Sequence[Record]) -> list[str]:
    """Domains whose images were not the same in all runs of a setting and role."""
    found: dict[tuple[Any, ...], set[str | None]] = {}
    for record in records:
        for role, domain, fingerprint in _roles(record):
            place = (record.content["setting"], str(record.content.get("split")), role, domain)
            found.setdefault(place, set()).add(fingerprint)
    return [
        f"the images of {domain} as {role} were not the same in all "
        f"{kind_of(setting).title(setting)} runs"
        for (setting, _, role, domain), prints in found.items()
        if len(prints) > 1
    ]
