"""What the numbers of a report mean, in words, beside the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genmix_da.report.run import ReportRun
from genmix_da.table.aggregate import HEADLINES, SOURCE_ONLY, percent
from genmix_da.table.kinds import kind_of

ADAPTATION_COLUMNS = {
    "last": "after the last epoch: the number to report",
    "selected": "epoch chosen without target labels",
    "oracle": "best epoch by TARGET LABELS: nobody has them in practice",
    "source_only": "the source model as it is",
}
CLASSIFICATION_COLUMNS = {
    "last": "after the last epoch: the number to report",
    "selected": "epoch chosen on the validation part",
    "oracle": "best epoch by TEST LABELS: too good, since it is then tested on them",
}
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
)
STATUS_WORDS = {
    "done": "finished",
    "incomplete": "NOT FINISHED: the run was interrupted or is still at work; what it has so far "
    "is shown, and no score of it enters a table",
    "failed": "FAILED",
}


def metric_meaning(setting: str, thresholds: Sequence[float]) -> str:
    """What the setting's headline score is.

    Args:
        setting: of the runs.
        thresholds: of the runs, each once; none where nothing is rejected.
    """
    if setting == "classification":
        return "Top-1 accuracy: the share of test images whose likeliest class is the true one."
    if setting == "pda":
        return (
            "PDA reports accuracy: the share of target images that are classified rightly, "
            "without rejection."
        )
    return (
        "H-score: harmonic mean of the accuracy on known classes (the mean over the classes) and "
        "the share of unknown images that are rejected, here above an uncertainty of "
        f"{' or '.join(f'{limit:g}' for limit in thresholds)}. A model that rejects everything, or "
        "nothing, scores near 0."
    )


def column_meanings(setting: str) -> dict[str, str]:
    """Score column -> what it means, in the order in which they are to be read."""
    return ADAPTATION_COLUMNS if kind_of(setting).pairs else CLASSIFICATION_COLUMNS


def cards(run: ReportRun) -> list[dict[str, Any]]:
    """The score columns of a run, in the order in which they are to be read.

    Returns:
        name, meaning, value (a fraction or None), text, epoch, block (score -> text).
    """
    metric = HEADLINES[run.setting]
    scores = run.content.get("scores") or {}
    meanings = column_meanings(run.setting)
    blocks = {name: scores.get(name) for name in meanings}
    if run.kind.pairs:
        blocks["source_only"] = run.content.get("source_only")
        if not run.adapts:  # nothing was adapted: one column says all
            blocks = {"source_only": blocks["source_only"] or scores.get("last")}
    blocks = {k: v for k, v in blocks.items() if v or k not in run.kind.optional_blocks}
    found = []
    for name, block in blocks.items():
        value = (block or {}).get(metric)
        found.append(
            {
                "name": SOURCE_ONLY if name == "source_only" else name,
                "key": name,
                "meaning": meanings[name],
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
    same = "" if run.threshold is None else " at the same threshold"
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
