"""What a model says of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genmix_da.adaptation.predictions import Decisions
from lead.scores import predict

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Predictions:
    """What a model says of N images; C classes.

    Attributes:
        classes: names of the C classes.
        predicted: [N] name of the class, "unknown" where the image is rejected.
        best_class: [N] name of the likeliest class, rejected or not.
        probability: [N, C] float32.
        uncertainty: [N] float32 in [0, 1].
        rejected: [N] bool: the uncertainty is above the threshold.
        threshold: infinite where nothing is rejected.
        paths: of the images, where they were read from files; else None.
        skipped: (path, reason) of files that could not be read; nothing is said of them.
        graph: the same beside the target images that the run's graph was made of; None where it
            has none, or was not asked for.
    """

    classes: tuple[str, ...]
    predicted: NDArray[np.str_]
    best_class: NDArray[np.str_]
    probability: NDArray[np.float32]
    uncertainty: NDArray[np.float32]
    rejected: NDArray[np.bool_]
    threshold: float
    paths: tuple[str, ...] | None = None
    skipped: tuple[tuple[str, str], ...] = ()
    graph: Predictions | None = None

    def __len__(self) -> int:
        """N."""
        return len(self.predicted)

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it: lists in place of arrays, None for an infinite threshold."""
        found: dict[str, Any] = {"classes": list(self.classes)}
        for name in ("predicted", "best_class", "probability", "uncertainty", "rejected"):
            found[name] = getattr(self, name).tolist()
        found["threshold"] = self.threshold if np.isfinite(self.threshold) else None
        found["paths"] = None if self.paths is None else list(self.paths)
        found["skipped"] = [list(pair) for pair in self.skipped]
        found["graph"] = None if self.graph is None else self.graph.as_dict()
        return found


def predictions_of(
    classes: tuple[str, ...],
    own: Decisions,
    graph: Decisions | None = None,
    paths: tuple[str, ...] | None = None,
    skipped: tuple[tuple[str, str], ...] = (),
) -> Predictions:
    """Decisions in names.

    Args:
        classes: their names, in the order of the probabilities.
        own: of the network.
        graph: of the graph step.
        paths, skipped: see `Predictions`.
    """
    names = np.array(classes)
    probability = own.probability.float().cpu().numpy()
    uncertainty = own.uncertainty.float().cpu().numpy()
    best = names[probability.argmax(axis=1)]
    rejected = predict(own.probability, own.threshold, own.uncertainty) == len(classes)
    return Predictions(
        classes,
        np.where(rejected, UNKNOWN, best),
        best,
        probability,
        uncertainty,
        rejected,
        own.threshold,
        paths,
        skipped,
        None if graph is None else predictions_of(classes, graph, None, paths, skipped),
    )
