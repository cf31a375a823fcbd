"""Training steps: what train_*.npz files hold, computed and compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from golden_values.comparison import Comparison, tensor
from golden_values.files import (
    Arrays,
    Info,
)
from golden_values.pseudo import (
    PSEUDO_ROW_ATOL,
)
from lead import clusters, schedule
from lead.bank import Bank
from lead.decomposition import decompose
from lead.evaluation import evaluate
from lead.network import Network
from lead.precision import Precision
from lead.pseudo_labels import assign_pseudo_labels
from lead.target import adaptation_step

CPU = torch.device("cpu")
TRAIN_PARAMETERS = {
    "backbone_weight": "backbone.weight",
    "backbone_bias": "backbone.bias",
    "bottleneck_weight": "bottleneck.linear.weight",
    "bottleneck_bias": "bottleneck.linear.bias",
    "bn_scale": "bottleneck.norm.weight",
    "bn_shift": "bottleneck.norm.bias",
    "bn_running_mean": "bottleneck.norm.running_mean",
    "bn_running_var": "bottleneck.norm.running_var",
    "classifier_gain": "classifier.linear.parametrizations.weight.original0",
    "classifier_direction": "classifier.linear.parametrizations.weight.original1",
    "classifier_bias": "classifier.linear.bias",
}
TRAIN_ATOL = 5e-6
LOSS_RTOL = 1e-5
TRAIN_CLOSE = (
    "start_feature_bank",
    "start_probability_bank",
    "known_projector",
    "batch_embedding_raw",
    "batch_embedding_unit",
    "batch_probability",
    "batch_known_norm",
    "batch_unknown_norm",
    "neighbour_probability",
    "feature_bank_after",
    "probability_bank_after",
    "learning_rates",
    *(f"after_{name}" for name in TRAIN_PARAMETERS),
)
TRAIN_INPUTS = (
    *(f"init_{name}" for name in TRAIN_PARAMETERS),
    "inputs_plain",
    "inputs_augmented",
    "batch_indices",
    "true_labels",
    "soft_target",
    "confidence_weight",
    "is_unknown",
    "iteration",
    "max_iteration",
)


class VectorViews:
    """Stands in for `ImageViews`: rows of numbers instead of images."""

    device = CPU

    def __init__(self, rows: torch.Tensor) -> None:
        self.rows = rows

    def evaluation_batches(self, batch_size: int) -> Iterable[torch.Tensor]:
        return self.rows.split(batch_size)


def training_settings(arrays: Arrays, info: Info) -> tuple[float, float]:
    """Base learning rate and weight of the pseudo-label loss; from the arrays if not listed."""
    if info:
        return info["base_lr"], info["pseudo_weight_lambda"]
    decay = schedule.decay(int(arrays["iteration"][0]), int(arrays["max_iteration"][0]))
    label, regulariser, neighbours, total = arrays["losses"][0]
    weight = (total - regulariser - neighbours) / label
    return float(arrays["learning_rates"][0, 1]) / decay, round(float(weight), 4)


def compute_train(arrays: Arrays, info: Info) -> dict[str, Any]:
    """Three adaptation steps from the file's parameters, inputs and pseudo-labels."""
    backbone_dim, input_dim = arrays["init_backbone_weight"].shape
    class_count, dim = arrays["init_classifier_direction"].shape
    network = Network(nn.Linear(input_dim, backbone_dim), backbone_dim, class_count, dim)
    named = {ours: tensor(arrays[f"init_{name}"]) for name, ours in TRAIN_PARAMETERS.items()}
    named["bottleneck.norm.num_batches_tracked"] = torch.tensor(0)
    network.load_state_dict(named)
    network.freeze_classifier()

    start = evaluate(network, VectorViews(tensor(arrays["inputs_plain"])))
    weights = network.classifier.class_weights
    decomposition = decompose(weights)
    pseudo = assign_pseudo_labels(start.features, start.probability, weights, decomposition, 1)
    pseudo = replace(
        pseudo,
        soft_target=tensor(arrays["soft_target"]),
        confidence_weight=tensor(arrays["confidence_weight"]),
        is_unknown=tensor(arrays["is_unknown"]),
    )
    bank = Bank(start.features.clone(), start.probability.clone())
    values: dict[str, Any] = {
        "start_feature_bank": start.features,
        "start_probability_bank": start.probability,
        "known_projector": decomposition.known_projector,
    }
    if "coefficient" in info:
        cluster_count = clusters.effective_cluster_count(class_count, info["coefficient"])
        values["own_labels"] = assign_pseudo_labels(
            start.features, start.probability, weights, decomposition, cluster_count
        )

    base_rate, weight = training_settings(arrays, info)
    optimizer = schedule.build_optimizer(network, base_rate)
    precision = Precision(CPU)
    steps: list[dict[str, Any]] = []
    network.train()
    for index, rows in enumerate(arrays["batch_indices"]):
        schedule.set_learning_rate(
            optimizer, int(arrays["iteration"][index]), int(arrays["max_iteration"][index])
        )
        step = adaptation_step(
            network,
            optimizer,
            tensor(arrays["inputs_augmented"][index]),
            tensor(rows),
            pseudo,
            bank,
            decomposition,
            weight,
            precision,
        )
        state = network.state_dict()
        steps.append(
            {
                "batch_embedding_raw": step.embedding,
                "batch_embedding_unit": step.unit,
                "batch_probability": step.probability,
                "batch_known_norm": step.known_norm,
                "batch_unknown_norm": step.unknown_norm,
                "neighbour_indices": step.neighbour_indices,
                "neighbour_probability": step.neighbour_probability,
                "losses": step.losses,
                "feature_bank_after": bank.features,
                "probability_bank_after": bank.probability,
                "learning_rates": torch.tensor(
                    [group["lr"] for group in optimizer.param_groups], dtype=torch.float64
                ),
            }
            | {f"after_{name}": state[ours] for name, ours in TRAIN_PARAMETERS.items()}
        )
        # The bank and the parameters change in place with the next step.
        steps[-1] = {name: value.clone() for name, value in steps[-1].items()}
    return values | {name: torch.stack([step[name] for step in steps]) for name in steps[0]}


def compare_train(values: Mapping[str, Any], arrays: Arrays, info: Info) -> None:
    """Raises AssertionError with the name of the array that differs."""
    comparison = Comparison(arrays, TRAIN_INPUTS)
    for name in TRAIN_CLOSE:
        comparison.close(name, values[name], atol=TRAIN_ATOL)
    comparison.close("losses", values["losses"], rtol=LOSS_RTOL)
    comparison.sets("neighbour_indices", values["neighbour_indices"])
    if "own_labels" in values:  # the given pseudo-labels are those of the start banks
        own = values["own_labels"]
        comparison.exact("is_unknown", own.is_unknown)
        for name in ("soft_target", "confidence_weight"):
            comparison.close(name, getattr(own, name), atol=PSEUDO_ROW_ATOL[name])
    if "unknown_predicted" in info:
        assert int(arrays["is_unknown"].sum()) == info["unknown_predicted"], "is_unknown"
    comparison.finish()


def check_train_case(arrays: Arrays, info: Info) -> None:
    compare_train(compute_train(arrays, info), arrays, info)
