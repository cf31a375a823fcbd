"""Published image counts per domain and class of Office-Home and Office-31."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    import pandas as pd  # takes half a second, which --help does without

    path = files("office_home") / "data" / _FILES[benchmark]
    with path.open() as file:
        return pd.read_csv(file, index_col="class")


def class_names(benchmark: str = "office-home") -> tuple[str, ...]:
    """The classes of `class_counts`, in the same order.

    Raises:
        KeyError: there are no counts of this benchmark.
    """
    text = (files("office_home") / "data" / _FILES[benchmark]).read_text(encoding="utf-8")
    return tuple(row["class"] for row in csv.DictReader(text.splitlines()))
