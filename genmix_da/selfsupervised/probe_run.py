"""What a pre-trained backbone has learned: nearest neighbours and a linear layer on its features.

Beside it the same two on the backbone as the pre-training began with it, random or from weights:
without it nobody can tell what was learned from what any network does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genmix_da import config_values
from genmix_da.classify.config import ClassifyConfig, build_classify_config
from genmix_da.classify.task import ClassifyTask, labels_of, prepare
from genmix_da.data.decode import log_skipped
from genmix_da.errors import UserError
from genmix_da.places import user_path
from genmix_da.runs.folder import RunFolder
from genmix_da.runs.provenance import provenance
from genmix_da.runs.result import Record
from genmix_da.runs.seal import SCHEMA, seal
from genmix_da.selfsupervised.classifiers import (
    NEIGHBOURS,
    TEMPERATURE,
    linear_probe,
    nearest_votes,
)
from genmix_da.selfsupervised.config import SelfSupervisedConfig
from genmix_da.selfsupervised.finished import PROBES, finished_pretraining, read_probes
from genmix_da.selfsupervised.network import start_backbone
from genmix_da.selfsupervised.published import printed_beside
from genmix_da.selfsupervised.record import IMAGES
from genmix_da.stores.copies import fetch
from lead.backbones import build_backbone
from lead.checkpoint import weights_identity
from lead.errors import WeightsError
from lead.evaluation import EVALUATION_BATCH
from lead.precision import Precision

logger = logging.getLogger(__name__)

# Fields of ClassifyConfig that say which images are trained and tested on.
SPLIT = (
    *("data", "test_data", "dataset", "root", "download", "refuse_duplicates", "grey_range"),
    *("shots", "test_limit", "test_fraction", "split_seed"),
)
# Of them names of files and folders, whose contents are recorded.
_PLACES = ("data", "test_data", "dataset", "root", "download", "refuse_duplicates")
_MANY = 100_000


def probe(
    run: str | Path,
    *,
    neighbours: int = NEIGHBOURS,
    temperature: float = TEMPERATURE,
    device: str | None = None,
    **split: Any,
) -> Record:
    """Probe the backbone of a finished pre-training on labelled images; writes probe.json there.

    Args:
        run: folder of `genmix_da.selfsupervised.train`.
        neighbours: k of the nearest neighbours, at most the number of training images.
        temperature: tau of their votes.
        device: "auto", "cpu" or "cuda"; None: as the run had it.
        **split: which images: data (at least), test_data, dataset, root, download,
            refuse_duplicates, grey_range, shots, test_limit, test_fraction, split_seed; see
            `ClassifyConfig`.

    Returns:
        What was found now: a member of `probes` in probe.json (docs/formats.md).

    Raises:
        UserError, LeadError: no finished pre-training, bad data, a value out of range.

    Example:
        >>> import genmix_da
        >>> found = genmix_da.selfsupervised.probe("runs/photos", data="photos")  # doctest: +SKIP
        >>> found["trained"]["linear"], found["start"]["linear"]  # doctest: +SKIP
        (0.61, 0.42)
    """
    if not 1 <= neighbours <= _MANY:
        raise UserError(f"--neighbours is {neighbours}; it must be from 1 to {_MANY}.")
    if not 1e-3 <= temperature < float("inf"):
        raise UserError(f"--temperature is {temperature}; it must be at least 0.001 and finite.")
    started = time.perf_counter()
    finished = finished_pretraining(fetch(user_path(run)))
    files, result, config = finished.files, finished.result, finished.config
    held = read_probes(files.path, result["identity"])
    weights, device = str(files.checkpoint), device or config.device
    task = prepare(probed_images(config, split, weights=weights, device=device))
    log_skipped(task.train.decoded, task.test.decoded)
    k = min(neighbours, len(task.train.rows))
    if k < neighbours:
        logger.info("nearest neighbours: all %d training images vote", k)
    seen = _seen(files, task)
    labels = torch.from_numpy(labels_of(task.train)), torch.from_numpy(labels_of(task.test))
    scores = {}
    for name, backbone in _backbones(task, config, finished.began).items():
        logger.info("features of the backbone, %s", name)
        scores[name] = _scores(task, backbone, labels, k, temperature)
    found: dict[str, Any] = {
        "dataset": task.dataset,
        "synthetic": task.synthetic,
        "classes": len(task.classes),
        "images": {"train": len(task.train.rows), "test": len(task.test.rows)},
        "split": {name: getattr(task.config, name) for name in SPLIT if name not in _PLACES},
        "neighbours": k,
        "temperature": temperature,
        "trained": scores["trained"],
        "start": scores.get("start"),
        "duplicates": task.duplicates,
        "seen": seen,
        "seconds": time.perf_counter() - started,
        "provenance": provenance() | {"data": task.contents()},
    }
    found["published"] = _published(result, found)
    key = config_values.identity(
        {name: found[name] for name in ("dataset", "split", "neighbours", "temperature")}
        | {"data": found["provenance"]["data"]}
    )
    probes = {**held, key: found}
    content = seal({"schema": SCHEMA, "identity": result["identity"], "probes": probes})
    files.write_json(PROBES, content)
    return Record(content["probes"][key], files.path)


def _seen(files: RunFolder, task: ClassifyTask) -> int | None:
    """How many test images the pre-training saw, without labels; None where that is not known."""
    file = files.path / IMAGES
    if not file.is_file():
        logger.warning("%s is gone, so nobody can tell which images the pre-training saw", file)
        return None
    known = set(file.read_text().split())
    seen = sum(content in known for content in task.test.contents)
    if seen:
        logger.warning(
            "%d of the %d test images were seen in pre-training, without their labels; pre-train "
            "on other images for a score on new ones",
            *(seen, len(task.test.rows)),
        )
    return seen


def probed_images(
    config: SelfSupervisedConfig, split: Mapping[str, Any], *, weights: str, device: str
) -> ClassifyConfig:
    """The images of a probe, as a classification on a backbone has them.

    Args:
        config: of the pre-training: backbone and image size.
        split: fields of SPLIT.
        weights: of the backbone.
        device: "auto", "cpu" or "cuda".

    Raises:
        UserError: a setting that names no images.
    """
    unknown = [name for name in split if name not in SPLIT]
    if unknown:
        raise UserError(f"probe takes no {unknown[0]}; it takes {', '.join(SPLIT)}.")
    return build_classify_config(
        {
            **split,
            "augment": "none",
            "backbone": config.backbone,
            "backbone_arguments": config.backbone_arguments,
            "weights": weights,
            "image_size": config.image_size,
            "batch_size": 2,
            "device": device,
            "mixed_precision": config.mixed_precision,
        }
    )


def _backbones(
    task: ClassifyTask, config: SelfSupervisedConfig, began: Any
) -> dict[str, nn.Module]:
    """The trained backbone, and what it began as where that can still be had.

    Args:
        task: whose weights are the trained ones.
        config: of the pre-training.
        began: see `FinishedPretraining`.
    """
    c = task.config
    trained = build_backbone(c.backbone, weights=c.weights, arguments=c.backbone_arguments)
    found = {"trained": trained.module}
    try:
        if weights_identity(config.weights) != began:
            raise WeightsError(f"{config.weights} has been changed since")
        found["start"] = start_backbone(config, config.weights)
    except WeightsError as error:
        logger.warning("the backbone before pre-training is left out: %s", error)
    return found


def _scores(
    task: ClassifyTask,
    backbone: nn.Module,
    labels: tuple[Tensor, Tensor],
    neighbours: int,
    temperature: float,
) -> dict[str, Any]:
    """Top-1 of both classifiers on the test images, fractions."""
    backbone.to(task.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    train, test = (_features(task, backbone, part) for part in (task.train, task.test))
    known, asked = labels
    votes = nearest_votes(
        train,
        known,
        test,
        len(task.classes),
        neighbours=neighbours,
        temperature=temperature,
    )
    linear = linear_probe(train.numpy(), known.numpy(), test.numpy(), task.config.split_seed)
    if not linear.converged:
        logger.warning("the linear probe did not reach its optimum; its score is a lower bound")
    return {
        "knn": float((votes.argmax(dim=1) == asked).float().mean()),
        "linear": float((linear.predicted == asked.numpy()).mean()),
        "strength": linear.strength,
        "converged": linear.converged,
    }


@torch.no_grad()
def _features(task: ClassifyTask, backbone: nn.Module, part: Any) -> Tensor:
    """Features of the centre views [N, F], on the CPU.

    Raises:
        WeightsError: they are not finite.
    """
    backbone.eval()
    precision = Precision(task.device, mixed=task.config.mixed_precision)
    found = []
    for images in task.image_views(part).evaluation_batches(EVALUATION_BATCH):
        with precision.autocast():
            features = backbone(images)
        found.append(features.float().cpu())
    features = torch.cat(found)
    if not bool(features.isfinite().all()):
        raise WeightsError("the backbone gives values that are not finite; train it with less --lr")
    return features


def _published(result: Mapping[str, Any], found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Printed rows for the same data set, where the backbone is that of the print."""
    config = result["provenance"]["config"] | found["split"]
    content = {**found, "backbone": result["backbone"]}
    return [
        {"source": f"{row.source}, {row.table}", "method": row.method, "top1": row.value}
        for row in printed_beside(content, classes=found["classes"], config=config)
    ]
