"""What a run writes down of its epochs: the lines of metrics.jsonl, and the time of all."""

from __future__ import annotations

import math
from typing import Any

from genmix_da.adaptation.results import method_rejection, nmi_of, score_evaluation
from genmix_da.adaptation.task import Task
from genmix_da.device import peak_memory_mib
from lead.epochs import TargetEpoch
from lead.pseudo_labels import PseudoLabels
from lead.selection import mutual_information


def epoch_row(task: Task, epoch: TargetEpoch) -> dict[str, Any]:
    """The line of metrics.jsonl of one epoch."""
    evaluation = epoch.evaluation
    rejection = method_rejection(task, evaluation)
    open_set = task.label_sets.open_set
    row: dict[str, Any] = {
        "stage": "target",
        "epoch": epoch.epoch,
        "losses": epoch.losses,
        "learning_rate": epoch.learning_rate,
        "scores": score_evaluation(
            *(task, evaluation, epoch.epoch, rejection.threshold), nmi=nmi_of(task, evaluation)
        ),
        "selection": mutual_information(
            evaluation.probability, open_set=open_set, uncertainty=evaluation.own_uncertainty
        ),
        "seconds": epoch.seconds,
    }
    if not isinstance(task.config.threshold, float):
        row["rejection"] = rejection.as_dict()
    if epoch.epoch == 0:
        released = score_evaluation(task, evaluation, 0, 0.50)
        row["source_only"] = row["scores"] | {"h_score_at_050": released["h_score"]}
    if epoch.images is not None:
        row["images"] = epoch.images
    if epoch.pseudo_labels is not None:
        row["cluster_count"] = epoch.cluster_count
        row["unknown_share"] = float(epoch.pseudo_labels.is_unknown.float().mean())
    if isinstance(epoch.pseudo_labels, PseudoLabels):
        row["mixture_means"] = list(epoch.pseudo_labels.mixture_means)
    if epoch.estimate is not None:
        row["cluster_counts"] = list(epoch.estimate.cluster_counts)
        row["silhouettes"] = [None if math.isnan(s) else s for s in epoch.estimate.silhouettes]
    return row


def timing(
    task: Task, metrics: list[dict[str, Any]], prepared: float, source_model: dict[str, Any]
) -> dict[str, Any]:
    """Seconds per stage, adaptation throughput, peak memory.

    Source training and augmentation count with what they took, also where they were there.
    """
    features = {"features": task.encoder.seconds} if task.encoder else {}
    made = (source_model.get("augment") or {}).get("seconds")
    augment = {"augment": sum(made.values())} if made else {}
    parts = {
        part: sum(row["seconds"].get(part, 0.0) for row in metrics)
        for part in ("estimate", "train", "evaluate")
    }
    steps = [row["graph"]["seconds"] for row in metrics if "graph" in row]
    graph = {
        name: sum(step[part] for step in steps)
        for name, part in (("graph_views", "views"), ("graph", "graph"))
        if steps
    }
    batch = int(task.config.batch_size or 1)
    whole = len(task.target.rows) // batch * batch
    trained = sum(row.get("images", whole) for row in metrics if row["epoch"] > 0)
    return {
        "seconds": {
            "prepare": prepared,
            **features,
            **augment,
            "source": source_model.get("seconds"),
            **{f"target_{part}": seconds for part, seconds in parts.items()},
            **graph,
        },
        "images_per_second": trained / parts["train"] if parts["train"] else None,
        "peak_memory_mib": peak_memory_mib(task.device),
    }
