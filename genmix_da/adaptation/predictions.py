"""How images are classified and rejected, and the CSV files that say so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from genmix_da.adaptation.task import Task
from genmix_da.runs.folder import write_csv
from lead.evaluation import Evaluation
from lead.large import blocks
from lead.scores import predict

_RANKS = 3
_RANKED = (
    "best_class",
    *("second_class", "second_probability"),
    *("third_class", "third_probability"),
)


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

    @property
    def limit(self) -> float | None:
        """The threshold as JSON holds it: None where nothing is rejected."""
        return self.threshold if math.isfinite(self.threshold) else None

    def part(self, rows: slice) -> Decisions:
        """Those of some images."""
        return Decisions(self.probability[rows], self.uncertainty[rows], self.threshold)

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

    def ranked(self, names: Sequence[str]) -> list[tuple[str, ...]]:
        """Of every image the surest class, rejected or not, and the next two with probabilities.

        Args:
            names: of the classes; of fewer than three the rest is empty.
        """
        top = self.probability.topk(min(_RANKS, self.probability.shape[1]), dim=1)
        rows = []
        for values, places in zip(top.values.tolist(), top.indices.tolist(), strict=True):
            pairs = [(names[place], f"{v:.6f}") for place, v in zip(places, values, strict=True)]
            pairs += [("", "")] * (_RANKS - len(pairs))
            rows.append((pairs[0][0], *(cell for pair in pairs[1:] for cell in pair)))
        return rows


def own_decisions(evaluation: Evaluation, threshold: float, open_set: bool) -> Decisions:
    """Decisions of a network by itself: rejected by its uncertainty, in an open set."""
    limit = threshold if open_set else math.inf
    return Decisions(evaluation.probability, evaluation.uncertainty, limit)


def prediction_table(
    names: Sequence[str], own: Decisions, graph: Decisions | None
) -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    """(column names, rows) of the method's decisions, and of the graph's where there are any.

    The method's own ranks come last.
    """
    header: tuple[str, ...] = ("predicted", "confidence", "uncertainty")
    if graph is not None:
        header = (*header, *(f"graph_{name}" for name in header))
    return (*header, *_RANKED), _rows(names, own, graph)


def _rows(
    names: Sequence[str], own: Decisions, graph: Decisions | None
) -> Iterator[tuple[str, ...]]:
    for block in blocks(len(own.probability)):
        parts: list[Sequence[tuple[str, ...]]] = [own.part(block).rows(names)]
        if graph is not None:
            parts.append(graph.part(block).rows(names))
        parts.append(own.part(block).ranked(names))
        for row in zip(*parts, strict=True):
            yield tuple(cell for part in row for cell in part)


def write_predictions(path: Path, task: Task, own: Decisions, graph: Decisions | None) -> None:
    """One line per target image: path, true class, predicted class or "unknown", confidence,
    uncertainty; the last three again with the graph step."""
    names = (*task.label_sets.source_classes, "unknown")
    truth = task.target.labels
    header, rows = prediction_table(names, own, graph)
    images = task.target
    write_csv(
        path,
        ("path", "true", *header),
        (
            (str(images.path(place)), "" if truth is None else names[truth[place]], *row)
            for place, row in enumerate(rows)
        ),
    )
