"""The source model: trained once per data, classes and settings, reused for every target."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from genmix_da.adaptation.networks import build_network, load_network
from genmix_da.adaptation.task import Task
from genmix_da.augment.source_task import Augmentation, TrainingSet
from genmix_da.augment.training_set import training_set
from genmix_da.config_values import AUTO, identity
from genmix_da.frozen.encoder import FrozenEncoder
from genmix_da.places import place_name
from genmix_da.progress import track
from genmix_da.runs.folder import RunFolder
from genmix_da.runs.provenance import package_versions, provenance
from genmix_da.runs.seal import SCHEMA
from genmix_da.runs.tracking import Tracker
from genmix_da.stores.copies import remove
from lead.checkpoint import (
    is_released_checkpoint,
    load_checkpoint,
    read_released_checkpoint,
    read_tensors,
    save_checkpoint,
    weights_identity,
)
from lead.errors import WeightsError
from lead.network import Network
from lead.source import SourceConfig, train_source

logger = logging.getLogger(__name__)


def source_settings(task: Task, augmentation: Augmentation | None) -> dict[str, Any]:
    """Everything that decides the source model's weights; nothing about the target."""
    config = task.config
    settings = {
        "source": config.src,
        "data": task.source.decoded.fingerprint,
        "classes": list(task.label_sets.source_classes),
        "backbone": config.backbone,
        "backbone_arguments": config.backbone_arguments,
        "weights": None if task.encoder else weights_identity(str(config.weights)),
        "checkpoint": None
        if config.source_checkpoint is None
        else weights_identity(config.source_checkpoint),
        "bottleneck_dim": config.bottleneck_dim,
        "image_size": config.image_size,
        "batch_size": config.batch_size,
        "source_epochs": config.source_epochs,
        "source_lr": config.source_lr,
        "source_backbone_factor": config.source_backbone_factor,
        "label_smoothing": config.label_smoothing,
        "augment": augmentation.as_dict() if augmentation else None,
        "seed": config.seed,
        "device": task.device.type,
        "mixed_precision": config.mixed_precision and task.device.type == "cuda",
        "version": package_versions()["genmix-da"],
    }
    if task.encoder is not None:
        settings |= {
            "freeze_backbone": True,
            "backbone": task.encoder.choice.nickname,
            "weights": task.encoder.choice.weights_identity,
        }
    return settings


