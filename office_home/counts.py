"""Published image counts per domain and class of Office-Home and Office-31."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import pandas as pd

_FILES = {"office-home": "office_home_counts.csv", "office-31": "office_31_counts.csv"}


@cache
def class_counts(benchmark: str = "office-home") -> pd.DataFrame:
    """Images per class (rows, in the benchmark's order) and domain (columns).

    Source: counted from the image lists released with LEAD (CVPR 2024). Office-Home holds 2427 Art,
    4365 Clipart, 4439 Product and 4357 Real World images.

    Raises:
        KeyError: there are no counts of this benchmark.
    """
    path = files("office_home") / "data" / _FILES[benchmark]
    with path.open() as file:
        return pd.read_csv(file, index_col="class")
