"""What a plan would cost: from the runs that are done, else from a few steps timed here.

An estimate and no more: decoding, edits of a diffusion editor (`genmix-da augment --dry-run`) and
writing are left out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
import torch

from genmix_da.adaptation.joint_data import total_steps
from genmix_da.adaptation.networks import build_network
from genmix_da.adaptation.tables.plan import Run
from genmix_da.adaptation.task import Task
from genmix_da.methods import find_method
from genmix_da.tables.estimate import FROM_RUNS, FROM_STEPS, Estimate, speeds
from genmix_da.tables.plan import Plan
from genmix_da.tables.records import Record
from genmix_da.tables.values import has_no_epochs
from lead.clusters import estimate_clusters

_SAMPLES = 200  # of which t-SNE is timed; it grows about linearly from there


def estimate_plan(plan: Plan[Run], records: Sequence[Record]) -> Estimate:
    """Estimate the missing jobs of a plan.

    Args:
        plan: with its missing jobs.
        records: of runs that are done; where one was made by each stage that is missing, the mean
            of their own times is taken.
    """
    measured = _measured(records)
    needed = [stage for stage in ("source", "adapt") if plan.missing[stage]]
    if all(stage in measured for stage in needed):
        seconds = {stage: measured[stage] * len(plan.missing[stage]) for stage in needed}
        return Estimate({**seconds}, FROM_RUNS)
    speeds = _Speeds(plan.runs[0].task)
    by_key = {run.job.key: run for run in plan.runs} | {run.source.key: run for run in plan.runs}
    parts: dict[str, float | None] = {}
    for stage, cost in (("source", speeds.source), ("adapt", speeds.adaptation)):
        parts[stage] = sum(cost(by_key[job.key]) for job in plan.missing[stage])
    for stage in ("edits", "data"):  # these hang on what the caches hold
        parts[stage] = None if plan.missing[stage] else 0.0
    return Estimate(parts, FROM_STEPS)


def _measured(records: Sequence[Record]) -> dict[str, float]:
    """Mean seconds of a source training and of an adaptation, where there were any."""
    times: dict[str, list[float]] = {"source": [], "adapt": []}
    for record in records:
        if record.status != "done" or has_no_epochs(record.content["method"]):
            continue
        seconds = record.content["timing"]["seconds"]
        target = [value for key, value in seconds.items() if key.startswith("target_")]
        times["adapt"].append(sum(value or 0.0 for value in target))
        if seconds.get("source"):
            times["source"].append(seconds["source"])
    return {stage: sum(values) / len(values) for stage, values in times.items() if values}


class _Speeds:
    """Times of a training step, an image's evaluation and an estimate of C_t."""

    def __init__(self, task: Task) -> None:
        config = task.config
        network = build_network(task, "none")
        shape = (int(config.batch_size or 2), 3, *[int(config.image_size or 32)] * 2)
        images = torch.zeros(shape, device=task.device)
        if config.freeze_backbone:
            images = torch.zeros(
                shape[0], network.bottleneck.linear.in_features, device=task.device
            )
        self.step, self.image = speeds(network, images)
        width = int(config.bottleneck_dim or 256)
        features = np.random.default_rng(0).standard_normal((_SAMPLES, width), dtype=np.float32)
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        started = time.perf_counter()
        estimate_clusters(features, task.label_sets.unknown, estimator=config.cluster_estimator)
        self.clusters = (time.perf_counter() - started) / _SAMPLES

    def source(self, run: Run) -> float:
        """Seconds of a source training."""
        config = run.task.config
        steps = len(run.task.source.rows) // int(config.batch_size or 1)
        return int(config.source_epochs or 0) * steps * self.step

    def adaptation(self, run: Run) -> float:
        """Seconds of an adaptation."""
        config, images = run.task.config, len(run.task.target.rows)
        if has_no_epochs(config.method_name()):
            return images * self.image
        epochs, steps = int(config.epochs or 0), images // int(config.batch_size or 1)
        if find_method(config.method_name()).joint is not None:
            own = config.method_options.get("batch_size") or config.batch_size
            passes = 2 * int(own or 1) / int(config.batch_size or 1)  # source and target
            made = total_steps(run.task, len(run.task.source.rows))
            return made * passes * self.step + epochs * images * self.image
        estimates = math.ceil(epochs / 10) * images * self.clusters
        return epochs * (steps * self.step + images * self.image) + estimates
