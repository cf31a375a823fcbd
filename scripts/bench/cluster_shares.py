"""What share of the ten epochs that it serves the published estimate of C_t takes, per backbone.

    OMP_NUM_THREADS=1 python scripts/bench/cluster_shares.py --photos OFFICE_CALTECH10/Amazon
        [--sizes 500,1000,2000] [--networks timm:test_efficientnet@32,resnet50@224] [--out FILE.csv]

Beside what genmix_da/adaptation/clusters.py predicts. One thread. Pictures are crops of
photographs, networks have random weights. An epoch of LEAD, training and evaluation, is measured on
--timed images, and its time is taken to grow with them; estimates are made of all images, on
features of the first network. Seconds are those that the process works, which other processes
hardly change.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from genmix_da.adaptation.clusters import (
    PASSES,
    SERVED,
    affordable_estimator,
    multiply_adds,
    tsne_share,
)
from lead.backbones import build_backbone
from lead.clusters import estimate_clusters
from lead.epochs import TargetConfig
from lead.evaluation import evaluate
from lead.network import Network
from lead.target import adapt_target
from lead.views import ImageViews, Preprocessing

_CLASSES, _BATCH = 7, 32
_NETWORKS = (
    "timm:tf_efficientnet_lite0@96,timm:test_efficientnet@32,timm:test_efficientnet@96,"
    "timm:mobilenetv3_small_100@160,timm:resnet10t@64,timm:tf_efficientnet_lite0@224,"
    "resnet18@224,resnet50@224"
)


def crops(photos: Path, count: int, side: int) -> NDArray[np.uint8]:
    """Pictures [N, S, S, 3] drawn from photographs."""
    draw, made = np.random.default_rng(0), np.empty((count, side, side, 3), np.uint8)
    files = sorted(file for file in photos.rglob("*") if file.suffix.lower() in (".jpg", ".png"))
    small = [cv2.resize(cv2.imread(str(file)), (256, 256)) for file in draw.permutation(files)]
    for row in range(count):
        cut = int(draw.integers(160, 257))
        top, left = draw.integers(0, 257 - cut, size=2)
        crop = small[row % len(small)][top : top + cut, left : left + cut]
        made[row] = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return made


def views(photos: Path, count: int, preprocessing: Preprocessing) -> ImageViews:
    """Views of so many pictures on the CPU."""
    pictures = crops(photos, count, preprocessing.resize_size)
    return ImageViews(pictures, preprocessing, torch.device("cpu"))


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--sizes", default="500,1000,2000")
    parser.add_argument("--networks", default=_NETWORKS)
    parser.add_argument("--timed", type=int, default=128)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    sizes = [int(size) for size in given.sizes.split(",")]
    estimates: dict[int, float] = {}
    rows: list[dict[str, Any]] = []
    for name, side in (text.rsplit("@", 1) for text in given.networks.split(",")):
        built = build_backbone(name, weights="none")
        torch.manual_seed(0)
        network = Network(built.module, built.feature_dim, _CLASSES)
        preprocessing = built.preprocessing.resized(int(side))
        if not estimates:
            all_views = views(given.photos, max(sizes), preprocessing)
            features = evaluate(network, all_views).features.numpy()
            estimate_clusters(features[:100], _CLASSES)  # imports
            for size in sizes:
                started = time.process_time()
                estimate_clusters(features[:size], _CLASSES)
                estimates[size] = time.process_time() - started
        config = TargetConfig(epochs=2, batch_size=_BATCH, cluster_estimator="features")
        started = 0.0
        for epoch in adapt_target(network, views(given.photos, given.timed, preprocessing), config):
            if epoch.epoch == 1:  # which has an estimate, and warms up
                started = time.process_time()
        an_image = (time.process_time() - started) / given.timed
        made = multiply_adds(built.module, int(side))
        for size in sizes:
            epochs = SERVED * size * an_image
            rows.append(
                {
                    "backbone": name,
                    "side": int(side),
                    "multiply_adds": made,
                    "rate": PASSES * made / an_image,
                    "images": size,
                    "tsne_s": estimates[size],
                    "epochs_s": epochs,
                    "measured": estimates[size] / epochs,
                    "predicted": tsne_share(size, made),
                    "auto": affordable_estimator(size, made),
                }
            )
            print(
                {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in rows[-1].items()},
                flush=True,
            )
        if given.out:
            pd.DataFrame(rows).to_csv(given.out, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
