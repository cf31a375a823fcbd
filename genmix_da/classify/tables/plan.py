"""What a table of classifications needs: every run it wants, and the jobs that are missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmix_da.classify.config import build_classify_config
from genmix_da.classify.identity import run_identity, run_settings
from genmix_da.classify.method import Method, resolve_method
from genmix_da.classify.record import SETTING
from genmix_da.classify.tables.jobs import STAGES, run_classify_job
from genmix_da.classify.tables.variants import Variant
from genmix_da.classify.task import ClassifyTask, prepare
from genmix_da.config_values import identity
from genmix_da.errors import UserError
from genmix_da.places import place_name
from genmix_da.progress import track
from genmix_da.tables.cells import Wanted
from genmix_da.tables.jobs import Job
from genmix_da.tables.plan import Plan, PlannedRun, Planner, TableRequest, edit_parts
from genmix_da.tables.records import Record, read_records

# What decides edits, of all settings of an augmentation: others share them.
_EDITED_BY = ("prompts", "editor", "editor_settings", "per_image", "size", "seed")


@dataclass(frozen=True, kw_only=True)
class ClassifyRequest(TableRequest):
    """A table of classifications.

    Attributes:
        data: folders, or names of torchvision data sets.
        variants: rows.
    """

    data: tuple[str, ...]
    variants: tuple[Variant, ...]


@dataclass(frozen=True, kw_only=True)
class ClassifyRun(PlannedRun):
    """One classification of the plan; its task is resolved, for estimates."""

    task: ClassifyTask


class _Planner(Planner[ClassifyRun]):
    def __init__(self, request: ClassifyRequest) -> None:
        super().__init__(request.root, STAGES, run_classify_job)
        self.request = request
        self._named: dict[str, str] = {}  # data set -> where it lies

    def add_data(self, data: str) -> None:
        """Plan all rows and seeds of a data set."""
        options = {**self.request.options, "data": data}
        task = self.attempt(data, lambda: prepare(build_classify_config(options)))
        if task is not None and task.dataset in self._named:
            raise UserError(
                f"{self._named[task.dataset]} and {data} are both called {task.dataset}, so their "
                "columns could not be told apart; rename one of the folders."
            )
        if task is not None:
            self._named[task.dataset] = data
        for variant in self.request.variants:
            self._add_variant(task, options, variant)

    def _add_variant(
        self, task: ClassifyTask | None, options: dict[str, Any], variant: Variant
    ) -> None:
        chosen, method = None, None
        if task is not None:
            label = f"{task.dataset} {variant.text}"
            chosen = task.with_config(**variant.changes(task.config))
            method = self.attempt(label, lambda: resolve_method(chosen))
        for seed in self.request.seeds:
            if chosen is None or method is None:
                name = task.dataset if task else Path(options["data"]).name
                made_up = identity({"run": [options["data"], variant.text, seed]})
                self.wanted.append(Wanted(made_up, SETTING, name, name, variant.text, seed))
                continue
            given = {
                **options,
                **{key: value for key, value in variant.changes(chosen.config).items() if value},
                "seed": seed,
            }
            self._add_run(chosen.with_config(seed=seed), method, given, variant)

    def _add_run(
        self, task: ClassifyTask, method: Method, options: dict[str, Any], variant: Variant
    ) -> None:
        name = run_identity(run_settings(task, method))
        seed, dataset = task.config.seed, task.dataset
        row = variant.row(method.name)
        out = f"{SETTING}/{_plain(dataset)}/{_plain(variant.text)}-seed{seed}-{name[:8]}"
        root = place_name(self.request.root)
        wanted = Wanted(name, SETTING, dataset, dataset, row, seed)
        job = Job(name, "run", f"{dataset} {row} seed {seed}", options, root, out)
        self.wanted.append(wanted)
        data = self._data_jobs(task, method, options, row)
        self.runs.append(ClassifyRun(wanted=wanted, job=job, data=data, task=task))

    def _data_jobs(
        self, task: ClassifyTask, method: Method, options: dict[str, Any], row: str
    ) -> tuple[Job, ...]:
        """GenMix's images, for all seeds; its edits before that, where they are shared."""
        if method.source is None:
            return ()
        root, dataset, editor = place_name(self.request.root), task.dataset, method.source.editor
        made_of = {"train": task.contents()["train"], "classes": list(task.classes)}
        settings = method.source.as_dict()
        composed = {key: value for key, value in settings.items() if key != "budget"}
        edited = made_of | {key: settings[key] for key in _EDITED_BY}
        quick = editor.stand_in or editor.name == "original"
        parts = edit_parts(self.request.edit_shards, quick)
        label = f"edits of {dataset} by {editor.name}"
        edits = self.edit_jobs(label, edited, options, parts)
        key = identity({"images": made_of | composed, "size": task.preprocessing.resize_size})
        label = f"images of {dataset} by {row}, {composed['mode']}"
        return (*edits, Job(key, "data", label, options, root))


def _plain(text: str) -> str:
    """A name that any file system takes."""
    return re.sub(r"[^A-Za-z0-9.+=-]+", "_", text)[:80]


def make_classify_plan(request: ClassifyRequest, records: Sequence[Record]) -> Plan[ClassifyRun]:
    """Settle every run of a table and find out what is missing.

    Args:
        request: the table.
        records: what is in its folder, see `read_records`.

    Raises:
        UserError: not a single run can be planned; says why.
    """
    planner = _Planner(request)
    for data in track(request.data, "planning", len(request.data)):
        planner.add_data(data)
    return planner.plan(records)


def classify_plan_of(request: ClassifyRequest) -> Plan[ClassifyRun]:
    """The plan, with what the folder holds already left out."""
    return make_classify_plan(request, read_records(request.root)[0])
