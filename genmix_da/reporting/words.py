"""What the numbers of a report mean, in words, beside the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genmix_da.methods import graph_name
from genmix_da.reporting.limit import Limit
from genmix_da.reporting.run import ReportRun
from genmix_da.tables.grids import signed
from genmix_da.tables.kinds import kind_of
from genmix_da.tables.values import SOURCE_ONLY, percent

BLOCK_SCORES = (
    ("h_score", "H-score"),
    ("known_accuracy", "known"),
    ("unknown_accuracy", "unknown"),
    ("accuracy", "accuracy"),
    ("auroc", "AUROC"),
    ("oscr", "OSCR"),
    ("h3_score", "H3"),
    ("top1", "top-1"),
    ("top5", "top-5"),
    ("fgsm_error", "FGSM error"),
    ("linear", "linear probe"),
    ("knn", "kNN"),
    ("linear_before", "linear probe before"),
    ("knn_before", "kNN before"),
)
STATUS_WORDS = {
    "done": "finished",
    "incomplete": "NOT FINISHED: the run was interrupted or is still at work; what it has so far "
    "is shown, and no score of it enters a table",
    "failed": "FAILED",
}

_PROBE = (
    "Top-1 accuracy on the test images of a linear layer on the frozen features, and of their "
    "nearest neighbours (kNN), beside the same of the backbone before pre-training: what is not "
    "above that was not learned."
)


def metric_meaning(setting: str, limits: Sequence[Limit]) -> str:
    """What the setting's headline score is.

    Args:
        setting: of the runs.
        limits: of the runs; none where nothing is rejected.
    """
    if setting == "classification":
        return "Top-1 accuracy: the share of test images whose likeliest class is the true one."
    if setting == "self-supervised":
        return (
            "A pre-training without labels has no score of its own. Probes tell what its backbone "
            f"has learned. {_PROBE}"
        )
    if setting == "linear probe":
        return _PROBE
    if setting == "pda":
        return (
            "PDA reports accuracy: the share of target images that are classified rightly, "
            "without rejection."
        )
    return (
        "H-score: harmonic mean of the accuracy on known classes (the mean over the classes) and "
        f"the share of unknown images that are rejected{_limits_in_words(limits)}. A model "
        "that rejects everything, or nothing, scores near 0."
    )


def _limits_in_words(limits: Sequence[Limit]) -> str:
    numbers = sorted({limit.number for limit in limits if not limit.rule})
    rules = sorted({limit.rule for limit in limits if limit.rule})
    given = f"above an uncertainty of {' or '.join(f'{number:g}' for number in numbers)}"
    found = f"above a threshold that a rule finds ({', '.join(rules)})"
    told = [given] * bool(numbers) + [found] * bool(rules)
    return f", here {' or '.join(told)}" if told else ""


def column_meanings(setting: str) -> Mapping[str, str]:
    """Score column -> what it means, in the order in which they are to be read."""
    return kind_of(setting).block_meanings


@dataclass(frozen=True)
class GraphLine:
    """A score with the graph step: method, fraction, percent in words, and the block's others."""

    name: str
    value: float
    text: str
    block: list[tuple[str, str]]


@dataclass(frozen=True)
class Change:
    """A score against that of the source model.

    Attributes:
        name: of the score.
        way: "gain", "loss" or "same", as printed.
        text: percent points with their sign.
    """

    name: str
    way: str
    text: str


@dataclass(frozen=True)
class Card:
    """A score column of a run.

    Attributes:
        key: of the column, "last" or "source_only" for example.
        name: for people.
        meaning: a few words.
        value: the headline, a fraction; None where there is none.
        text: the same in percent.
        epoch: that it is of.
        block: (score, percent in words).
        graph: the same with the graph step; None where there is none.
        changes: of the headline column.
        against: what it is compared with.
        step: what lies between.
    """

    key: str
    name: str
    meaning: str
    value: float | None
    text: str
    epoch: int | None
    block: list[tuple[str, str]]
    graph: GraphLine | None
    changes: list[Change]
    against: str = SOURCE_ONLY
    step: str = "adaptation"


