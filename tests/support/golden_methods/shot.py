"""SHOT in open-set mode: pseudo-labels, the test rule and training steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from genmix_da.methods.shot_labels import centroid_labels, split_by_entropy
from genmix_da.methods.shot_step import Weights, shot_step
from golden_methods.files import Arrays
from golden_methods.network import PARAMETERS, network_of, parameters_of
from golden_values.comparison import Comparison, tensor
from golden_values.train import CPU
from lead import schedule
from lead.precision import Precision

CENTROID = 3e-6
DISTANCE = 5e-6
PARAMETER = 6e-7
PSEUDO_INPUTS = (
    *("features", "logits", "true_labels", "boundary", "class_ambiguous"),
    "test_scores",  # of the released scorer; ours is another
)
TRAIN_INPUTS = (
    *("inputs_plain", "inputs_augmented", "batch_indices", "true_labels", "pseudo_label"),
    *(f"init_{name}" for name in PARAMETERS),
    *("iteration", "grad_logits"),  # gradients show in the parameters
)


def compute_pseudo(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    probability = torch.softmax(tensor(arrays["logits"]), dim=1).numpy()
    own = split_by_entropy(probability)
    # The start of k-means decides in some files: their centres are an input.
    given = None if case["same_with_ten_kmeans_starts"] else tuple(arrays["cluster_centres"])
    found = centroid_labels(
        arrays["features"],
        probability,
        distance=case["distance"],
        threshold=case["threshold"],
        centres=given,
    )
    first, second = found.rounds
    tested = split_by_entropy(probability, given).is_unknown
    return {
        "normalised_entropy": own.entropy,
        "cluster_centres": np.array(own.centres),
        "entropy_threshold": np.float64(np.mean(own.centres)),
        "is_unknown": found.split.is_unknown,
        "known_indices": np.flatnonzero(~found.split.is_unknown),
        "known_embedding": found.embedding,
        "class_counts": found.counts,
        "kept_classes": found.kept,
        "round1_centroids": first.centroids,
        "round1_distances": first.distances,
        "round1_label": first.label,
        "round2_centroids": second.centroids,
        "round2_distances": second.distances,
        "pseudo_label": found.label,
        "test_prediction": np.where(tested, probability.shape[1], probability.argmax(axis=1)),
    }


def compare_pseudo(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, PSEUDO_INPUTS, optional=("round1_label",))
    excused = arrays["boundary"] | arrays["class_ambiguous"]
    for name in ("normalised_entropy", "round1_centroids", "round2_centroids", "known_embedding"):
        held.close(name, values[name], atol=CENTROID)
    for name in ("cluster_centres", "entropy_threshold"):
        held.close(name, values[name], atol=1e-6)
    for name in ("round1_distances", "round2_distances"):
        held.close(name, values[name], atol=DISTANCE)
    for name in ("known_indices", "class_counts", "kept_classes"):
        held.exact(name, values[name])
    known = arrays["known_indices"]
    held.exact("round1_label", values["round1_label"], excused=excused[known])
    for name in ("is_unknown", "pseudo_label", "test_prediction"):
        held.exact(name, values[name], excused=excused)
    held.finish()


def compute_train(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    network = network_of(arrays)
    optimizer = schedule.build_optimizer(network, case["lr"])
    weights = Weights(case["cls_par"], case["ent_par"], diverse=case["gent"])
    labels = tensor(arrays["pseudo_label"])
    kept: dict[str, list[Any]] = {}
    network.train()
    for index, rows in enumerate(arrays["batch_indices"]):
        schedule.set_learning_rate(
            optimizer, int(arrays["iteration"][index]), case["max_iteration"]
        )
        inputs = tensor(arrays["inputs_augmented"][index])
        logits, losses = shot_step(
            network, optimizer, inputs, labels[tensor(rows)], weights, Precision(CPU)
        )
        done = {
            "batch_logits": logits,
            "losses": np.full(4, np.nan) if losses is None else losses,
            "skipped": losses is None,
            "learning_rates": [group["lr"] for group in optimizer.param_groups],
            **parameters_of(network),
        }
        for name, value in done.items():
            kept.setdefault(name, []).append(np.asarray(value))
    return {name: np.stack(values) for name, values in kept.items()}


def compare_train(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, TRAIN_INPUTS)
    held.exact("skipped", values["skipped"])
    taken = ~arrays["skipped"]
    held.close("batch_logits", values["batch_logits"], atol=3e-5)
    held.close("losses", values["losses"], rtol=5e-6, atol=1e-6, rows=taken)
    held.close("learning_rates", values["learning_rates"], rtol=1e-12)
    for name in PARAMETERS:
        held.close(f"after_{name}", values[f"after_{name}"], atol=PARAMETER)
    held.finish()


FILES = {
    "pseudo": (compute_pseudo, compare_pseudo, PSEUDO_INPUTS),
    "train": (compute_train, compare_train, TRAIN_INPUTS),
}
