"""The library that losses, heads and transforms come from, where it is installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from genmix_da.errors import UserError


def lightly(module: str) -> Any:
    """A module of lightly.

    Args:
        module: its name inside the package, e.g. "loss".

    Raises:
        UserError: lightly is not installed.
    """
    try:
        return import_module(f"lightly.{module}")
    except ImportError as error:
        raise UserError("ssl train needs lightly; run: pip install 'genmix-da[ssl]'.") from error
