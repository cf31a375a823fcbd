"""DCC: clusters and their consensus, the cluster memory, the contrast of classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch.nn.functional import normalize

from genmix_da.methods import dcc_losses, dcc_matching
from genmix_da.methods.dcc_losses import cluster_loss, contrastive_discrepancy, update_memory
from genmix_da.methods.dcc_step import DccNetwork
from golden_methods import joint
from golden_methods.files import Arrays
from golden_values.comparison import Comparison, tensor

MATCHING_INPUTS = (
    *("source_features", "source_labels", "target_features", "target_true_labels"),
    *("test_features", "test_logits", "test_true_labels"),
)
MEMORY_INPUTS = ("initial_centres", "features", "labels")
CDD_INPUTS = ("source_features", "target_features")
CDD = 5e-6


def unit_rows(features: np.ndarray) -> np.ndarray:
    return np.asarray(normalize(tensor(features), dim=1))


def compute_matching(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    classes, interval = case["C"], case["interval"]
    unit = unit_rows(arrays["target_features"])
    source = dcc_matching.source_of(
        unit_rows(arrays["source_features"]), arrays["source_labels"], classes
    )
    counts = range(classes, classes * case["max_search"] + 1, interval)
    stopping = dcc_matching.Stopping(case["drop"], case["drop_consecutive"], case["drop_stop"])
    found = dcc_matching.search(source, unit, counts, stopping)
    clusters, consensus = found.tried[found.chosen]
    matching = dcc_matching.match(clusters, consensus, classes, case["min_cluster_size"])
    network = DccNetwork(torch.nn.Identity(), 2, classes, max(counts), width=case["D"])
    network.remember(tensor(clusters.unit_centres), tensor(matching.pairs))
    embedding, logits = tensor(arrays["test_features"]), tensor(arrays["test_logits"])
    probability, unknown = network.judge(embedding, logits)
    assert unknown is not None
    return {
        "source_centres": source.centres,
        "tried_cluster_counts": np.array(found.counts),
        "tried_scores": np.array([each.score for _, each in found.tried]),
        "tried_assignments": np.stack([each.labels for each, _ in found.tried]),
        "tried_class_scores": np.stack([each.by_class(classes) for _, each in found.tried]),
        "chosen_cluster_centres": clusters.unit_centres,
        "pseudo_label": matching.label,
        "common_label_set": matching.common,
        "matched_pairs": matching.pairs,
        "source_private_labels": matching.source_private,
        "pair_scores": matching.shares,
        "all_pairs": (consensus.pairs, consensus.shares),
        "chosen": found.counts[found.chosen],
        "test_cluster": network.similarity(embedding).argmax(dim=1),
        "test_prediction": torch.where(unknown > 0.5, classes, probability.argmax(dim=1)),
        **{f"centres_{place:02d}": each.centres for place, (each, _) in enumerate(found.tried)},
    }


def compare_matching(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, MATCHING_INPUTS)
    # The files do not say whether dropped pairs are listed: in those at hand none was dropped.
    for name, every in zip(("matched_pairs", "pair_scores"), values["all_pairs"], strict=True):
        if len(arrays[name]) == len(every):
            values = values | {name: every}
    assert values["chosen"] == case["chosen_cluster_count"]
    centres = [name for name in values if name.startswith("centres_")]
    for name in ("source_centres", "chosen_cluster_centres", *centres):
        held.close(name, values[name], atol=joint.UNIT)
    for name in ("tried_scores", "tried_class_scores", "pair_scores"):
        held.close(name, values[name], atol=joint.UNIT)
    for name in ("tried_cluster_counts", "tried_assignments", "pseudo_label", "matched_pairs"):
        held.exact(name, values[name])
    for name in ("common_label_set", "source_private_labels", "test_cluster", "test_prediction"):
        held.exact(name, values[name])
    held.finish()


def compute_memory(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    memory, kept = tensor(unit_rows(arrays["initial_centres"])), []
    for features, labels in zip(arrays["features"], arrays["labels"], strict=True):
        given = tensor(features).requires_grad_()
        clusters = tensor(labels)
        unit = normalize(given, dim=1)
        memory = update_memory(memory, unit, clusters)
        loss = cluster_loss(unit, clusters, memory, case["temperature"])
        loss.backward()
        kept.append(
            {"loss": loss.detach(), "memory_after": memory, "grad_features": given.grad},
        )
    return joint.stacked(kept)


def compare_memory(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, MEMORY_INPUTS)
    held.close("loss", values["loss"], rtol=5e-6, atol=1e-6)
    held.close("memory_after", values["memory_after"], atol=joint.UNIT)
    joint.close_gradient("grad_features", values["grad_features"], arrays, held)
    held.finish()


def compute_cdd(arrays: Arrays, case: dict[str, Any]) -> dict[str, Any]:
    assert (case["kernels"], case["multiplier"]) == (dcc_losses.KERNELS, dcc_losses.MULTIPLIER)
    given = arrays["source_features"], arrays["target_features"]
    found = contrastive_discrepancy(*map(tensor, given), case["classes"])
    source, target = joint.with_gradients(
        lambda *parts: contrastive_discrepancy(*parts, case["classes"]).total, *given
    )
    return {
        "cdd": found.total,
        "intra": found.intra,
        "inter": np.float32(np.nan) if found.inter is None else found.inter.numpy(),
        "grad_source_features": source,
        "grad_target_features": target,
    }


def compare_cdd(values: dict[str, Any], arrays: Arrays, case: dict[str, Any]) -> None:
    held = Comparison(arrays, CDD_INPUTS)
    for name in ("cdd", "intra"):
        held.close(name, values[name], atol=CDD)
    # Of one class there is no other.
    inter = float(arrays["inter"])
    assert math.isnan(values["inter"]) == math.isnan(inter), "inter: of other classes"
    held.close("inter", values["inter"], atol=CDD, rows=np.array(not math.isnan(inter)))
    for name in ("grad_source_features", "grad_target_features"):
        joint.close_gradient(name, values[name], arrays, held)
    held.finish()


FILES = {
    "matching": (compute_matching, compare_matching, MATCHING_INPUTS),
    "memory": (compute_memory, compare_memory, MEMORY_INPUTS),
    "cdd": (compute_cdd, compare_cdd, CDD_INPUTS),
}
