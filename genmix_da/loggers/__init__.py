"""Where runs are logged beside their folder: TensorBoard, MLflow, Weights & Biases.

A logger that fails is named once and left out from then on; it never costs the run. Adding one is
one file and one entry in LOGGERS; other packages bring theirs as entry points, see
`genmix_da.plugins`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from genmix_da.errors import UserError, check_name, said_by
from genmix_da.loggers.base import Logger
from genmix_da.plugins import OTHERS, Registry
from genmix_da.runs.tracking import Silent, Tracker

logger = logging.getLogger(__name__)


def _own(name: str) -> Callable[[], Logger]:
    """Makes the logger of a module here.

    Args:
        name: of the module, of the package that it needs, and of the extra that brings it.
    """

    def make() -> Logger:
        if find_spec(name) is None:
            raise UserError(f"--log {name} needs {name}: pip install 'genmix-da[{name}]'.")
        made: Logger = import_module(f"genmix_da.loggers.{name}").Log()
        return made

    return make


def _accepted(name: str, found: Any) -> Callable[[], Logger]:
    """A logger of another package.

    Raises:
        TypeError: it can't be called.
    """
    if not callable(found):
        raise TypeError(f"{type(found).__name__} can't be called, to make a logger")
    make: Callable[[], Logger] = found
    return make


LOGGERS: Registry[Callable[[], Logger]] = Registry(
    "loggers", {name: _own(name) for name in ("tensorboard", "mlflow", "wandb")}, _accepted
)


class Guarded:
    """A `Tracker` that passes on what a run tells, until the logger fails.

    Args:
        name: of the logger, for the warning.
        make: the logger.

    Raises:
        UserError: the logger's own, as where its package is missing.
    """

    def __init__(self, name: str, make: Callable[[], Logger]) -> None:
        self._name = name
        self._inner: Logger | None = None
        try:
            self._inner = make()
        except UserError:
            raise
        except OTHERS as error:
            self._left_out(error)

    def start(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """See `Tracker`."""
        self._do(lambda inner: inner.start(folder, settings))

    def epoch(self, row: Mapping[str, Any]) -> None:
        """See `Tracker`."""
        self._do(lambda inner: inner.epoch(row))

    def finish(self, result: Mapping[str, Any]) -> None:
        """See `Tracker`."""
        self._do(lambda inner: inner.finish(result))

    def file(self, path: Path) -> None:
        """See `Tracker`."""
        self._do(lambda inner: inner.file(path))

    def close(self) -> None:
        """Nothing more comes."""
        self._do(lambda inner: inner.close())

    def _do(self, work: Callable[[Logger], None]) -> None:
        if self._inner is None:
            return
        try:
            work(self._inner)
        except OTHERS as error:  # of others' code and services: the run matters more
            self._left_out(error)

    def _left_out(self, error: BaseException) -> None:
        self._inner = None
        logger.warning("--log %s: %s; this run is logged no further", self._name, said_by(error))


def logger_named(name: str) -> Guarded:
    """A logger by its name.

    Raises:
        UserError: there is none, or its package is missing.
    """
    check_name("logger", name, LOGGERS)
    return Guarded(name, LOGGERS[name])


@contextmanager
def tracked(log: str | Tracker | None) -> Iterator[Tracker]:
    """The tracker of a run.

    Args:
        log: name of a logger, which is closed in the end; a tracker, which is not; or None.

    Raises:
        UserError: no such logger, its package is missing, or an object that is no tracker.
    """
    if not isinstance(log, str):
        if log is not None and not isinstance(log, Tracker):
            raise UserError(
                f"{type(log).__name__} can't log a run; give {', '.join(LOGGERS)}, or an object "
                "with the methods start, epoch, finish and file."
            )
        yield log or Silent()
        return
    chosen = logger_named(log)
    try:
        yield chosen
    finally:
        chosen.close()
