"""GLC and GLC++: pseudo-labels and training steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.functional import normalize

from genmix_da.methods.glc_labels import Prototypes, one_vs_all, prototypes
from genmix_da.methods.glc_step import Weights, contrast_start, glc_step
from golden_methods.files import Arrays
from golden_methods.network import PARAMETERS, network_of, parameters_of
from golden_values.comparison import Comparison, tensor
from golden_values.train import CPU, VectorViews
from lead import clusters, schedule
from lead.bank import Bank
from lead.evaluation import evaluate
from lead.precision import Precision

UNIT = 2e-6
RAW = 5e-6
PARAMETER = 6e-7
# Given to the method, flags, and what its k-means shows in other arrays.
PSEUDO_INPUTS = (
    *("features", "probabilities", "true_labels", "map2d", "candidate_coefficients"),
    *("boundary", "class_ambiguous", "kmeans_objective"),
    "negative_centroids",
)
# Gradients and similarities show in what they make of the parameters.
TRAIN_INPUTS = (
    *("inputs_plain", "inputs_augmented", "batch_indices", "true_labels", "soft_target"),
    *(f"init_{name}" for name in PARAMETERS),
    *("iteration", "max_iteration", "grad_probability", "grad_embedding_raw"),
    *("positive_similarity", "negative_similarity_sorted", "unused_neighbour_agreement"),
)


def compute_pseudo(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    """Labels with the file's k-means centres, and with centres of our own."""
    unit = normalize(tensor(arrays["features"]), dim=1)
    probability = tensor(arrays["probabilities"])
    own = prototypes(unit, probability, case["coefficient"], case["rho"])
    given = tensor(arrays["negative_centroids"])
    found = Prototypes(own.positive, given, own.prior, own.top_rows)
    labels = one_vs_all(unit, found)
    similarity = unit @ found.positive.T
    positive = similarity * found.prior
    negatives = torch.stack([unit @ normalize(each, dim=1).T for each in given], dim=1)
    joined = torch.cat([positive.unsqueeze(2), negatives], dim=2)
    values = {
        "features_bank": unit,
        "top_indices": own.top_rows,
        "class_prior": own.prior,
        "positive_prototypes": own.positive,
        "negative_count": torch.full((len(given),), len(unit) - own.top_rows.shape[1]),
        "positive_similarity": positive,
        "negative_similarity_max": negatives.max(dim=2).values,
        "max_similarity": joined.max(dim=2).values,
        "max_index": joined.argmax(dim=2),
        "prototype_similarity": similarity,
        "nearest_class": similarity.argmax(dim=1),
        "hard_label": labels.label,
        "is_unknown": labels.is_unknown,
        "soft_target": labels.soft_target,
        "own_centroids": own.negative,
        "own_label": one_vs_all(unit, own).label,
    }
    if "map2d" in arrays:
        counts = clusters.candidate_counts(len(given), arrays["candidate_coefficients"])
        points = arrays["map2d"]
        values |= {
            "candidate_cluster_counts": counts,
            "candidate_assignments": np.stack([clusters.cluster(points, n) for n in counts]),
            "candidate_silhouettes": [clusters.candidate_silhouette(points, n) for n in counts],
        }
        if "estimation_subset" in arrays:
            values["estimation_subset"] = clusters.estimation_subset(len(unit))
    return values


