"""The evaluations of the target that a run has left, and the threshold of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genmix_da.adaptation.evidence import GRAPH, NO_LABEL, Arrays
from genmix_da.methods import graph_name
from genmix_da.reporting.limit import Limit, read_limit
from genmix_da.reporting.run import ReportRun

STAGES = (("before", "source model"), ("after", "after adaptation"))


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of N target images, and the threshold that belongs to it.

    Attributes:
        title: of what.
        arrays: uncertainty, prediction, label and others; see `genmix_da.adaptation.evidence`.
        limit: above it an image is rejected; None where nothing is (PDA).
    """

    title: str
    arrays: Arrays
    limit: Limit | None

    @property
    def labelled(self) -> bool:
        """Whether it has target labels."""
        return labelled(self.arrays)

    def decisions(self, unknown: int) -> NDArray[np.int64]:
        """[N] class numbers; `unknown` where an image is rejected."""
        decided: NDArray[np.int64] = self.arrays["prediction"].astype(np.int64)
        if self.limit is None:
            return decided
        limit = np.float32(self.limit.number)  # compared as the scores do
        return np.where(self.arrays["uncertainty"] > limit, unknown, decided)


def labelled(arrays: Arrays | None) -> bool:
    """Whether arrays of an evaluation have target labels."""
    return arrays is not None and bool((arrays["label"] != NO_LABEL).all())


def evaluations(run: ReportRun) -> list[Evaluation]:
    """The method's own that the run has left: of the source model and of the last epoch."""
    # A rule finds another threshold in every epoch, a number is in the record alone.
    first = next((read_limit(row) for row in run.metrics if row["epoch"] == 0), None)
    limits = {"before": first or run.limit, "after": run.limit}
    return [
        Evaluation(title, run.evidence[name], limits[name])
        for name, title in STAGES
        if name in run.evidence
    ]


def graph_evaluation(run: ReportRun) -> Evaluation | None:
    """What the graph step made of the last epoch; None where the run has not left it."""
    if GRAPH not in run.evidence or not run.content.get("graph"):
        return None
    return Evaluation(graph_name(""), run.evidence[GRAPH], run.graph_limit)
