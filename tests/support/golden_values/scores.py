"""Scores, the smoothed cross-entropy and entropies, computed and compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from golden_values.comparison import Comparison, tensor
from golden_values.files import (
    Arrays,
    Info,
)
from lead import scores
from lead.losses import smoothed_cross_entropy

SCORE_ATOL = 1e-9
ENTROPY_ATOL = 1e-6
CROSS_ENTROPY_RTOL = 1e-5
SCORE_NAMES = ("h_score", "known_accuracy", "unknown_accuracy")


def compute_scores(arrays: Arrays, info: Info) -> dict[str, Any]:
    """The scores of one case; the uncertainty is used where the case says so."""
    probability, labels = arrays["probabilities"], arrays["labels"]
    if info["open_set"]:
        found = scores.open_set_scores(
            probability,
            labels,
            info["class_list"],
            threshold=info["threshold"],
            uncertainty=arrays["uncertainty"] if info["uses_given_uncertainty"] else None,
        )
    else:
        found = scores.closed_set_scores(probability, labels, info["class_list"])
    return {
        "final_prediction": found.prediction,
        "per_class_accuracy": found.per_class_accuracy,
        "normalised_entropy": scores.normalised_entropy(tensor(probability)),
    } | {name: getattr(found, name) for name in SCORE_NAMES}


def compare_scores(values: Mapping[str, Any], arrays: Arrays, info: Info) -> None:
    """Raises AssertionError with the name of the array or score that differs."""
    inputs = ("probabilities", "labels", "uncertainty")
    golden = dict(arrays) | {name: np.float64(info[name]) for name in SCORE_NAMES}
    # Nothing is rejected in a closed set, so its cases may go without an entropy.
    optional = () if info["open_set"] else ("normalised_entropy",)
    comparison = Comparison(golden, inputs, optional)
    comparison.exact("final_prediction", values["final_prediction"])
    comparison.close("normalised_entropy", values["normalised_entropy"], atol=ENTROPY_ATOL)
    for name in ("per_class_accuracy", *SCORE_NAMES):
        comparison.close(name, values[name], atol=SCORE_ATOL)
    comparison.finish()


def check_scores_case(arrays: Arrays, info: Info) -> None:
    compare_scores(compute_scores(arrays, info), arrays, info)


def compute_cross_entropy(arrays: Arrays, info: Info) -> dict[str, Any]:
    loss = smoothed_cross_entropy(
        tensor(arrays["inputs"]),
        tensor(arrays["targets"]),
        info["epsilon"],
        inputs_are=info["inputs_are"],
        reduction="mean" if info["mean_reduction"] else "none",
    )
    return {"loss": loss.reshape(arrays["loss"].shape)}


def compare_cross_entropy(values: Mapping[str, Any], arrays: Arrays, info: Info) -> None:
    """Finite everywhere; equal where the golden is finite."""
    comparison = Comparison(arrays, ("inputs", "targets"))
    finite = np.isfinite(arrays["loss"])
    assert torch.isfinite(values["loss"]).all(), "loss: not finite"
    assert info["saturated"] or finite.all(), "loss: the golden of a plain case is not finite"
    comparison.close("loss", values["loss"], rtol=CROSS_ENTROPY_RTOL, rows=finite)
    comparison.finish()


def check_cross_entropy_case(arrays: Arrays, info: Info) -> None:
    compare_cross_entropy(compute_cross_entropy(arrays, info), arrays, info)


def compute_entropy(arrays: Arrays, info: Info) -> dict[str, Any]:
    del info
    probability = tensor(arrays["probabilities"])
    return {
        "entropy": scores.entropy(probability),
        "normalised_entropy": scores.normalised_entropy(probability),
    }


def compare_entropy(values: Mapping[str, Any], arrays: Arrays, info: Info) -> None:
    del info
    comparison = Comparison(arrays, ("probabilities",))
    for name in ("entropy", "normalised_entropy"):
        comparison.close(name, values[name], atol=ENTROPY_ATOL)
    comparison.finish()


def check_entropy_case(arrays: Arrays, info: Info) -> None:
    compare_entropy(compute_entropy(arrays, info), arrays, info)
