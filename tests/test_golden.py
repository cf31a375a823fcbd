"""Agreement with the golden values: numbers computed with the LEAD authors' released code.

The committed subset (tests/golden) always runs; the full set runs where GENMIX_DA_GOLDEN names its
folder. Files are found by their names, so a new file with the same array names is compared as is.

Each kind of file has two functions: `compute_*` runs this package on the inputs, `compare_*` holds
the result against the golden arrays and makes sure that no array was left out. `check_*` does both.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lead import clusters, protocol, pseudo_labels, schedule, scores
from lead.bank import NEIGHBOURS, Bank
from lead.decomposition import decompose
from lead.evaluation import evaluate
from lead.losses import LOG_EPSILON, smoothed_cross_entropy
from lead.network import Network
from lead.precision import Precision
from lead.pseudo_labels import assign_pseudo_labels, top_samples, unit_features
from lead.target import TargetConfig, adaptation_step

VARIABLE = "GENMIX_DA_GOLDEN"
COMMITTED = Path(__file__).parent / "golden"
CPU = torch.device("cpu")

Arrays = Mapping[str, np.ndarray]
Info = Mapping[str, Any]


# --- comparison ------------------------------------------------------------------------------


class Comparison:
    """Holds computed values against the arrays of one case and keeps track of what was compared.

    Args:
        golden: the arrays of the case.
        inputs: names that are given to the method and not compared.
        optional: names that a file may leave out.
    """

    def __init__(
        self, golden: Arrays, inputs: Iterable[str] = (), optional: Iterable[str] = ()
    ) -> None:
        self.golden = golden
        self.optional = frozenset(optional)
        self.done = set(inputs)

    def has(self, name: str) -> bool:
        """Whether the file holds the array; only an optional one may be missing."""
        assert name in self.golden or name in self.optional, f"{name}: not in the file"
        self.done.add(name)
        return name in self.golden

    def close(
        self,
        name: str,
        value: Any,
        *,
        atol: float = 0.0,
        rtol: float = 0.0,
        rows: np.ndarray | None = None,
    ) -> None:
        """abs(value - golden) <= atol + rtol * abs(golden), in the given rows."""
        if not self.has(name):
            return
        found, wanted = _same_shape(name, value, self.golden[name])
        error = np.abs(found.astype(np.float64) - wanted.astype(np.float64))
        allowed = atol + rtol * np.abs(wanted.astype(np.float64))
        right = error <= allowed  # False for NaN
        if rows is not None:
            right = right[rows]
        assert right.all(), (
            f"{name}: {np.sum(~right)} of {right.size} values differ, by up to {error.max():.3g}"
        )

    def exact(self, name: str, value: Any, *, excused: np.ndarray | None = None) -> None:
        """Equal everywhere but where rounding decides."""
        if not self.has(name):
            return
        found, wanted = _same_shape(name, value, self.golden[name])
        wrong = found != wanted
        if excused is not None:
            wrong = wrong & ~excused
        assert not wrong.any(), f"{name}: {np.sum(wrong)} of {wrong.size} values differ"

    def partition(self, name: str, value: Any) -> None:
        """Rows of cluster labels that are equal up to the names of the clusters."""
        if not self.has(name):
            return
        found, wanted = _same_shape(name, value, self.golden[name])
        for row, (ours, theirs) in enumerate(zip(found, wanted, strict=True)):
            assert np.array_equal(_by_appearance(ours), _by_appearance(theirs)), (
                f"{name}: row {row} is another partition"
            )

    def sets(self, name: str, value: Any, *, rows: np.ndarray | None = None) -> None:
        """Equal sets along the last axis."""
        if not self.has(name):
            return
        found, wanted = _same_shape(name, value, self.golden[name])
        wrong = (np.sort(found, axis=-1) != np.sort(wanted, axis=-1)).any(axis=-1)
        if rows is not None:
            wrong = wrong & rows
        assert not wrong.any(), f"{name}: {np.sum(wrong)} sets differ"

    def finish(self) -> None:
        """Every array of the file was compared or is a named input."""
        left = sorted(set(self.golden) - self.done)
        assert not left, f"arrays that nothing compared: {left}"


def _same_shape(name: str, value: Any, golden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    assert found.shape == golden.shape, f"{name}: shape {found.shape}, golden {golden.shape}"
    return found, golden


def _by_appearance(labels: np.ndarray) -> np.ndarray:
    """Cluster labels renamed in the order in which they first appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(array))


