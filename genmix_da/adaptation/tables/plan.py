"""What a table needs: every run it wants, and the jobs that are missing for them."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from genmix_da.adaptation.config import AdaptConfig, build_config, identity
from genmix_da.adaptation.graph_step import step_identity
from genmix_da.adaptation.results import display_name
from genmix_da.adaptation.run import run_identity, run_settings
from genmix_da.adaptation.source_model import source_folder, source_settings
from genmix_da.adaptation.tables.pairs import pair_name
from genmix_da.adaptation.task import Task, prepare
from genmix_da.augment.training_set import Augmentation, augmentation_of
from genmix_da.errors import UserError, user_message
from genmix_da.methods import GRAPH, find_method, graph_name
from genmix_da.progress import track
from genmix_da.table.cells import Wanted
from genmix_da.table.jobs import STAGES, Job, is_done, run_job
from genmix_da.table.records import Record

EDIT_SHARDS = 8


@dataclass(frozen=True)
class Request:
    """A table as it was asked for.

    Attributes:
        options: of `adapt`, the same for every run.
        pairs: (source, target) names.
        settings: of "opda", "osda", "pda".
        methods: keys of METHODS, in the order of the rows.
        seeds: of the runs.
        splits: setting -> --split, or None.
        root: folder of runs, sources and tables.
        edit_shards: jobs that share the edits of a source; None: EDIT_SHARDS, or 1 for an editor
            that only stands in for a generative one.
    """

    options: Mapping[str, Any]
    pairs: tuple[tuple[str, str], ...]
    settings: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    splits: Mapping[str, str | None]
    root: Path
    edit_shards: int | None = None


@dataclass(frozen=True)
class Run:
    """One run of the plan and the jobs it hangs on.

    Attributes:
        wanted: as the table wants it.
        job: of the stage "adapt".
        source: of the stage "source".
        data: of the stages "edits" and "data": what has to be prepared.
        task: resolved, for estimates.
        graph: identity of the graph step, or None where there is none.
    """

    wanted: Wanted
    job: Job
    source: Job
    data: tuple[Job, ...]
    task: Task
    graph: str | None

    def complete(self, record: Record) -> bool:
        """Whether a finished record of the run has all that is wanted of it."""
        found = record.content.get("graph") or {}
        return self.graph is None or found.get("identity") == self.graph

    def before(self) -> tuple[Job, ...]:
        """What has to be done first, a given source model left out."""
        given = self.task.config.source_checkpoint is not None
        return self.data if given else (*self.data, self.source)

    def needs(self) -> dict[str, tuple[str, ...]]:
        """Job -> jobs without which it cannot be done, by key."""
        # Not the edits: what composes the images makes those that are missing, or fails itself.
        data = [job for job in self.data if job.stage == "data"]
        return {
            self.source.key: tuple(job.key for job in data if not job.target),
            self.job.key: (self.source.key, *(job.key for job in data)),
        }


class AnyRequest(Protocol):
    """A table of any kind of runs as it was asked for."""

    @property
    def root(self) -> Path:
        """Folder of runs and tables."""


class PlannedRun(Protocol):
    """What planning needs to know of a run of any kind."""

    @property
    def wanted(self) -> Wanted:
        """As the table wants it."""

    @property
    def job(self) -> Job:
        """The last one; its key is the run's identity."""

    def before(self) -> tuple[Job, ...]:
        """Jobs of earlier stages."""

    def needs(self) -> dict[str, tuple[str, ...]]:
        """Job -> jobs without which it cannot be done, by key."""

    def complete(self, record: Record) -> bool:
        """Whether a finished record of the run has all that is wanted of it."""


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
    work: Callable[[Job], None] = run_job

    @property
    def stages(self) -> tuple[str, ...]:
        """In this order: a job finds what those of earlier stages have made."""
        return tuple(self.missing)

    def counts(self) -> Counter[str]:
        """Stage -> jobs, done ones too."""
        jobs = {job.key: job.stage for run in self.runs for job in (*run.before(), run.job)}
        return Counter(jobs.values())


