"""Images that are in two parts of the data: a score on what was trained on says too much.

Told by the bytes of the files, whatever they are called.
"""

from __future__ import annotations

import logging
from pathlib import Path

from genmix_da.data.images import Images
from genmix_da.errors import UserError

logger = logging.getLogger(__name__)


def shared_images(first: Images, second: Images) -> list[tuple[Path, Path]]:
    """Pairs of images with the same bytes, one of each; only images that are used count."""
    held = {content: row for row, content in enumerate(first.contents)}
    both = [(held[each], row) for row, each in enumerate(second.contents) if each in held]
    return [(first.path(one), second.path(other)) for one, other in both]


def warn_of_shared(trained: Images, scored: Images, what: str, *, refuse: bool) -> int:
    """Say how many images are in both; returns the number of the scored ones.

    Args:
        trained, scored: two parts of the data.
        what: that the first ones are, for the message: "training images".
        refuse: make it an error.

    Raises:
        UserError: there are some, and `refuse`.
    """
    pairs = shared_images(trained, scored)
    if not pairs:
        return 0
    one, other = pairs[0]
    said = (
        f"duplicates: {len(pairs)} of the {len(scored.rows)} images of {scored.decoded.domain.name}"
        f" to score on are {what} as well, with the same bytes (e.g. {other} is {one})"
    )
    if refuse:
        raise UserError(f"{said}; remove them, or leave --refuse-duplicates out.")
    logger.warning("%s; the scores say too much", said)
    return len(pairs)
