"""What a network says of an image, and Grad-CAM's map of it over the picture.

Selvaraju et al., ICCV 2017, by the library pytorch-grad-cam. Maps are scaled to their own maximum:
they tell where a network looks, not how sure it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genmix_da.errors import UserError
from genmix_da.reporting.predicted import UNKNOWN

if TYPE_CHECKING:
    from torch import Tensor

    from genmix_da.use.model import Model
    from lead.views import Preprocessing

Pixels = NDArray[np.uint8]

_IMAGE_SHARE = 0.5  # of an overlay; the rest is heat


@dataclass(frozen=True)
class Prediction:
    """What a network says of an image.

    Attributes:
        name: predicted class, or "unknown".
        confidence: its largest class probability.
        explained: the likeliest class, which the map is of; another than `name` for "unknown".
    """

    name: str
    confidence: float
    explained: str


def crops_of(images: Pixels, pre: Preprocessing) -> Pixels:
    """The centre crops [n, S, S, 3] that a network sees, as `ImageViews.evaluation` cuts them."""
    corner = round((pre.resize_size - pre.image_size) / 2.0)
    window = slice(corner, corner + pre.image_size)
    return np.ascontiguousarray(images[:, window, window])


def explain(
    model: Model, images: Pixels, result: Mapping[str, Any]
) -> list[tuple[Prediction, Pixels]]:
    """What a network says of some images, and where it looks for the class it finds likeliest.

    Args:
        model: on any device; its parameters are frozen.
        images: [n, R, R, 3], resized as its preprocessing says.
        result: content of result.json: its threshold counts.

    Returns:
        (prediction, overlay [S, S, 3]) of every image.

    Raises:
        UserError: the backbone has no map.
    """
    shown, inputs = overlays(model, images), _inputs(model, images)
    told = [_told(model, inputs[number : number + 1], result) for number in range(len(images))]
    return list(zip(told, shown, strict=True))


def overlays(model: Model, images: Pixels) -> list[Pixels]:
    """Where a network looks for the class that it finds likeliest.

    Args, Raises: as of `explain`.

    Returns:
        [S, S, 3] of every image: the map over what the network sees of it.
    """
    import torch
    from pytorch_grad_cam import GradCAM

    from genmix_da.reporting.gradcam_layer import LogitsAlone, find_cam_layer

    if model.network.judges_sets:
        raise UserError(
            f"{model.description['head']} judges all images of a target together: there is no map "
            "of what it says of one"
        )
    network = LogitsAlone(model.network.requires_grad_(False), model.label_sets.unknown)
    inputs = _inputs(model, images)
    layer = find_cam_layer(network, model.network.backbone, inputs[:1])
    if layer is None:
        raise UserError(
            f"the backbone {model.description['backbone']} has no map of the image that its "
            "prediction hangs on"
        )
    cam = GradCAM(network, [layer.module], reshape_transform=layer.to_map)
    found = []
    try:
        for number, crop in enumerate(crops_of(images, model.preprocessing)):
            # The parameters need no gradient, so the input has to ask for it.
            with torch.enable_grad():
                heat = cam(inputs[number : number + 1].clone().requires_grad_(), None)[0]
            found.append(_overlay(crop, heat))
    finally:
        cam.activations_and_grads.release()
    return found


def _inputs(model: Model, images: Pixels) -> Tensor:
    from lead.views import ImageViews

    return ImageViews(images, model.preprocessing, model.device).evaluation(slice(None))


def _told(model: Model, image: Tensor, result: Mapping[str, Any]) -> Prediction:
    """What a network says of one image, its input [1, 3, S, S]."""
    import torch

    from genmix_da.adaptation.predictions import own_decisions
    from lead.evaluation import Evaluation

    sets = model.label_sets
    limit = result.get("threshold")
    threshold = float(model.description["threshold"] if limit is None else limit)
    names = (*sets.source_classes, UNKNOWN)
    with torch.no_grad():
        embedding, outputs = model.network(image)
    probability, uncertainty = model.network.judge(embedding, outputs)
    own = own_decisions(
        Evaluation(embedding, probability, None, uncertainty), threshold, sets.open_set
    )
    ((name, confidence, _),) = own.rows(names)
    return Prediction(name, float(confidence), names[int(probability.argmax())])


def _overlay(crop: Pixels, heat: NDArray[np.float32]) -> Pixels:
    """A map [S, S] in [0, 1] over its picture [S, S, 3]."""
    import cv2
    from pytorch_grad_cam.utils.image import show_cam_on_image

    # In grey, or the picture's own colours would pass for heat. The library's default colours,
    # "jet", mislead the colour-blind.
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(
        show_cam_on_image(
            grey.astype(np.float32) / 255,
            heat,
            use_rgb=True,
            colormap=cv2.COLORMAP_VIRIDIS,
            image_weight=_IMAGE_SHARE,
        ),
        dtype=np.uint8,
    )