class _Planner:
    def __init__(self, request: Request) -> None:
        self.request = request
        self.wanted: list[Wanted] = []
        self.runs: list[Run] = []
        self.refused: list[tuple[str, str]] = []
        self._augmentations: dict[str, Augmentation | None] = {}

    def add_pair(self, setting: str, pair: tuple[str, str]) -> None:
        """Plan all methods and seeds of a pair in a setting."""
        request, label = self.request, f"{pair_name(*pair)} {setting}"
        options = {**request.options, "src": pair[0], "tgt": pair[1], "setting": setting}
        if request.splits.get(setting) is not None:
            options["split"] = request.splits[setting]
        try:
            task = prepare(build_config(options))
        except Exception as error:
            message = user_message(error)
            if message is None:
                raise
            self.refused.append((label, message))
            task = None
        for name in dict.fromkeys(name.removesuffix(GRAPH) for name in request.methods):
            method = find_method(name)
            for seed in request.seeds:
                undefined = setting not in method.settings
                if task is None or undefined:
                    row = Wanted(
                        identity({"run": [label, name, seed]}),
                        setting,
                        *pair,
                        name,
                        seed,
                        undefined,
                    )
                    self.wanted.append(row)
                    continue
                choice: dict[str, Any] = {"method": name, "augment": method.augment, "seed": seed}
                chosen = dataclasses.replace(
                    task, config=dataclasses.replace(task.config, **choice)
                )
                self._add_run(chosen, {**options, **choice}, f"{label} {name} seed {seed}")

    def _add_run(self, task: Task, options: dict[str, Any], label: str) -> None:
        config = task.config
        if config.augment not in self._augmentations:
            self._augmentations[config.augment] = augmentation_of(task)
        augmentation = self._augmentations[config.augment]
        name = run_identity(json.loads(json.dumps(run_settings(task, augmentation))))
        editor = augmentation.editor.name if augmentation else None
        rows = [
            Wanted(name, config.setting, config.src, config.tgt, method, config.seed)
            for method in self._rows(config, display_name(config, editor))
        ]
        root = str(self.request.root)
        pair = pair_name(config.src, config.tgt).replace(" ", "_")
        out = f"{config.setting}/{pair}/{config.method_name()}-seed{config.seed}-{name[:8]}"
        settings = source_settings(task, augmentation)
        model = f"{config.src}, {config.setting}, augment {config.augment}, seed {config.seed}"
        source = Job(
            identity(settings),
            "source",
            f"source model of {model}",
            options,
            root,
            f"sources/{source_folder(config.src, settings)}",
        )
        data = self._edit_jobs(settings, options, augmentation)
        data += self._data_jobs(task, settings, options)
        job = Job(name, "adapt", label, options, root, out)
        self.wanted += rows
        graph = step_identity(task) if config.graph else None
        self.runs.append(Run(rows[0], job, source, data, task, graph))

    def _rows(self, config: AdaptConfig, method: str) -> list[str]:
        """The method and the graph step behind it, or what of the two the request names."""
        named = config.method_name() in self.request.methods or not config.graph
        return [method] * named + [graph_name(method)] * config.graph

    def _edit_jobs(
        self, source: dict[str, Any], options: dict[str, Any], augmentation: Augmentation | None
    ) -> tuple[Job, ...]:
        """Parts of a source's edits, so that these too are spread over workers."""
        if augmentation is None:
            return ()
        parts = self.request.edit_shards or (1 if augmentation.editor.stand_in else EDIT_SHARDS)
        if parts == 1:
            return ()  # the job that composes the images makes their edits as well
        made_of = {key: source[key] for key in ("source", "data", "classes", "augment")}
        return tuple(
            Job(
                identity({"edits": made_of, "shard": [part, parts]}),
                "edits",
                f"edits of {source['source']}, part {part} of {parts}",
                options,
                str(self.request.root),
                shard=(part, parts),
            )
            for part in range(1, parts + 1)
        )

    def _data_jobs(
        self, task: Task, source: dict[str, Any], options: dict[str, Any]
    ) -> tuple[Job, ...]:
        """Jobs that make augmented images and features, one for all seeds and pairs."""
        config, root = task.config, str(self.request.root)
        jobs = []
        if config.augment != "none" or config.freeze_backbone:
            decided = {key: value for key, value in source.items() if key != "seed"}
            label = f"images of {config.src}, {config.setting}, augment {config.augment}"
            jobs.append(Job(identity({"source": decided}), "data", label, options, root))
        if config.freeze_backbone:
            features = {key: source[key] for key in ("backbone", "backbone_arguments", "weights")}
            classes = [config.image_size, *task.label_sets.shared, *task.label_sets.target_private]
            decided = features | {"target": task.target.decoded.fingerprint, "classes": classes}
            label = f"features of {config.tgt}, {config.setting}"
            jobs.append(
                Job(identity({"target": decided}), "data", label, options, root, target=True)
            )
        return tuple(jobs)


def make_plan(request: Request, records: Sequence[Record]) -> Plan[Run]:
    """Settle every run of a table and find out what is missing.

    Args:
        request: the table.
        records: what is in its folder, see `read_records`.

    Raises:
        UserError: not a single run can be planned; says why.
    """
    planner = _Planner(request)
    for setting in request.settings:
        for pair in track(request.pairs, f"planning {setting}", len(request.pairs)):
            planner.add_pair(setting, pair)
    if planner.refused and not planner.runs:
        raise UserError(f"no run can be planned: {planner.refused[0][1]}")
    return Plan(
        tuple(planner.wanted),
        tuple(planner.runs),
        missing_jobs(planner.runs, records, STAGES),
        tuple(planner.refused),
    )


def missing_jobs(
    runs: Sequence[PlannedRun], records: Sequence[Record], stages: Sequence[str]
) -> dict[str, tuple[Job, ...]]:
    """Stage -> jobs to do: a run that is not done hangs on them and they have left no result."""
    done = {record.identity: record for record in records if record.status == "done"}
    missing: dict[str, dict[str, Job]] = {stage: {} for stage in stages}
    for run in runs:
        record = done.get(run.job.key)
        if record is not None and run.complete(record):
            continue
        missing[run.job.stage][run.job.key] = run.job
        # A step that is added to a finished run needs its checkpoint alone.
        for job in run.before() if record is None else ():
            if not is_done(job):
                missing[job.stage][job.key] = job
    return {stage: tuple(jobs.values()) for stage, jobs in missing.items()}
