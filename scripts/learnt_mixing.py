"""What AutoMix and AdAutoMix have learnt: test images mixed before training and after it.

    python scripts/learnt_mixing.py DATA sheet.png [--steps 60] [--shots 10] [--image-size 96]
        [--backbone timm:tf_efficientnet_lite0] [--weights packaged] [--pairs 4] [--seed 1]

A line for every pair (AdAutoMix: three images) and moment: the images, then what the network would
be trained on at a few shares. AutoMix's masks are beside it, white where the partner shows most.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from genmix_da.augment.sheets import tile, write_sheet
from genmix_da.classify.augmentations.companion import Companion
from genmix_da.classify.config import build_classify_config
from genmix_da.classify.method import resolve_method, training_images
from genmix_da.classify.network import ClassifierNetwork, build_network
from genmix_da.classify.schedule import run_length
from genmix_da.classify.sheet import as_picture
from genmix_da.classify.task import ClassifyTask, prepare
from genmix_da.classify.training import train_epochs
from lead.evaluation import EVALUATION_BATCH

Pixels = NDArray[np.uint8]
METHODS = {"automix": 2, "adautomix": 3}  # images that are mixed at once
ALIKE = 100.0  # squared difference of colours, mean over a square
SHARES = 2  # draws of a line


def trained(task: ClassifyTask) -> tuple[ClassifierNetwork, Companion, Companion]:
    """The network after training, and what stands beside it before and after."""
    method = resolve_method(task)
    data = training_images(task, method, Path(task.config.data))
    network = build_network(task, task.config.weights)
    before, after = (method.augmentation.companion(network) for _ in range(2))
    assert before is not None and after is not None
    length = run_length(task.config, len(task.train.rows), len(data.labels))
    for epoch in train_epochs(task, network, data, method.augmentation, length):
        after.load_state_dict(epoch.state()["companion"])
        print(f"{task.config.augment}: step {epoch.step}, loss {epoch.loss:.3f}", flush=True)
    return network.eval(), before, after


def mixed(network: ClassifierNetwork, beside: Companion, views: Tensor, seed: int) -> Tensor:
    """What the network is given of views [N, 3, S, S] in a batch of their own: alike."""
    seen: list[Tensor] = []
    watch = network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    classes = network.head.out_features
    weights = F.one_hot(torch.arange(len(views)) % classes, classes).float()
    try:
        beside.objective(network, views, weights, F.cross_entropy, np.random.default_rng(seed))
    finally:
        watch.remove()
    return seen[0].detach()  # mixed ones come first


def mask_tile(blend: Pixels, own: Pixels, partner: Pixels) -> Pixels:
    """The partner's share at every place: white its largest, black its smallest; both are said.

    By least squares over the colours of squares of 8 pixels, for a colour is a whole number. Grey
    where the two pictures are alike, so that no share shows.
    """
    apart = partner.astype(float) - own
    parts = (((blend.astype(float) - own) * apart).sum(-1), np.square(apart).sum(-1))
    found, size = (cv2.blur(part, (8, 8))[4::8, 4::8] for part in parts)
    shows = size > ALIKE
    share = found / np.maximum(size, ALIKE)
    low, high = share.min(initial=1.0, where=shows), share.max(initial=0.0, where=shows)
    level = np.where(shows, (share - low) / max(high - low, 1e-9) * 255, 128).astype(np.uint8)
    large = cv2.resize(level, blend.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return tile(np.repeat(large[..., None], 3, axis=-1), f"partner {low:.2f} to {high:.2f}")


def lines(task: ClassifyTask, options: argparse.Namespace) -> Iterator[list[Pixels]]:
    """Lines of tiles of one method."""
    name = task.config.augment
    network, before, after = trained(task)
    tests = torch.cat(list(task.image_views(task.test).evaluation_batches(EVALUATION_BATCH)))
    draw, count = np.random.default_rng(options.seed), METHODS[name]
    for number in range(options.pairs):
        views = tests[draw.choice(len(tests), count, replace=False)]
        pictures = [as_picture(view, task.preprocessing) for view in views]
        shown = [tile(one, name if place == 0 else "") for place, one in enumerate(pictures)]
        for beside, when in ((before, "before"), (after, "after")):
            line = shown + [np.full_like(shown[0], 255)] * (3 - count)
            for seed in range(SHARES):
                view = mixed(network, beside, views, 10 * number + seed)[0]
                blend = as_picture(view, task.preprocessing)
                line.append(tile(blend, when))
                if count == 2:
                    line.append(mask_tile(blend, *pictures))
            yield line


def main() -> None:
    """Train both, and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--shots", type=int, default=10)
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--backbone", default="timm:tf_efficientnet_lite0")
    parser.add_argument("--weights", default="packaged")
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kept = ("data", "shots", "image_size", "backbone", "weights", "steps", "seed")
    config = {name: getattr(options, name) for name in kept} | {"batch_size": 32, "device": "cpu"}
    sheet = []
    for name in METHODS:
        task = prepare(build_classify_config(config | {"augment": name}))
        sheet += list(lines(task, options))
    write_sheet(options.sheet, sheet)


if __name__ == "__main__":
    main()
