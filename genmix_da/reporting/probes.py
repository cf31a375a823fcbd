"""What probes found of a pre-trained backbone: beside it the backbone before, and what is printed.

A pre-training has no score of its own. One that was made alone has its probes in probe.json; of one
of a table, its probe is the run's score.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genmix_da.errors import UserError
from genmix_da.reporting.form import probe_problem
from genmix_da.reporting.hidden_places import shell_words
from genmix_da.reporting.run import ReportRun
from genmix_da.reporting.words import Card, block_words, changes
from genmix_da.selfsupervised.finished import PROBES, probed_scores, read_probes
from genmix_da.tables.grids import Entry, Grid
from genmix_da.tables.values import percent

_BEFORE = "before pre-training"
# Name, metric, the same of the backbone before.
_PAIRS = (("linear probe", "linear", "linear_before"), ("kNN", "knn", "knn_before"))
_PARTS = (("train", "training images"), ("test", "test images"))
_OPTIONS = ("shots", "test_limit", "test_fraction", "split_seed")


def probes_of(folder: Path, identity: str) -> tuple[tuple[dict[str, Any], ...], str]:
    """The probes of a pre-training.

    Args:
        folder: of the run.
        identity: of the run.

    Returns:
        Those that can be shown, and a sentence on what cannot ("" where all can).
    """
    try:
        held = read_probes(folder, identity)
    except UserError as error:
        return (), f"No probe is shown: {error}"
    problems = {name: probe_problem(found) for name, found in held.items()}
    told = [f"Probe {name} of {PROBES} {why}." for name, why in problems.items() if why]
    return tuple(held[name] for name, why in problems.items() if not why), " ".join(told)


def note(run: ReportRun) -> str:
    """What is missing of a finished pre-training's probes; how to make one where there is none."""
    if not run.is_pretraining or not run.done:
        return ""
    told = run.notes["probes"]
    if told or run.probes:
        return told
    line = shell_words(["genmix-da", "ssl", "probe", str(run.folder)])
    return f"No probe says yet what was learned; {line} --data DIR makes one, of class folders."


def cards(run: ReportRun) -> list[Card]:
    """A card for each probe of a finished run: its linear probe, gained or lost since before."""
    if not run.done:
        return []
    epoch = (run.content.get("last_epoch") or {}).get("epoch")
    if not run.is_pretraining:
        last = run.content["scores"]["last"] or {}
        return [_card(f"linear probe on {run.content['dataset']}", last, epoch)]
    return [_card(f"linear probe on {title(run, p)}", probed_scores(p), epoch) for p in run.probes]


def _card(name: str, block: Mapping[str, Any], epoch: int | None) -> Card:
    value = block.get("linear")
    return Card(
        "last",
        name,
        "top-1 of a linear layer on the frozen features, after the last epoch",
        value,
        "n/a" if value is None else percent(value),
        epoch,
        block_words(block),
        None,
        changes((who, block.get(own), block.get(before)) for who, own, before in _PAIRS),
        against=_BEFORE,
        step="pre-training",
    )


def title(run: ReportRun, found: Mapping[str, Any]) -> str:
    """The data set of a probe, and how it was probed where another probe has the same data set."""
    name = str(found["dataset"])
    alike = [other for other in run.probes if other["dataset"] == name]
    if len(alike) == 1:
        return name
    settings = [_settings(other) for other in alike]
    own = _settings(found)
    told = [f"{key} {own[key]}" for key in own if len({each[key] for each in settings}) > 1]
    if settings.count(own) > 1:  # other images of one name, which no setting tells apart
        told.append(f"probe {1 + next(n for n, other in enumerate(alike) if other is found)}")
    return f"{name} ({', '.join(told)})"


def _settings(found: Mapping[str, Any]) -> dict[str, str]:
    split = found["split"]
    given = {name.replace("_", " "): str(split.get(name)) for name in _OPTIONS}
    counts = {f"{part} images": str(found["images"][part]) for part in ("train", "test")}
    numbers = {name: f"{found[name]:g}" for name in ("neighbours", "temperature")}
    return given | counts | numbers


def grid(found: Mapping[str, Any]) -> Grid:
    """Top-1 of the backbone after pre-training and before, and printed rows.

    The print does not say how it was probed; a linear probe is the usual way.
    """
    rows = []
    for name, key in (("pre-trained", "trained"), (_BEFORE, "start")):
        scores = found[key]
        if scores is not None:
            rows.append(
                (Entry(name), Entry(percent(scores["linear"])), Entry(percent(scores["knn"])))
            )
    own = len(rows)
    rows += [
        (Entry(f"{row['method']} (published)"), Entry(percent(row["top1"])), Entry("-"))
        for row in found["published"]
    ]
    return Grid(
        f"{found['dataset']}, top-1 on the test images, percent",
        ("backbone", "linear probe", "kNN"),
        tuple(rows),
        own if rows[own:] else None,
    )


def facts(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, in words): how a probe was made, and what a reader has to know of it."""
    images = found["images"]
    named = [
        ("images", f"{images['train']:,} training, {images['test']:,} test"),
        ("classes", str(found["classes"])),
        ("split", ", ".join(_options(found["split"]))),
        ("neighbours", f"{found['neighbours']} vote, temperature {found['temperature']:g}"),
        ("seen before", _seen(found.get("seen"))),
        ("linear probe", "" if _converged(found) else "not at its optimum: a lower bound"),
        (_BEFORE, "" if found["start"] else "not known: what it began with was gone or changed"),
        ("published", _published(found)),
        ("drawn", "SYNTHETIC DATA: these numbers compare with nothing" * bool(found["synthetic"])),
        ("made by", _command(found)),
    ]
    return [(name, words) for name, words in named if words]


def table_facts(run: ReportRun) -> list[tuple[str, str]]:
    """The same of the run of a table, whose record is that of its probe."""
    content = run.content
    images, split = content.get("images") or {}, (content.get("provenance") or {}).get("config")
    counts = [f"{images[part]:,} {words}" for part, words in _PARTS if images.get(part) is not None]
    named = [
        ("probed on", ", ".join((*counts, *_options(split or {})))),
        ("seen before", _seen(content.get("seen"))),
    ]
    return [(name, words) for name, words in named if words]


def _options(split: Mapping[str, Any]) -> list[str]:
    return [f"{n.replace('_', ' ')} {split[n]}" for n in _OPTIONS if split.get(n) is not None]


def _seen(count: int | None) -> str:
    if count is None:
        return "not known: the list of the images of pre-training was gone"
    if not count:
        return "no test image"
    return f"{count:,} of the test images were seen in pre-training, without their labels"


def _converged(found: Mapping[str, Any]) -> bool:
    parts = (found["trained"], found["start"] or {})
    return all(part.get("converged", True) for part in parts)


def _published(found: Mapping[str, Any]) -> str:
    sources = "; ".join(dict.fromkeys(str(row["source"]) for row in found["published"]))
    if not sources:
        return ""
    return (
        f"{sources}. The print states neither its protocol nor what was pre-trained on: for "
        "orientation"
    )


def _command(found: Mapping[str, Any]) -> str:
    """As it was typed; "" where another program called."""
    words = (found.get("provenance") or {}).get("command") or []
    typed = isinstance(words, list) and words[:1] == ["genmix-da"]
    return shell_words(map(str, words)) if typed else ""
