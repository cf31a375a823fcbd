"""Published results on Office-Home, as printed, with their sources. Percent.

The tables of GenMix (arXiv 2412.02366) hold ResNet-50 rows for the twelve pairs in the splits
OPDA 10/5/50, OSDA 25/0/40, PDA 25/40/0. `average_printed` is the paper's own average, which need
not equal the mean of the printed cells (PDA LEAD+GenMix prints 74.3, its cells average 74.37).
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

PAIRS: tuple[str, ...] = tuple(
    f"{source}2{target}"
    for source in ("Ar", "Cl", "Pr", "Re")
    for target in ("Ar", "Cl", "Pr", "Re")
    if source != target
)

_TABLES = {"opda": "opda_hscore.csv", "osda": "osda_hscore.csv", "pda": "pda_accuracy.csv"}
GENMIX_SOURCE = "GenMix, arXiv 2412.02366; ResNet-50"
FOUNDATION_SOURCE = "computed from the result files of Deng and Jia, arXiv 2305.11092"


def _read(name: str) -> pd.DataFrame:
    import pandas as pd

    with (files("office_home") / "published" / name).open() as file:
        return pd.read_csv(file)


def published_table(setting: str) -> pd.DataFrame:
    """Rows = methods, columns = the twelve pairs and `average_printed`; percent.

    H-score for "opda" and "osda", accuracy for "pda". Source: `GENMIX_SOURCE`.

    Raises:
        KeyError: unknown setting.
    """
    return _read(_TABLES[setting]).set_index("method")


def other_source_free() -> pd.DataFrame:
    """Averages over the twelve pairs of other source-free methods, with the source of each row."""
    return _read("other_source_free.csv").set_index("method")


def foundation_models() -> pd.DataFrame:
    """Averages over the twelve pairs of heads on fixed CLIP, DINOv2 or ResNet-50 features.

    Their OSDA split is 15/0/50, not 25/0/40. Source: `FOUNDATION_SOURCE`.
    """
    return _read("foundation_models.csv")