def source_settings_of_seed(task: Task, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """`source_settings` of the same task with another seed, for a plan of thousands."""
    own = settings | {"seed": seed}
    if task.encoder is not None:  # random weights are of the seed
        choice = dataclasses.replace(task.encoder.choice, seed=seed)
        own["weights"] = choice.weights_identity if choice.weights == "none" else own["weights"]
    return own


def source_folder(source: str, settings: Mapping[str, Any]) -> str:
    """Name of a source model's folder, from its domain and `source_settings`."""
    return f"{source.replace(' ', '_')}-{identity(settings)}"


def source_config(task: Task, steps_per_epoch: int | None) -> SourceConfig:
    """The task's settings of source training."""
    config = task.config
    return SourceConfig(
        epochs=int(config.source_epochs or 0),
        batch_size=int(config.batch_size or 0),
        steps_per_epoch=steps_per_epoch,
        learning_rate=float(config.source_lr or 0),
        backbone_factor=float(config.source_backbone_factor or 0),
        label_smoothing=config.label_smoothing,
        seed=config.seed,
        mixed_precision=config.mixed_precision,
    )


def describe_freezing(encoder: FrozenEncoder | None) -> dict[str, Any]:
    """What a description says of a frozen backbone, which its checkpoint does not hold.

    Returns:
        frozen; where it is, also what loads the backbone again and tells whether it is the same:
        weights (as given), weights_identity, weights_seed (of random ones).
    """
    if encoder is None:
        return {"frozen": False}
    choice = encoder.choice
    return {
        "frozen": True,
        "weights": choice.weights,
        "weights_identity": choice.weights_identity,
        "weights_seed": choice.seed,
    }


def describe_model(task: Task) -> dict[str, Any]:
    """What a checkpoint needs to be used again: classes, backbone, preprocessing, provenance."""
    config, sets = task.config, task.label_sets
    pre = task.preprocessing
    return {
        "schema": SCHEMA,
        "setting": config.setting,
        "label_sets": {
            "shared": list(sets.shared),
            "source_private": list(sets.source_private),
            "target_private": list(sets.target_private),
        },
        "backbone": config.backbone,
        "backbone_arguments": config.backbone_arguments,
        **describe_freezing(task.encoder),
        "bottleneck_dim": config.bottleneck_dim,
        "preprocessing": {
            "mean": list(pre.mean),
            "std": list(pre.std),
            "image_size": pre.image_size,
            "resize_size": pre.resize_size,
            "interpolation": pre.interpolation,
        },
        **({} if config.grey_range == AUTO else {"grey_range": config.grey_range}),
        "threshold": config.threshold,
        "synthetic": task.synthetic,
        "provenance": provenance() | {"data": task.source.decoded.fingerprint},
    }


def obtain_source(
    task: Task, augmentation: Augmentation | None, sources: Path, tracker: Tracker | None = None
) -> tuple[Network, dict[str, Any]]:
    """The task's source model: from a given checkpoint, an earlier run, or trained now.

    An unfinished source training of the same settings is continued at its last finished epoch.

    Args:
        task: source images and settings.
        augmentation: of the source, or None.
        sources: folder that holds one run folder per source model; augmented images lie in
            `augmented` beside it.
        tracker: that is told of the epochs, where it is trained now.

    Returns:
        The network with its classifier trainable, and a record: folder, reused, seconds, augment.
    """
    if task.config.source_checkpoint is not None:
        path = Path(task.config.source_checkpoint)
        description = _check_description(task, path)
        record = {"folder": str(path), "reused": True, "augment": description.get("augment")}
        return load_network(task, _read_any(path)), record
    settings = source_settings(task, augmentation)
    run = RunFolder(sources / source_folder(task.config.src, settings), tracker)
    run.open(identity(settings), settings, resume=True)
    found = _trained_before(run, task.source.decoded.fingerprint)
    if found is not None:
        tensors, description = found
        logger.info("source model: reusing %s", place_name(run.path))
        kept = _kept(run, description)
        return load_network(task, tensors), {"folder": place_name(run.path), "reused": True, **kept}
    with run.logging():
        data = training_set(task, augmentation, sources.parent / "augmented")
        return _train(task, data, run)


def _trained_before(run: RunFolder, images: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The source model of a folder; None where there is none yet, or it is damaged.

    Args:
        run: folder of the source model.
        images: fingerprint of the source; a model of other images is none of this folder's.
    """
    if not run.checkpoint.is_file():
        return None
    try:
        tensors, description = load_checkpoint(run.checkpoint)
        if (description.get("provenance") or {}).get("data", images) != images:
            raise WeightsError(f"{run.checkpoint} was trained on other images")
        return tensors, description
    except WeightsError as error:
        logger.warning("the source model is trained again: %s", error)
        remove(run.checkpoint)
        return None


def _kept(run: RunFolder, description: Mapping[str, Any]) -> dict[str, Any]:
    """What the record of a reused source model says of its training.

    Raises:
        WeightsError: the description does not have it.
    """
    seconds, augment = description.get("seconds"), description.get("augment", "")
    if not isinstance(seconds, int | float) or not isinstance(augment, dict | None):
        raise WeightsError(
            f"{run.checkpoint.with_suffix('.json')} is not what the training wrote; remove "
            f"{run.path} to train again"
        )
    return {"seconds": seconds, "augment": augment}


def _check_description(task: Task, path: Path) -> dict[str, Any]:
    """The JSON beside a checkpoint of ours; its classes and inputs must be the task's.

    The LEAD authors' checkpoints have none: {}.

    Raises:
        WeightsError: another class order or preprocessing; the shapes alone would not tell.
    """
    if not path.with_suffix(".json").is_file():
        return {}
    _, found = load_checkpoint(path)
    wanted = describe_model(task)
    sets, ours = found.get("label_sets", {}), wanted["label_sets"]
    try:
        known = [*sets.get("shared", []), *sets.get("source_private", [])]
    except (AttributeError, TypeError):  # edited into something else
        known = []
    if known != [*ours["shared"], *ours["source_private"]]:
        raise WeightsError(f"{path} was trained on other classes, or in another order")
    _check_freezing(path, found, task.encoder)
    for key in ("backbone", "preprocessing"):
        moved = key == "backbone" and task.encoder and task.encoder.choice.library == "transformers"
        if found.get(key) != wanted[key] and not moved:
            raise WeightsError(f"{path} has another {key}: {found.get(key)}, not {wanted[key]}")
    return found


def _check_freezing(path: Path, found: Mapping[str, Any], encoder: FrozenEncoder | None) -> None:
    """Heads fit the features they were trained on alone, a whole network no features.

    Raises:
        WeightsError: the checkpoint is of the other kind, or of other features.
    """
    if found.get("frozen") and encoder is None:
        raise WeightsError(f"{path} was trained on a frozen backbone; add --freeze-backbone")
    if encoder is None:
        return
    if not found.get("frozen"):
        raise WeightsError(f"{path} was not trained on a frozen backbone; drop --freeze-backbone")
    if found.get("weights_identity") != encoder.choice.weights_identity:
        raise WeightsError(f"{path} was trained on features of other weights; check --weights")


def _read_any(path: Path) -> dict[str, Tensor]:
    tensors = read_tensors(path)
    return read_released_checkpoint(path) if is_released_checkpoint(tensors) else tensors


def _train(task: Task, data: TrainingSet, run: RunFolder) -> tuple[Network, dict[str, Any]]:
    config = source_config(task, data.steps_per_epoch)
    state, metrics = run.load_state()
    network = build_network(task, "none" if state else str(task.config.weights))
    logger.info(
        "source model: %d images of %s, %d classes, %d epochs",
        len(data.labels),
        task.config.src,
        task.label_sets.unknown,
        config.epochs,
    )
    epochs = train_source(network, data.views, data.labels, config, state=state)
    started = time.perf_counter()
    for epoch in track(epochs, "source training", config.epochs - len(metrics)):
        metrics.append(
            {
                "stage": "source",
                "epoch": epoch.epoch,
                "loss": epoch.loss,
                "accuracy": epoch.accuracy,
                "learning_rate": epoch.learning_rate,
                "seconds": epoch.seconds,
            }
        )
        run.save_state(epoch.state(), metrics)
        logger.debug("source %s", json.dumps(metrics[-1]))
    seconds = sum(row["seconds"] for row in metrics)
    description = describe_model(task) | {
        "stage": "source",
        "seconds": seconds,
        "augment": data.record,
    }
    save_checkpoint(run.checkpoint, network.state_dict(), description)
    run.drop_state()
    took, place = time.perf_counter() - started, place_name(run.path)
    logger.info("source model: trained in %.0f s, %s", took, place)
    return network, {
        "folder": place,
        "reused": False,
        "seconds": seconds,
        "augment": data.record,
    }
