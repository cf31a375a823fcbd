"""How images are classified and rejected, and the CSV files that say so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from genmix_da.adaptation.task import Task
from genmix_da.runs.folder import write_csv
from lead.scores import normalised_entropy, predict


@dataclass(frozen=True)
class Decisions:
    """How N images are classified and rejected.

    Attributes:
        probability: [N, C].
        uncertainty: [N].
        threshold: above it an image is rejected; infinite where nothing is (PDA).
    """

    probability: torch.Tensor
    uncertainty: torch.Tensor
    threshold: float

    def rows(self, names: Sequence[str]) -> list[tuple[str, str, str]]:
        """(predicted class, confidence, uncertainty) of every image.

        Args:
            names: of the classes, then "unknown".
        """
        unsure = self.uncertainty.cpu().numpy()
        prediction = predict(self.probability, self.threshold, self.uncertainty)
        confidence = self.probability.max(dim=1).values.cpu().numpy()
        return [
            (names[label], f"{certain:.6f}", f"{value:.6f}")
            for label, certain, value in zip(prediction, confidence, unsure, strict=True)
        ]


def entropy_decisions(probability: torch.Tensor, threshold: float, open_set: bool) -> Decisions:
    """Decisions of a network by itself: rejected by the normalised entropy, in an open set."""
    limit = threshold if open_set else math.inf
    return Decisions(probability, normalised_entropy(probability), limit)


def prediction_table(
    names: Sequence[str], own: Decisions, graph: Decisions | None
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """(column names, rows) of the method's decisions, and of the graph's where there are any."""
    header = ("predicted", "confidence", "uncertainty")
    if graph is None:
        return header, [*own.rows(names)]
    both = zip(own.rows(names), graph.rows(names), strict=True)
    return (*header, *(f"graph_{name}" for name in header)), [(*a, *b) for a, b in both]


def write_predictions(path: Path, task: Task, own: Decisions, graph: Decisions | None) -> None:
    """One line per target image: path, true class, predicted class or "unknown", confidence,
    uncertainty; the last three again with the graph step."""
    names = (*task.label_sets.source_classes, "unknown")
    truth = task.target.labels
    header, rows = prediction_table(names, own, graph)
    true_names = ["" if truth is None else names[truth[i]] for i in range(len(rows))]
    write_csv(
        path,
        ("path", "true", *header),
        [
            (str(image), true, *row)
            for image, true, row in zip(task.target.paths, true_names, rows, strict=True)
        ],
    )
