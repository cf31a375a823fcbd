"""Use a finished checkpoint: score it on a labelled domain, or classify a folder of images."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genmix_da.adaptation.config import check_threshold
from genmix_da.adaptation.model import load_model
from genmix_da.adaptation.predictions import Decisions, prediction_table
from genmix_da.data.domain import Domain
from genmix_da.data.domains import load_domain
from genmix_da.data.entries import is_image
from genmix_da.data.folders import all_images, listed_images
from genmix_da.data.hub import local
from genmix_da.data.oddities import warn_of_missing_kinds
from genmix_da.data.root import data_root, is_mini
from genmix_da.data.sources import data_set, own_list
from genmix_da.data.spelling import Spelling
from genmix_da.errors import UserError
from genmix_da.runs.folder import write_csv
from lead.checkpoint import write_atomically
from lead.evaluation import evaluate
from lead.private_classes import private_nmi
from lead.protocol import LabelSets
from lead.rejection import Rejection
from lead.scores import score_block

logger = logging.getLogger(__name__)


def evaluate_checkpoint(
    checkpoint: Path,
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
        checkpoint: run folder or .safetensors file.
        tgt: domain name or folder.
        data: folder of domains.
        part: "train", "val" or "test" of the domain; None: all its images.
        threshold: on the uncertainty, a number or a rule; None: the checkpoint's own.
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
    root = data_root(data)
    synthetic = is_mini(root)
    if synthetic and not model.description["synthetic"]:
        raise UserError(f"{checkpoint} was made from real images; give their folder with --data.")
    sets = model.label_sets
    spelling = Spelling(sets.source_classes + sets.target_private)
    domain = spelling.applied(load_domain(root, tgt, part=part))
    if domain.labels is None:
        raise UserError(f"{domain.folder} has no classes to score against; use genmix-da predict.")
    if model.network.judges_sets:
        domain = _scored(domain, sets)
    decoded, views = model.run(domain)
    scored = _Scorer(model.label_sets, domain.name, decoded.domain.labels or ())
    evaluation = evaluate(model.network, views)
    nmi = scored.nmi(evaluation.features)
    smoothed = model.graph_decisions(views, threshold) if graph else None
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
        sets: classes of the checkpoint.
        domain: its name, for the message.
        names: class of each image.

    Raises:
        UserError: none of them is one of the checkpoint's.
    """

    def __init__(self, sets: LabelSets, domain: str, names: Sequence[str]) -> None:
        self._sets = sets
        labels = [sets.target_label(name) for name in names]
        self.rows = np.array([i for i, label in enumerate(labels) if label is not None], np.int64)
        if not len(self.rows):
            raise UserError(
                f"{domain} has none of the checkpoint's classes ({', '.join(sets.shared[:3])} ...)."
            )
        self._labels = np.array([labels[i] for i in self.rows], dtype=np.int64)
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
        scores = score_block(
            decisions.probability[rows],
            self._labels,
            self._sets.evaluation_classes,
            open_set=self._sets.open_set,
            threshold=rejection.threshold,
            uncertainty=decisions.uncertainty[rows],
            nmi=nmi,
        )
        return {
            "threshold": rejection.threshold,
            "rejection": rejection.as_dict(),
            "scores": scores,
        }


def _save(file: Path, arrays: dict[str, np.ndarray]) -> None:
    with file.open("wb") as handle:  # given a name, numpy puts .npz behind it
        np.savez_compressed(handle, allow_pickle=False, **arrays)


def predict_folder(
    checkpoint: Path,
    folder: str | Path,
    out: Path,
    *,
    threshold: float | str | None = None,
    calibrate: bool = False,
    graph: bool = True,
    device: str = "auto",
    weights: str | None = None,
    strict: bool = False,
    probabilities: Path | None = None,
) -> dict[str, Any]:
    """Classify every image below a folder; rejected ones are "unknown".

    With a run that has a graph, every image is judged twice: by the network alone, and beside the
    target images that the graph was made of (columns graph_...).

    Args:
        checkpoint: run folder or .safetensors file.
        folder: images, at any depth; or an image, a list of images, or "datasets:NAME".
        out: CSV with path, predicted class, confidence, uncertainty.
        threshold: on the uncertainty, a number or a rule; None: the checkpoint's own. A PDA
            checkpoint rejects nothing.
        calibrate: take the images of the folder together: a graph of their own, and thresholds
            by the checkpoint's rules from these images. Else each image is judged for itself,
            but by networks that judge all images of a folder together.
        graph: False: the network alone.
        device: "auto", "cpu" or "cuda".
        weights: of a frozen backbone, where they have moved.
        probabilities: .npz to write: `paths` [N], `classes` [C], `probability` [N, C] of the
            network alone, and with a graph `graph_probability`.
        strict: more than 5 % unreadable images are an error; else they are named and left out.

    Returns:
        images, unknown (number rejected), threshold, skipped, out; graph: None, or its own
        unknown and threshold.
    """
    check_threshold("--threshold", threshold)
    if probabilities is not None and probabilities.resolve() == out.resolve():
        raise UserError(f"--out and --probabilities are both {out}; name two files.")
    model = load_model(checkpoint, device, weights, graph=graph)
    path = local(folder)
    if not path.exists():
        raise UserError(f"no folder {folder} with images to classify.")
    if path.is_file() and is_image(path):
        domain = Domain(path.stem, path.parent, (path,), None, ())
    elif path.is_file() and (listed := listed_images(path)) is not None:
        domain = listed
    else:
        domain = all_images(path) if own_list(path) is None else data_set(path)
    if graph and model.memory is None:
        logger.info("%s has no graph: the network judges alone", checkpoint)
    decoded, views = model.run(domain, strict=strict)
    names = (*model.label_sets.source_classes, "unknown")
    evaluation = evaluate(model.network, views)
    rule = model.description.get("threshold_rule")
    if calibrate and not (graph and model.memory) and not isinstance(rule, str):
        logger.warning(
            "--calibrate changes nothing: %s has a number as threshold, and no graph is used",
            checkpoint,
        )
    own, rejection = model.own_decisions(evaluation, threshold, calibrate=calibrate)
    smoothed = model.graph_decisions(views, threshold, calibrate=calibrate) if graph else None
    header, rows = prediction_table(names, own, smoothed[0] if smoothed else None)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_csv(
        out,
        ("path", *header),
        [(str(p), *row) for p, row in zip(decoded.domain.images, rows, strict=True)],
    )
    if probabilities is not None:
        arrays = {"paths": np.array([str(p) for p in decoded.domain.images])}
        arrays |= {"classes": np.array(names[:-1]), "probability": own.probability.cpu().numpy()}
        if smoothed is not None:
            arrays["graph_probability"] = smoothed[0].probability.cpu().numpy()
        probabilities.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(probabilities, lambda file: _save(file, arrays))
    return {
        "images": len(rows),
        "unknown": sum(row[0] == "unknown" for row in rows),
        "threshold": rejection.threshold,
        "graph": None
        if smoothed is None
        else {
            "unknown": sum(row[3] == "unknown" for row in rows),
            "threshold": smoothed[1].threshold,
        },
        "skipped": len(decoded.skipped),
        "out": str(out),
    }