def compare_pseudo(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    large = ("negative_similarity_max", "prototype_similarity")
    held = Comparison(arrays, PSEUDO_INPUTS, optional=large)
    excused = arrays["boundary"] | arrays["class_ambiguous"]
    for name in ("features_bank", "class_prior", "positive_prototypes", "positive_similarity"):
        held.close(name, values[name], atol=UNIT)
    for name in ("negative_similarity_max", "max_similarity", "prototype_similarity"):
        held.close(name, values[name], atol=UNIT)
    held.exact("top_indices", values["top_indices"])
    held.exact("negative_count", values["negative_count"])
    held.exact("nearest_class", values["nearest_class"], excused=arrays["class_ambiguous"])
    held.exact("hard_label", values["hard_label"], excused=excused)
    held.exact("is_unknown", values["is_unknown"], excused=excused)
    held.close("soft_target", values["soft_target"], atol=UNIT, rows=~excused)
    # The position of the best is that of a cluster, which rounding can swap with its like.
    held.done.add("max_index")
    alike = (np.asarray(values["max_index"]) == 0) == (arrays["max_index"] == 0)
    assert alike[~excused].mean() > 0.999, "max_index: others are best"
    np.testing.assert_allclose(
        np.asarray(values["own_centroids"]), arrays["negative_centroids"], atol=1e-6
    )
    assert np.array_equal(np.asarray(values["own_label"])[~excused], arrays["hard_label"][~excused])
    if "map2d" in arrays:
        held.exact("candidate_cluster_counts", values["candidate_cluster_counts"])
        held.partition("candidate_assignments", values["candidate_assignments"])
        held.close("candidate_silhouettes", values["candidate_silhouettes"], rtol=1e-5)
    if "estimation_subset" in arrays:
        held.exact("estimation_subset", values["estimation_subset"])
    held.finish()


def compute_train(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    """Three steps from the file's parameters, inputs and pseudo-labels."""
    network = network_of(arrays)
    start = evaluate(network, VectorViews(tensor(arrays["inputs_plain"])))
    bank = Bank(start.features.clone(), start.probability.clone())
    own = prototypes(start.features, start.probability, case["coefficient"], case["rho"])
    optimizer = schedule.build_optimizer(network, case["lr"])
    weights = Weights(
        case["lam_psd"], case["lam_knn"], case.get("lam_reg", 0.0), count=case["local_K"]
    )
    rank = contrast_start(
        case.get("batch_size_argument", case["batch"]), case["C"], case["coefficient"]
    )
    kept: dict[str, list[Any]] = {}
    network.train()
    for index, rows in enumerate(arrays["batch_indices"]):
        iteration, most = int(arrays["iteration"][index]), int(arrays["max_iteration"][index])
        schedule.set_learning_rate(optimizer, iteration, most)
        inputs = tensor(arrays["inputs_augmented"][index])
        target = tensor(arrays["soft_target"])
        step = glc_step(
            *(network, optimizer, inputs, tensor(rows), target, bank, weights, rank),
            Precision(CPU),
        )
        done = {
            "batch_embedding_raw": step.embedding,
            "batch_probability": step.probability,
            "neighbour_indices": step.neighbour_rows,
            "neighbour_probability": step.neighbour_probability,
            "losses": step.losses if weights.contrast else step.losses[[0, 1, 3]],
            "learning_rates": [group["lr"] for group in optimizer.param_groups],
            "feature_bank_after": bank.features.clone(),
            "probability_bank_after": bank.probability.clone(),
            "hard_negative_start": rank,
            **parameters_of(network),
        }
        for name, value in done.items():
            kept.setdefault(name, []).append(np.asarray(value))
    return {
        "start_feature_bank": start.features,
        "start_probability_bank": start.probability,
        "own_target": one_vs_all(start.features, own).soft_target,
        **{name: np.stack(values) for name, values in kept.items()},
    }


def compare_train(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, TRAIN_INPUTS, optional=("hard_negative_start",))
    for name in ("start_feature_bank", "start_probability_bank"):
        held.close(name, values[name], atol=UNIT)
    for name in ("batch_probability", "neighbour_probability"):
        held.close(name, values[name], atol=UNIT)
    for name in ("feature_bank_after", "probability_bank_after"):
        held.close(name, values[name], atol=UNIT)
    held.close("batch_embedding_raw", values["batch_embedding_raw"], atol=RAW)
    held.close("losses", values["losses"], rtol=5e-6, atol=1e-6)
    held.close("learning_rates", values["learning_rates"], rtol=1e-12)
    held.sets("neighbour_indices", values["neighbour_indices"])
    held.exact("hard_negative_start", values["hard_negative_start"])
    for name in PARAMETERS:
        held.close(f"after_{name}", values[f"after_{name}"], atol=PARAMETER)
    held.finish()


FILES = {
    "pseudo": (compute_pseudo, compare_pseudo, PSEUDO_INPUTS),
    "train": (compute_train, compare_train, TRAIN_INPUTS),
}
