"""Augmentation overhead AO(%): what a method costs in time, against training without it (GenMix).

AO = (T_method - T_none) / T_none * 100, T = seconds of generating images + seconds of training, of
the same data set and seed. Here it is a fraction, as all numbers of a table are.
"""

from __future__ import annotations

from collections.abc import Sequence

from genmix_da.tables.cells import Place, Run
from genmix_da.tables.records import Record

OVERHEAD = "overhead"  # in no record: computed from two of them

NOTE = (
    "AO(%) = (T - T of '{baseline}') / T of '{baseline}' * 100, T = seconds of generating images "
    "plus seconds of training, of the same data set and seed, measured on {devices}. Every run "
    "counts the whole of the generation, also where runs shared its images. Runs side by side on "
    "one machine (workers) slow each other down: compare AO only of runs that were made one after "
    "another."
)


def seconds_of(record: Record) -> float | None:
    """Seconds of generating images and of training; None where training was not timed."""
    seconds = (record.content.get("timing") or {}).get("seconds") or {}
    train = seconds.get("train")
    return None if train is None else float(train) + float(seconds.get("generate") or 0.0)


def overheads(runs: Sequence[Run], baseline: str | None) -> dict[Place, float | None]:
    """Overhead of every finished run whose baseline is finished too.

    Args:
        runs: of one setting.
        baseline: the method that augments nothing, or None.

    Returns:
        (method, column, seed) -> overhead, a fraction; None where no baseline is wanted at all or
        one of the two was not timed. Runs whose baseline is still to come are left out.
    """
    plain = {run.place[1:]: run for run in runs if run.wanted.method == baseline}
    found: dict[Place, float | None] = {}
    for run in runs:
        if run.record is None:
            continue
        base = plain.get(run.place[1:])
        if base is None:
            found[run.place] = None
        elif base.record is not None:
            found[run.place] = _overhead(seconds_of(run.record), seconds_of(base.record))
    return found


def _overhead(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or not theirs else (ours - theirs) / theirs
