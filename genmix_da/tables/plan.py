"""What a table needs: every run it wants, and the jobs that are missing for them.

What the runs and jobs of one kind are is planned where that kind is at home.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from genmix_da.config_values import identity
from genmix_da.errors import UserError, user_message
from genmix_da.places import place_name
from genmix_da.tables.cells import Wanted
from genmix_da.tables.jobs import Job, is_done
from genmix_da.tables.records import Record

_EDIT_SHARDS = 8
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class TableRequest:
    """A table as it was asked for; what every kind of runs has.

    Attributes:
        options: the same for every run.
        seeds: of the runs.
        root: folder of runs and tables.
        edit_shards: jobs that share the edits of a folder; None: 8, or 1 for an editor that takes
            no time.
    """

    options: Mapping[str, Any]
    seeds: tuple[int, ...]
    root: Path
    edit_shards: int | None = None


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One run of a plan and the jobs it hangs on.

    Attributes:
        wanted: as the table wants it.
        job: the last one; its key is the run's identity.
        data: of the stages "edits" and "data": what has to be prepared.
    """

    wanted: Wanted
    job: Job
    data: tuple[Job, ...]

    def before(self) -> tuple[Job, ...]:
        """Jobs of earlier stages."""
        return self.data

    def needs(self) -> dict[str, tuple[str, ...]]:
        """Job -> jobs without which it cannot be done, by key.

        Not the edits: what composes the images makes those that are missing, or fails itself.
        """
        return {self.job.key: tuple(job.key for job in self.data if job.stage == "data")}

    def complete(self, record: Record) -> bool:
        """Whether a finished record of the run has all that is wanted of it."""
        return True


RunT = TypeVar("RunT", bound=PlannedRun)


@dataclass(frozen=True)
class Plan(Generic[RunT]):
    """Everything a table wants and what of it is missing.

    Attributes:
        wanted: every run, undefined ones included, in the order of the table.
        runs: those that are defined and can be planned.
        missing: stage -> jobs to do, without those that are done.
        refused: (label, reason) of runs that cannot be planned.
        work: does a job.
    """

    wanted: tuple[Wanted, ...]
    runs: tuple[RunT, ...]
    missing: dict[str, tuple[Job, ...]]
    refused: tuple[tuple[str, str], ...]
    work: Callable[[Job], None]

    @property
    def stages(self) -> tuple[str, ...]:
        """In this order: a job finds what those of earlier stages have made."""
        return tuple(self.missing)

    def counts(self) -> Counter[str]:
        """Stage -> jobs, done ones too."""
        jobs = {job.key: job.stage for run in self.runs for job in (*run.before(), run.job)}
        return Counter(jobs.values())


class Planner(Generic[RunT]):
    """Collects the runs of a table.

    Args:
        root: folder of the table.
        stages: of its jobs, in order.
        work: does a job.
    """

    def __init__(self, root: Path, stages: Sequence[str], work: Callable[[Job], None]) -> None:
        self.root = root
        self.wanted: list[Wanted] = []
        self.runs: list[RunT] = []
        self._stages, self._work = stages, work
        self._refused: list[tuple[str, str]] = []

    def attempt(self, label: str, work: Callable[[], Value]) -> Value | None:
        """What a function returns; None where it is refused, with the reason kept."""
        try:
            return work()
        except Exception as error:
            message = user_message(error)
            if message is None:
                raise
            self._refused.append((label, message))
            return None

    def edit_jobs(
        self, label: str, made_of: Mapping[str, Any], options: dict[str, Any], parts: int
    ) -> tuple[Job, ...]:
        """Parts of the edits of one folder of images, so that these too are spread over workers."""
        return tuple(
            Job(
                identity({"edits": made_of, "shard": [part, parts]}),
                "edits",
                f"{label}, part {part} of {parts}" if parts > 1 else label,
                options,
                place_name(self.root),
                shard=(part, parts),
            )
            for part in range(1, parts + 1)
        )

    def plan(self, records: Sequence[Record]) -> Plan[RunT]:
        """Everything that was added, and what of it is missing.

        Args:
            records: what is in the folder, see `read_records`.

        Raises:
            UserError: not a single run can be planned; says why.
        """
        if self._refused and not self.runs:
            raise UserError(f"no run can be planned: {self._refused[0][1]}")
        return Plan(
            tuple(self.wanted),
            tuple(self.runs),
            _missing_jobs(self.runs, records, self._stages),
            tuple(self._refused),
            self._work,
        )


def edit_parts(asked: int | None, quick: bool) -> int:
    """Jobs that share the edits of a folder: as asked, else 1 for an editor that takes no time."""
    return asked or (1 if quick else _EDIT_SHARDS)


def _missing_jobs(
    runs: Sequence[PlannedRun], records: Sequence[Record], stages: Sequence[str]
) -> dict[str, tuple[Job, ...]]:
    """Stage -> jobs to do: a run that is not done hangs on them and they have left no result."""
    done = {record.identity: record for record in records if record.status == "done"}
    missing: dict[str, dict[str, Job]] = {stage: {} for stage in stages}
    seen: set[str] = set()  # many runs hang on one job, and looking for what it left takes time
    for run in runs:
        record = done.get(run.job.key)
        if record is not None and run.complete(record):
            continue
        missing[run.job.stage][run.job.key] = run.job
        # A step that is added to a finished run needs its checkpoint alone.
        for job in run.before() if record is None else ():
            if job.key not in seen and not is_done(job):
                missing[job.stage][job.key] = job
            seen.add(job.key)
    return {stage: tuple(jobs.values()) for stage, jobs in missing.items()}
