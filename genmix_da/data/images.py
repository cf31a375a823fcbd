"""The images of a domain that a task uses, decoded and labelled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genmix_da.data.decode import DecodedDomain
from genmix_da.data.domain import Domain
from genmix_da.errors import UserError


@dataclass(frozen=True)
class Images:
    """The part of a decoded domain that a task uses.

    Attributes:
        decoded: the whole domain.
        rows: [N] which of its images.
        labels: [N] classifier outputs, C for unknown; None where the domain has no classes.
        private_labels: [N] for unknown samples the place of their own class in the label sets'
            target-private ones, -1 for the others; None where the domain has no classes.
    """

    decoded: DecodedDomain
    rows: NDArray[np.int64]
    labels: NDArray[np.int64] | None
    private_labels: NDArray[np.int64] | None = None

    @property
    def paths(self) -> list[Path]:
        """Path of each image, in order."""
        return [self.path(place) for place in range(len(self.rows))]

    def path(self, place: int) -> Path:
        """Path of one of them."""
        return self.decoded.domain.images[int(self.rows[place])]

    @property
    def contents(self) -> list[str]:
        """What the file of each image holds, in order: the beginning of its SHA-256."""
        return [self.decoded.contents[row] for row in self.rows]

    @property
    def domain(self) -> Domain:
        """The part of the decoded domain that is used, as a domain of its own."""
        return self.decoded.domain.part(self.rows)


def check_batch(images: Images, batch_size: int) -> None:
    """Refuse a domain that does not fill a batch, before hours are spent on the other one."""
    count = len(images.rows)
    if count < batch_size:
        hint = f"use --batch-size {count} or less" if count > 1 else "add images"
        raise UserError(
            f"{images.decoded.domain.name} has {count} images of the classes in use, fewer than a "
            f"batch of {batch_size}; {hint}."
        )
