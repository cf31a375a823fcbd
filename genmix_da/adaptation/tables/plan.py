"""What a table of adaptations needs: every run it wants, and the jobs that hang on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genmix_da.adaptation.config import AdaptConfig, build_config
from genmix_da.adaptation.graph_step import step_identity
from genmix_da.adaptation.identity import run_identity, run_settings, settings_of_seed
from genmix_da.adaptation.results import display_name
from genmix_da.adaptation.source_model import (
    source_folder,
    source_settings,
    source_settings_of_seed,
)
from genmix_da.adaptation.tables.jobs import STAGES, run_job
from genmix_da.adaptation.tables.pairs import pair_name
from genmix_da.adaptation.task import Task, prepare, with_method
from genmix_da.augment.source_task import Augmentation, augmentation_of
from genmix_da.config_values import identity
from genmix_da.data.loaded import Loaded
from genmix_da.methods import GRAPH, find_method, graph_name
from genmix_da.places import place_name
from genmix_da.progress import track
from genmix_da.tables.cells import Wanted
from genmix_da.tables.jobs import Job
from genmix_da.tables.plan import Plan, PlannedRun, Planner, TableRequest, edit_parts
from genmix_da.tables.records import Record, read_records


@dataclass(frozen=True, kw_only=True)
class Request(TableRequest):
    """A table of adaptations.

    Attributes:
        pairs: (source, target) names.
        settings: of "opda", "osda", "pda".
        methods: keys of METHODS, in the order of the rows.
        splits: setting -> --split, or None.
        method_options: of methods with source data; each takes those that it has.
    """

    pairs: tuple[tuple[str, str], ...]
    settings: tuple[str, ...]
    methods: tuple[str, ...]
    splits: Mapping[str, str | None]
    method_options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Run(PlannedRun):
    """One adaptation of the plan.

    Attributes:
        source: job of the stage "source".
        task: resolved, for estimates; that of the first seed.
        graph: identity of the graph step, or None where there is none.
    """

    source: Job
    task: Task
    graph: str | None

    def complete(self, record: Record) -> bool:
        """Also the graph step, where it is wanted."""
        found = record.content.get("graph") or {}
        return self.graph is None or found.get("identity") == self.graph

    def before(self) -> tuple[Job, ...]:
        """A given source model left out."""
        given = self.task.config.source_checkpoint is not None
        return self.data if given else (*self.data, self.source)

    def needs(self) -> dict[str, tuple[str, ...]]:
        """Of the source model too."""
        data = [job for job in self.data if job.stage == "data"]
        return {
            self.source.key: tuple(job.key for job in data if not job.target),
            self.job.key: (self.source.key, *(job.key for job in data)),
        }


class _Planner(Planner[Run]):
    def __init__(self, request: Request) -> None:
        super().__init__(request.root, STAGES, run_job)
        self.request = request
        self.loaded = Loaded()
        self._augmentations: dict[str, Augmentation | None] = {}

    def add_pair(self, setting: str, pair: tuple[str, str]) -> None:
        """Plan all methods and seeds of a pair in a setting."""
        request, label = self.request, f"{pair_name(*pair)} {setting}"
        options = {**request.options, "src": pair[0], "tgt": pair[1], "setting": setting}
        if request.splits.get(setting) is not None:
            options["split"] = request.splits[setting]
        task = self.attempt(label, lambda: prepare(build_config(options), loaded=self.loaded))
        for name in dict.fromkeys(name.removesuffix(GRAPH) for name in request.methods):
            method = find_method(name)
            if task is None or setting not in method.settings:
                undefined = setting not in method.settings
                self.wanted += (
                    Wanted(
                        identity({"run": [label, name, seed]}),
                        setting,
                        *pair,
                        name,
                        seed,
                        undefined,
                    )
                    for seed in request.seeds
                )
                continue
            choice: dict[str, Any] = {"method": name, "augment": method.augment}
            known = method.joint.options[""] if method.joint else {}
            own = {k: v for k, v in request.method_options.items() if k in known}
            choice |= {"method_options": own} if own else {}
            first = with_method(task, **choice, seed=request.seeds[0])
            self._add_runs(first, {**options, **choice}, f"{label} {name}")

    def _add_runs(self, task: Task, options: dict[str, Any], label: str) -> None:
        """Plan every seed of a method; `task` is the first one's.

        What the seeds share is worked out once: a large table has thousands.
        """
        config, root = task.config, place_name(self.request.root)
        if config.augment not in self._augmentations:
            self._augmentations[config.augment] = augmentation_of(task)
        augmentation = self._augmentations[config.augment]
        rows = self._rows(
            config, display_name(config, augmentation.editor.name if augmentation else None)
        )
        pair = pair_name(config.src, config.tgt).replace(" ", "_")
        graph = step_identity(task) if config.graph else None
        of_first = run_settings(task, augmentation)
        source_of_first = source_settings(task, augmentation)
        model = f"source model of {config.src}, {config.setting}, augment {config.augment}"
        weights: object = self  # none that there are
        data: tuple[Job, ...] = ()
        for seed in self.request.seeds:
            own = {**options, "seed": seed}
            settings = source_settings_of_seed(task, source_of_first, seed)
            name = run_identity(settings_of_seed(of_first, seed, settings))
            source = Job(
                identity(settings),
                "source",
                f"{model}, seed {seed}",
                own,
                root,
                f"sources/{source_folder(config.src, settings)}",
            )
            if settings["weights"] != weights:  # random ones are of the seed; others are shared
                weights = settings["weights"]
                data = self._source_edits(settings, own, augmentation)
                data += self._data_jobs(task, settings, own)
            out = f"{config.setting}/{pair}/{config.method_name()}-seed{seed}-{name[:8]}"
            job = Job(name, "adapt", f"{label} seed {seed}", own, root, out)
            planned = [
                Wanted(name, config.setting, config.src, config.tgt, row, seed) for row in rows
            ]
            self.wanted += planned
            self.runs.append(
                Run(wanted=planned[0], job=job, data=data, source=source, task=task, graph=graph)
            )

    def _rows(self, config: AdaptConfig, method: str) -> list[str]:
        """The method and the graph step behind it, or what of the two the request names."""
        named = config.method_name() in self.request.methods or not config.graph
        return [method] * named + [graph_name(method)] * config.graph

    def _source_edits(
        self, source: dict[str, Any], options: dict[str, Any], augmentation: Augmentation | None
    ) -> tuple[Job, ...]:
        if augmentation is None:
            return ()
        parts = edit_parts(self.request.edit_shards, augmentation.editor.stand_in)
        if parts == 1:
            return ()  # the job that composes the images makes their edits as well
        made_of = {key: source[key] for key in ("source", "data", "classes", "augment")}
        return self.edit_jobs(f"edits of {source['source']}", made_of, options, parts)

    def _data_jobs(
        self, task: Task, source: dict[str, Any], options: dict[str, Any]
    ) -> tuple[Job, ...]:
        """Jobs that make augmented images and features, one for all seeds and pairs."""
        config, root = task.config, place_name(self.request.root)
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
    return planner.plan(records)


def plan_of(request: Request) -> Plan[Run]:
    """The plan, with what the folder holds already left out."""
    return make_plan(request, read_records(request.root)[0])
