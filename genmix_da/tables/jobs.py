"""The pieces of work of a table. The same code runs in this process, in a worker or on a cluster.

A job is idempotent: run again, it finds what is there and makes what is missing. Everything it
leaves is written under a temporary name and renamed, so that a lost worker costs its job alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmix_da.places import user_path
from genmix_da.stores.copies import is_there
from lead.files import write_atomically


@dataclass(frozen=True)
class Job:
    """One piece of work.

    Attributes:
        key: hash of what decides its result; unique in a plan.
        stage: "edits" (a part of a folder's), "data" (augmented images, features), or one of those
            that train.
        label: for people.
        config: options of `adapt`, or of whatever runs, plain values.
        root: folder of the table, or its URL; sources and augmented images lie in it too.
        out: run folder below root; "" where the stage has none.
        target: of the stage "data": the target's features instead of the source's images.
        shard: of the stage "edits": (i, n), see `fill_cache`.
    """

    key: str
    stage: str
    label: str
    config: dict[str, Any]
    root: str
    out: str = ""
    target: bool = False
    shard: tuple[int, int] = (1, 1)

    @property
    def folder(self) -> Path:
        """That of the table, on this machine."""
        return user_path(self.root)


def is_done(job: Job) -> bool:
    """Whether a job of a stage before the last has left its result.

    Of data that was removed from a cache since, this does not know; what needs it makes it again.
    """
    from genmix_da.runs.folder import CHECKPOINT

    return is_there(job.folder / job.out / CHECKPOINT if job.out else _mark(job))


def _mark(job: Job) -> Path:
    """The file that says that a job without a run folder is done: its results lie in caches."""
    return job.folder / "prepared" / job.key


def leave_mark(job: Job) -> None:
    """Note that a job without a run folder is done."""
    mark = _mark(job)
    mark.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(mark, lambda file: file.write_text(f"{job.label}\n"))
