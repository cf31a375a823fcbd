"""The steps that every run goes through: open, record, fail or finish."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from genmix_da.errors import UserError
from genmix_da.places import place_name
from genmix_da.runs.folder import RunFolder
from genmix_da.runs.provenance import provenance
from lead.errors import LeadError

logger = logging.getLogger(__name__)


def begin(
    run: RunFolder, identity: str, settings: Mapping[str, Any], *, resume: bool
) -> dict[str, Any] | None:
    """Claim the folder; the result where the run was finished before.

    Raises:
        UserError: see `RunFolder.open`.
    """
    run.open(identity, settings, resume=resume)
    finished = run.result()
    if finished is not None:
        logger.info("finished before: %s", place_name(run.path))
        run.drop_state()  # of a machine that was interrupted before another one went on
    else:
        run.tracker.start(run.path, settings)
    return finished


def carry_out(
    run: RunFolder, record: Callable[..., dict[str, Any]], work: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Do the work of a run; result.json says at every moment how far it is.

    Args:
        run: begun.
        record: content of result.json for a status, a reason, and what `work` returns.
        work: trains and scores.

    Returns:
        The record of the finished run.

    Raises:
        UserError, LeadError: of `work`; the record then says "failed" and why.
    """
    run.write_json("result.json", record(status="incomplete"))
    try:
        found = work()
    except (UserError, LeadError) as error:
        run.write_json("result.json", record(status="failed", reason=str(error)))
        raise
    result = record(status="done", **found)
    run.write_json("result.json", result)
    run.drop_state()
    run.tracker.finish(result)
    return result


def origin(settings: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """A run's provenance: versions and command, settings, fingerprints of its images."""
    return provenance() | {"config": settings, "data": data}
