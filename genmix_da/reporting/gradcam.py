"""Grad-CAM before and after adaptation: what the two networks look at in a few target images.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017, computed by the library pytorch-grad-cam. Each network is asked about the
class it finds likeliest itself, also where it then rejects the image as unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genmix_da.errors import UserError
from genmix_da.places import is_url
from genmix_da.reporting.gradcam_choice import in_order_of_interest
from genmix_da.reporting.gradcam_maps import Prediction, crops_of, explain
from genmix_da.reporting.moved_files import find_recorded
from genmix_da.reporting.pictures import shown_pictures
from genmix_da.reporting.predicted import RIGHT, Predicted, read_predictions
from genmix_da.reporting.target_images import TargetImages

if TYPE_CHECKING:
    from genmix_da.use.model import Model
    from lead.views import Preprocessing

Pixels = NDArray[np.uint8]

COUNT = 6
_PATIENCE = 50  # images that are looked for in vain


@dataclass(frozen=True)
class CamRow:
    """One target image, S the side of the network's input in pixels.

    Attributes:
        path: as recorded.
        true: class, "unknown", or "" where the target has no labels.
        before: of the source model; None where it is gone.
        after: of the adapted model; its name and confidence are those of predictions.csv.
        picture: [S, S, 3], the centre crop that the networks see.
        cam_before: [S, S, 3], the map over the picture; None where the source model is gone, or
            nothing was adapted.
        cam_after: [S, S, 3].
        wrong: whether the prediction after adaptation is.
    """

    path: str
    true: str
    before: Prediction | None
    after: Prediction
    picture: Pixels
    cam_before: Pixels | None
    cam_after: Pixels
    wrong: bool

    @property
    def pictures(self) -> list[tuple[str, str]]:
        """What there is to look at, see `shown_pictures`."""
        return shown_pictures(
            {"target image": self.picture, "before": self.cam_before, "after": self.cam_after}
        )


@dataclass(frozen=True)
class CamResult:
    """Rows to show, mistakes first.

    Attributes:
        rows: empty where something needed is gone.
        note: sentences about what is missing or special; "" where there is nothing to say.
    """

    rows: tuple[CamRow, ...]
    note: str


def grad_cam_rows(run: Path, result: Mapping[str, Any], count: int = COUNT) -> CamResult:
    """Grad-CAM of a few target images of one finished run.

    Nothing that is missing is an error: the note says what.

    Args:
        run: run folder.
        result: content of its result.json.
        count: how many images.
    """
    from lead.errors import LeadError

    try:
        return _rows(run, result, count)
    except ImportError as error:
        return CamResult((), f"No Grad-CAM: it needs grad-cam ({error}); pip install grad-cam.")
    except (UserError, LeadError, OSError) as error:
        return CamResult((), f"No Grad-CAM: {_sentence(error)}")
    except (RuntimeError, ValueError, TypeError, AttributeError, KeyError) as error:
        # Backbones are others' code: one that cannot be looked into must not cost the report.
        first = (str(error) or type(error).__name__).splitlines()[0]
        return CamResult((), f"No Grad-CAM: the backbone cannot be looked into ({first}).")


def _rows(run: Path, result: Mapping[str, Any], count: int) -> CamResult:
    from genmix_da.use.loading import load_model
    from lead.errors import LeadError

    if result.get("status") != "done":
        raise UserError("the run is not finished")
    ordered = in_order_of_interest(read_predictions(run / "predictions.csv"))
    if not ordered:
        raise UserError("predictions.csv names no image")
    adapted = load_model(run, "cpu")
    lines, images, note = _find_images(ordered, run, result, count, adapted.preprocessing)
    notes = [note] if note else []
    after = explain(adapted, images, result)
    before: Sequence[tuple[Prediction | None, Pixels | None]]
    if str(result.get("method")).startswith("source-only"):
        notes.append("Nothing was adapted in this run, so there is one network and one map.")
        before = [(told, None) for told, _map in after]
    else:
        try:
            before = explain(_source_model(run, result), images, result)
        except (UserError, LeadError, OSError) as error:
            notes.append(f"No map of the source model: {_sentence(error)}")
            before = [(None, None)] * len(lines)
    crops = crops_of(images, adapted.preprocessing)
    rows = tuple(
        CamRow(
            line.path,
            line.true,
            old,
            # As recorded, so that the page agrees with the scores to the last digit.
            Prediction(line.predicted, line.confidence, new.explained),
            crop,
            old_map,
            new_map,
            line.kind != RIGHT,
        )
        for line, crop, (old, old_map), (new, new_map) in zip(
            lines, crops, before, after, strict=True
        )
    )
    return CamResult(rows, " ".join(notes))


def _find_images(
    ordered: Sequence[Predicted],
    run: Path,
    result: Mapping[str, Any],
    count: int,
    pre: Preprocessing,
) -> tuple[list[Predicted], Pixels, str]:
    """The first images that are there, in the order of the page.

    Returns:
        (lines of predictions.csv, pictures [n, R, R, 3], note about those that are not).

    Raises:
        UserError: none is.
    """
    from PIL import Image

    from genmix_da.data.pixels import pil_warnings_ignored

    images = TargetImages(run, result, (line.path for line in ordered))
    side = (pre.resize_size, pre.resize_size)
    filter_ = Image.Resampling[pre.interpolation.upper()]
    found: list[tuple[Predicted, Pixels]] = []
    gone = 0
    with pil_warnings_ignored():
        for line in ordered:
            if len(found) == max(count, 1) or gone == _PATIENCE:
                break
            image = images.read(line.path)
            if image is None:
                gone += 1
            else:
                found.append((line, np.asarray(image.resize(side, filter_))))
    if not found:
        raise UserError("the target images are not where they were")
    found.sort(key=lambda item: item[0].kind)  # stable: within a kind as they were chosen
    note = f"{gone} of the images wanted first are not where they were." if gone else ""
    return [line for line, _ in found], np.stack([pixels for _, pixels in found]), note


def _source_model(run: Path, result: Mapping[str, Any]) -> Model:
    """The model that adaptation started from.

    Raises:
        UserError, WeightsError: it is not there, or cannot be read.
    """
    from genmix_da.runs.folder import CHECKPOINT
    from genmix_da.use.hub import located
    from genmix_da.use.loading import load_model
    from lead.checkpoint import is_released_checkpoint, read_released_checkpoint, read_tensors
    from lead.errors import WeightsError

    recorded = str((result.get("source_model") or {}).get("folder") or "")
    # Of a run behind a URL the record has the source model's.
    place = located(recorded) if is_url(recorded) else find_recorded(recorded, run)
    if place is None:
        raise UserError(f"it is not at {recorded} any more")
    path = place / CHECKPOINT if place.is_dir() else place
    if path.with_suffix(".json").is_file():
        return load_model(path, "cpu")
    # Tensors without a description, such as the LEAD authors': the run's own describes them.
    model, tensors = load_model(run, "cpu"), read_tensors(path)
    if is_released_checkpoint(tensors):
        tensors = read_released_checkpoint(path)
    try:
        model.network.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(f"{path} does not fit the run") from error
    return model


def _sentence(error: Exception) -> str:
    # What follows a semicolon names options of the commands that have them.
    return f"{str(error).partition(';')[0].rstrip('.')}."
