"""The pieces of work of a table of adaptations; see genmix_da.tables.jobs for what a job is."""

from __future__ import annotations

from genmix_da.tables.jobs import Job, leave_mark

# In this order: a job finds what those of earlier stages have made.
STAGES = ("edits", "data", "source", "adapt")


def run_job(job: Job) -> None:
    """Do a job.

    Raises:
        UserError, LeadError: as the commands do that the stages belong to.
    """
    from genmix_da.adaptation.config import build_config
    from genmix_da.adaptation.run import adapt
    from genmix_da.adaptation.source_model import obtain_source
    from genmix_da.adaptation.task import prepare
    from genmix_da.augment.sharding import fill_cache
    from genmix_da.augment.source_task import augmentation_of
    from genmix_da.augment.training_set import training_set

    root = job.folder
    if job.stage == "adapt":
        adapt(out=root / job.out, resume=True, sources=root / "sources", **job.config)
        return
    task = prepare(build_config(job.config))
    augmentation = augmentation_of(task)
    if job.stage == "source":
        obtain_source(task, augmentation, root / "sources")
        return
    if job.stage == "edits" and augmentation is not None:
        device = task.config.device
        fill_cache(task.source.domain, augmentation.settings, device=device, shard=job.shard)
    elif job.target:
        task.target_views()
    else:
        training_set(task, augmentation, root / "augmented")
    leave_mark(job)
