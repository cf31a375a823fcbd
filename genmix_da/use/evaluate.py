"""Score a finished checkpoint on a labelled domain."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genmix_da.adaptation.config import check_threshold
from genmix_da.adaptation.predictions import Decisions
from genmix_da.classify.scores import top_scores
from genmix_da.data.domain import Domain
from genmix_da.data.domains import load_domain
from genmix_da.data.hub import local
from genmix_da.data.oddities import warn_of_missing_kinds
from genmix_da.data.root import data_root, is_mini
from genmix_da.data.spelling import Spelling
from genmix_da.errors import UserError
from genmix_da.places import default_data, is_url, user_path
from genmix_da.use.loading import load_model
from genmix_da.use.model import Model
from lead.evaluation import evaluate as pass_over
from lead.private_classes import private_nmi
from lead.protocol import LabelSets
from lead.rejection import Rejection
from lead.scores import score_block

logger = logging.getLogger(__name__)


def evaluate(
    checkpoint: str | Path,
    *,
    tgt: str,
    data: str | None = None,
    part: str | None = None,
    threshold: float | str | None = None,
    device: str = "auto",
    weights: str | None = None,
    graph: bool = True,
) -> dict[str, Any]:
    """Score a checkpoint on a labelled domain, with the label sets it was made for.

    Args:
        checkpoint: run folder or .safetensors file; of a classifier the scores are top1 and top5.
        tgt: domain name or folder.
        data: folder of domains.
        part: "train", "val" or "test" of the domain; None: all its images.
        threshold: on the uncertainty, a number or a rule; None: the checkpoint's own. Without
            unknown classes the scores are accuracies, which no threshold changes.
        device: "auto", "cpu" or "cuda".
        weights: of a frozen backbone, where they have moved.
        graph: score the images beside the run's target graph as well, each for itself.

    Returns:
        target, images, threshold, rejection, synthetic, scores (one block), graph (None, or its
        own threshold, rejection and scores).

    Raises:
        UserError: no labels, or none of its classes is known to the checkpoint.
    """
    check_threshold("--threshold", threshold)
    model = load_model(checkpoint, device, weights, graph=graph)
    drawn = data is None and default_data() is None  # Mini Office-Home, which takes a minute
    # A folder that is named needs no folder of domains around it.
    tgt = str(local(tgt)) if is_url(tgt) else tgt
    alone = drawn and user_path(tgt).is_dir()
    refusal = f"{checkpoint} was made from real images; give their folder with --data."
    if drawn and not alone and not model.description["synthetic"]:
        raise UserError(refusal)
    root = user_path(tgt).resolve().parent if alone else data_root(data)
    synthetic = is_mini(root)
    if synthetic and not model.description["synthetic"]:
        raise UserError(refusal)
    sets = model.label_sets
    spelling = Spelling(sets.source_classes + sets.target_private)
    domain = spelling.applied(load_domain(root, tgt, part=part))
    if domain.labels is None:
        raise UserError(f"{domain.folder} has no classes to score against; use genmix-da predict.")
    if model.network.judges_sets:
        domain = _scored(domain, sets)
    decoded, views = model.run(domain)
    scored = _Scorer(model, domain.name, decoded.domain.labels or ())
    evaluation = pass_over(model.network, views)
    nmi = scored.nmi(evaluation.features)
    smoothed = model.graph_decisions(views, evaluation, threshold) if graph else None
    return {
        "checkpoint": str(checkpoint),
        "target": domain.name,
        "images": len(scored.rows),
        "synthetic": synthetic,
        **scored.block(*model.own_decisions(evaluation, threshold), nmi),
        "graph": None if smoothed is None else scored.block(*smoothed, nmi),
    }


def _scored(domain: Domain, sets: LabelSets) -> Domain:
    """The images of the checkpoint's classes alone, as in its run; the whole where there are none.

    Others would be judged beside them, and change what is said of them.
    """
    rows = [i for i, name in enumerate(domain.labels or ()) if sets.target_label(name) is not None]
    return domain.part(rows) if rows else domain


class _Scorer:
    """Scores decisions on the images of a domain whose class the checkpoint was made for.

    Args:
        model: of the checkpoint.
        domain: its name, for the message.
        names: class of each image.

    Raises:
        UserError: none of them is one of the checkpoint's.
    """

    def __init__(self, model: Model, domain: str, names: Sequence[str]) -> None:
        self._classifier = model.is_classifier
        self._sets = sets = model.label_sets
        labels = [sets.target_label(name) for name in names]
        self.rows = np.array([i for i, label in enumerate(labels) if label is not None], np.int64)
        if not len(self.rows):
            raise UserError(
                f"{domain} has none of the checkpoint's classes ({', '.join(sets.shared[:3])} ...)."
            )
        self._labels = np.array([labels[i] for i in self.rows], dtype=np.int64)
        if len(self.rows) < len(names):
            others = sorted(
                {name for name, label in zip(names, labels, strict=True) if label is None}
            )
            logger.info(
                "%d images of %d classes that the checkpoint has not are not scored (%s%s)",
                *(len(names) - len(self.rows), len(others), ", ".join(others[:3])),
                " ..." if len(others) > 3 else "",
            )
        private = list(sets.target_private)
        own = [private.index(names[i]) if names[i] in private else -1 for i in self.rows]
        self._private = np.array(own, dtype=np.int64)
        used = [names[i] for i in self.rows]
        warn_of_missing_kinds(domain, self._labels, used, sets.unknown, open_set=sets.open_set)

    def nmi(self, features: torch.Tensor) -> float | None:
        """NMI of the clusters of the target-private images; features of all images, [N, D]."""
        return private_nmi(features[torch.from_numpy(self.rows)], self._private)

    def block(
        self, decisions: Decisions, rejection: Rejection, nmi: float | None
    ) -> dict[str, Any]:
        """Threshold, how it was found, and scores."""
        rows = torch.from_numpy(self.rows)
        probability, uncertainty = decisions.probability[rows], decisions.uncertainty[rows]
        scores: dict[str, Any]
        if self._classifier:
            scores = top_scores(probability, self._labels)
        else:
            scores = score_block(
                probability,
                self._labels,
                self._sets.evaluation_classes,
                open_set=self._sets.open_set,
                threshold=rejection.threshold,
                uncertainty=uncertainty,
                nmi=nmi,
            )
        return {
            "threshold": decisions.limit,
            "rejection": rejection.as_dict(),
            "scores": scores,
        }
