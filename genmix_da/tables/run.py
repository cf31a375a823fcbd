"""Do what a plan is missing, stage by stage, and build the tables from the records."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from genmix_da.engines.base import Engine
from genmix_da.tables.jobs import Job
from genmix_da.tables.plan import Plan, RunT, TableRequest
from genmix_da.tables.records import read_records
from genmix_da.tables.summary import Summary, summarise

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """A job that did not end well.

    Attributes:
        label: of the job.
        reason: why.
    """

    label: str
    reason: str


def run_plan(plan: Plan[RunT], engine: Engine) -> list[Failure]:
    """Do the missing jobs; one that fails costs those that hang on it, the rest goes on.

    Args:
        plan: of any kind of runs.
        engine: where to work.

    Returns:
        What did not end well, each with its reason.
    """
    failures: list[Failure] = []
    broken: dict[str, str] = {}  # key of a job -> why
    needs: dict[str, tuple[str, ...]] = {}
    for run in plan.runs:
        needs |= run.needs()
    for stage in plan.stages:
        ready = []
        for job in plan.missing[stage]:
            cause = next((key for key in needs.get(job.key, ()) if key in broken), None)
            if cause is None:
                ready.append(job)
            else:
                broken[job.key] = broken[cause]
                failures.append(Failure(job.label, f"not started: {broken[cause]}"))
        failures += _run_stage(plan, stage, ready, engine, broken)
    return failures


def run_shard(
    plan: Plan[RunT], engine: Engine, shard: tuple[int, int]
) -> tuple[str, list[Failure]]:
    """Do a part of the first stage that is not complete: for array jobs of a cluster.

    A job belongs to a part by its key, so that tasks that start later divide the work alike.

    Args:
        plan: of any kind of runs.
        engine: where to work.
        shard: (i, n), i from 1.

    Returns:
        The stage ("" where nothing is missing), and what did not end well.
    """
    for stage in plan.stages:
        if plan.missing[stage]:
            part, parts = shard
            jobs = [job for job in plan.missing[stage] if int(job.key, 16) % parts == part - 1]
            return stage, _run_stage(plan, stage, jobs, engine, {})
    return "", []


def _run_stage(
    plan: Plan[RunT], stage: str, jobs: Sequence[Job], engine: Engine, broken: dict[str, str]
) -> list[Failure]:
    failures = []
    labels = {job.key: job.label for job in jobs}
    if not jobs:
        return []
    logger.info("%s: %d jobs (%s)", stage, len(jobs), engine.name)
    for outcome in engine.run(plan.work, list(jobs), progress=stage):
        if outcome.status != "done":
            broken[outcome.key] = outcome.reason
            failures.append(Failure(labels[outcome.key], outcome.reason))
            logger.warning("%s: %s", labels[outcome.key], outcome.reason)
    return failures


def collect(request: TableRequest, plan: Plan[RunT], command: Sequence[str]) -> Summary:
    """The tables, from the records in the folder."""
    records, problems = read_records(request.root)
    return summarise(plan.wanted, records, problems, command=command, root=request.root)
