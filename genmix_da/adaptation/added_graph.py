"""The graph step of a run that is finished, and what any run leaves of its decisions."""

from __future__ import annotations

import logging
from typing import Any

from genmix_da.adaptation.evidence import keep_graph_evidence
from genmix_da.adaptation.graph_step import (
    OTHER_SETTINGS,
    GraphOutcome,
    GraphStep,
    has_memory,
    keep_memory,
    step_identity,
)
from genmix_da.adaptation.networks import load_adapted
from genmix_da.adaptation.predictions import own_decisions, write_predictions
from genmix_da.adaptation.results import nmi_of, score_evaluation
from genmix_da.adaptation.task import Task
from genmix_da.errors import UserError
from genmix_da.runs.folder import RunFolder
from genmix_da.runs.provenance import provenance
from genmix_da.runs.seal import seal
from lead.checkpoint import load_checkpoint
from lead.evaluation import Evaluation, evaluate
from lead.rejection import Rejection, reject

logger = logging.getLogger(__name__)


def write_decisions(
    task: Task,
    run: RunFolder,
    evaluation: Evaluation,
    rejection: Rejection,
    outcome: GraphOutcome | None,
) -> None:
    """predictions.csv, and with a graph what judges new images and what a report draws."""
    open_set = task.label_sets.open_set
    own = own_decisions(evaluation, rejection.threshold, open_set)
    graph = outcome.decisions(open_set) if outcome else None
    write_predictions(run.path / "predictions.csv", task, own, graph)
    if outcome is not None:
        keep_memory(run.path, outcome, task.config.graph_settings())
        keep_graph_evidence(run.path, task, outcome.graph, outcome.smoothed, outcome.rejection)


def with_graph(task: Task, run: RunFolder, finished: dict[str, Any]) -> dict[str, Any]:
    """A finished run with the graph step that is wanted: as it is, added, or made again.

    Nothing is trained: the step is made of the kept checkpoint. Epochs before the last are gone, so
    `selected`, `oracle` and `source_only` of an added step are null where there were any.
    """
    held = finished.get("graph") or {}
    same = held.get("identity") == step_identity(task)
    if same and has_memory(run.path):
        return finished
    logger.info("making the step over the target's neighbours from the checkpoint")
    if held and not same:
        logger.warning(OTHER_SETTINGS)
    shown = run.shown_metrics()
    views = task.target_views()
    network = load_adapted(task, load_checkpoint(run.checkpoint)[0])
    step = GraphStep(task, views)
    evaluation = evaluate(network, views)
    _check_checkpoint(task, run, evaluation, finished)
    outcome = step.apply(network, evaluation)
    threshold = reject(evaluation.uncertainty.cpu(), finished["threshold"])
    write_decisions(task, run, evaluation, threshold, outcome)
    if same:  # its files alone were missing
        return finished
    last = (finished["scores"]["last"] or {}).get("epoch") or 0
    rows: list[dict[str, Any]] = [{"epoch": epoch} for epoch in range(last)]
    rows.append({"epoch": last, "graph": step.row(outcome, last, nmi_of(task, evaluation))})
    graph = step.record(rows, outcome) | {"added_by": provenance()}
    result = seal(finished | {"graph": graph})
    for row in shown:
        row.pop("graph", None)
        if row.get("epoch") == last:
            row["graph"] = rows[-1]["graph"]
    run.write_json("result.json", result)
    run.show_metrics(shown)
    return result


def _check_checkpoint(
    task: Task, run: RunFolder, evaluation: Evaluation, finished: dict[str, Any]
) -> None:
    """Refuse a checkpoint that does not give the scores of the run beside it."""
    last = finished["scores"]["last"] or {}
    known, epoch = last.get("accuracy"), last.get("epoch") or 0
    found = score_evaluation(task, evaluation, epoch, finished["threshold"])
    if known is None or found["accuracy"] is None:
        return
    # Another machine rounds otherwise: a few images may change sides.
    if abs(found["accuracy"] - known) > max(0.005, 2 / len(task.target.rows)):
        raise UserError(
            f"the checkpoint in {run.path} gives an accuracy of {found['accuracy']:.3f}, "
            f"result.json has {known:.3f}: it is of another run; put its own back, or adapt into "
            "another folder."
        )
