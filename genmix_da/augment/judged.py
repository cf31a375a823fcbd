"""What became of every edit: kept, dropped or failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.jobs import Job

STATUSES = KEPT, DROPPED, FAILED = "kept", "dropped", "failed"


@dataclass(frozen=True)
class Edit:
    """What became of a job.

    Attributes:
        job: which edit.
        status: "kept", "dropped" or "failed".
        similarity: cosine with the original; None where it failed or nothing was compared.
        reason: of a failure, else "".
    """

    job: Job
    status: str
    similarity: float | None
    reason: str = ""


def counted(edits: Sequence[Edit], status: str) -> int:
    """How many edits have a status."""
    if isinstance(edits, Edits):
        return edits.of_status(status)
    return sum(edit.status == status for edit in edits)


class Edits(Sequence[Edit]):
    """What became of all jobs, in their order; of each its similarity alone is held.

    Args:
        jobs: N of them.
        failures: place of a job that failed -> why.
        similarity: [N] float64, each edit with its original, NaN of what failed; None where
            nothing was compared.
        threshold: below it an edit is dropped; None where nothing was compared.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        failures: Mapping[int, str],
        similarity: NDArray[np.float64] | None = None,
        threshold: float | None = None,
    ) -> None:
        self._jobs, self._failures = jobs, failures
        self._similarity, self._threshold = similarity, threshold

    def of_status(self, status: str) -> int:
        """How many have a status."""
        total, failed = len(self), len(self._failures)
        dropped = 0
        if self._similarity is not None and self._threshold is not None:
            dropped = int((self._similarity < self._threshold).sum())
        return {KEPT: total - failed - dropped, DROPPED: dropped, FAILED: failed}[status]

    def __len__(self) -> int:
        return len(self._jobs)

    @overload
    def __getitem__(self, place: int) -> Edit: ...
    @overload
    def __getitem__(self, place: slice) -> list[Edit]: ...
    def __getitem__(self, place: int | slice) -> Edit | list[Edit]:
        if isinstance(place, slice):
            places = range(len(self))[place]
            return [self._edit(*each) for each in zip(places, self._jobs[place], strict=True)]
        row = range(len(self))[place]
        return self._edit(row, self._jobs[row])

    def __iter__(self) -> Iterator[Edit]:
        for place, job in enumerate(self._jobs):
            yield self._edit(place, job)

    def _edit(self, place: int, job: Job) -> Edit:
        reason = self._failures.get(place)
        if reason is not None:
            return Edit(job, FAILED, None, reason)
        if self._similarity is None or self._threshold is None:
            return Edit(job, KEPT, None)
        similarity = float(self._similarity[place])
        return Edit(job, KEPT if similarity >= self._threshold else DROPPED, similarity)