# --- pseudo_*.npz ----------------------------------------------------------------------------

PSEUDO_ATOL = {
    "features_bank": 1e-6,
    "known_projector": 1e-5,
    "known_norm": 5e-6,
    "unknown_norm": 5e-6,
    "mixture_means": 1e-5,
    "target_prototypes": 1e-5,
    "source_anchors": 1e-6,
    "target_similarity": 1e-5,
    "source_similarity": 1e-5,
    "common_score": 2e-5,
    "class_prior": 5e-6,
    "thresholds": 1e-5,
}
# These hang on the nearest class or on the label, which rounding may decide in a flagged sample.
PSEUDO_ROW_ATOL = {"own_threshold": 1e-5, "confidence_weight": 2e-4, "soft_target": 1e-6}
SILHOUETTE_RTOL = 1e-5
PSEUDO_EXACT = (
    "effective_cluster_count",
    "top_count",
    "top_indices",
    "nearest_class",
    "is_unknown",
    "pseudo_label",
)
ESTIMATION_EXACT = (
    "candidate_coefficients",
    "candidate_cluster_counts",
    "candidate_assignments",
    "coefficient",
)
PSEUDO_INPUTS = ("class_weights", "features", "probabilities", "true_labels", "map2d")
PSEUDO_FLAGS = ("boundary", "class_ambiguous")
# The largest file leaves these out.
PSEUDO_OPTIONAL = ("features_bank", "soft_target", "target_similarity", "thresholds")


def tied_at_cut(probability: np.ndarray, count: int) -> np.ndarray:
    """[C] classes whose top samples are not determined: equal probabilities at the cut."""
    falling = -np.sort(-probability, axis=0)
    if count >= len(falling):
        return np.zeros(probability.shape[1], dtype=bool)
    return falling[count - 1] == falling[count]


def compute_pseudo(arrays: Arrays, info: Info) -> dict[str, Any]:
    """Every array of a pseudo_*.npz file, computed by this package from the file's inputs."""
    del info
    weights = tensor(arrays["class_weights"])
    probability = tensor(arrays["probabilities"])
    class_count = len(weights)
    unit = unit_features(tensor(arrays["features"]))
    decomposition = decompose(weights)

    values: dict[str, Any] = {}
    if "map2d" in arrays:
        points = arrays["map2d"]
        counts = clusters.candidate_counts(class_count)
        silhouettes = [clusters.candidate_silhouette(points, count) for count in counts]
        values["candidate_coefficients"] = np.array(clusters.COEFFICIENTS)
        values["candidate_cluster_counts"] = np.array(counts)
        values["candidate_assignments"] = [clusters.cluster(points, count) for count in counts]
        values["candidate_silhouettes"] = np.array(silhouettes)
        values["coefficient"] = clusters.best_coefficient(silhouettes)
    values["estimation_subset"] = clusters.estimation_subset(len(unit))

    cluster_count = clusters.effective_cluster_count(class_count, float(arrays["coefficient"]))
    chosen = top_samples(probability, cluster_count)
    golden_top = arrays["top_indices"]
    tied = tied_at_cut(arrays["probabilities"], golden_top.shape[1])
    # Where ties leave the choice open, the rest of the file follows from the file's own choice.
    given = tensor(golden_top) if tied.any() else None
    labels = assign_pseudo_labels(
        unit, probability, weights, decomposition, cluster_count, top_indices=given
    )
    values |= {field: getattr(labels, field) for field in labels.__dataclass_fields__}
    values["pseudo_label"] = labels.label
    values["top_indices"] = chosen
    values["top_count"] = chosen.shape[1]
    values["effective_cluster_count"] = cluster_count
    values["features_bank"] = unit
    values["known_projector"] = decomposition.known_projector
    return values


