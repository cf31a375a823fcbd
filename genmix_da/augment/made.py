"""What was made of a source's edits, in counts: for the log and for result.json."""

from __future__ import annotations

import logging
from typing import Any

from genmix_da.augment.selection import Selection

logger = logging.getLogger(__name__)


def made_record(
    selection: Selection, folder: str | None, seconds: dict[str, float]
) -> dict[str, Any]:
    """Log what became of the edits; returns the counts that a result keeps."""
    _say(selection)
    return {
        "folder": folder,
        "stand_in": selection.stand_in,
        "features": selection.encoder,
        "threshold": selection.threshold,
        "made": selection.made,
        **{status: selection.count(status) for status in ("kept", "dropped", "failed")},
        "seconds": seconds,
    }


def _say(selection: Selection) -> None:
    logger.info(
        "GenMix[%s%s]: %d edits kept, %d dropped, %d failed",
        selection.editor,
        ", a stand-in for a generative editor" if selection.stand_in else "",
        *(selection.count(status) for status in ("kept", "dropped", "failed")),
    )
