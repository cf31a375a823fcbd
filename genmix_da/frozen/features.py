"""Features of decoded images, from the store or computed now.

On the CPU the six views of one image are one batch, always: how many others are missing changes no
bit of a feature, and a resumed run ends with the same numbers. On CUDA several images share a batch
for speed, so that the last bits of a feature may hang on what was encoded beside it.
"""

from __future__ import annotations

import logging
import time

import numpy as np
from numpy.typing import NDArray

from genmix_da.frozen.encoder import FrozenEncoder
from genmix_da.frozen.store import FeatureStore
from genmix_da.places import cache_folder
from genmix_da.progress import track
from lead.crops import VIEW_COUNT, VIEW_SET, six_views
from lead.errors import DivergedError
from lead.views import prefetch

_CUDA_GROUP = 32  # images a batch

logger = logging.getLogger(__name__)


def features_of(
    encoder: FrozenEncoder, pixels: NDArray[np.uint8], rows: NDArray[np.int64], name: str
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features of the rows of decoded images.

    Args:
        encoder: the frozen backbone.
        pixels: [M, R, R, 3] decoded images, R = resize_size of the encoder's preprocessing.
        rows: [N] which of them.
        name: of the images, for messages.

    Returns:
        The store's features [K, V, F], memory-mapped, and which of them [N] are the images'.

    Raises:
        DivergedError: the backbone gives values that are not finite.
        UserError: the store was emptied meanwhile, or cannot be locked.
    """
    started = time.perf_counter()
    shape = (VIEW_COUNT, encoder.feature_dim)
    identity = f"{encoder.identity}/{VIEW_SET}"
    store = FeatureStore(cache_folder() / "features", identity, shape)
    keys = [store.key(pixels[row]) for row in rows]
    found = store.find(keys)
    missing = np.flatnonzero(found < 0).tolist()
    group = _CUDA_GROUP if encoder.device.type == "cuda" else 1
    groups = [missing[start : start + group] for start in range(0, len(missing), group)]
    size = encoder.preprocessing.image_size

    def views(places: list[int]) -> NDArray[np.uint8]:
        return np.concatenate([six_views(pixels[rows[place]], size) for place in places])

    if missing:
        logger.info("encoding %d of %d images of %s", len(missing), len(rows), name)
    loaded = zip(groups, prefetch(groups, views), strict=True)
    for places, batch in track(loaded, f"encoding {name}", len(groups)):
        made = encoder.encode(batch).reshape(len(places), *shape)
        if not np.isfinite(made).all():
            raise DivergedError(
                f"the backbone {encoder.choice.name} gives features of {name} that are not finite; "
                "use --no-mixed-precision, or other weights"
            )
        store.add([keys[place] for place in places], made)
    if missing:
        found = store.expect(keys)
    encoder.seconds += time.perf_counter() - started
    return store.table.array(), found
