"""Decisions of the graph step explained: a target image and the neighbours that weigh on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genmix_da.adaptation.evidence import Arrays
from genmix_da.errors import UserError
from genmix_da.reporting.figures import shown
from genmix_da.reporting.limit import rejects
from genmix_da.reporting.neighbours_choice import KINDS, in_order, kind_of, room
from genmix_da.reporting.pictures import data_uri
from genmix_da.reporting.predicted import Predicted, read_predictions
from genmix_da.reporting.target_images import TargetImages

NEIGHBOURS = 10  # shown of an image, the heaviest first
SIDE, SMALL = 176, 112  # longest side of the image's picture and of a neighbour's, in pixels
_PATIENCE = 50  # images that are looked for in vain

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Looked:
    """One image of a row.

    Attributes:
        line: what is said of it.
        picture: RGB; None where the image is gone.
        weight: of its edge to the image that is explained; None for that one.
    """

    line: Predicted
    picture: Pixels | None
    weight: float | None = None

    @property
    def path(self) -> str:
        """Of the file, fit to be shown."""
        return shown(self.line.path)

    @property
    def true(self) -> str:
        """Its class, likewise."""
        return shown(self.line.true)

    @property
    def alone(self) -> tuple[str, float]:
        """Decision and uncertainty of the network alone."""
        return shown(self.line.predicted), self.line.uncertainty

    @property
    def graph(self) -> tuple[str, float]:
        """The same with the graph step."""
        return shown(self.line.graph_predicted), self.line.graph_uncertainty

    @cached_property
    def uri(self) -> str | None:
        """The picture as a data URI."""
        return None if self.picture is None else data_uri(self.picture)


@dataclass(frozen=True)
class Explained:
    """One decision.

    Attributes:
        kind: of `neighbours_choice.KINDS`.
        image: that was decided on.
        neighbours: the heaviest edge first; none of an isolated image.
    """

    kind: str
    image: Looked
    neighbours: tuple[Looked, ...]

    @property
    def meaning(self) -> str:
        """What its kind is."""
        return KINDS[self.kind]


def explain_decisions(
    run: Path, result: Mapping[str, Any], evidence: Arrays
) -> tuple[list[Explained], str]:
    """Some decisions of a finished run's graph step, and a note on what is missing.

    Nothing that is missing is an error.

    Args:
        run: run folder.
        result: content of its result.json, with the graph step.
        evidence: of the graph step; its images are the lines of predictions.csv.
    """
    from genmix_da.augment.edits import fit
    from genmix_da.data.pixels import pil_warnings_ignored

    try:
        lines = _lines(run, evidence)
    except UserError as error:
        return [], f"No decisions explained: {error}."
    images = TargetImages(run, result, (line.path for line in lines))

    @cache
    def picture(number: int, side: int) -> Pixels | None:
        image = images.read(lines[number].path)
        return None if image is None else fit(np.asarray(image), side)

    limits = [
        each.get("threshold") if rejects(result) else None for each in (result, result["graph"])
    ]
    with pil_warnings_ignored():
        order = in_order(lines, *limits)
        chosen, gone = _choose(order, lambda number: picture(number, SIDE) is not None)
        rows = [
            Explained(
                kind_of(lines[number]),
                Looked(lines[number], picture(number, SIDE)),
                tuple(
                    Looked(lines[other], picture(other, SMALL), weight)
                    for other, weight in _heaviest(evidence, number)
                ),
            )
            for number in chosen
        ]
    if not rows:
        return [], "No decisions explained: the target images are not where they were."
    lost = sum(each.picture is None for row in rows for each in row.neighbours)
    told = [f"{gone} of the images wanted first are not where they were."] if gone else []
    told += [f"{lost} pictures of neighbours are not where they were."] if lost else []
    return rows, " ".join(told)


def _lines(run: Path, evidence: Arrays) -> list[Predicted]:
    """Of predictions.csv, one for each image of the evidence.

    Raises:
        UserError: it has others.
    """
    lines = read_predictions(run / "predictions.csv")
    if len(lines) != len(evidence["uncertainty"]):
        raise UserError("predictions.csv is of another number of images than graph.npz")
    if any(line.graph_predicted is None for line in lines):
        raise UserError("predictions.csv does not have the graph's decisions")
    return lines


def _choose(order: Mapping[str, list[int]], there: Callable[[int], bool]) -> tuple[list[int], int]:
    """(numbers of the images to explain, how many that come before them are gone).

    Args:
        order: see `in_order`.
        there: whether an image can be read.
    """
    chosen: dict[int, str] = {}
    gone = 0
    for kind in KINDS:
        for number in order[kind]:
            if gone == _PATIENCE or not room(kind, list(chosen.values())):
                break
            if there(number):
                chosen[number] = kind
            else:
                gone += 1
    return list(chosen), gone


def _heaviest(evidence: Arrays, number: int) -> list[tuple[int, float]]:
    """(number of a neighbour, weight of the edge), the heaviest first."""
    pairs = zip(evidence["neighbours"][number], evidence["weights"][number], strict=True)
    return [(int(other), float(weight)) for other, weight in pairs if other >= 0][:NEIGHBOURS]
