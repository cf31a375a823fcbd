"""One feature an image, of its centre crop, kept by the contents of its file.

What is known of a file's contents need not be decoded again, and the same bytes are encoded once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from genmix_da.errors import UserError
from genmix_da.frozen.encoder import FrozenEncoder
from genmix_da.frozen.store import FeatureStore
from genmix_da.places import cache_folder
from genmix_da.progress import track
from lead.views import prefetch

_CUDA_GROUP = 32  # images a batch; on the CPU one is as fast, and hangs on no other


def centre_features(
    encoder: FrozenEncoder,
    digests: Sequence[str],
    read: Callable[[int], NDArray[np.uint8]],
    version: int,
) -> NDArray[np.float32]:
    """Features [N, F], from the store or computed now.

    Args:
        encoder: the frozen backbone.
        digests: [N] SHA-256 of the files.
        read: row -> decoded image [R, R, 3], R = resize_size of the encoder's preprocessing.
        version: of the pixels that a file gives.

    Raises:
        UserError: the backbone gives values that are not finite, or nothing but zeros.
    """
    size = encoder.preprocessing.image_size
    corner = round((encoder.preprocessing.resize_size - size) / 2)
    window = slice(corner, corner + size)
    identity = f"{encoder.identity}/centre of files, pixels {version}"
    store = FeatureStore(cache_folder() / "features", identity, (1, encoder.feature_dim))
    # Of a picture the store hashes the pixels; here the hash of the file stands for them.
    keys = [store.key(np.frombuffer(bytes.fromhex(digest), np.uint8)) for digest in digests]
    first = {key: row for row, key in reversed(list(enumerate(keys)))}
    missing = [key for key, row in zip(first, store.find(list(first)), strict=True) if row < 0]
    together = _CUDA_GROUP if encoder.device.type == "cuda" else 1
    groups = [missing[start : start + together] for start in range(0, len(missing), together)]

    def views(group: list[bytes]) -> NDArray[np.uint8]:
        return np.stack([read(first[key])[window, window] for key in group])

    loaded = zip(groups, prefetch(groups, views), strict=True)
    for group, batch in track(loaded, "encoding", len(groups)):
        made = encoder.encode(batch)
        if not (np.isfinite(made).all() and made.any(axis=1).all()):
            raise UserError(
                f"the backbone {encoder.choice.name} gives features that are zero or not "
                "finite; choose another --backbone or --weights."
            )
        store.add(group, made[:, np.newaxis])
    return np.array(store.table.array()[store.expect(keys), 0])
