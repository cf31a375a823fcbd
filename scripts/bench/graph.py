"""Cost of the graph step at several sizes: search, solution, memory; exact against inverted file.

    OMP_NUM_THREADS=1 python scripts/bench/graph.py [--sizes 1000,10000,100000] [--width 512]
        [--classes 50] [--device cpu]

Every size runs in a process of its own, so that its peak memory is its own; what the features alone
take is measured in the same process before and taken off. Random features around `classes` centres:
search and solution do not look at more than their size. Times of one size are to be compared with
each other; between machines only ratios are.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from typing import Any

import numpy as np
import torch

from lead.graph import GraphConfig, TargetGraph


def peak_mib() -> float:
    """Peak resident memory of this process in MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def clustered(count: int, width: int, classes: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """[N, F] float32 around some centres, made in blocks: no second copy of all of it."""
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(classes, width)).astype(np.float32)
    features = np.empty((count, width), dtype=np.float32)
    for start in range(0, count, 4096):
        part = features[start : start + 4096]
        noise = draw.standard_normal(part.shape, dtype=np.float32)
        part[:] = centres[draw.integers(0, classes, len(part))] + 1.5 * noise
    return features


def measure(
    count: int, width: int, classes: int, exact: bool | None, device: str
) -> dict[str, Any]:
    """Seconds of building and solving, and MiB above the features, at one size."""
    features = clustered(count, width, classes)
    draw = np.random.default_rng(1)
    logits = torch.from_numpy(draw.normal(size=(count, classes)).astype(np.float32))
    probability = torch.softmax(2 * logits, dim=1)
    TargetGraph(features[:64], GraphConfig(), torch.device(device)).smooth(probability[:64])
    before = peak_mib()
    started = time.perf_counter()
    graph = TargetGraph(features, GraphConfig(), torch.device(device), exact=exact)
    built = time.perf_counter()
    graph.smooth(probability)
    return {
        "images": count,
        "search": "exact" if graph.search.exact else "inverted file",
        "build": built - started,
        "solve": time.perf_counter() - built,
        "memory": peak_mib() - before,
        "features": features.nbytes / 2**20,
        "edges": graph.weights.nnz // 2,
    }


def in_a_process(*arguments: Any) -> dict[str, Any]:
    """`measure` in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(measure, arguments)


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--classes", type=int, default=50)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    print("| images | search | build, s | solve, s | MiB | features, MiB | edges an image |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for size in map(int, options.sizes.split(",")):
        # Both ways at the size in the middle: what the inverted file saves.
        for exact in (True, False) if size == 10_000 else (None,):
            found = in_a_process(size, options.width, options.classes, exact, options.device)
            print(
                f"| {found['images']} | {found['search']} | {found['build']:.2f} | "
                f"{found['solve']:.2f} | {found['memory']:.0f} | {found['features']:.0f} | "
                f"{found['edges'] / found['images']:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
