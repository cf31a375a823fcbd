"""From epochs to result.json: scores, the three columns, the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from genmix_da.adaptation.config import AdaptConfig
from genmix_da.adaptation.task import Task
from genmix_da.runs.seal import SCHEMA, seal
from lead.evaluation import Evaluation
from lead.private_classes import private_nmi
from lead.rejection import Rejection, reject
from lead.scores import (
    ScoreBlock,
    empty_block,
    headline,
    score_block,
)

SELECTION_RULE = "mutual information, open-set aware"


def nmi_of(task: Task, evaluation: Evaluation) -> float | None:
    """NMI of the clusters of the target-private samples; None where it is not defined."""
    own = task.target.private_labels
    return None if own is None else private_nmi(evaluation.features, own)


def method_rejection(task: Task, evaluation: Evaluation) -> Rejection:
    """The threshold of the method's own decisions, by the configured rule.

    Args:
        task: with the rule.
        evaluation: of the target.
    """
    rule = task.config.threshold
    found = reject(evaluation.uncertainty.cpu().numpy(), 0.0 if rule is None else rule)
    return found if task.label_sets.open_set else found.unused()


def score_predictions(
    task: Task,
    probability: torch.Tensor,
    epoch: int,
    threshold: float,
    *,
    uncertainty: torch.Tensor | None = None,
    nmi: float | None = None,
) -> ScoreBlock:
    """Scores of predictions for the target; all None where the target has no labels.

    Args:
        task: labels and label sets.
        probability: [N, C] of the target.
        epoch: recorded in the block.
        threshold: rejection threshold.
        uncertainty: [N]; the normalised entropy where it is not given.
        nmi: from `nmi_of`, for the H3-score.
    """
    labels = task.target.labels
    if labels is None:
        return empty_block(epoch)
    return score_block(
        probability,
        labels,
        task.label_sets.evaluation_classes,
        open_set=task.label_sets.open_set,
        threshold=threshold,
        uncertainty=uncertainty,
        epoch=epoch,
        nmi=nmi,
    )


def score_evaluation(
    task: Task, evaluation: Evaluation, epoch: int, threshold: float, *, nmi: float | None = None
) -> ScoreBlock:
    """Scores of a network by itself; see `score_predictions`."""
    own = evaluation.own_uncertainty
    return score_predictions(
        task, evaluation.probability, epoch, threshold, uncertainty=own, nmi=nmi
    )


def score_columns(metrics: Sequence[Mapping[str, Any]], open_set: bool) -> dict[str, Any]:
    """The columns `last`, `oracle` and `selected` from the rows of the target epochs.

    `last` is the last epoch; `oracle` the best by target labels (ties: the later epoch), None
    without labels; `selected` the best by a rule that uses no target label.

    Args:
        metrics: rows with "epoch" >= 1, "scores" and "selection".
        open_set: which score is the headline.
    """
    # A method without epochs has epoch 0 alone, the source model as it is.
    rows = [row for row in metrics if row["epoch"] > 0] or list(metrics)
    scored = [row for row in rows if headline(row["scores"], open_set) is not None]
    return {
        "last": rows[-1]["scores"],
        "oracle": max(reversed(scored), key=lambda row: headline(row["scores"], open_set) or 0.0)[
            "scores"
        ]
        if scored
        else None,
        "selected": max(reversed(rows), key=lambda row: row["selection"])["scores"],
    }


def result_record(
    task: Task,
    *,
    status: str,
    identity: str,
    provenance: dict[str, Any],
    augment: dict[str, Any] | None,
    scores: dict[str, Any] | None = None,
    source_only: dict[str, Any] | None = None,
    timing: dict[str, Any] | None = None,
    source_model: dict[str, Any] | None = None,
    graph: dict[str, Any] | None = None,
    rejection: Rejection | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """The content of result.json (see docs/formats.md), sealed."""
    config = task.config
    # A rule has no number before there is something to apply it to.
    fixed = config.threshold if isinstance(config.threshold, float) else None
    threshold = rejection.threshold if rejection else fixed
    record = {
        "schema": SCHEMA,
        "identity": identity,
        "status": status,
        "reason": reason,
        "dataset": task.dataset,
        "synthetic": task.synthetic,
        "setting": config.setting,
        "source": config.src,
        "target": config.tgt,
        "method": display_name(config, augment["editor"] if augment else None),
        "augment": augment,
        "backbone": config.backbone,
        "seed": config.seed,
        "split": list(task.label_sets.counts),
        "threshold": threshold,
        "rejection": rejection.as_dict() if rejection else None,
        "scores": scores or {"last": None, "oracle": None, "selected": None},
        "selection_rule": SELECTION_RULE,
        "source_only": source_only,
        "graph": graph,
        "images": {
            "source": len(task.source.rows),
            "target": len(task.target.rows),
            "target_unknown": None
            if task.target.labels is None
            else int(np.sum(task.target.labels == task.label_sets.unknown)),
        },
        "duplicates": task.duplicates,
        "skipped_files": [
            {"path": path, "reason": why}
            for path, why in task.source.decoded.skipped + task.target.decoded.skipped
        ],
        "source_model": source_model,
        "timing": timing,
        "provenance": provenance,
    }
    return seal(record)


def display_name(config: AdaptConfig, editor: str | None) -> str:
    """A method's name as results and tables print it: what ran, e.g. "lead+genmix[filters]".

    Args:
        config: of the run.
        editor: that edited the source; None without augmentation.
    """
    name = config.method_name().removesuffix("+genmix")
    augmented = f"{name}+genmix[{editor}]" if editor else name
    return f"{augmented} (frozen)" if config.freeze_backbone else augmented
