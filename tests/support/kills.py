"""`adapt`, `augment`, `table` and `classify train`: killed at a random moment, then gone on with.

What a killed and resumed command leaves is held against what one leaves that was never interrupted.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tiny_runs as tiny
from killed import KILLED, SAID, ForkedRun

Left = dict[str, Any]


def _bytes(folder: Path, *patterns: str) -> Left:
    """Name -> content of files below a folder."""
    files = (file for pattern in patterns for file in folder.glob(pattern) if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def _lines(file: Path, *names: str) -> list[dict[str, Any]]:
    """Some fields of every line of a JSON file; the others are times."""
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return [{name: row.get(name) for name in names} for row in rows]


def _fields(file: Path, *names: str) -> Left:
    """Some fields of result.json; the others are times, and the command that was typed."""
    content = json.loads(file.read_text())
    return {name: content[name] for name in names}


def _adapted(home: Path) -> Left:
    graph = json.loads((home / "run" / "result.json").read_text())["graph"]
    return {
        "scores": _fields(home / "run" / "result.json", "status", "scores", "source_only"),
        "graph": {name: graph[name] for name in graph if name not in ("seconds", "search")},
        "epochs": _lines(home / "run" / "metrics.jsonl", "epoch", "losses", "scores"),
        **_bytes(home, "run/predictions.csv", "run/*.safetensors", "sources/*/*.safetensors"),
    }


def _classified(home: Path) -> Left:
    return {
        "scores": _fields(home / "run" / "result.json", "status", "scores"),
        "epochs": _lines(home / "run" / "metrics.jsonl", "epoch", "loss", "scores"),
        **_bytes(home, "run/predictions.csv", "run/split.json", "run/*.safetensors"),
    }


def _augmented(home: Path) -> Left:
    return _bytes(home / "out", "*/*.jpg", "manifest.jsonl", "report.json", "*.png")


def _tabled(home: Path) -> Left:
    found: Left = {}
    for name in ("table.csv", "runs.csv"):
        with (home / "out" / name).open(newline="") as file:
            rows = list(csv.DictReader(file))
        left_out = ("provenance", "seconds")
        found[name] = [{key: row[key] for key in row if key not in left_out} for row in rows]
    return found | _bytes(home / "out", "opda/*/*/predictions.csv", "opda/*/*/*.safetensors")


@dataclass(frozen=True)
class Kind:
    """A command that is killed.

    Attributes:
        name: as it is typed.
        arguments: of it, from the folder of the data and that of the work.
        resume: what makes it go on.
        left: what is compared, out of the folder of the work.
        compared: the same in words.
    """

    name: str
    arguments: Callable[[Path, Path], tuple[object, ...]]
    resume: tuple[str, ...]
    left: Callable[[Path], Left]
    compared: str


_NETWORK = (*tiny.NETWORK, *tiny.SOURCE, *tiny.TARGET, "--cluster-estimator", "features")
KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "adapt",
            lambda data, home: (
                *("adapt", "--src", "Art", "--tgt", "Clipart", "--data", data, *_NETWORK),
                *(*tiny.GENMIX, "--augment", "genmix", "--out", home / "run"),
            ),
            ("--resume",),
            _adapted,
            "scores, graph step, losses and scores of every epoch; bytes of source model, adapted "
            "model, graph and predictions.csv",
        ),
        Kind(
            "augment",
            lambda data, home: (
                *("augment", data / "Art", home / "out", *tiny.GENMIX, "--per-image", 4),
            ),
            ("--resume",),
            _augmented,
            "bytes of every image, manifest.jsonl, report.json",
        ),
        Kind(
            "table",
            lambda data, home: (
                *("table", "--data", data, *_NETWORK, *tiny.GENMIX, "--pairs", "Ar2Cl"),
                *("--methods", "lead,lead+genmix", "--seeds", "1", "--out", home / "out"),
            ),
            (),
            _tabled,
            "every cell of table.csv, every score of runs.csv; bytes of models and predictions",
        ),
        Kind(
            "classify train",
            lambda data, home: (
                *("classify", "train", "--data", data / "Art", *tiny.NETWORK, *tiny.CLASSIFIER),
                *("--augment", "cutmix", "--epochs", 8, "--out", home / "run"),
            ),
            ("--resume",),
            _classified,
            "scores, loss and scores of every epoch; bytes of the model, predictions.csv and "
            "split.json",
        ),
    )
}


@dataclass
class Tally:
    """What kills of one command came to.

    Attributes:
        kills: that hit the command at work.
        moments: when, as shares of an uninterrupted run.
        states: the files that were there, with their sizes; different ones show that
            the kills fell on different work.
        things: compared after each.
        unequal: moment and names of what differed.
    """

    kills: int = 0
    moments: list[float] = field(default_factory=list)
    states: set[tuple[tuple[str, int], ...]] = field(default_factory=set)
    things: int = 0
    unequal: list[tuple[float, list[str]]] = field(default_factory=list)


def kill_and_resume(
    kind: Kind, data: Path, scratch: Path, count: int, draw: random.Random
) -> Iterator[Tally]:
    """Kill a command `count` times, each in a folder of its own; yields the tally after each.

    The first, uninterrupted run is of this process, which imports and draws for all that are
    forked. Moments are drawn one in each part of its time; a kill that came too late is not
    counted, and another drawn.

    Raises:
        AssertionError: a command that was gone on with did not end well.
    """
    whole, home = scratch / "whole", scratch / "killed"
    moments = [(place + draw.random()) / count for place in range(count)]
    draw.shuffle(moments)
    with_cache(whole, *kind.arguments(data, whole))
    expected = kind.left(whole)
    started = time.monotonic()
    shutil.rmtree(whole)
    code = ForkedRun(whole / "cache", *kind.arguments(data, whole)).wait()
    assert code == 0, (code, (whole / SAID).read_text())
    seconds = time.monotonic() - started
    tally = Tally(things=len(expected))
    assert differing(kind.left(whole), expected) == []
    while tally.kills < count:
        shutil.rmtree(home, ignore_errors=True)
        moment = moments.pop() if moments else draw.random()
        run = ForkedRun(home / "cache", *kind.arguments(data, home))
        run.wait(moment * seconds)
        if run.kill() != KILLED:
            continue
        tally.kills += 1
        tally.moments.append(moment)
        tally.states.add(tuple(sorted((str(f), f.stat().st_size) for f in home.rglob("*.*"))))
        again = ForkedRun(home / "cache", *kind.arguments(data, home), *kind.resume)
        assert again.wait() == 0, f"{kind.name}, killed after {moment:.2f} of its time"
        wrong = differing(kind.left(home), expected)
        if wrong:
            tally.unequal.append((moment, wrong))
        yield tally


def with_cache(home: Path, *arguments: object) -> None:
    """Run a command here, with a cache beside its output."""
    import pytest

    from genmix_da.cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENMIX_DA_CACHE", str(home / "cache"))
        assert main([str(argument) for argument in arguments]) == 0


def differing(left: Left, expected: Left) -> list[str]:
    """The names of what is not the same."""
    return [name for name in {**left, **expected} if left.get(name) != expected.get(name)]