def cards(run: ReportRun) -> list[Card]:
    """The score columns of a run, in the order in which they are to be read."""
    metric = run.metric
    scores = run.content.get("scores") or {}
    meanings = column_meanings(run.setting)
    blocks = {name: scores.get(name) for name in meanings}
    if run.kind.pairs:
        blocks["source_only"] = run.content.get("source_only")
        if run.is_source:  # nothing was adapted: one column says all
            blocks = {"source_only": blocks["source_only"] or scores.get("last")}
        elif not run.adapts:  # there is no choice of an epoch
            blocks = {name: blocks[name] for name in ("last", "source_only")}
    blocks = {k: v for k, v in blocks.items() if v or k not in run.kind.optional_blocks}
    graph = run.content.get("graph") or {}
    found = []
    for name, block in blocks.items():
        value = (block or {}).get(metric)
        found.append(
            Card(
                name,
                SOURCE_ONLY if name == "source_only" else name,
                meanings[name],
                value,
                "n/a" if value is None else percent(value),
                (block or {}).get("epoch"),
                block_words(block),
                _graph_line(run, name, graph.get(name) or {}),
                _changes(run, block, blocks.get("source_only")) if name == "last" else [],
            )
        )
    return found


def block_words(block: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """(score, percent in words) of a score block."""
    found = block or {}
    return [
        (label, percent(found[key])) for key, label in BLOCK_SCORES if found.get(key) is not None
    ]


def _graph_line(run: ReportRun, column: str, block: Mapping[str, Any]) -> GraphLine | None:
    """A card's line on the graph step; None where it has no score in that column."""
    value = block.get(run.metric)
    if value is None:
        return None
    method = SOURCE_ONLY if column == "source_only" else run.method
    return GraphLine(graph_name(method), value, percent(value), block_words(block))


def _changes(
    run: ReportRun, after: Mapping[str, Any] | None, before: Mapping[str, Any] | None
) -> list[Change]:
    """Of the headline score, AUROC and OSCR, where both blocks have them."""
    new, old = after or {}, before or {}
    return changes(
        (run.kind.metric_names[metric], new[metric], old[metric])
        for metric in dict.fromkeys((run.metric, "auroc", "oscr"))
        if metric in new and metric in old
    )


def changes(scores: Iterable[tuple[str, float | None, float | None]]) -> list[Change]:
    """What was gained or lost.

    Args:
        scores: (name, value after, value before); those without either are left out.
    """
    found = []
    for name, new, old in scores:
        if new is not None and old is not None:
            text = signed(new - old)
            way = {"+": "gain", "-": "loss"}.get(text[0], "same")
            found.append(Change(name, way, text))
    return found


def state(run: ReportRun) -> str:
    """A sentence on whether the run has finished, and if not, why."""
    words = STATUS_WORDS.get(run.record.status, run.record.status)
    return f"{words}: {run.record.reason}" if run.record.reason else words


def verdict(run: ReportRun) -> str:
    """Whether adaptation and the graph step helped on this pair; "" where nobody can tell."""
    return " ".join(filter(None, (_adaptation_verdict(run), _graph_verdict(run))))


def _graph_verdict(run: ReportRun) -> str:
    after = ((run.content.get("graph") or {}).get("last") or {}).get(run.metric)
    if run.headline is None or after is None:
        return ""
    limit = f", with a threshold of its own: {run.graph_limit}" if run.graph_limit else ""
    words = f"Smoothed over the target's neighbours ({graph_name(run.method)}) it is"
    return f"{words} {percent(after)}, {_change(after - run.headline)}{limit}."


def _change(gain: float) -> str:
    """A difference of scores, in words."""
    points = 100 * gain
    if abs(points) <= 0.05:
        return "no more and no less"
    return f"{abs(points):.1f} points {'more' if points > 0 else 'less'}"


def _adaptation_verdict(run: ReportRun) -> str:
    """In one sentence."""
    metric = run.metric
    before = (run.content.get("source_only") or {}).get(metric)
    after = run.headline
    if run.is_source or before is None or after is None:
        return ""
    gain = 100 * (after - before)
    direction = "raised" if gain > 0.05 else "lowered" if gain < -0.05 else "did not change"
    by = "" if direction == "did not change" else f" by {abs(gain):.1f} points"
    same = "" if run.limit is None or run.limit.rule else " at the same threshold"
    return (
        f"Adaptation {direction} the score{by} against the source model{same} (one run; the "
        "spread over seeds may be larger than that)."
    )


def labels_missing(run: ReportRun) -> bool:
    """Whether the target has no labels, so that nothing can be scored."""
    if not run.kind.pairs:
        return False
    last = (run.content.get("scores") or {}).get("last") or {}
    images = run.content.get("images") or {}
    return run.done and images.get("target_unknown") is None and last.get("accuracy") is None
