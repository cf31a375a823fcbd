"""The options that say where the work of a command runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genmix_da.cli import groups
from genmix_da.cli.options import Command, apply

if TYPE_CHECKING:
    from genmix_da.engines.base import Engine


def engine_options(command: Command, *, what: str = "it runs") -> Command:
    """--engine and what belongs to it.

    Args:
        command: that gets them.
        what: the engine decides the place of, for --help.
    """
    return apply(
        (
            groups.running(
                "--engine",
                default="local",
                show_default=True,
                help=f"local, workers:N or ray: where {what}.",
            ),
            groups.running(
                "--gpus-per-job", type=float, help="GPUs of one job; a fraction shares one [1]."
            ),
            groups.running(
                "--ray-address", help="Of a Ray cluster [$RAY_ADDRESS, else a local one]."
            ),
        ),
        command,
    )


def take_engine(options: dict[str, Any]) -> Engine:
    """Take the options of `engine_options` out of a command's.

    Raises:
        UserError: there is no such engine, or it has no such option.
    """
    from genmix_da.engines.choose import parse_engine

    names = ("engine", "gpus_per_job", "ray_address")
    engine, gpus, address = (options.pop(name) for name in names)
    return parse_engine(engine, gpus_per_job=gpus, address=address)