def compare_pseudo(values: Mapping[str, Any], arrays: Arrays, info: Info) -> None:
    """Raises AssertionError with the name of the array that differs."""
    comparison = Comparison(arrays, PSEUDO_INPUTS, PSEUDO_OPTIONAL)
    estimated = info.get("estimation_run", "map2d" in arrays)
    subsampled = info.get("subsampled", "estimation_subset" in arrays)
    class_count = len(arrays["class_weights"])

    if estimated:
        comparison.exact("candidate_coefficients", values["candidate_coefficients"])
        comparison.exact("candidate_cluster_counts", values["candidate_cluster_counts"])
        comparison.partition("candidate_assignments", values["candidate_assignments"])
        comparison.close(
            "candidate_silhouettes", values["candidate_silhouettes"], rtol=SILHOUETTE_RTOL
        )
        comparison.exact("coefficient", values["coefficient"])
    else:  # set by hand, so it is an input
        comparison.done.add("coefficient")
    if subsampled:
        comparison.exact("estimation_subset", values["estimation_subset"])

    # int(C * coefficient) is 0 for 2 or 3 classes and coefficient 0.25; ours is at least 1.
    if int(arrays["effective_cluster_count"]) >= 1:
        comparison.exact("effective_cluster_count", values["effective_cluster_count"])
        comparison.exact("top_count", values["top_count"])
    assert comparison.has("top_indices")
    top, golden_top = values["top_indices"].numpy(), arrays["top_indices"]
    tied = tied_at_cut(arrays["probabilities"], golden_top.shape[1])
    comparison.sets("top_indices", top, rows=~tied)
    own, theirs = (np.take_along_axis(arrays["probabilities"], t.T, 0) for t in (top, golden_top))
    assert (np.diff(own, axis=0) <= 0).all(), "top_indices: not descending"
    assert np.array_equal(own, theirs), "top_indices: other probabilities than the golden"

    for name, atol in PSEUDO_ATOL.items():
        comparison.close(name, values[name], atol=atol)

    boundary, ambiguous = (arrays[name] for name in PSEUDO_FLAGS)
    comparison.done.update(PSEUDO_FLAGS)
    # A flag excuses a sample, so it has to be earned by the golden values themselves.
    distance = np.abs(arrays["unknown_norm"] - arrays["own_threshold"])
    assert (distance[boundary] < 4e-6).all(), "boundary: flags samples far from their boundary"
    best = np.sort(arrays["common_score"], axis=1)[:, -2:]
    assert (np.ptp(best, axis=1)[ambiguous] < 4e-6).all(), "class_ambiguous: flags clear samples"

    nearest = values["nearest_class"].numpy()
    comparison.exact("nearest_class", nearest, excused=ambiguous)
    zero_rows = ~arrays["common_score"].any(axis=1)
    assert (nearest[zero_rows] == 0).all(), "nearest_class: not 0 in an all-zero row"
    excused = boundary | ambiguous
    if class_count >= arrays["class_weights"].shape[1]:
        # Empty unknown space: 0 >= 0 in every sample, whatever the flags say.
        excused = np.zeros_like(excused)
        assert (values["confidence_weight"] == 0).all(), "confidence_weight: not 0 at 0 distance"
    comparison.exact("is_unknown", values["is_unknown"], excused=excused)
    comparison.exact("pseudo_label", values["pseudo_label"], excused=excused)
    same_class = nearest == arrays["nearest_class"]
    same_label = values["pseudo_label"].numpy() == arrays["pseudo_label"]
    for name, atol in PSEUDO_ROW_ATOL.items():
        rows = same_label if name == "soft_target" else same_class
        comparison.close(name, values[name], atol=atol, rows=rows)
    comparison.finish()


def check_pseudo_case(arrays: Arrays, info: Info) -> None:
    compare_pseudo(compute_pseudo(arrays, info), arrays, info)


def estimate_is_stable(info: Info) -> bool:
    """Whether the whole estimate, t-SNE included, can be expected to come out the same."""
    return bool(info.get("coefficient_stable")) and info.get("silhouette_margin", 0.0) > 0.05


def check_estimate(arrays: Arrays, info: Info) -> None:
    """The estimate of C_t from the raw features to the coefficient."""
    unit = unit_features(tensor(arrays["features"])).numpy()
    class_count = len(arrays["class_weights"])
    estimate = clusters.estimate_clusters(
        unit, class_count, subsample=bool(info.get("subsampled", "estimation_subset" in arrays))
    )
    assert estimate.coefficient == float(arrays["coefficient"]), "coefficient"
    assert list(estimate.cluster_counts) == list(arrays["candidate_cluster_counts"])


