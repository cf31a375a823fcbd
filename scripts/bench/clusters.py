"""C_t at size: which coefficient each estimator chooses, the scores behind it, and its time.

    OMP_NUM_THREADS=1 python scripts/bench/clusters.py --data OFFICE_CALTECH10 --src Amazon
        --tgt Caltech --split 4/2/4 [--sizes 1000,5000] [--estimators tsne,landmarks,features]
        [--copies-noise 0.5] [--out FILE.csv]

Real features of the target by a frozen backbone, tiled up to each size with noise on every copy
(as large as --copies-noise times the spread of a class around its centre): so many photographs of
so few kinds are not to be had here. LEAD adapts the heads on them, with each estimator from the
same source model; the estimate's share is of all time of the epochs that it serves.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from genmix_da.adaptation.config import build_config
from genmix_da.adaptation.run import target_config
from genmix_da.adaptation.source_model import obtain_source
from genmix_da.adaptation.task import Task, prepare
from lead.feature_views import FeatureViews
from lead.scores import score_block
from lead.target import adapt_target


def tiled(task: Task, size: int, noise: float) -> tuple[FeatureViews, Any]:
    """[N, V, F] views of copies of the target's images with noise, and their labels [N]."""
    views, labels = task.target_views(), np.asarray(task.target.labels)
    kept = torch.cat(list(views.view_batches())).numpy()  # [n, V, F]
    first = kept[:, 0]
    kinds, own = np.unique(labels, return_inverse=True)
    centres = np.stack([first[labels == kind].mean(axis=0) for kind in kinds])
    spread = (first - centres[own]).std(axis=0)  # [F]
    rows = np.arange(size) % len(kept)
    draw = np.random.default_rng(0)
    made = kept[rows]
    for start in range(len(kept), size, 4096):  # the first copy is what it is
        part = made[start : start + 4096]
        # One noise for all views of an image: they are views of one picture.
        part += noise * spread * draw.standard_normal((len(part), 1, part.shape[2]), np.float32)
    return FeatureViews(made, task.device), labels[rows]


def measure(task: Task, size: int, estimator: str, noise: float, sources: Path) -> dict[str, Any]:
    """One adaptation."""
    network = obtain_source(task, None, sources)[0]
    views, labels = tiled(task, size, noise)
    config = dataclasses.replace(target_config(task.config), cluster_estimator=estimator)
    started, estimates, chosen, last = time.perf_counter(), 0.0, [], None
    for epoch in adapt_target(network, views, config):
        last = epoch
        if epoch.estimate is not None:
            estimates += epoch.seconds["estimate"]
            chosen.append(epoch.estimate.coefficient)
    total = time.perf_counter() - started
    assert last is not None
    sets, probability = task.label_sets, last.evaluation.probability.cpu()
    block = score_block(probability, labels, sets.evaluation_classes, open_set=sets.open_set)
    return {
        "images": size,
        "estimator": estimator,
        "coefficients": " ".join(map(str, chosen)),
        "h_score": block["h_score"],
        "estimate_s": estimates,
        "epochs_s": total - estimates,
        "share": estimates / (total - estimates),
    }


def given_task(parser: argparse.ArgumentParser, sizes: str) -> tuple[Task, argparse.Namespace]:
    """The task that the command line names, and what else it gives."""
    for name in ("data", "src", "tgt"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--setting", default="opda")
    parser.add_argument("--split", default="4/2/4")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sizes", default=sizes)
    parser.add_argument("--copies-noise", type=float, default=0.5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    options = {"backbone": "timm:tf_efficientnet_lite0", "weights": "packaged", "image_size": 160}
    options |= {"freeze_backbone": True, "profile": "office-31", "device": "cpu"}
    options |= {n: getattr(given, n) for n in ("data", "src", "tgt", "setting", "split", "seed")}
    return prepare(build_config(options, None)), given


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--estimators", default="tsne,landmarks,features")
    task, given = given_task(parser, sizes="1000,5000")
    rows = []
    with tempfile.TemporaryDirectory() as sources:
        for size in map(int, given.sizes.split(",")):
            for estimator in given.estimators.split(","):
                rows.append(
                    measure(task, size, estimator, given.copies_noise, Path(sources) / "sources")
                )
                print(rows[-1], flush=True)
                if given.out:
                    pd.DataFrame(rows).to_csv(given.out, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
