"""Cost of training with each augmentation, divided by training with none, in one run.

    python scripts/bench/classify.py [--image-size 128] [--batch 32] [--methods mixup,pixmix]
    python scripts/bench/classify.py --all --data DATA --steps 40 [...]

Each method trains a network of its own on the same decoded images with `genmix-da classify`'s
training loop, an epoch in turn, so that a busy machine slows all alike; every round is divided by
that round's "none". GenMix and DiffuseMix are composed on the fly from edits that are made before
(filters; what an edit shows does not change its cost here). The first two rounds warm up (fractals
are read, 0.2 s in all) and are left out. Drawn images: speed does not depend on their content.

--all measures AO(%) on photographs instead; what else is on the line is for overhead.py.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import overhead
import torch
from trainees import Cost, as_they_are, trainee

from genmix_da.augment.cache import encode_jpeg
from genmix_da.augment.compose import fractal_source
from genmix_da.augment.fractals import draw_fractal
from genmix_da.augment.settings import AugmentSettings
from genmix_da.classify.augmentations import GENMIX_PRESETS
from genmix_da.classify.config import build_classify_config
from genmix_da.classify.task import prepare

CLASSES = 10
GOAL = 1.3
WARM_UP = 2


def draw_images(folder: Path, count: int, side: int) -> None:
    """FOLDER/<class>/<nn>.jpg: fractals under noise compress about as badly as photographs."""
    noise = np.random.default_rng(0)
    for number in range(count):
        smooth = cv2.GaussianBlur(draw_fractal(number, side), (0, 0), 2)
        pixels = np.clip(smooth + noise.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)
        path = folder / f"class{number % CLASSES}" / f"{number:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_jpeg(pixels))


def measure(options: argparse.Namespace, folder: Path) -> dict[str, list[Cost]]:
    """Method -> cost of an epoch, round by round."""
    # A part is set apart as test images, which nothing here looks at.
    draw_images(folder, options.images * 3 // 2, options.image_size * 5 // 4)
    config = {
        "data": str(folder),
        "augment": "none",
        "augment_mode": "online",
        "genmix": {"editor": "filters", "features": "off", "size": options.image_size * 5 // 4},
        "backbone": options.backbone,
        "weights": "none",
        "image_size": options.image_size,
        "batch_size": options.batch,
        "steps": 1,
        "device": options.device,
    }
    task = prepare(build_classify_config(config))
    fractals = fractal_source(AugmentSettings())
    assert fractals is not None
    for number in range(len(fractals.files)):  # made once for ever, like edits
        fractals.window(8, 8, np.random.default_rng(number))
    names = dict.fromkeys(["none", *options.methods.split(",")])
    steps = options.images // options.batch
    trainees = [trainee(task.with_config(augment=name), steps) for name in names]
    costs: dict[str, list[Cost]] = {one.name: [] for one in trainees}
    for number in range(WARM_UP + options.repeats):
        for one in trainees:
            spent = one.cost()
            if number >= WARM_UP:
                costs[one.name].append(spent)
    return costs


def line(method: str, costs: list[Cost], none: list[Cost], images: int) -> str:
    """Throughput, and the ratios of the rounds: median and spread of wall time, median of work."""
    wall = [one.wall / plain.wall for one, plain in zip(costs, none, strict=True)]
    work = [one.work / plain.work for one, plain in zip(costs, none, strict=True)]
    rate = images / statistics.median(one.wall for one in costs)
    goal = f"   (goal: at most {GOAL})" if method in GENMIX_PRESETS else ""
    return (
        f"{method:16} {rate:9.1f}   {statistics.median(wall):5.2f} "
        f"({min(wall):.2f}-{max(wall):.2f})   {statistics.median(work):5.2f}{goal}"
    )


def main() -> None:
    """Measure and print one table."""
    if "--all" in sys.argv:
        overhead.main([word for word in sys.argv[1:] if word != "--all"])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="timm:mobilenetv1_100")
    parser.add_argument("--images", type=int, default=128, help="of an epoch")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--methods", default=",".join(as_they_are()), help="separated by commas")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    unknown = set(options.methods.split(",")) - set(as_they_are())
    if unknown:
        parser.error(f"no augmentation, or one that needs files: {', '.join(sorted(unknown))}")
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        os.environ["GENMIX_DA_CACHE"] = str(Path(name) / "cache")
        costs = measure(options, Path(name) / "drawn")
    steps = options.images // options.batch
    print(
        f"{options.backbone}, {options.image_size} px, batch {options.batch}, {steps} steps a "
        f"round, {options.repeats} rounds, {options.device}, {options.threads} threads"
    )
    print("method            images/s   time / none   (spread)   work / none")
    for method, spent in costs.items():
        print(line(method, spent, costs["none"], steps * options.batch))


if __name__ == "__main__":
    main()
