"""MLflow: a run at $MLFLOW_TRACKING_URI, else where MLflow keeps runs, else in ./mlruns.

MLflow keeps them in a database by default, which the small package that the extra installs
(mlflow-skinny) has no driver for: it would refuse. A folder is what that one can write.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from genmix_da.loggers.base import stage_of, step_of
from genmix_da.runs.tracking import numbers

logger = logging.getLogger(__name__)

EXPERIMENT = "genmix-da"
_LONGEST = 500  # characters of a parameter's value


class Log:
    """See `genmix_da.loggers.base.Logger`."""

    def start(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Begin a run named as the folder, in the experiment "genmix-da"."""
        import mlflow

        self._mlflow = mlflow
        named = mlflow.is_tracking_uri_set()  # type: ignore[no-untyped-call]
        if not named and find_spec("sqlalchemy") is None:
            place = Path("mlruns").resolve()
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
            mlflow.set_tracking_uri(place.as_uri())
            logger.info("--log mlflow: no $MLFLOW_TRACKING_URI, so the run is logged in %s", place)
        mlflow.set_experiment(EXPERIMENT)
        mlflow.start_run(run_name=folder.name)
        given = {name: str(value)[:_LONGEST] for name, value in settings.items()}
        mlflow.log_params(given)
        mlflow.set_tag("folder", str(folder.resolve()))

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Metrics of the epoch."""
        found = {f"{stage_of(row)}/{name}": value for name, value in numbers(row)}
        self._mlflow.log_metrics(found, step=step_of(row))

    def finish(self, result: Mapping[str, Any]) -> None:
        """Scores of the run."""
        self._mlflow.log_metrics(dict(numbers(result["scores"], "result/")))
        self._mlflow.set_tag("identity", str(result["identity"]))

    def file(self, path: Path) -> None:
        """An artifact."""
        self._mlflow.log_artifact(str(path))

    def close(self) -> None:
        """End the run."""
        self._mlflow.end_run()
