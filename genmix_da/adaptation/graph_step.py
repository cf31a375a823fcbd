"""The step after a method: its predictions smoothed over the target's neighbours (`lead.graph`).

Nothing is trained: after every epoch the graph gives a second set of scores beside the method's
own. What is left of it (the nodes and their solution) judges new images in `genmix-da predict`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genmix_da.adaptation.config import GraphSettings
from genmix_da.adaptation.predictions import Decisions
from genmix_da.adaptation.results import score_columns, score_predictions
from genmix_da.adaptation.task import Task
from genmix_da.config_values import identity
from genmix_da.runs.folder import CHECKPOINT
from lead.checkpoint import load_checkpoint, save_checkpoint
from lead.errors import LeadError, WeightsError
from lead.evaluation import Evaluation, Observation, observe
from lead.graph import GraphConfig, Smoothed, TargetGraph
from lead.graph_memory import GraphMemory
from lead.network import HeadedNetwork
from lead.precision import Precision
from lead.rejection import Rejection, reject
from lead.selection import mutual_information
from lead.views import Views

logger = logging.getLogger(__name__)

FILE = "graph.safetensors"
_VERSION = 2  # raised when the same settings give other numbers
OTHER_SETTINGS = (
    "the step had other settings: its scores are replaced, and those of earlier epochs (selected, "
    "oracle, source-only+graph) are gone"
)


@dataclass(frozen=True)
class GraphOutcome:
    """What the graph makes of one state of the network.

    Attributes:
        graph: of the target.
        smoothed: predictions.
        rejection: the threshold.
        seconds: "views" (the network's look at all views) and "graph" (search and solution).
    """

    graph: TargetGraph
    smoothed: Smoothed
    rejection: Rejection
    seconds: dict[str, float]

    def decisions(self, open_set: bool) -> Decisions:
        """How the images are classified and rejected; in a closed set nothing is."""
        limit = self.rejection.threshold if open_set else math.inf
        return Decisions(self.smoothed.probability, self.smoothed.uncertainty, limit)


class GraphStep:
    """The step of one run.

    Args:
        task: with the settings of its configuration.
        views: of the target's images.
    """

    def __init__(self, task: Task, views: Views) -> None:
        self.task = task
        self.settings = task.config.graph_settings()
        self._views = views
        self._precision = Precision(views.device, mixed=task.config.mixed_precision)
        self._kept: TargetGraph | None = None

    def apply(self, network: HeadedNetwork, evaluation: Evaluation | None = None) -> GraphOutcome:
        """Smooth what a network says of the target.

        Args:
            network: in its present state.
            evaluation: of this state, where there was one: one view needs no further look.
        """
        started = time.perf_counter()
        six = self.settings.views == "six"
        if evaluation is not None and evaluation.raw is not None and not six:
            seen = Observation(evaluation.raw, evaluation.probability, evaluation.own_uncertainty)
        else:
            seen = observe(network, self._views, all_views=six, precision=self._precision)
        observed = time.perf_counter()
        graph = self._graph(seen)
        smoothed = graph.smooth(seen.probability, seen.own_uncertainty)
        smoothed, rejection = settle(smoothed, self.task.config.graph_threshold)
        if not self.task.label_sets.open_set:
            rejection = rejection.unused()
        seconds = {"views": observed - started, "graph": time.perf_counter() - observed}
        return GraphOutcome(graph, smoothed, rejection, seconds)

    def _graph(self, seen: Observation) -> TargetGraph:
        """The graph; of a frozen backbone's features it is the same after every epoch."""
        if self._kept is not None:
            return self._kept
        graph = TargetGraph(seen.features.numpy(), graph_config(self.settings), self._views.device)
        if self.task.encoder is not None:
            self._kept = graph
        return graph

    def row(self, outcome: GraphOutcome, epoch: int, nmi: float | None) -> dict[str, Any]:
        """What metrics.jsonl says of it.

        Args:
            outcome: after that epoch.
            epoch: its number.
            nmi: of the method's own features, for the H3-score.
        """
        smoothed, rejection = outcome.smoothed, outcome.rejection
        uncertainty = smoothed.uncertainty
        return {
            "scores": score_predictions(
                self.task,
                smoothed.probability,
                epoch,
                rejection.threshold,
                uncertainty=uncertainty,
                nmi=nmi,
            ),
            "selection": mutual_information(
                smoothed.probability,
                open_set=self.task.label_sets.open_set,
                uncertainty=uncertainty,
            ),
            "rejection": rejection.as_dict(),
            "seconds": outcome.seconds,
            "identity": step_identity(self.task),
        }

    def keep_own(self, metrics: Sequence[dict[str, Any]]) -> None:
        """Take out of the rows of earlier epochs what a step with other settings made of them."""
        mine = step_identity(self.task)
        others = [row for row in metrics if "graph" in row and row["graph"].get("identity") != mine]
        for row in others:
            del row["graph"]
        if others:
            logger.warning(OTHER_SETTINGS)

    def record(self, metrics: Sequence[Mapping[str, Any]], outcome: GraphOutcome) -> dict[str, Any]:
        """What result.json says of it, beside `scores`.

        Args:
            metrics: rows of all epochs, each with what `row` gave under "graph"; those that an
                earlier version left have none.
            outcome: of the last one.
        """
        rows = [{"epoch": row["epoch"], **row["graph"]} for row in metrics if "graph" in row]
        columns = score_columns(rows, self.task.label_sets.open_set)
        if rows[0]["epoch"] > 0 or len(rows) < len(metrics):
            # The network of an epoch that is gone cannot be asked any more.
            columns |= {"selected": None, "oracle": None}
        weights = outcome.graph.weights
        return {
            "identity": step_identity(self.task),
            "settings": self.settings.as_dict(),
            **columns,
            "source_only": rows[0]["scores"] if rows[0]["epoch"] == 0 else None,
            **{name: rows[-1]["rejection"][name] for name in ("threshold", "rule")},
            "rejection": rows[-1]["rejection"],
            "nodes": int(weights.shape[0]),
            "edges": int(weights.nnz // 2),
            "isolated": int(np.sum(outcome.graph.degree == 0)),
            "search": "exact" if outcome.graph.search.exact else "inverted file",
            "seconds": {
                part: sum(row["seconds"][part] for row in rows) for part in ("views", "graph")
            },
        }


def settle(smoothed: Smoothed, rule: float | str) -> tuple[Smoothed, Rejection]:
    """Apply a rule; the predictions with the uncertainty that its threshold is on, and it."""
    rejection = reject(smoothed.uncertainty, rule, smoothed.share_uncertainty)
    return ordered(smoothed, rejection), rejection


def ordered(smoothed: Smoothed, rejection: Rejection) -> Smoothed:
    """Predictions with the uncertainty that a threshold is on."""
    order = rejection.order(smoothed.uncertainty.numpy(), smoothed.share_uncertainty.numpy())
    return dataclasses.replace(smoothed, uncertainty=torch.from_numpy(order))


def graph_config(settings: GraphSettings) -> GraphConfig:
    """The settings that `lead.graph` reads."""
    values = settings.as_dict()
    values.pop("views")
    return GraphConfig(**values)


def step_identity(task: Task) -> str:
    """Hash of what decides the step, given the run."""
    settings = task.config.graph_settings().as_dict()
    rule = task.config.graph_threshold
    return identity({"graph": settings, "threshold": rule, "version": _VERSION})


def keep_memory(run: Path, outcome: GraphOutcome, settings: GraphSettings) -> None:
    """Write what judges new images: graph.safetensors and graph.json beside the checkpoint."""
    memory = GraphMemory.of(outcome.graph, outcome.smoothed)
    about = {
        "config": memory.description(),
        "views": settings.views,
        "rejection": outcome.rejection.as_dict(),
        "checkpoint": _digest(run / CHECKPOINT),
    }
    save_checkpoint(run / FILE, memory.tensors(), about)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def has_memory(run: Path) -> bool:
    """Whether what judges new images is there and can be read."""
    try:
        return load_memory(run) is not None
    except WeightsError:
        return False


def _check_numbers(rejection: Rejection) -> None:
    """Raise WeightsError where a rejection read from JSON holds what is no number."""
    numbers = (rejection.threshold, rejection.share_threshold, rejection.far_weight)
    if not all(value is None or math.isfinite(value) for value in numbers):
        raise WeightsError("the description of the graph has a threshold that is no number")


def load_memory(run: Path) -> tuple[GraphMemory, dict[str, Any]] | None:
    """What `keep_memory` has left in a run folder, and its description; None where there is none.

    Raises:
        WeightsError: it is damaged, or was made of another checkpoint than the one beside it.
    """
    path = run / FILE
    if not path.is_file() and not path.with_suffix(".json").is_file():
        return None
    try:
        tensors, about = load_checkpoint(path)
        memory = GraphMemory.load(tensors, about.get("config", {}))
        if about.get("views") not in ("six", "one"):
            raise WeightsError("the description of the graph names no views")
        if about.get("checkpoint") not in (None, _digest(run / CHECKPOINT)):
            raise WeightsError("the graph was made of another checkpoint than the one beside it")
        about["rejection"] = Rejection(**about["rejection"])
        _check_numbers(about["rejection"])
    except (KeyError, TypeError, OverflowError, LeadError) as error:
        what = str(error) if isinstance(error, LeadError) else "its description is incomplete"
        raise WeightsError(
            f"{what} ({path}); make it again with genmix-da adapt --resume, or use --no-graph"
        ) from error
    except OSError as error:
        raise WeightsError(f"no checkpoint beside {path}: {error}") from error
    return memory, about
