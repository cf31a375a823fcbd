"""The digest of result.json: whether a record is still what the run wrote.

It shows accidents (half a copy, a hand-made correction, a merge), not forgery: who rewrites a
record can seal it again. Imports nothing heavy, because tables are read without torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

# Of result.json.
SCHEMA = 1


def digest_of(record: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of a record without its `digest`.

    Args:
        record: as read from JSON; see `seal` for others.

    Raises:
        ValueError: NaN or infinity, which JSON does not have.
    """
    content = {key: value for key, value in record.items() if key != "digest"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def seal(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as JSON gives it back (tuples are lists, keys text), with its `digest` at the end.

    Args:
        record: content of result.json; a digest it has already is replaced.

    Raises:
        ValueError: NaN or infinity.
    """
    content: dict[str, Any] = json.loads(json.dumps(dict(record), allow_nan=False))
    content.pop("digest", None)
    return {**content, "digest": digest_of(content)}
