"""OVANet: losses, the decision and training steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from genmix_da.methods.ovanet_step import (
    OvanetLearner,
    OvanetNetwork,
    open_entropy,
    open_loss,
    split,
)
from golden_methods import joint
from golden_methods.files import Arrays
from golden_values.comparison import Comparison, tensor

LOSS_INPUTS = ("source_open_logits", "source_labels", "target_open_logits")
DECISION_INPUTS = ("closed_logits", "open_logits", "true_labels", "boundary")
NAMES = {
    "backbone_weight": "backbone.0.weight",
    "backbone_bias": "backbone.0.bias",
    "closed_weight": "closed.weight",
    "open_weight": "open.weight",
}
# Gradients show in the parameters.
TRAIN_INPUTS = (
    *("source_inputs", "source_labels", "target_inputs"),
    *(f"init_{name}" for name in NAMES),
    *("grad_closed_logits", "grad_source_open_logits", "grad_target_open_logits"),
)


def two_way(logits: torch.Tensor) -> torch.Tensor:
    return logits.reshape(len(logits), 2, -1)


def compute_loss(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    labels = tensor(arrays["source_labels"])
    known = open_loss(two_way(tensor(arrays["source_open_logits"])), labels)
    (source,) = joint.with_gradients(
        lambda logits: open_loss(two_way(logits), labels).total, arrays["source_open_logits"]
    )
    (target,) = joint.with_gradients(
        lambda logits: 0.1 * open_entropy(two_way(logits)), arrays["target_open_logits"]
    )
    return {
        "positive_loss": known.positive,
        "negative_loss": known.negative,
        "open_loss": known.total,
        "target_entropy": open_entropy(two_way(tensor(arrays["target_open_logits"]))),
        "grad_source_open_logits": source,
        "grad_target_open_logits": target,
    }


def compare_loss(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, LOSS_INPUTS)
    for name in ("positive_loss", "negative_loss", "open_loss", "target_entropy"):
        held.close(name, values[name], rtol=5e-6, atol=1e-6)
    for name in ("grad_source_open_logits", "grad_target_open_logits"):
        joint.close_gradient(name, values[name], arrays, held)
    held.finish()


def compute_decision(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    closed = tensor(arrays["closed_logits"])
    outputs = torch.cat([closed, tensor(arrays["open_logits"]).flatten(1)], dim=1)
    network = OvanetNetwork(torch.nn.Identity(), 2, closed.shape[1])
    probability, unknown = network.judge(closed, outputs)
    prediction = torch.where(unknown > 0.5, closed.shape[1], probability.argmax(dim=1))
    return {"unknown_probability": unknown, "prediction": prediction}


def compare_decision(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, DECISION_INPUTS)
    held.close("unknown_probability", values["unknown_probability"], atol=joint.UNIT)
    held.exact("prediction", values["prediction"], excused=arrays["boundary"])
    held.close("per_class_accuracy", recalls(values["prediction"], arrays, case), atol=1e-9)
    held.finish()


def recalls(prediction: torch.Tensor, arrays: Arrays, case: dict[str, Any]) -> np.ndarray:
    """Accuracy of each shared class, then of unknown samples, which have the label C."""
    found, true = np.asarray(prediction), arrays["true_labels"]
    unknown = [int(true.max())] if len(arrays["per_class_accuracy"]) > case["n_share"] else []
    labels = [*range(case["n_share"]), *unknown]
    return np.array([np.mean(found[true == label] == label) for label in labels])


def compute_train(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    network = OvanetNetwork(joint.backbone_of(arrays), case["D"], case["C"])
    joint.fill(network, arrays, NAMES)
    run = joint.run_of(network, case)
    learner = OvanetLearner(network, run, case["entropy_weight"] if case["adapt"] else 0.0)
    network.train()
    seen: list[torch.Tensor] = []
    network.register_forward_hook(lambda _, __, given: seen.append(given[1].detach()))
    kept = []
    for batch in joint.steps(arrays, case, run, None):
        seen.clear()
        losses = learner.step(batch)
        closed, source = split(seen[0])
        done = {
            "losses": losses,
            "learning_rates": joint.rates(run),
            "closed_logits": closed,
            "source_open_logits": source.flatten(1),
            **joint.parameters(network, NAMES),
        }
        if case["adapt"]:
            done["target_open_logits"] = split(seen[1])[1].flatten(1)
        kept.append(done)
    return joint.stacked(kept)


def compare_train(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, TRAIN_INPUTS, optional=("target_open_logits",))
    # Without adaptation there is no entropy: NaN there.
    used = np.isfinite(arrays["losses"])
    held.close("losses", values["losses"], rtol=5e-6, atol=1e-6, rows=used)
    held.close("learning_rates", np.sort(values["learning_rates"]), rtol=1e-12)
    names = ["closed_logits", "source_open_logits"]
    names += ["target_open_logits"] * ("target_open_logits" in values)
    for name in names:
        held.close(name, values[name], atol=joint.LOGITS)
    for name in NAMES:
        held.close(f"after_{name}", values[f"after_{name}"], atol=joint.PARAMETER)
    held.finish()


FILES = {
    "loss": (compute_loss, compare_loss, LOSS_INPUTS),
    "decision": (compute_decision, compare_decision, DECISION_INPUTS),
    "train": (compute_train, compare_train, TRAIN_INPUTS),
}
