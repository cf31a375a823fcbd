"""Which engine is meant: local, workers:N or ray."""

from __future__ import annotations

import re

from genmix_da.engines.base import Engine
from genmix_da.errors import UserError, nearest_name


def parse_engine(
    text: str, *, gpus_per_job: float | None = None, address: str | None = None
) -> Engine:
    """The engine that "local", "workers:N" or "ray" names.

    Args:
        text: from the command line.
        gpus_per_job: for workers and Ray; a fraction lets jobs share a GPU. None: workers take the
            visible GPUs in turn; on Ray 1 where the cluster has GPUs, else 0.
        address: of a Ray cluster; None for $RAY_ADDRESS, the cluster this machine belongs to, or a
            cluster of this machine alone, started for the run.

    Raises:
        UserError: another name, or an option that the engine does not have.
    """
    kind, _, number = text.strip().lower().partition(":")
    if gpus_per_job is not None:
        _check_gpus(gpus_per_job)
    if address is not None and kind != "ray":
        raise UserError(f"--ray-address is for --engine ray, not for {text!r}.")
    if kind == "local" and not number:
        if gpus_per_job is not None:
            raise UserError(
                "--gpus-per-job is for --engine workers:N and ray; local uses --device."
            )
        from genmix_da.engines.local import LocalEngine

        return LocalEngine()
    if kind == "workers" and number.isdecimal() and int(number) >= 1:
        from genmix_da.engines.workers import WorkersEngine

        return WorkersEngine(int(number), gpus_per_job)
    if kind == "ray" and not number:
        from genmix_da.engines.ray_engine import RayEngine

        return RayEngine(address, gpus_per_job)
    raise UserError(
        f"no engine {text!r}{_suggestion(kind, number)}; choose local, workers:N with N from 1, "
        "or ray."
    )


def _check_gpus(gpus_per_job: float) -> None:
    if not (gpus_per_job >= 0 and (float(gpus_per_job).is_integer() or gpus_per_job < 1)):
        raise UserError(
            f"--gpus-per-job is {gpus_per_job:g}; give a whole number, or a fraction below 1."
        )


def _suggestion(kind: str, number: str) -> str:
    """A hint at what was meant, or nothing."""
    if kind.isdecimal():
        kind, number = "workers", kind
    joined = re.fullmatch(r"([a-z]+)[-=_ ]?(\d+)", kind)  # workers4, workers=4
    if joined:
        kind, number = joined.groups()
    near = nearest_name(kind, ["local", "workers", "ray"], cutoff=0.5)
    if near is None:
        return ""
    count = f":{max(int(number), 1)}" if number.isdecimal() else ":2"
    return f" (did you mean {near}{count if near == 'workers' else ''}?)"
