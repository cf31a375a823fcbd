"""UniOT: both transports, adaptive filling and the queue; uniot_train has the training steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from genmix_da.methods import uniot_transport
from genmix_da.methods.uniot_network import TEMPERATURE, UniotNetwork
from genmix_da.methods.uniot_queue import Queue, positions
from genmix_da.methods.uniot_transport import Reading, fill, read, sinkhorn, transport
from golden_methods import joint
from golden_methods.files import Arrays
from golden_values.comparison import Comparison, tensor

SINKHORN_INPUTS = ("scores",)
CCD_INPUTS = ("similarity", "beta", "boundary", "class_boundary")
FILLING_INPUTS = (
    *("features", "prototypes", "beta", "select_indices"),
    *("true_labels", "boundary", "gamma_boundary"),
)
QUEUE_INPUTS = ("features", "ids", "anchors", "anchor_ids", "uniform_draws")


@dataclass
class Given:
    """The draws of a file; see `Draws`."""

    rows: dict[str, np.ndarray]

    def _taken(self, name: str, count: int) -> torch.Tensor:
        found = self.rows[name]
        assert len(found) == count
        return tensor(found)

    def clustering(self, size: int, count: int) -> torch.Tensor:
        return self._taken("clustering", count)

    def transport(self, size: int, count: int) -> torch.Tensor:
        return self._taken("transport", count)

    def filling(self, candidates: int, count: int) -> torch.Tensor:
        return self._taken("filling", count)


def compute_sinkhorn(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    return {"assignment": sinkhorn(tensor(arrays["scores"]))}


def compare_sinkhorn(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    assert case["epsilon"] == uniot_transport.SHARPNESS
    assert case["iterations"] == uniot_transport.ROUNDS
    held = Comparison(arrays, SINKHORN_INPUTS)
    held.close("assignment", values["assignment"], rtol=1e-4)
    held.finish()


def compute_ccd(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    found = transport(tensor(arrays["similarity"]), tensor(arrays["beta"]), case["stop_threshold"])
    first = 0 if case["mode"] == "all" else case["fake_size"] + case["fill_size"]
    return {
        "rounds": found.rounds,
        "plan": found.plan,
        "normalised_plan": found.share,
        **labels_of(read(found.share, first)),
    }


def labels_of(found: Reading) -> dict[str, Any]:
    return {
        "sample_confidence": found.confidence,
        "class_weight": found.mass,
        "new_beta": found.mass,
        "confident_label": found.label,
        "high_confidence_label": found.sure_label,
        "high_confidence_indices": found.sure,
    }


def compare_ccd(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    assert case["reg"] == uniot_transport.REGULARISER
    assert case["reg_m"] == uniot_transport.RELAXATION
    assert values["rounds"] == case["iterations"]
    held = Comparison(arrays, CCD_INPUTS)
    held.close("plan", values["plan"], rtol=1e-6)
    for name in ("normalised_plan", "sample_confidence", "class_weight", "new_beta"):
        held.close(name, values[name], atol=joint.UNIT)
    compare_labels(values, held, arrays["boundary"], np.flatnonzero(arrays["class_boundary"]))
    held.finish()


def compare_labels(
    values: dict[str, Any], held: Comparison, unsure: np.ndarray, classes: np.ndarray
) -> None:
    """Labels, but where rounding decides on a sample or on its class."""
    label = np.asarray(values["confident_label"])
    held.exact("confident_label", label, excused=unsure)
    unsure = unsure | np.isin(label, classes)
    held.exact("high_confidence_label", values["high_confidence_label"], excused=unsure)
    members(held, "high_confidence_indices", values["high_confidence_indices"], unsure)


def members(held: Comparison, name: str, found: Any, excused: np.ndarray) -> None:
    """The same places, in ascending order."""
    assert held.has(name)
    found, wanted = np.asarray(found), held.golden[name]
    kept = (places[~np.isin(places, np.flatnonzero(excused))] for places in (found, wanted))
    assert np.array_equal(*kept), f"{name}: other places"


def compute_filling(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    unit, prototypes, beta = (tensor(arrays[k]) for k in ("features", "prototypes", "beta"))
    draws, stop = Given({"filling": arrays["select_indices"]}), case["stop_threshold"]
    filled = fill(unit, prototypes, beta, case["gamma"], draws.filling, stop=stop)
    share = transport(filled.similarity, beta, stop).share
    values = {
        "added": filled.added,
        "filled_similarity": filled.similarity,
        "normalised_plan": share,
        **labels_of(read(share, filled.added + case["fill_size"])),
    }
    if filled.sure is not None:
        values["first_pass_indices"] = filled.sure
    if stop == uniot_transport.TEST_STOP and not case["fill_size"]:
        values["decided"] = decided(unit, prototypes, beta, case["gamma"], draws)
    return values


def decided(
    unit: torch.Tensor, prototypes: torch.Tensor, beta: torch.Tensor, gamma: float, draws: Given
) -> torch.Tensor:
    """What a network with these prototypes decides at test time."""
    classes, size = prototypes.shape
    network = UniotNetwork(torch.nn.Identity(), size, classes, 1, gamma, size)
    network.load_state_dict(network.state_dict() | {"prototypes.weight": prototypes, "beta": beta})
    probability, uncertainty = network.decide(unit, draws)
    return torch.where(uncertainty > 0.5, classes, probability.argmax(dim=1))


def compare_filling(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    assert values["added"] == case["fake_size"]
    held = Comparison(arrays, FILLING_INPUTS, optional=("first_pass_indices",))
    for name in ("filled_similarity", "normalised_plan", "new_beta"):
        held.close(name, values[name], atol=joint.UNIT)
    compare_labels(values, held, arrays["boundary"], np.array([], np.int64))
    if "decided" in values:
        held.exact("confident_label", values["decided"], excused=arrays["boundary"])
    if "first_pass_indices" in values:
        held.exact("first_pass_indices", values["first_pass_indices"])
    held.finish()


def compute_queue(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    size = case["batch"] * case["batches"]
    queue = Queue(torch.zeros(size, case["D"]), torch.zeros(size, dtype=torch.long))
    kept = []
    for features, rows in zip(arrays["features"], arrays["ids"], strict=True):
        queue.push(tensor(features), tensor(rows))
        kept.append(state_of(queue, ""))
    anchors, rows = tensor(arrays["anchors"]), tensor(arrays["anchor_ids"])
    value, feature = queue.nearest(anchors, case["temperature"], rows)
    free_value, free_feature = queue.nearest(anchors, case["temperature"])
    return {
        **joint.stacked(kept),
        "nearest_value": value,
        "nearest_feature": feature,
        "nearest_value_without_ids": free_value,
        "nearest_feature_without_ids": free_feature,
        "sampled_features": queue.features[positions(tensor(arrays["uniform_draws"]), size)],
    }


def state_of(queue: Queue, when: str) -> dict[str, Any]:
    return {
        f"queue_features{when}": queue.features.clone(),
        f"queue_ids{when}": queue.rows.clone(),
        f"write_pointer{when}": queue.pointer,
    }


def compare_queue(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    assert case["temperature"] == TEMPERATURE
    held = Comparison(arrays, QUEUE_INPUTS)
    for name in ("nearest_value", "nearest_value_without_ids"):
        held.close(name, values[name], atol=joint.LOGITS)
    for name in ("nearest_feature", "nearest_feature_without_ids", "sampled_features"):
        held.close(name, values[name], atol=joint.UNIT)
    compare_state(values, held, "")
    held.finish()


def compare_state(values: dict[str, Any], held: Comparison, when: str) -> None:
    held.close(f"queue_features{when}", values[f"queue_features{when}"], atol=joint.UNIT)
    for name in (f"queue_ids{when}", f"write_pointer{when}"):
        held.exact(name, values[name])


FILES = {
    "sinkhorn": (compute_sinkhorn, compare_sinkhorn, SINKHORN_INPUTS),
    "ccd": (compute_ccd, compare_ccd, CCD_INPUTS),
    "filling": (compute_filling, compare_filling, FILLING_INPUTS),
    "queue": (compute_queue, compare_queue, QUEUE_INPUTS),
}
