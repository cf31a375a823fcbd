"""What a table of pre-trainings needs: every run it wants, and the jobs that are missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmix_da.augment.source_task import Augmentation, augmentation_of
from genmix_da.classify.task import ClassifyTask
from genmix_da.classify.task import prepare as prepare_images
from genmix_da.config_values import identity
from genmix_da.errors import UserError
from genmix_da.places import place_name
from genmix_da.progress import track
from genmix_da.selfsupervised.config import MOCO, MOCO_ALONE, build_ssl_config
from genmix_da.selfsupervised.probe_run import probed_images
from genmix_da.selfsupervised.record import method_name, run_identity, run_settings
from genmix_da.selfsupervised.tables.jobs import STAGES, run_probe_job
from genmix_da.selfsupervised.tables.kind import SETTING
from genmix_da.selfsupervised.task import SelfSupervisedTask, prepare
from genmix_da.tables.cells import Wanted
from genmix_da.tables.estimate import FROM_RUNS, Estimate
from genmix_da.tables.jobs import Job
from genmix_da.tables.plan import Plan, PlannedRun, Planner, TableRequest
from genmix_da.tables.records import Record, read_records


@dataclass(frozen=True, kw_only=True)
class ProbeRequest(TableRequest):
    """A table of pre-trainings.

    Attributes:
        data: folders, or names of torchvision data sets.
        methods, augments: whose product the rows are.
        split: which images are probed, fields of `probe_run.SPLIT` but data.
    """

    data: tuple[str, ...]
    methods: tuple[str, ...]
    augments: tuple[str, ...]
    split: dict[str, Any]


class _Planner(Planner[PlannedRun]):
    def __init__(self, request: ProbeRequest) -> None:
        super().__init__(request.root, STAGES, run_probe_job)
        self.request = request
        self._named: dict[str, str] = {}  # data set -> where it lies
        self._probed: dict[str, ClassifyTask] = {}  # where it lies -> images of the probe

    def add_data(self, data: str) -> None:
        """Plan all rows and seeds of a data set."""
        split = {**self.request.split, "data": data}
        for method in self.request.methods:
            for augment in self.request.augments:
                options = {**self.request.options, "data": data, "method": method}
                if method != MOCO:
                    options = {k: v for k, v in options.items() if k not in MOCO_ALONE}
                self._add_row(options | {"augment": augment}, split)

    def _add_row(self, options: dict[str, Any], split: dict[str, Any]) -> None:
        typed = options["method"]
        if options["augment"] != "none":
            typed += f"+{options['augment']}"
        found = self.attempt(f"{options['data']} {typed}", lambda: self._prepared(options, split))
        for seed in self.request.seeds:
            if found is None:
                name = Path(options["data"]).name
                made_up = identity({"run": [options["data"], typed, seed]})
                self.wanted.append(Wanted(made_up, SETTING, name, name, typed, seed))
            else:
                self._add_run(*found, {**options, "seed": seed}, split)

    def _prepared(
        self, options: dict[str, Any], split: dict[str, Any]
    ) -> tuple[SelfSupervisedTask, Augmentation | None, ClassifyTask]:
        """The images of a row, how more are made of them, and the images of its probe."""
        task, data = prepare(build_ssl_config(options)), options["data"]
        if data not in self._probed:  # no row has others
            device = task.config.device
            wanted = probed_images(task.config, split, weights="none", device=device)
            self._probed[data] = prepare_images(wanted)
        return task, augmentation_of(task), self._probed[data]

    def _add_run(
        self,
        task: SelfSupervisedTask,
        augmentation: Augmentation | None,
        images: ClassifyTask,
        options: dict[str, Any],
        split: dict[str, Any],
    ) -> None:
        held = self._named.setdefault(images.dataset, options["data"])
        if held != options["data"]:
            raise UserError(
                f"{held} and {options['data']} are both called {images.dataset}, so their columns "
                "could not be told apart; rename one of the folders."
            )
        seed, dataset, root = options["seed"], images.dataset, place_name(self.request.root)
        seeded = dataclasses.replace(task, config=dataclasses.replace(task.config, seed=seed))
        settings = run_settings(seeded, augmentation)
        contents: dict[str, Any] = dict(images.contents())
        del contents["weights"]  # the backbone's own are what was pre-trained
        if images.config.split_seed:  # it draws what the probe chooses its penalty on, too
            contents["split_seed"] = images.config.split_seed
        name = identity({"pretrained": run_identity(settings), "probed": contents})
        row = method_name(task, augmentation)
        plain = f"{options['method']}-{options['augment']}"
        out = f"{SETTING.replace(' ', '_')}/{_plain(dataset)}/{plain}-seed{seed}-{name[:8]}"
        given = {"train": options, "split": split}
        self.wanted.append(Wanted(name, SETTING, dataset, dataset, row, seed))
        job = Job(name, "run", f"{dataset} {row} seed {seed}", given, root, out)
        data: tuple[Job, ...] = ()
        if augmentation is not None:
            made_of = {"images": augmentation.as_dict(), "data": task.contents()["train"]}
            label = f"images of {dataset} by {augmentation.editor.name}"
            data = (Job(identity(made_of), "data", label, given, root),)
        self.runs.append(PlannedRun(wanted=self.wanted[-1], job=job, data=data))


def _plain(text: str) -> str:
    """A name that any file system takes."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "_" for c in text)
    return kept[:80]


def probe_plan_of(request: ProbeRequest) -> Plan[PlannedRun]:
    """Settle every run of a table and find out what is missing.

    Raises:
        UserError: not a single run can be planned; says why.
    """
    planner = _Planner(request)
    for data in track(request.data, "planning", len(request.data)):
        planner.add_data(data)
    return planner.plan(read_records(request.root)[0])


def estimate_probe_plan(plan: Plan[PlannedRun], records: Sequence[Record]) -> Estimate:
    """Seconds of the missing jobs by the mean of those that are done; unknown before the first.

    Args:
        plan: with its missing jobs.
        records: of its folder.
    """
    names = {run.job.key for run in plan.runs}
    done = [
        sum(record.content["timing"]["seconds"][part] for part in ("train", "probe"))
        for record in records
        if record.status == "done" and record.identity in names
    ]
    missing = plan.missing["run"]
    mean = sum(done) / len(done) if done else None
    seconds = {
        "data": None if plan.missing["data"] else 0.0,
        "run": None if mean is None and missing else (mean or 0.0) * len(missing),
    }
    return Estimate(seconds, FROM_RUNS)
