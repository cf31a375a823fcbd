"""Nearest neighbours at size: exact search against the inverted file, its recall and its time.

    OMP_NUM_THREADS=1 python scripts/bench/neighbours.py --data OFFICE_CALTECH10 --src Amazon
        --tgt Caltech --split 4/2/4 [--sizes 5000,20000] [--out FILE.csv]

The two searches of an adaptation: of the bank, a batch at a time among the network's own unit
embeddings (5 nearest), and of the graph, all images at once among unit backbone features (10
nearest). Real features, tiled with noise as `clusters.py` says. Exact search of the bank is one
product of matrices, as LEAD has it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from clusters import given_task, tiled
from numpy.typing import NDArray
from torch.nn.functional import normalize

from genmix_da.adaptation.source_model import obtain_source
from lead.evaluation import evaluate
from lead.nearest import Neighbours

_STEPS = 20
_BATCH = 64


def recall(found: NDArray[np.int64], wanted: NDArray[np.int64]) -> float:
    """Share of the wanted neighbours that were found."""
    pairs = zip(found, wanted, strict=True)
    return float(np.mean([len(set(f) & set(w)) / len(w) for f, w in pairs]))


def of_bank(points: NDArray[np.float32]) -> dict[str, Any]:
    """Steps of the bank: seconds are of one."""
    table, draw = torch.from_numpy(points), np.random.default_rng(0)
    batches = [draw.choice(len(points), _BATCH, replace=False) for _ in range(_STEPS)]
    started = time.perf_counter()
    wanted = [torch.topk(table[rows] @ table.T, 5, dim=1).indices.numpy() for rows in batches]
    exact = (time.perf_counter() - started) / _STEPS
    started = time.perf_counter()
    index = Neighbours(points, exact=False)
    index.search(points[:1], 5)
    built = time.perf_counter() - started
    started, found = time.perf_counter(), []
    for rows in batches:
        found.append(index.search(points[rows], 5))
        index.replace(rows, points[rows])
    inverted = (time.perf_counter() - started) / _STEPS
    kept = recall(np.concatenate(found), np.concatenate(wanted))
    return {"exact_s": exact, "built_s": built, "inverted_s": inverted, "recall": kept}


def of_graph(points: NDArray[np.float32]) -> dict[str, Any]:
    """A search of all: seconds are of the whole; recall of 2,000 rows."""
    tried = np.random.default_rng(0).choice(len(points), min(2000, len(points)), replace=False)
    started = time.perf_counter()
    wanted = Neighbours(points, exact=True).search(points[tried], 10)
    exact = (time.perf_counter() - started) * len(points) / len(tried)
    started = time.perf_counter()
    index = Neighbours(points, exact=False)
    index.search(points[:1], 10)
    built = time.perf_counter() - started
    started = time.perf_counter()
    found = index.search(points[tried], 10)
    inverted = (time.perf_counter() - started) * len(points) / len(tried)
    return {
        **{"exact_s": exact, "built_s": built, "inverted_s": inverted},
        "recall": recall(found, wanted),
    }


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    task, given = given_task(parser, sizes="5000,20000")
    rows = []
    with tempfile.TemporaryDirectory() as sources:
        network = obtain_source(task, None, Path(sources))[0]
        for size in map(int, given.sizes.split(",")):
            views, _ = tiled(task, size, given.copies_noise)
            own = evaluate(network, views).features.numpy()
            raw = torch.cat(list(views.evaluation_batches(4096)))
            backbone = normalize(raw - raw.mean(dim=0), dim=1).numpy()
            for name, measured in (("bank", of_bank(own)), ("graph", of_graph(backbone))):
                rows.append({"images": size, "search": name} | measured)
                print(rows[-1], flush=True)
                if given.out:
                    pd.DataFrame(rows).to_csv(given.out, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
