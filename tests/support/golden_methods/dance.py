"""DANCE: losses, memory, the decision and training steps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch.nn.functional import normalize

from genmix_da.methods import dance_step
from genmix_da.methods.dance_step import (
    DanceLearner,
    DanceNetwork,
    Settings,
    neighbourhood_loss,
    remember,
    separation_loss,
    similarities,
)
from golden_methods import joint, ovanet
from golden_methods.files import Arrays
from golden_values.comparison import Comparison, tensor

LOSS_INPUTS = ("target_logits", "target_features", "memory", "indices")
MEMORY_INPUTS = ("features", "indices")
DECISION_INPUTS = ("logits", "true_labels", "boundary")
NAMES = {
    "backbone_weight": "backbone.0.weight",
    "backbone_bias": "backbone.0.bias",
    "classifier_weight": "classifier.weight",
}
# Gradients and similarities show in the losses and the parameters.
TRAIN_INPUTS = (
    *("source_inputs", "source_labels", "target_inputs", "target_indices"),
    *(f"init_{name}" for name in NAMES),
    *("grad_source_logits", "grad_target_logits", "grad_target_features"),
    *("memory_similarity", "batch_similarity"),
)


def compute_loss(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    memory, rows = tensor(arrays["memory"]), tensor(arrays["indices"])

    def near(features: torch.Tensor) -> dance_step.Similarities:
        return similarities(normalize(features, dim=1), memory, rows)

    def total(logits: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        apart = separation_loss(logits, case["margin"])
        return case["eta"] * (neighbourhood_loss(logits, near(features)) + apart)

    logits = tensor(arrays["target_logits"])
    found = near(tensor(arrays["target_features"]))
    by_logits, by_features = joint.with_gradients(
        total, arrays["target_logits"], arrays["target_features"]
    )
    return {
        "memory_similarity": found.memory,
        "batch_similarity": found.batch,
        "loss_neighbourhood": case["eta"] * neighbourhood_loss(logits, found),
        "loss_separation": case["eta"] * separation_loss(logits, case["margin"]),
        "grad_target_logits": by_logits,
        "grad_target_features": by_features,
    }


def compare_loss(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    assert case["temperature"] == dance_step.TEMPERATURE
    assert math.isclose(case["threshold"], math.log(case["C"]) / 2)
    held = Comparison(arrays, LOSS_INPUTS)
    for name in ("memory_similarity", "batch_similarity"):
        held.close(name, values[name], atol=joint.LOGITS)
    for name in ("loss_neighbourhood", "loss_separation"):
        held.close(name, values[name], rtol=5e-6, atol=1e-6)
    for name in ("grad_target_logits", "grad_target_features"):
        joint.close_gradient(name, values[name], arrays, held)
    held.finish()


def compute_memory(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    memory, kept = torch.zeros(case["N"], case["D"]), []
    for features, rows in zip(arrays["features"], arrays["indices"], strict=True):
        remember(memory, tensor(features), tensor(rows), case["momentum"])
        kept.append(memory.numpy().copy())
    return {"memory_after": np.stack(kept)}


def compare_memory(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, MEMORY_INPUTS)
    held.close("memory_after", values["memory_after"], atol=joint.UNIT)
    held.finish()


def compute_decision(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    logits = tensor(arrays["logits"])
    classes = logits.shape[1]
    network = DanceNetwork(torch.nn.Identity(), 2, classes)
    probability, uncertainty = network.judge(logits, logits)
    # Configurations round log(C) / 2, and so do their files.
    limit = case["threshold"] / math.log(classes)
    prediction = torch.where(uncertainty > limit, classes, probability.argmax(dim=1))
    return {"entropy": uncertainty * math.log(classes), "prediction": prediction}


def compare_decision(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, DECISION_INPUTS)
    # Released: NaN where a probability is 0, never rejected; here 0 log 0 is 0.
    defined = np.isfinite(arrays["entropy"])
    held.close("entropy", values["entropy"], atol=joint.UNIT, rtol=2e-6, rows=defined)
    held.exact("prediction", values["prediction"], excused=arrays["boundary"] | ~defined)
    if defined.all():
        found = ovanet.recalls(values["prediction"], arrays, case)
        held.close("per_class_accuracy", found, atol=1e-9)
    held.done.add("per_class_accuracy")
    held.finish()


def compute_train(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    network = DanceNetwork(joint.backbone_of(arrays), case["D"], case["C"])
    joint.fill(network, arrays, NAMES)
    run = joint.run_of(network, case)
    settings = Settings(case["eta"], case["margin"], case["memory_momentum"])
    learner = DanceLearner(network, run, settings, case["memory_size"])
    network.train()
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    network.register_forward_hook(lambda _, __, given: seen.append(given))
    kept = []
    for batch in joint.steps(arrays, case, run, "target_indices"):
        seen.clear()
        losses = learner.step(batch)
        (_, source), (features, target) = seen
        kept.append(
            {
                "losses": losses,
                "learning_rates": joint.rates(run),
                "source_logits": source.detach(),
                "target_logits": target.detach(),
                "target_unit_features": normalize(features.detach(), dim=1),
                "memory_after": learner.memory.clone(),
                **joint.parameters(network, NAMES),
            }
        )
    return joint.stacked(kept)


def compare_train(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, TRAIN_INPUTS)
    held.close("losses", values["losses"], rtol=5e-6, atol=1e-6)
    held.close("learning_rates", values["learning_rates"], rtol=1e-12)
    for name in ("source_logits", "target_logits"):
        held.close(name, values[name], atol=joint.LOGITS)
    for name in ("target_unit_features", "memory_after"):
        held.close(name, values[name], atol=joint.UNIT)
    for name in NAMES:
        held.close(f"after_{name}", values[f"after_{name}"], atol=joint.PARAMETER)
    held.finish()


FILES = {
    "loss": (compute_loss, compare_loss, LOSS_INPUTS),
    "memory": (compute_memory, compare_memory, MEMORY_INPUTS),
    "decision": (compute_decision, compare_decision, DECISION_INPUTS),
    "train": (compute_train, compare_train, TRAIN_INPUTS),
}
