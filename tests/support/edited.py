"""Descriptions of checkpoints, to be changed by a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def described(file: Path) -> dict[str, Any]:
    """What a .json beside tensors says, as of a version that had no digest of it."""
    about: dict[str, Any] = json.loads(file.read_text())
    about.pop("description_sha256")
    return about
