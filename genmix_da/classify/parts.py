"""A data set in parts: training, validation and test images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genmix_da.data.domain import Domain


@dataclass(frozen=True)
class Parts:
    """A data set as it is published or lies on disk.

    Attributes:
        name: of the data set.
        folder: that file names are recorded relative to.
        train: labelled images.
        val: for choosing an epoch; None where there is no such part beside the test part.
        test: to score on; None where it has to be split off.
    """

    name: str
    folder: Path
    train: Domain
    val: Domain | None
    test: Domain | None