# --- train_*.npz -----------------------------------------------------------------------------

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


# --- scores, losses, entropy, learning rate, protocol ----------------------------------------

SCORE_ATOL = 1e-9
ENTROPY_ATOL = 1e-6
CROSS_ENTROPY_RTOL = 1e-5
LEARNING_RATE_RTOL = 1e-12
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


def compute_learning_rate(arrays: Arrays, info: Info) -> dict[str, Any]:
    del info
    network = Network(nn.Linear(2, 3), 3, 2, 4)
    optimizer = schedule.build_optimizer(network, float(arrays["base_lr"]))
    step = int(arrays["iteration"]), int(arrays["max_iteration"])
    head_rate = schedule.set_learning_rate(optimizer, *step)
    backbone, head = optimizer.param_groups
    assert head["lr"] == head_rate
    settings = {name: head[name] for name in ("weight_decay", "momentum", "nesterov")}
    assert settings == {name: backbone[name] for name in settings}
    return settings | {
        "backbone_lr": backbone["lr"],
        "head_lr": head_rate,
        "decay": schedule.decay(*step),
    }


def compare_learning_rate(values: Mapping[str, Any], arrays: Arrays, info: Info) -> None:
    del info
    comparison = Comparison(arrays, ("iteration", "max_iteration", "base_lr"))
    for name in ("backbone_lr", "head_lr", "decay"):
        comparison.close(name, values[name], rtol=LEARNING_RATE_RTOL)
    for name in ("weight_decay", "momentum", "nesterov"):
        comparison.exact(name, values[name])
    comparison.finish()


def check_learning_rate_case(arrays: Arrays, info: Info) -> None:
    compare_learning_rate(compute_learning_rate(arrays, info), arrays, info)


def check_split(split: Mapping[str, Any]) -> None:
    """Label sets made from a published split give its labels and evaluation classes."""
    classes = [f"class {index}" for index in range(1000)]
    shared, private = split["shared"], split["source_private"]
    first, last = split["target_private_class_indices"] or (0, -1)
    sets = protocol.LabelSets(
        tuple(classes[:shared]),
        tuple(classes[shared : shared + private]),
        tuple(classes[first : last + 1]),
    )
    assert sets.counts == (shared, private, split["target_private"])
    assert len(sets.source_classes) == split["classifier_classes"]
    if sets.open_set:
        assert sets.unknown == split["unknown_label"]
    else:
        assert split["unknown_label"] is None
    assert list(sets.evaluation_classes) == split["evaluation_class_list"]


def check_common_settings(common: Mapping[str, Any]) -> None:
    """Constants and defaults are the published ones."""
    assert common["momentum"] == schedule.MOMENTUM
    assert common["weight_decay"] == schedule.WEIGHT_DECAY
    assert common["backbone_lr_factor"] == schedule.BACKBONE_FACTOR
    assert tuple(common["cluster_coefficients"]) == clusters.COEFFICIENTS
    assert common["reestimate_every_epochs"] == TargetConfig().reestimate_every
    assert common["neighbours"] == NEIGHBOURS
    assert common["weight_alpha"] == pseudo_labels.WEIGHT_ALPHA
    assert common["log_epsilon"] == LOG_EPSILON


# --- finding the files -----------------------------------------------------------------------


def load_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def folders() -> dict[str, Path | None]:
    named = os.environ.get(VARIABLE)
    return {"committed": COMMITTED, "external": Path(named) if named else None}


def skipped(origin: str, name: str, reason: str) -> Any:
    return pytest.param(None, None, id=f"{origin}-{name}", marks=pytest.mark.skip(reason=reason))


def unset(origin: str, name: str) -> list[Any]:
    return [skipped(origin, name, f"{VARIABLE} is not set; it names the folder of golden files")]


