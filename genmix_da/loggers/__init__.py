"""Where runs are logged beside their folder: TensorBoard, MLflow, Weights & Biases.

A logger that fails is named once and left out from then on; it never costs the run. Adding one is
one file and one entry in LOGGERS.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from genmix_da.errors import UserError, did_you_mean
from genmix_da.loggers.base import Logger
from genmix_da.runs.tracking import Silent, Tracker

logger = logging.getLogger(__name__)

# Name -> (module here, package that it needs); the extra that brings it has the name.
LOGGERS = {
    "tensorboard": ("tensorboard", "tensorboard"),
    "mlflow": ("mlflow", "mlflow"),
    "wandb": ("wandb", "wandb"),
}


class Guarded:
    """A `Tracker` that passes on what a run tells, until the logger fails.

    Args:
        name: of the logger, for the warning.
        inner: the logger.
    """

    def __init__(self, name: str, inner: Logger) -> None:
        self._name, self._inner = name, inner
        self._well = True

    def start(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """See `Tracker`."""
        self._do(lambda: self._inner.start(folder, settings))

    def epoch(self, row: Mapping[str, Any]) -> None:
        """See `Tracker`."""
        self._do(lambda: self._inner.epoch(row))

    def finish(self, result: Mapping[str, Any]) -> None:
        """See `Tracker`."""
        self._do(lambda: self._inner.finish(result))

    def file(self, path: Path) -> None:
        """See `Tracker`."""
        self._do(lambda: self._inner.file(path))

    def close(self) -> None:
        """Nothing more comes."""
        self._do(self._inner.close)

    def _do(self, work: Callable[[], None]) -> None:
        if not self._well:
            return
        try:
            work()
        except Exception as error:  # of others' code and services: the run matters more
            self._well = False
            said = " ".join(str(error).split()) or type(error).__name__
            logger.warning("--log %s: %s; this run is logged no further", self._name, said)


def logger_named(name: str) -> Guarded:
    """A logger by its name.

    Raises:
        UserError: there is none, or its package is missing.
    """
    if name not in LOGGERS:
        hint = did_you_mean(name, LOGGERS)
        raise UserError(f"no logger {name!r}; {hint}There are: {', '.join(LOGGERS)}.")
    module, package = LOGGERS[name]
    if find_spec(package) is None:
        raise UserError(f"--log {name} needs {package}: pip install 'genmix-da[{name}]'.")
    made: Logger = import_module(f"genmix_da.loggers.{module}").Log()
    return Guarded(name, made)


@contextmanager
def tracked(log: str | Tracker | None) -> Iterator[Tracker]:
    """The tracker of a run.

    Args:
        log: name of a logger, which is closed in the end; a tracker, which is not; or None.

    Raises:
        UserError: no such logger, or its package is missing.
    """
    if not isinstance(log, str):
        yield log or Silent()
        return
    chosen = logger_named(log)
    try:
        yield chosen
    finally:
        chosen.close()
