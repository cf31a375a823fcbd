"""Files of finished runs, cut, flipped and edited by hand, before every command that reads them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_runs as tiny
from budget import examples
from damage import Damage, damaged, damages
from fuzzed import Ended, call, check_kept, files_in
from genmix_da.runs.seal import seal

_ADAPT = (
    *("adapt", "--src", "Art", "--tgt", "Clipart", "--data", "{home}/data", *tiny.NETWORK),
    *(*tiny.SOURCE, *tiny.TARGET, "--augment", "none", "--out", "{copy}/run", "--resume"),
)
_TABLE = (
    *("table", "--data", "{home}/data", *tiny.NETWORK, *tiny.SOURCE, *tiny.TARGET, *tiny.GENMIX),
    *("--pairs", "Ar2Cl", "--methods", "source-only", "--seeds", "1", "--out", "{copy}"),
)
_CLASSIFY = (
    *("classify", "train", "--data", "{home}/data/Art", *tiny.NETWORK, *tiny.CLASSIFIER),
    *("--augment", "none", "--out", "{copy}/run", "--resume"),
)


@dataclass(frozen=True)
class Work:
    """A kind of finished work, and who reads it.

    Attributes:
        folder: of the workshop.
        files: those that are damaged, as patterns.
        readers: command lines.
        writes: endings of files that these may change.
        count: of inputs in a minute.
    """

    folder: str
    files: tuple[str, ...]
    readers: tuple[tuple[str, ...], ...]
    writes: tuple[str, ...] = ("log.txt",)
    count: int = 40


WORK = {
    "model": Work(
        "adapt",
        ("run/checkpoint.*", "run/graph.*"),
        (
            ("evaluate", "{copy}/run", "--tgt", "Clipart", "--data", "{home}/data"),
            ("predict", "{copy}/run", "{home}/data/Clipart", "--out", "{out}/p.csv"),
            ("predict", "{copy}/run", "{home}/data/Art", "--calibrate", "--out", "{out}/p.csv"),
        ),
        count=60,
    ),
    "finished run": Work(
        "adapt",
        ("run/*.json", "run/*.yaml", "run/*.jsonl", "run/*.csv", "run/*.safetensors"),
        (_ADAPT, (*_ADAPT, "--json"), (*_ADAPT, "--graph-threshold", "0.5")),
        # The graph step is made again where its settings are others.
        (
            "log.txt",
            "graph.json",
            "graph.safetensors",
            "graph.npz",
            "metrics.jsonl",
            "checkpoint.json",  # of a run whose result is gone and which is therefore made again
            "result.json",
            "predictions.csv",
        ),
        count=30,
    ),
    "shown run": Work(
        "adapt",
        ("run/*.json", "run/*.yaml", "run/*.jsonl", "run/*.csv", "run/checkpoint.safetensors"),
        (
            ("graph", "{copy}/run", "--out", "{out}/graph.csv"),
            ("report", "{copy}/run", "-o", "{out}/report.html"),
        ),
        count=5,
    ),
    "evidence": Work(
        "adapt",
        ("run/evidence/*.npz",),
        (("report", "{copy}/run", "-o", "{out}/report.html"),),
        count=4,
    ),
    "source model": Work(
        "adapt",
        ("sources/*/*",),
        (
            (*_ADAPT, "--out", "{copy}/other", "--epochs", "1"),
            ("report", "{copy}/run", "-o", "{out}/report.html"),
        ),
        # A damaged one is trained again.
        ("log.txt", "state.pt", "metrics.jsonl", "checkpoint.json", "checkpoint.safetensors"),
        count=8,
    ),
    "classification": Work(
        "classify",
        ("run/*",),
        (
            ("classify", "attack", "{copy}/run", "--pgd-steps", "1", "--radii", "1/255"),
            ("report", "{copy}/run", "-o", "{out}/report.html"),
            _CLASSIFY,
        ),
        ("log.txt", "attack.json"),
        count=25,
    ),
    "unfinished run": Work(
        "unfinished_adapt",
        ("run/state.pt", "run/*.*", "sources/*/checkpoint.*"),
        (_ADAPT,),
        # It goes on where it was, and ends.
        ("log.txt", ".json", ".jsonl", ".npz", ".pt"),
        count=12,
    ),
    "unfinished classification": Work(
        "unfinished_classify",
        ("run/state*.pt", "run/*.*"),
        (_CLASSIFY,),
        ("log.txt", ".json", ".jsonl", ".pt"),
        count=12,
    ),
    "augmented images": Work(
        "augmented",
        ("*.json", "*.jsonl", "*/*.jpg"),
        (("augment", "{home}/data/Art", "{copy}", *tiny.GENMIX, "--resume"),),
        # The record is made again from the cache of edits, and a damaged picture too.
        ("manifest.jsonl", "report.json", ".jpg", "augment.json"),
        count=25,
    ),
    "table": Work(
        "table",
        ("*.*", "opda/*/*/*.json", "opda/*/*/*.yaml", "sources/*/*.json"),
        (_TABLE, (*_TABLE, "--dry-run"), ("report", "{copy}", "-o", "{out}/report.html")),
        (
            "log.txt",
            "table.md",
            "table.csv",
            "runs.csv",
            "table.tex",
            "table.json",
            # A run whose result is gone is made again.
            *("metrics.jsonl", ".npz", "checkpoint.json", "graph.json"),
        ),
        count=10,
    ),
}


def placed(arguments: Sequence[str], home: Path, copy: Path, out: Path) -> list[str]:
    """Arguments with the places that they name."""
    named = {"{home}": home, "{copy}": copy, "{out}": out}
    for mark, place in named.items():
        arguments = [argument.replace(mark, str(place)) for argument in arguments]
    return list(arguments)


@pytest.mark.parametrize("kind", WORK)
def test_whole_files_are_read(kind: str, workshop: Path, fresh: Callable[[], Path]) -> None:
    for reader in WORK[kind].readers:
        out = fresh()
        copy = Path(shutil.copytree(workshop / WORK[kind].folder, out / "copy"))
        ended = call("whole files", *placed(reader, workshop, copy, out))
        assert ended.code == 0, ended


@pytest.mark.parametrize("kind", WORK)
def test_files_of_finished_work(kind: str, workshop: Path, fresh: Callable[[], Path]) -> None:
    work = WORK[kind]
    files = [
        file.relative_to(workshop / work.folder)
        for pattern in work.files
        for file in sorted((workshop / work.folder).glob(pattern))
    ]
    names = st.sampled_from(files)
    hurt = names.flatmap(
        lambda file: st.tuples(st.just(file), damages(json=file.suffix in (".json", ".jsonl")))
    )

    @examples(work.count)
    @given(hurt, st.sampled_from(work.readers), st.booleans())
    def holds(damage: tuple[Path, list[Damage]], reader: tuple[str, ...], sealed: bool) -> None:
        out = fresh()
        copy = Path(shutil.copytree(workshop / work.folder, out / "copy"))
        file = copy / damage[0]
        content = damaged(file.read_bytes(), damage[1])
        file.write_bytes(resealed(content) if sealed and file.name == "result.json" else content)
        before = files_in(copy)
        ended = call(f"files: {kind}", *placed(reader, workshop, copy, out))
        made_again = (*work.writes, *([file.name] if ended.code == 0 else []))
        check_kept(before, files_in(copy), but=made_again)
        check_out(ended, out)

    holds()


def resealed(content: bytes) -> bytes:
    """A record that was changed as its run would seal it: readers look further than the seal."""
    try:
        record = json.loads(content)
        return json.dumps(seal(record)).encode() if isinstance(record, dict) else content
    except ValueError:
        return content


def check_out(ended: Ended, out: Path) -> None:
    """A command that refuses leaves no output."""
    if ended.code == 2:
        assert [path.name for path in out.iterdir()] == ["copy"], ended