def listed_cases(prefix: str) -> list[Any]:
    """A parameter for every PREFIX_*.npz, with its entry in PREFIX_cases.json where it has one."""
    found = []
    for origin, folder in folders().items():
        if folder is None:
            found += unset(origin, prefix)
            continue
        paths = sorted(folder.glob(f"{prefix}_*.npz"))
        listing = folder / f"{prefix}_cases.json"
        entries = json.loads(listing.read_text()) if listing.is_file() else []
        infos = {entry["file"]: entry for entry in entries}
        for path in paths:
            info = infos.get(path.name, {})
            found.append(pytest.param(path, info, id=f"{origin}-{path.stem}"))
        for name in sorted(set(infos) - {path.name for path in paths}):
            reason = f"{name} is listed in {listing.name}, but not in {folder}"
            found.append(skipped(origin, Path(name).stem, reason))
        if not paths and not infos:
            found.append(skipped(origin, prefix, f"no {prefix}_*.npz in {folder}"))
    return found


def numbered_cases(stem: str) -> list[Any]:
    """A parameter for every case of STEM.npz, described in STEM.json."""
    found = []
    for origin, folder in folders().items():
        if folder is None:
            found += unset(origin, stem)
            continue
        paths = [folder / f"{stem}.npz", folder / f"{stem}.json"]
        missing = [path.name for path in paths if not path.is_file()]
        if missing:
            found.append(skipped(origin, stem, f"no {' and no '.join(missing)} in {folder}"))
            continue
        for info in json.loads(paths[1].read_text()):
            name = f"{origin}-{stem}-{info['case']}"
            found.append(pytest.param(paths[0], info, id=name))
    return found


def plain_files(name: str) -> list[Any]:
    """A parameter for the one file of this name in each folder."""
    found = []
    for origin, folder in folders().items():
        if folder is None:
            found += unset(origin, name)
        elif not (folder / name).is_file():
            found.append(skipped(origin, name, f"no {name} in {folder}"))
        else:
            found.append(pytest.param(folder / name, {}, id=f"{origin}-{name}"))
    return found


@cache
def load_cached(path: Path) -> dict[str, np.ndarray]:
    return load_npz(path)


def case_arrays(path: Path, case: str) -> dict[str, np.ndarray]:
    """The arrays of one case of a file that holds many."""
    start = f"{case}_"
    arrays = load_cached(path)
    return {key[len(start) :]: value for key, value in arrays.items() if key.startswith(start)}


# --- the tests -------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "info"), listed_cases("pseudo"))
def test_pseudo_labels(path: Path, info: Info) -> None:
    check_pseudo_case(load_npz(path), info)


@pytest.mark.parametrize(("path", "info"), listed_cases("pseudo"))
def test_estimate_from_features(path: Path, info: Info) -> None:
    if not estimate_is_stable(info):
        pytest.skip("the estimate hangs on rounding (coefficient_stable, silhouette_margin > 0.05)")
    check_estimate(load_npz(path), info)


@pytest.mark.parametrize(("path", "info"), listed_cases("train"))
def test_training_steps(path: Path, info: Info) -> None:
    check_train_case(load_npz(path), info)


@pytest.mark.parametrize(("path", "info"), numbered_cases("scores"))
def test_scores(path: Path, info: Info) -> None:
    check_scores_case(case_arrays(path, info["case"]), info)


@pytest.mark.parametrize(("path", "info"), numbered_cases("smoothed_cross_entropy"))
def test_smoothed_cross_entropy(path: Path, info: Info) -> None:
    check_cross_entropy_case(case_arrays(path, info["case"]), info)


@pytest.mark.parametrize("stem", ["scores", "smoothed_cross_entropy"])
@pytest.mark.parametrize("origin", ["committed", "external"])
def test_every_array_belongs_to_a_case(origin: str, stem: str) -> None:
    folder = folders()[origin]
    if folder is None:
        pytest.skip(f"{VARIABLE} is not set; it names the folder of golden files")
    if not (folder / f"{stem}.npz").is_file() or not (folder / f"{stem}.json").is_file():
        pytest.skip(f"no {stem}.npz with {stem}.json in {folder}")
    cases = {info["case"] for info in json.loads((folder / f"{stem}.json").read_text())}
    arrays = load_cached(folder / f"{stem}.npz")
    assert {key.partition("_")[0] for key in arrays} == cases


@pytest.mark.parametrize(("path", "info"), plain_files("entropy.npz"))
def test_entropy(path: Path, info: Info) -> None:
    check_entropy_case(load_npz(path), info)


@pytest.mark.parametrize(("path", "info"), plain_files("learning_rate.json"))
def test_learning_rate(path: Path, info: Info) -> None:
    entries = json.loads(path.read_text())
    assert entries
    for entry in entries:
        check_learning_rate_case({key: np.asarray(value) for key, value in entry.items()}, info)


