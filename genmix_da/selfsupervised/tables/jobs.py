"""The pieces of work of a table of pre-trainings; see genmix_da.tables.jobs for what a job is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from genmix_da.tables.jobs import Job, leave_mark
from lead.files import write_atomically

# "data": the images of GenMix, for all methods and seeds; "run": pre-training and probe.
STAGES = ("data", "run")
AUGMENTED = "augmented"  # folder of made images below the table's
PRETRAINED = "pretrained"  # folder of a pre-training inside that of its run


def run_probe_job(job: Job) -> None:
    """Do a job.

    Raises:
        UserError, LeadError: as `genmix_da.selfsupervised.train` and `probe`.
    """
    from genmix_da.augment.source_task import augmentation_of
    from genmix_da.augment.training_offline import made_images
    from genmix_da.selfsupervised.config import build_ssl_config
    from genmix_da.selfsupervised.probe_run import probe
    from genmix_da.selfsupervised.run import train
    from genmix_da.selfsupervised.task import prepare

    root, given = job.folder, job.config
    if job.stage == "data":
        task = prepare(build_ssl_config(given["train"]))
        augmentation = augmentation_of(task)
        if augmentation is not None:
            made_images(task, augmentation, root / AUGMENTED)
        leave_mark(job)
        return
    folder = root / job.out
    run = train(out=folder / PRETRAINED, resume=True, augmented=root / AUGMENTED, **given["train"])
    found = probe(run.folder, **given["split"])
    record = probe_record(job.key, run.as_dict(), found.as_dict(), given["split"].get("test_data"))
    _write(folder, record)


def probe_record(
    name: str, run: dict[str, Any], found: dict[str, Any], test_data: str | None
) -> dict[str, Any]:
    """The result.json of a run of a table, sealed: a pre-training and its probe as one.

    Args:
        name: its identity.
        run: content of the pre-training's result.json.
        found: by `probe`.
        test_data: where the test images lie, if that was given.
    """
    from genmix_da.runs.seal import seal
    from genmix_da.selfsupervised.finished import probed_scores
    from genmix_da.selfsupervised.tables.kind import SETTING

    last = {**probed_scores(found), "epoch": run["last_epoch"]["epoch"]}
    seconds = {**run["timing"]["seconds"], "probe": found["seconds"]}
    config = run["provenance"]["config"] | found["split"] | {"test_data": test_data}
    return seal(
        {
            **run,
            "identity": name,
            "setting": SETTING,
            "dataset": found["dataset"],
            "source": found["dataset"],
            "target": found["dataset"],
            "scores": {"last": last, "selected": None, "oracle": None},
            "images": {**found["images"], "classes": found["classes"]},
            "seen": found["seen"],
            "timing": {**run["timing"], "seconds": seconds},
            "provenance": {
                **found["provenance"],
                "config": config,
                "data": found["provenance"]["data"],
            },
        }
    )


def _write(folder: Path, record: dict[str, Any]) -> None:
    text = json.dumps(record, indent=2, allow_nan=False) + "\n"
    write_atomically(folder / "result.json", lambda file: file.write_text(text))
