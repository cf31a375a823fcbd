"""CMU: uncertainties with what is decided by them, and the adversarial loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from genmix_da.methods import cmu_scores
from genmix_da.methods.cmu_adversarial import RISE, domain_loss, reversal
from genmix_da.methods.cmu_step import CmuNetwork
from golden_methods import joint
from golden_methods.files import Arrays
from golden_values.comparison import Comparison, tensor

UNCERTAINTY_INPUTS = (
    *("classifier_logits", "head_logits", "true_labels"),
    *("boundary", "older_batch_boundary"),
)
ADVERSARIAL_INPUTS = (
    *("discriminator_weight", "discriminator_bias", "source_features", "target_features"),
    *("source_weight", "target_weight"),
)


def compute_uncertainty(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    logits, heads = tensor(arrays["classifier_logits"]), tensor(arrays["head_logits"])
    found = cmu_scores.uncertainties(heads)
    network = CmuNetwork(nn.Identity(), 2, case["C"])
    outputs = torch.cat([logits, *heads], dim=1)
    probability, unsure = network.judge(logits, outputs)
    score = cmu_scores.score(found)
    torch.testing.assert_close(unsure, 1 - score)
    known = score >= case["threshold"]
    mean = cmu_scores.mean_of_known(probability, known)
    older = cmu_scores.older_score(found)
    return {
        "entropy": found.entropy,
        "consistency": found.consistency,
        "confidence": found.confidence,
        "target_weight": cmu_scores.target_weight(found),
        "score": score,
        "prediction": torch.where(known, probability.argmax(dim=1), case["C"]),
        "source_class_mean_probability": mean,
        "source_class_weight": cmu_scores.scaled(mean),
        "older_score": older,
        "older_threshold": float(older.mean()),
        "older_batch_target_weight": cmu_scores.older_target_weight(found, float(older.mean())),
        "older_is_unknown": older > case["older_w0"],
    }


def compare_uncertainty(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, UNCERTAINTY_INPUTS)
    for name in ("entropy", "consistency", "confidence", "target_weight"):
        held.close(name, values[name], atol=joint.UNIT)
    # Released: NaN where an uncertainty is constant over the set; here 0.5 of its range.
    for name in ("score", "older_score", "source_class_mean_probability"):
        held.close(name, values[name], atol=joint.UNIT, rows=np.isfinite(arrays[name]))
    mean = arrays["source_class_mean_probability"]
    held.close(
        "source_class_weight",
        values["source_class_weight"],
        atol=joint.UNIT / max(float(np.ptp(mean)), 1e-6) if np.isfinite(mean).all() else 0.0,
        rows=np.isfinite(arrays["source_class_weight"]),
    )
    defined = np.isfinite(arrays["score"])
    held.exact("prediction", values["prediction"], excused=arrays["boundary"] | ~defined)
    older = np.isfinite(arrays["older_score"])
    near = np.abs(arrays["older_score"] - case["older_w0"]) < joint.UNIT
    held.exact("older_is_unknown", values["older_is_unknown"], excused=near | ~older)
    held.exact(
        "older_batch_target_weight",
        values["older_batch_target_weight"].numpy(),
        excused=arrays["older_batch_boundary"] | ~older,
    )
    if case["older_threshold"] is not None:
        assert abs(values["older_threshold"] - case["older_threshold"]) < 1e-6
    held.finish()


def compute_adversarial(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    assert case["max_iterations"] == RISE
    judge = nn.Linear(case["D"], 1)
    judge.load_state_dict(
        {part: tensor(arrays[f"discriminator_{part}"]) for part in ("weight", "bias")}
    )
    kept = []
    for call in range(case["calls"]):
        source, target = (
            tensor(arrays[f"{name}_features"][call]).requires_grad_()
            for name in ("source", "target")
        )
        weights = (tensor(arrays[f"{name}_weight"][call]) for name in ("source", "target"))
        judge.zero_grad()
        pairs = zip((source, target), weights, strict=True)
        loss = domain_loss(judge, *pairs, reversal(call))
        loss.backward()
        kept.append(
            {
                "loss": loss.detach(),
                "grad_source_features": source.grad,
                "grad_target_features": target.grad,
                "grad_discriminator_weight": judge.weight.grad,
            }
        )
        judge.weight.grad = None
    return joint.stacked(kept)


def compare_adversarial(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, ADVERSARIAL_INPUTS)
    held.close("loss", values["loss"], rtol=5e-6, atol=1e-6)
    for name in ("grad_source_features", "grad_target_features", "grad_discriminator_weight"):
        # Gradients grow with the calls: each by its own largest entry.
        for call in range(case["calls"]):
            part = {name: arrays[name][call]}
            joint.close_gradient(name, values[name][call], part, Comparison(part))
        held.done.add(name)
    held.finish()


FILES = {
    "uncertainty": (compute_uncertainty, compare_uncertainty, UNCERTAINTY_INPUTS),
    "adversarial": (compute_adversarial, compare_adversarial, ADVERSARIAL_INPUTS),
}
