"""What is said before a run begins: settings that play no part, labels that are missing."""

from __future__ import annotations

import logging
from dataclasses import fields

from genmix_da.adaptation.clusters import switched
from genmix_da.adaptation.config import AdaptConfig
from genmix_da.adaptation.task import Task
from genmix_da.config_values import flag
from genmix_da.data.oddities import warn_of_missing_kinds, warn_of_single_images
from genmix_da.methods import find_method

logger = logging.getLogger(__name__)


def warn_about_settings(task: Task) -> None:
    """Say which settings were given that play no part in the method."""
    method, given = find_method(task.config.method_name()), task.given
    usual = {item.name: item.default for item in fields(AdaptConfig)}
    for name in ("lr", "epochs", "lambda_psd", "cluster_estimator", "confident_weight"):
        if given is not None and getattr(given, name) != usual[name] and not method.uses(name):
            logger.info("%s plays no part in %s", flag(name), method.name)
    if given is not None and method.uses("cluster_estimator") and switched(given, task.config):
        logger.info(
            "C_t is estimated on features: t-SNE of %d images could take longer than a tenth of "
            "the epochs it serves (--cluster-estimator tsne for what was published)",
            len(task.target.rows),
        )


def warn_about_labels(task: Task) -> None:
    """Say what the labels of source and target lack, or that the target has none."""
    labels, sets = task.target.labels, task.label_sets
    warn_of_single_images(task.config.src, task.source.domain.labels or (), "train on")
    if labels is None:
        logger.info("the target has no labels: predictions are written, scores stay empty")
        return
    classes, open_set = task.target.domain.labels or (), task.config.setting != "pda"
    warn_of_missing_kinds(task.config.tgt, labels, classes, sets.unknown, open_set=open_set)
