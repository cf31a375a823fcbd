"""What a plan of classifications would cost: from runs that are done, else from a few steps.

An estimate and no more: decoding, made images and attacks are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from genmix_da.classify.network import build_network
from genmix_da.classify.schedule import run_length
from genmix_da.classify.tables.plan import ClassifyRun
from genmix_da.classify.task import ClassifyTask
from genmix_da.tables.estimate import FROM_RUNS, FROM_STEPS, Estimate, speeds
from genmix_da.tables.plan import Plan
from genmix_da.tables.records import Record


def estimate_classify_plan(plan: Plan[ClassifyRun], records: Sequence[Record]) -> Estimate:
    """Seconds of the missing jobs, one after another; see `Estimate`.

    Args:
        plan: with its missing jobs.
        records: of its folder; where runs are done, their mean time is taken for each that is not.
    """
    missing = plan.missing["run"]
    parts: dict[str, float | None] = {
        stage: None if plan.missing[stage] else 0.0 for stage in ("edits", "data")
    }
    done = [record.content["timing"]["seconds"] for record in records if record.status == "done"]
    if done:
        spent = [s["train"] + s.get("evaluate", 0.0) + s.get("attack", 0.0) for s in done]
        mean = sum(spent) / len(spent)
        return Estimate({**parts, "run": mean * len(missing)}, FROM_RUNS)
    tasks = {run.job.key: run.task for run in plan.runs}
    task = plan.runs[0].task
    shape = (task.config.batch_size, 3, *[task.preprocessing.image_size] * 2)
    step, image = speeds(build_network(task, "none"), torch.zeros(shape, device=task.device))
    parts["run"] = sum(_seconds(tasks[job.key], step, image) for job in missing)
    return Estimate(parts, FROM_STEPS)


def _seconds(task: ClassifyTask, step: float, image: float) -> float:
    """Of training and evaluation; with the budget "epochs" as if nothing were made."""
    originals = len(task.train.rows)
    length = run_length(task.config, originals, originals)
    evaluations = sum(length.evaluates(epoch) for epoch in range(1, length.epochs + 1))
    return length.total * step + evaluations * len(task.test.rows) * image
