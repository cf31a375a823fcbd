"""A target with another share of unknown images: a protocol to study rejection.

It needs the target's labels, so it changes the task that is scored; no method sees them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genmix_da.errors import UserError
from lead.seeds import derive


def rows_at_share(is_unknown: NDArray[np.bool_], share: float) -> NDArray[np.int64]:
    """Which images to keep, in order: all known ones and as many unknown ones as give the share.

    Where there are too few unknown images, all of them are kept and known ones are left out. The
    choice is the same for every method and seed.

    Args:
        is_unknown: [N].
        share: of the unknown images among those kept, in [0, 1).

    Raises:
        UserError: no image of the kind that is wanted.
    """
    known, unknown = np.flatnonzero(~is_unknown), np.flatnonzero(is_unknown)
    if (share > 0 and not len(unknown)) or not len(known):
        kind = "unknown" if len(known) else "known"
        raise UserError(f"--unknown-share {share:g}: the target has no {kind} image.")
    draw = np.random.default_rng(derive(0, "unknown share"))
    wanted = round(share / (1 - share) * len(known))
    if wanted <= len(unknown):
        unknown = draw.permutation(unknown)[:wanted]
    else:
        known = draw.permutation(known)[: max(1, round((1 - share) / share * len(unknown)))]
    return np.sort(np.concatenate([known, unknown]))
