"""What the numbers of a report mean, in words, beside the numbers."""

from __future__ import annotations

from typing import Any

from genmix_da.report.load import ReportRun
from genmix_da.table.aggregate import HEADLINES, SOURCE_ONLY, percent

COLUMN_MEANINGS = {
    "last": "after the last epoch: the number to report",
    "selected": "epoch chosen without target labels",
    "oracle": "best epoch by TARGET LABELS: nobody has them in practice",
    "source_only": "the source model as it is, at the same threshold",
}
BLOCK_SCORES = (
    ("h_score", "H-score"),
    ("known_accuracy", "known"),
    ("unknown_accuracy", "unknown"),
    ("accuracy", "accuracy"),
    ("auroc", "AUROC"),
    ("oscr", "OSCR"),
    ("h3_score", "H3"),
)
STATUS_WORDS = {
    "done": "finished",
    "incomplete": "NOT FINISHED: the run was interrupted or is still at work; what it has so far "
    "is shown, and no score of it enters a table",
    "failed": "FAILED",
}


def metric_meaning(setting: str, threshold: float | None) -> str:
    """One sentence on what the setting's headline score is."""
    if setting == "pda":
        return (
            "PDA reports accuracy: the share of target images that are classified rightly, "
            "without rejection."
        )
    return (
        "H-score: harmonic mean of the accuracy on known classes and the share of unknown images "
        f"that are rejected, here above an uncertainty of {threshold}. A model that rejects "
        "everything, or nothing, scores near 0."
    )


def cards(run: ReportRun) -> list[dict[str, Any]]:
    """The score columns of a run, in the order in which they are to be read.

    Returns:
        name, meaning, value (a fraction or None), text, epoch, block (score -> text).
    """
    metric = HEADLINES[run.setting]
    scores = run.content.get("scores") or {}
    blocks = {name: scores.get(name) for name in ("last", "selected", "oracle")}
    blocks["source_only"] = run.content.get("source_only")
    if not run.adapts:  # nothing was adapted: one column says all
        blocks = {"source_only": blocks["source_only"] or blocks["last"]}
    found = []
    for name, block in blocks.items():
        value = (block or {}).get(metric)
        found.append(
            {
                "name": SOURCE_ONLY if name == "source_only" else name,
                "key": name,
                "meaning": COLUMN_MEANINGS[name],
                "value": value,
                "text": "n/a" if value is None else percent(value),
                "epoch": (block or {}).get("epoch"),
                "block": [
                    (label, percent(block[key]))
                    for key, label in BLOCK_SCORES
                    if block and block.get(key) is not None
                ],
            }
        )
    return found


def state(run: ReportRun) -> str:
    """A sentence on whether the run has finished, and if not, why."""
    words = STATUS_WORDS.get(run.record.status, run.record.status)
    return f"{words}: {run.record.reason}" if run.record.reason else words


def verdict(run: ReportRun) -> str:
    """Whether adaptation helped on this pair, in one sentence; "" where nobody can tell."""
    metric = HEADLINES[run.setting]
    before = (run.content.get("source_only") or {}).get(metric)
    after = run.headline
    if not run.adapts or before is None or after is None:
        return ""
    gain = 100 * (after - before)
    direction = "raised" if gain > 0.05 else "lowered" if gain < -0.05 else "did not change"
    by = "" if direction == "did not change" else f" by {abs(gain):.1f} points"
    return (
        f"Adaptation {direction} the score{by} against the source model at the same threshold "
        "(one run; the spread over seeds may be larger than that)."
    )


def labels_missing(run: ReportRun) -> bool:
    """Whether the target has no labels, so that nothing can be scored."""
    last = (run.content.get("scores") or {}).get("last") or {}
    images = run.content.get("images") or {}
    return run.done and images.get("target_unknown") is None and last.get("accuracy") is None
