"""What a served model answers: one row a picture."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from genmix_da.errors import UserError
from genmix_da.reporting.gradcam_maps import overlays
from genmix_da.use.inputs import pixels_of
from genmix_da.use.model import Model
from genmix_da.use.predictions import Predictions

TOP = 3  # classes in an answer


@dataclass(frozen=True)
class Answerer:
    """A model that answers requests, one after the other.

    Attributes:
        model: to ask.
        name: shown on the page.
        threshold: images of a larger uncertainty are rejected; None: the model's own.
        graph: decide beside the graph that the run left.

    Raises:
        UserError: the model's answer on a picture hangs on the others, its threshold is a rule, or
            the graph is wanted and it has none.
    """

    model: Model
    name: str
    threshold: float | None = None
    graph: bool = False
    # One network, and Grad-CAM hangs hooks into it.
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.model.network.judges_sets:
            raise UserError(
                f"{self.model.description['head']} judges all images of a target together, so "
                "that a single picture has no answer; use predict on a folder."
            )
        if self.graph and self.model.memory is None:
            raise UserError("the checkpoint has no graph; leave --graph out.")
        self._limit()  # a rule is no limit for single pictures

    def about(self) -> dict[str, Any]:
        """What the model is, as JSON."""
        description = self.model.description
        limit = self._limit()
        return {
            "name": self.name,
            "classes": list(self.model.classes),
            "backbone": description["backbone"],
            "setting": description.get("setting"),
            "threshold": limit if limit < 1 else None,
            "graph": self.graph,
            "synthetic": description["synthetic"],
        }

    def answer(self, pictures: Sequence[Image.Image], *, cam: bool = False) -> list[dict[str, Any]]:
        """Classify pictures.

        Args:
            pictures: RGB.
            cam: with Grad-CAM of the likeliest class, as the address of a PNG.

        Returns:
            One JSON object a picture. Where the network has no map "cam" says why in its place.
        """
        with self._turn:
            found = self.model.predict(pictures, threshold=self.threshold, graph=self.graph)
            maps = self._maps(pictures) if cam else [{}] * len(pictures)
        decided = found.graph or found
        return [_row(decided, place) | maps[place] for place in range(len(pictures))]

    def _limit(self) -> float:
        return self.model.limit(graph=self.graph) if self.threshold is None else self.threshold

    def _maps(self, pictures: Sequence[Image.Image]) -> list[dict[str, Any]]:
        try:
            shown = overlays(self.model, pixels_of(pictures, self.model.preprocessing))
        except UserError as error:
            return [{"cam": None, "no_cam": str(error)}] * len(pictures)
        except (RuntimeError, ValueError, TypeError, AttributeError, KeyError) as error:
            # Backbones are others' code; one that can't be looked into still classifies.
            first = (str(error) or type(error).__name__).splitlines()[0]
            reason = f"the backbone can't be looked into ({first})"
            return [{"cam": None, "no_cam": reason}] * len(pictures)
        return [{"cam": _address(Image.fromarray(pixels))} for pixels in shown]


def _row(found: Predictions, place: int) -> dict[str, Any]:
    probability = found.probability[place]
    best = probability.argsort(kind="stable")[::-1][:TOP]
    return {
        "predicted": str(found.predicted[place]),
        "best_class": str(found.best_class[place]),
        "rejected": bool(found.rejected[place]),
        "uncertainty": float(found.uncertainty[place]),
        "top": [
            {"class": found.classes[number], "probability": float(probability[number])}
            for number in best
        ],
    }


def _address(picture: Image.Image) -> str:
    """A picture as the address of itself, for JSON."""
    held = io.BytesIO()
    picture.save(held, "PNG")
    return f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode()}"
