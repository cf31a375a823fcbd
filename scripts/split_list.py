"""A list of a folder's images that says which to train and which to test on.

    python scripts/split_list.py DATA OUT.csv [--test-fraction 0.2] [--split-seed 0]

DATA has class folders without parts. The split is the one that `classify` and `ssl probe` draw
themselves with the same fraction and seed. Given OUT.csv as --data, `ssl train` sees the training
images alone, so that probes test on images that no pre-training saw.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from genmix_da.classify.datasets import find_parts
from genmix_da.classify.splits import split_parts


def main() -> None:
    """Write the list."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("--test-fraction", type=float, default=0.2)
    parser.add_argument("--split-seed", type=int, default=0)
    given = parser.parse_args()
    parts = split_parts(
        find_parts(given.data), test_fraction=given.test_fraction, seed=given.split_seed
    )
    assert parts.test is not None
    rows = [
        (str(Path(image).resolve()), label, name)
        for name, part in (("train", parts.train), ("test", parts.test))
        for image, label in zip(part.images, part.labels or (), strict=True)
    ]
    given.out.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=["path", "label", "part"]).to_csv(given.out, index=False)
    print(
        f"{len(parts.train.images)} to train on, {len(parts.test.images)} to test on: {given.out}"
    )


if __name__ == "__main__":
    main()
