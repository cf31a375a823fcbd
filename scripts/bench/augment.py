"""Cost of GenMix's cheap half, of its statistics and of its memory, as ratios in one run.

    python scripts/bench/augment.py [--size 512] [--images 40]

Blend: load original and edit, join, blend and save, divided by the bare decode of both and encode
of one JPEG; one core. Statistics: `PairStatistics` over N x D features, divided by one float64
matrix product of the same shapes. Memory: peak of a whole augmentation with few and with many
images, each in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from genmix_da.augment.cache import decode_jpeg, encode_jpeg
from genmix_da.augment.compose import Draws, compose, fractal_source
from genmix_da.augment.faithful import PairStatistics
from genmix_da.augment.fractals import draw_fractal
from genmix_da.augment.selection import BUFFER
from genmix_da.augment.settings import AugmentSettings

_RUN = """
import resource, sys
from genmix_da.augment import AugmentSettings, augment_folder
augment_folder(sys.argv[1], sys.argv[2], AugmentSettings(size=128, per_image=1))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def blend_ratio(size: int, images: int) -> tuple[float, float]:
    """Seconds of (load, join, blend, save) and of (decode two, encode one), medians."""
    settings = AugmentSettings(size=size)
    fractals = fractal_source(settings)
    assert fractals is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # A drawn fractal under noise compresses about as badly as a photograph.
        noise = np.random.default_rng(0)
        for n in range(images):
            for kind in ("original", "edit"):
                smooth = cv2.GaussianBlur(draw_fractal(2 * n + (kind == "edit"), size), (0, 0), 2)
                grain = noise.normal(0, 6, smooth.shape)
                pixels = np.clip(smooth + grain, 0, 255).astype(np.uint8)
                (folder / f"{kind}{n}.jpg").write_bytes(encode_jpeg(pixels))
        for n in range(len(fractals.files)):
            fractals.window(8, 8, np.random.default_rng(n))
        whole, bare = [], []
        for n in range(images):
            original, edit = folder / f"original{n}.jpg", folder / f"edit{n}.jpg"
            started = time.perf_counter()
            first, second = decode_jpeg(original.read_bytes()), decode_jpeg(edit.read_bytes())
            final = compose(first, second, fractals, settings, Draws(0, str(n))).final
            (folder / "out.jpg").write_bytes(encode_jpeg(final))
            whole.append(time.perf_counter() - started)
            started = time.perf_counter()
            decode_jpeg(original.read_bytes())
            decode_jpeg(edit.read_bytes())
            # The same picture, so that both encode the same detail.
            (folder / "out.jpg").write_bytes(encode_jpeg(final))
            bare.append(time.perf_counter() - started)
    return statistics.median(whole), statistics.median(bare)


def statistics_ratio(count: int, width: int) -> tuple[float, float]:
    """Seconds of exact pair statistics and of one float64 product of the same shapes."""
    features = np.random.default_rng(0).normal(size=(count, width)).astype(np.float32)
    exact, product = [], []
    for _ in range(3):
        started = time.perf_counter()
        pairs = PairStatistics()
        for start in range(0, count, BUFFER):
            pairs.add(features[start : start + BUFFER])
        pairs.result()
        exact.append(time.perf_counter() - started)
        wide = features.astype(np.float64)
        started = time.perf_counter()
        wide.T @ wide
        product.append(time.perf_counter() - started)
    return statistics.median(exact), statistics.median(product)


def peak_memory(images: int) -> float:
    """MiB of an augmentation of this many images, in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "source" / "class"
        folder.mkdir(parents=True)
        draw = np.random.default_rng(0)
        for n in range(images):
            pixels = draw.integers(0, 256, (128, 128, 3), dtype=np.uint8)
            (folder / f"{n}.jpg").write_bytes(encode_jpeg(pixels))
        environment = os.environ | {"GENMIX_DA_CACHE": str(Path(name) / "cache")}
        command = [sys.executable, "-c", _RUN, str(folder.parent), str(Path(name) / "out")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 2**10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--features", type=int, default=50_000)
    parser.add_argument("--width", type=int, default=768)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        whole, bare = blend_ratio(arguments.size, arguments.images)
    print(f"load, join, blend, save at {arguments.size} px   {1000 * whole:8.2f} ms")
    print(f"bare decode of two, encode of one    {1000 * bare:8.2f} ms")
    print(f"ratio                                {whole / bare:8.2f}   (goal: at most 1.5)")
    exact, product = statistics_ratio(arguments.features, arguments.width)
    print(f"statistics of {arguments.features} x {arguments.width}          {exact:8.2f} s")
    print(f"ratio to one float64 product         {exact / product:8.2f}   (goal: at most 3)")
    few, many = peak_memory(200), peak_memory(2000)
    print(f"peak memory, 200 and 2,000 images    {few:8.0f} and {many:.0f} MiB")
    print(f"ratio                                {many / few:8.2f}   (goal: at most 1.10)")


if __name__ == "__main__":
    main()