@pytest.mark.parametrize(("path", "info"), plain_files("protocol.json"))
def test_published_splits_and_settings(path: Path, info: Info) -> None:
    published = json.loads(path.read_text())
    check_common_settings(published["common"])
    for dataset in published["datasets"].values():
        for split in dataset["settings"].values():
            if split is not None:  # not published
                check_split(split)


# --- the tests can fail ----------------------------------------------------------------------

Check = tuple[
    Callable[[Arrays, Info], dict[str, Any]], Callable[[Mapping[str, Any], Arrays, Info], None]
]
CHECKS: dict[str, Check] = {
    "pseudo": (compute_pseudo, compare_pseudo),
    "train": (compute_train, compare_train),
    "scores": (compute_scores, compare_scores),
    "smoothed_cross_entropy": (compute_cross_entropy, compare_cross_entropy),
    "entropy": (compute_entropy, compare_entropy),
    "learning_rate": (compute_learning_rate, compare_learning_rate),
}
# The small case leaves the optional arrays out, the square one holds them.
SMALL, SQUARE = "pseudo_opda_small", "pseudo_square_weights"


@cache
def committed_case(kind: str, name: str) -> tuple[Arrays, Info, Mapping[str, Any]]:
    """Arrays, description and computed values of a committed case."""
    info: Info = {}
    if kind in ("pseudo", "train"):
        arrays = load_npz(COMMITTED / f"{name}.npz")
        entries = json.loads((COMMITTED / f"{kind}_cases.json").read_text())
        info = next(entry for entry in entries if entry["file"] == f"{name}.npz")
    elif kind in ("scores", "smoothed_cross_entropy"):
        entries = json.loads((COMMITTED / f"{kind}.json").read_text())
        info = next(entry for entry in entries if name in (entry["case"], entry.get("kind")))
        arrays = case_arrays(COMMITTED / f"{kind}.npz", info["case"])
    elif kind == "entropy":
        arrays = load_npz(COMMITTED / "entropy.npz")
    else:
        entry = json.loads((COMMITTED / "learning_rate.json").read_text())[0]
        arrays = {key: np.asarray(value) for key, value in entry.items()}
    return arrays, info, CHECKS[kind][0](arrays, info)


def expect_failure(kind: str, name: str, array: str, changed: Any) -> None:
    """The unchanged case agrees; with `array` changed, the comparison names it."""
    arrays, info, values = committed_case(kind, name)
    compare = CHECKS[kind][1]
    compare(values, arrays, info)
    if array in arrays:
        wrong, described = dict(arrays) | {array: changed}, info
    else:
        wrong, described = arrays, dict(info) | {array: changed}
    with pytest.raises(AssertionError, match=rf"^{array}:"):
        compare(values, wrong, described)


