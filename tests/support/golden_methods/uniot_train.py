"""UniOT: training steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from genmix_da.methods import uniot_transport
from genmix_da.methods.uniot_network import TEMPERATURE, UniotNetwork
from genmix_da.methods.uniot_queue import Queue
from genmix_da.methods.uniot_step import ClusterLoss, Neighbours, Settings, UniotLearner
from genmix_da.methods.uniot_transport import Filled, Reading
from golden_methods import joint
from golden_methods.files import Arrays
from golden_methods.uniot import Given, compare_state, state_of
from golden_values.comparison import Comparison, tensor

MOST_STEPS = 100  # that a file may have
RAW = 5e-6  # of embeddings in training
NAMES = {
    "backbone_weight": "backbone.0.weight",
    "backbone_bias": "backbone.0.bias",
    "head1_weight": "projection.0.weight",
    "head1_bias": "projection.0.bias",
    "head2_weight": "projection.2.weight",
    "head2_bias": "projection.2.bias",
    "prototype_weight": "prototypes.weight",
    "cluster_weight": "centres.weight",
}
TRAIN_INPUTS = (
    *("source_inputs", "source_labels", "target_inputs", "target_ids"),
    *("start_queue_features", "start_queue_ids"),
    *("fill_indices_clustering", "fill_indices_transport"),
    *(f"select_indices_{step}" for step in range(MOST_STEPS)),
    *(f"init_{name}" for name in NAMES),
)
GRADIENTS = (
    *("grad_source_logits", "grad_target_logits", "grad_target_features"),
    *("grad_cluster_logits", "grad_neighbour_cluster_logits"),
)


class Watched(UniotLearner):
    """Keeps what a step finds on its way."""

    def discover(self, clusters: Any, near: Neighbours, queue: Any, draws: Any) -> ClusterLoss:
        self.near = near
        self.private = super().discover(clusters, near, queue, draws)
        return self.private

    def detect(self, unit: Any, queue: Any, draws: Any) -> tuple[Reading, Filled]:
        self.common = super().detect(unit, queue, draws)
        return self.common


def compute_train(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    size = (case["backbone_dim"], case["C"], case["clusters"], case["gamma"], case["feature_dim"])
    network = UniotNetwork(joint.backbone_of(arrays), *size)
    begin = {"init_beta": network.beta.numpy()}
    joint.fill(network, arrays | begin, {**NAMES, "beta": "beta"})
    run = joint.run_of(network, case)
    queue = Queue(tensor(arrays["start_queue_features"]), tensor(arrays["start_queue_ids"]))
    learner = Watched(network, run, Settings(case["lam"], case["mu"]), 0, lambda: queue)
    network.train()
    passes: list[tuple[torch.Tensor, torch.Tensor]] = []
    centred: list[torch.Tensor] = []
    network.register_forward_hook(lambda _, __, given: passes.append(watched(given)))
    network.centres.register_forward_hook(lambda _, __, given: centred.append(watched([given])[0]))
    kept, own = [], {}
    for index, batch in enumerate(joint.steps(arrays, case, run, "target_ids", case["start_step"])):
        passes.clear()
        centred.clear()
        losses = learner.take(batch, draws_of(arrays, index))
        done = {
            "losses": losses,
            "learning_rates": joint.rates(run),
            "neighbour_choice": learner.near.choice,
            "neighbour_features": learner.near.features.detach(),
            "assignment": learner.private.assignment,
            **logits_of(network, passes, centred[2]),
            **state_of(queue, "_after"),
            **joint.parameters(network, NAMES),
        }
        if case["transport_active"]:
            found, filled = learner.common
            done["fake_size"] = filled.added
            done["high_confidence_label"] = found.sure_label
            done["beta_after"] = network.beta.clone()
            own[f"high_confidence_indices_{index}"] = found.sure
            own[f"filled_similarity_{index}"] = filled.similarity
        kept.append(done)
    return {**joint.stacked(kept), **own}


def watched(given: Any) -> Any:
    for item in given:
        if item.requires_grad:
            item.retain_grad()
    return given


def draws_of(arrays: Arrays, step: int) -> Given:
    nothing = np.array([], np.int64)
    rows = {"filling": arrays.get(f"select_indices_{step}", nothing)}
    for name in ("clustering", "transport"):
        if f"fill_indices_{name}" in arrays:
            rows[name] = arrays[f"fill_indices_{name}"][step]
    return Given(rows)


def logits_of(network: UniotNetwork, passes: list[Any], near: torch.Tensor) -> dict[str, Any]:
    """Outputs of both passes, cosines of the neighbours [B, K], and their gradients."""
    (_, source), (embedding, target) = passes
    grads = [torch.as_tensor(item.grad) for item in (source, target, embedding, near)]
    return {
        "source_logits": network.split(source.detach())[0],
        "target_logits": network.split(target.detach())[0],
        "cluster_logits": network.split(target.detach())[1],
        "neighbour_cluster_logits": near.detach() / TEMPERATURE,
        "target_features": embedding.detach(),
        "grad_source_logits": network.split(grads[0])[0],
        "grad_target_logits": network.split(grads[1])[0],
        "grad_cluster_logits": network.split(grads[1])[1],
        "grad_target_features": grads[2],
        "grad_neighbour_cluster_logits": grads[3] * TEMPERATURE,
    }


def compare_train(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    assert case["temperature"] == TEMPERATURE
    assert case["stop_threshold"] == uniot_transport.TRAINING_STOP
    held = Comparison(arrays, TRAIN_INPUTS)
    held.close("losses", values["losses"], rtol=5e-6, atol=1e-6)
    held.close("learning_rates", values["learning_rates"], rtol=1e-12)
    held.exact("neighbour_choice", values["neighbour_choice"])
    logits = ("source_logits", "target_logits", "cluster_logits", "neighbour_cluster_logits")
    for name in logits:
        held.close(name, values[name], atol=joint.LOGITS)
    held.close("target_features", values["target_features"], atol=RAW)
    for name in ("neighbour_features", "assignment"):
        held.close(name, values[name], atol=joint.UNIT)
    for name in GRADIENTS:
        joint.close_gradient(name, values[name], arrays, held)
    compare_state(values, held, "_after")
    for name in NAMES:
        held.close(f"after_{name}", values[f"after_{name}"], atol=joint.PARAMETER)
    if case["transport_active"]:
        held.close("beta_after", values["beta_after"], atol=joint.UNIT)
        own = [name for name in values if name.startswith("high_confidence_indices_")]
        for name in ("fake_size", "high_confidence_label", *own):
            held.exact(name, values[name])
        for name in (name for name in values if name.startswith("filled_similarity_")):
            held.close(name, values[name], atol=joint.UNIT)
    held.finish()


FILES = {"train": (compute_train, compare_train, TRAIN_INPUTS)}
