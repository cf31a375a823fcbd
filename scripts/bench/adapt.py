"""Cost of one LEAD adaptation epoch against the bare cost of its passes, in one run.

    python scripts/bench/adapt.py [--backbone timm:mobilenetv1_100] [--images 512] [--repeats 3]

Epoch: `lead.adapt` as users run it (crops and flips from decoded images, pseudo-labels, bank,
three losses, evaluation, epoch selection). Bare: forward, cross-entropy, backward and optimiser
step over the same number of batches, and one evaluation pass, on tensors that are there already.
Before, the bare pass is measured with memory as the process was started with, see
`genmix_da.allocation`. Epochs that estimate C_t are reported apart. Random images: speed does not
depend on their content.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from pathlib import Path

import numpy as np
import torch

import lead
from genmix_da.allocation import keep_freed_memory
from genmix_da.device import peak_memory_mib
from lead.precision import Precision
from lead.schedule import build_optimizer
from lead.selection import mutual_information


def bare_pass(
    network: lead.Network, images: torch.Tensor, targets: torch.Tensor, batch: int
) -> float:
    """Seconds of one training pass plus one evaluation pass on preloaded tensors."""
    optimizer = build_optimizer(network, 1e-3)
    precision = Precision(images.device)
    synchronize(images.device)
    started = time.perf_counter()
    network.train()
    for start in range(0, len(images) - batch + 1, batch):
        with precision.autocast():
            _, logits = network(images[start : start + batch])
        loss = torch.nn.functional.cross_entropy(logits, targets[start : start + batch])
        precision.step(loss, optimizer)
    network.eval()
    with torch.no_grad(), precision.autocast():
        for start in range(0, len(images), 128):
            network(images[start : start + 128])
    synchronize(images.device)
    return time.perf_counter() - started


def synchronize(device: torch.device) -> None:
    """Wait for the device, where it works on its own."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="timm:mobilenetv1_100")
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--image-size", type=int, default=160)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--classes", type=int, default=15)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path, help="file for the same numbers as JSON")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    torch.manual_seed(0)

    backbone = lead.build_backbone(arguments.backbone, weights="none")
    network = lead.to_device(
        lead.Network(backbone.module, backbone.feature_dim, arguments.classes), device
    )
    network.freeze_classifier()
    preprocessing = backbone.preprocessing.resized(arguments.image_size)
    side = preprocessing.resize_size
    pixels = np.random.default_rng(0).integers(
        0, 256, (arguments.images, side, side, 3), dtype=np.uint8
    )
    views = lead.ImageViews(pixels, preprocessing, device)
    preloaded = torch.cat(list(views.evaluation_batches(128)))
    targets = torch.randint(arguments.classes, (arguments.images,), device=device)

    config = lead.TargetConfig(
        epochs=arguments.repeats + 2, batch_size=arguments.batch, learning_rate=1e-3
    )
    # The first pass warms up; what the command line changes about memory is worth its ratio.
    as_started = [bare_pass(network, preloaded, targets, arguments.batch) for _ in range(3)][1:]
    keep_freed_memory()
    bare: list[float] = []
    epochs: list[float] = []
    estimate = 0.0
    adaptation = lead.adapt(network, views, config)
    next(adaptation)  # epoch 0: the source model
    for _ in range(config.epochs):
        synchronize(device)
        started = time.perf_counter()
        epoch = next(adaptation)
        mutual_information(epoch.evaluation.probability, open_set=True)
        synchronize(device)
        seconds = time.perf_counter() - started
        if epoch.estimate is not None:
            estimate = epoch.seconds["estimate"]
        elif epoch.epoch > 2:  # the second epoch warms up the caches
            epochs.append(seconds)
        # Interleaved, so that a busy machine slows both alike.
        bare.append(bare_pass(network, preloaded, targets, arguments.batch))
    bare = bare[-len(epochs) :]
    ratio = statistics.median(epochs) / statistics.median(bare)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    if arguments.json:
        found = {
            "bare_s": statistics.median(bare),
            "epoch_s": statistics.median(epochs),
            "ratio": ratio,
            "images_per_s": arguments.images / statistics.median(epochs),
            "peak_mib": peak_memory_mib(device),
        }
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    print(
        f"{arguments.backbone}, {arguments.images} images of {arguments.image_size} px, "
        f"batch {arguments.batch}, {device}"
    )
    print(f"bare training + evaluation pass   {statistics.median(bare):8.2f} s")
    print(f"adaptation epoch                  {statistics.median(epochs):8.2f} s")
    print(f"ratio                             {ratio:8.2f}   (goal: at most 1.25)")
    kept = statistics.median(bare) / statistics.median(as_started)
    print(f"bare passes, freed memory kept    {kept:8.2f}   of the time without")
    print(f"C_t estimation, every 10 epochs   {estimate:8.2f} s")
    print(f"peak memory of the process        {peak:8.0f} MiB")


if __name__ == "__main__":
    main()