def shifted(golden: Any, *, atol: float = 0.0, rtol: float = 0.0) -> np.ndarray:
    """The golden with one value, the middle one, off by ten tolerances."""
    changed = np.array(golden, dtype=np.float64, order="C")
    flat = changed.reshape(-1)
    flat[flat.size // 2] += 10 * (atol + rtol * abs(flat[flat.size // 2]))
    return changed


@pytest.mark.parametrize(
    ("array", "atol"), [*PSEUDO_ATOL.items(), *PSEUDO_ROW_ATOL.items()], ids=lambda value: value
)
def test_shifted_pseudo_array_is_caught(array: str, atol: float) -> None:
    name = SQUARE if array in PSEUDO_OPTIONAL else SMALL
    golden = committed_case("pseudo", name)[0][array]
    expect_failure("pseudo", name, array, shifted(golden, atol=atol))


def test_shifted_silhouette_is_caught() -> None:
    golden = committed_case("pseudo", SMALL)[0]["candidate_silhouettes"]
    changed = shifted(golden, rtol=SILHOUETTE_RTOL)
    expect_failure("pseudo", SMALL, "candidate_silhouettes", changed)


@pytest.mark.parametrize("array", [*PSEUDO_EXACT, *ESTIMATION_EXACT])
def test_changed_pseudo_element_is_caught(array: str) -> None:
    golden = committed_case("pseudo", SMALL)[0][array]
    changed = np.array(golden, order="C")
    flat = changed.reshape(-1)
    if array == "is_unknown":
        flat[7] = ~flat[7]
    elif array == "top_indices":
        flat[0] = np.setdiff1d(np.arange(changed.max() + 1), changed[0])[0]
    elif array == "candidate_assignments":
        flat[0] = flat[flat != flat[0]][0]
    else:
        flat[0] += 1
    expect_failure("pseudo", SMALL, array, changed)


def test_reordered_estimation_subset_is_caught() -> None:
    arrays, info, values = committed_case("pseudo", SMALL)
    subset = clusters.estimation_subset(len(arrays["features"]))
    described = dict(info) | {"subsampled": True}
    compare_pseudo(values, dict(arrays) | {"estimation_subset": subset}, described)
    with pytest.raises(AssertionError, match=r"^estimation_subset:"):
        compare_pseudo(values, dict(arrays) | {"estimation_subset": subset[::-1]}, described)


def test_renamed_clusters_are_the_same_partition() -> None:
    arrays, info, values = committed_case("pseudo", SMALL)
    renamed = arrays["candidate_assignments"].max() - arrays["candidate_assignments"]
    compare_pseudo(values, dict(arrays) | {"candidate_assignments": renamed}, info)


def test_unlisted_files_are_compared_too() -> None:
    for kind, name in (("pseudo", SQUARE), ("pseudo", SMALL), ("train", "train_pda")):
        arrays, info, _ = committed_case(kind, name)
        compute, compare = CHECKS[kind]
        compare(compute(arrays, {}), arrays, {})
        if kind == "train":
            settings = info["base_lr"], info["pseudo_weight_lambda"]
            assert training_settings(arrays, {}) == pytest.approx(settings, rel=1e-6)


def test_wrong_coefficient_fails_the_estimate() -> None:
    arrays, info, _ = committed_case("pseudo", SMALL)
    with pytest.raises(AssertionError, match="coefficient"):
        check_estimate(dict(arrays) | {"coefficient": np.float64(1.5)}, info)


def test_unknown_is_checked_in_an_empty_unknown_space() -> None:
    # Every sample of this case is flagged as a boundary sample, which must not excuse it.
    arrays, _, _ = committed_case("pseudo", SQUARE)
    assert arrays["boundary"].all()
    changed = arrays["is_unknown"].copy()
    changed[3] = False
    expect_failure("pseudo", SQUARE, "is_unknown", changed)


@pytest.mark.parametrize("flag", PSEUDO_FLAGS)
def test_undeserved_flag_is_caught(flag: str) -> None:
    golden = committed_case("pseudo", SMALL)[0][flag]
    expect_failure("pseudo", SMALL, flag, np.ones_like(golden))


@pytest.mark.parametrize("array", TRAIN_CLOSE)
def test_shifted_train_array_is_caught(array: str) -> None:
    golden = committed_case("train", "train_pda")[0][array]
    expect_failure("train", "train_pda", array, shifted(golden, atol=TRAIN_ATOL))


@pytest.mark.parametrize("array", ["soft_target", "confidence_weight"])
def test_shifted_train_label_is_caught(array: str) -> None:
    golden = committed_case("train", "train_pda")[0][array]
    expect_failure("train", "train_pda", array, shifted(golden, atol=PSEUDO_ROW_ATOL[array]))


@pytest.mark.parametrize("term", range(4))
def test_shifted_loss_is_caught(term: int) -> None:
    changed = committed_case("train", "train_pda")[0]["losses"].copy()
    changed[2, term] *= 1 + 10 * LOSS_RTOL
    expect_failure("train", "train_pda", "losses", changed)


def test_changed_train_element_is_caught() -> None:
    arrays, _, _ = committed_case("train", "train_pda")
    neighbours = arrays["neighbour_indices"].copy()
    neighbours[1, 2, 4] = np.setdiff1d(np.arange(50), neighbours[1, 2])[0]
    expect_failure("train", "train_pda", "neighbour_indices", neighbours)
    unknown = arrays["is_unknown"].copy()
    unknown[0] = ~unknown[0]
    expect_failure("train", "train_pda", "is_unknown", unknown)


def test_order_of_neighbours_is_free() -> None:
    arrays, info, values = committed_case("train", "train_pda")
    turned = arrays["neighbour_indices"][..., ::-1]
    compare_train(values, dict(arrays) | {"neighbour_indices": turned}, info)


@pytest.mark.parametrize("score", [*SCORE_NAMES, "per_class_accuracy"])
def test_shifted_score_is_caught(score: str) -> None:
    arrays, info, _ = committed_case("scores", "confident")
    golden = arrays[score] if score in arrays else info[score]
    expect_failure("scores", "confident", score, shifted(golden, atol=SCORE_ATOL))


def test_shifted_entropy_of_a_score_case_is_caught() -> None:
    golden = committed_case("scores", "confident")[0]["normalised_entropy"]
    changed = shifted(golden, atol=ENTROPY_ATOL)
    expect_failure("scores", "confident", "normalised_entropy", changed)


def test_changed_prediction_is_caught() -> None:
    changed = committed_case("scores", "confident")[0]["final_prediction"].copy()
    changed[0] += 1
    expect_failure("scores", "confident", "final_prediction", changed)


@pytest.mark.parametrize("array", ["entropy", "normalised_entropy"])
def test_shifted_entropy_is_caught(array: str) -> None:
    golden = committed_case("entropy", "entropy")[0][array]
    expect_failure("entropy", "entropy", array, shifted(golden, atol=ENTROPY_ATOL))


@pytest.mark.parametrize("case", ["case01", "case09"])
def test_shifted_cross_entropy_is_caught(case: str) -> None:
    golden = committed_case("smoothed_cross_entropy", case)[0]["loss"]
    changed = shifted(golden, rtol=CROSS_ENTROPY_RTOL)
    expect_failure("smoothed_cross_entropy", case, "loss", changed)


def test_plain_rows_of_a_saturated_case_are_compared() -> None:
    entries = json.loads((COMMITTED / "smoothed_cross_entropy.json").read_text())
    mixed = [
        entry["case"]
        for entry in entries
        if entry["saturated"] and any(loss is not None for loss in entry["loss"])
    ]
    golden = committed_case("smoothed_cross_entropy", mixed[0])[0]["loss"]
    assert not np.isfinite(golden).all()
    changed = golden * (1 + 10 * CROSS_ENTROPY_RTOL)
    expect_failure("smoothed_cross_entropy", mixed[0], "loss", changed)


@pytest.mark.parametrize("value", ["backbone_lr", "head_lr", "decay"])
def test_shifted_learning_rate_is_caught(value: str) -> None:
    golden = committed_case("learning_rate", "first")[0][value]
    changed = shifted(golden, rtol=LEARNING_RATE_RTOL)
    expect_failure("learning_rate", "first", value, changed)


@pytest.mark.parametrize("value", ["weight_decay", "momentum", "nesterov"])
def test_changed_optimiser_setting_is_caught(value: str) -> None:
    golden = committed_case("learning_rate", "first")[0][value]
    changed = ~golden if golden.dtype == bool else golden * 2
    expect_failure("learning_rate", "first", value, changed)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("pseudo", SMALL),
        ("train", "train_pda"),
        ("scores", "confident"),
        ("smoothed_cross_entropy", "case01"),
        ("entropy", "entropy"),
        ("learning_rate", "first"),
    ],
)
def test_array_that_nothing_compares_is_caught(kind: str, name: str) -> None:
    arrays, info, values = committed_case(kind, name)
    with pytest.raises(AssertionError, match=r"nothing compared.*surprise"):
        CHECKS[kind][1](values, dict(arrays) | {"surprise": np.zeros(3)}, info)


def test_missing_array_is_caught() -> None:
    arrays, info, values = committed_case("pseudo", SMALL)
    less = {name: value for name, value in arrays.items() if name != "common_score"}
    with pytest.raises((AssertionError, KeyError), match="common_score"):
        compare_pseudo(values, less, info)


def test_nan_is_not_close_to_anything() -> None:
    comparison = Comparison({"x": np.array([1.0, np.nan])})
    with pytest.raises(AssertionError, match=r"^x:"):
        comparison.close("x", np.array([1.0, np.nan]), atol=1.0)
    with pytest.raises(AssertionError, match=r"^x: shape"):
        comparison.close("x", np.array([1.0]), atol=1.0)
