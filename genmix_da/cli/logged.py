"""--log: what a command that runs does with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from genmix_da.cli import groups
from genmix_da.cli.others import and_others

ResultT = TypeVar("ResultT", bound=Any)

log_option = groups.running(
    "--log",
    help="tensorboard, mlflow or wandb: told of every epoch, the scores and the report."
    + and_others("loggers"),
)


def run_logged(run: Callable[..., ResultT], log: str | None, options: Mapping[str, Any]) -> ResultT:
    """Call `run` with its options; with a logger, which gets the run's report page, too."""
    if log is None:
        return run(**options)
    from genmix_da.loggers import tracked
    from genmix_da.reporting import write_report
    from genmix_da.stores.copies import push

    with tracked(log) as tracker:
        result = run(log=tracker, **options)
        folder: Path = result.folder
        tracker.file(write_report([folder], folder / "report.html"))
    push(folder)  # what the logger wrote there to its end
    return result
