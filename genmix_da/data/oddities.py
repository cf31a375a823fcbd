"""What the classes of some images can't tell: said in a sentence each, before a score is read."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)


def warn_of_single_images(name: str, classes: Sequence[str], use: str) -> None:
    """Say which classes have one image.

    Args:
        name: of the images.
        classes: class of each.
        use: "train on" or "score on".
    """
    single = [one for one, count in Counter(classes).items() if count == 1]
    if single:
        logger.warning(
            "%d %s of %s one image to %s (e.g. %s): what comes of it hangs on that image",
            len(single),
            "classes" if len(single) > 1 else "class",
            f"{name} have" if len(single) > 1 else f"{name} has",
            use,
            single[0],
        )


def warn_of_missing_kinds(
    name: str, labels: NDArray[np.int64], classes: Sequence[str], unknown: int, *, open_set: bool
) -> None:
    """Say what can't be scored: no unknown image, no known one, or one class alone.

    Args:
        name: of the target.
        labels: [N] classifier outputs, `unknown` for unknown images.
        classes: [N] class of each image.
        unknown: the label of unknown images.
        open_set: images are rejected; False in PDA.
    """
    is_unknown = labels == unknown
    if open_set and not is_unknown.any():
        logger.warning(
            "%s has no image of a target-private class, so the H-score is not defined (null), nor "
            "are AUROC and OSCR; use --setting pda or another --split",
            name,
        )
    if len(labels) and is_unknown.all():
        logger.warning(
            "%s has images of target-private classes alone, so the H-score is not defined (null), "
            "nor are AUROC and OSCR; use another --split",
            name,
        )
    elif len(set(classes)) == 1:
        logger.warning(
            "all images of %s are of one class (%s): the accuracy is that class's alone",
            name,
            classes[0],
        )
    warn_of_single_images(name, classes, "score on")
