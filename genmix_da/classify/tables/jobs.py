"""The pieces of work of a table of classifications; see genmix_da.tables.jobs for what a job is."""

from __future__ import annotations

from genmix_da.tables.jobs import Job, leave_mark

# "edits": a part of a data set's edits, where several rows or workers share them; "data": GenMix's
# images, for all seeds; "run": training.
STAGES = ("edits", "data", "run")
AUGMENTED = "augmented"  # folder of GenMix's images below the table's


def run_classify_job(job: Job) -> None:
    """Do a job.

    Raises:
        UserError, LeadError: as `genmix_da.classify.train`.
    """
    from genmix_da.augment.sharding import fill_cache
    from genmix_da.augment.training_set import training_set
    from genmix_da.classify.config import build_classify_config
    from genmix_da.classify.method import resolve_method
    from genmix_da.classify.run import train
    from genmix_da.classify.task import prepare

    root = job.folder
    if job.stage == "run":
        train(out=root / job.out, resume=True, augmented=root / AUGMENTED, **job.config)
        return
    task = prepare(build_classify_config(job.config))
    source = resolve_method(task).source
    if source is not None and job.stage == "edits":
        domain, device = task.train.decoded.domain, task.config.device
        fill_cache(domain, source.settings, device=device, shard=job.shard)
    else:
        training_set(task, source, root / AUGMENTED)
    leave_mark(job)
