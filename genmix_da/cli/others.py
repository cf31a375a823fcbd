"""Help texts that name what other packages bring."""

from __future__ import annotations


def and_others(kind: str) -> str:
    """For the end of a help text: the names of a kind of `genmix_da.plugins`; "" without any."""
    from genmix_da.plugins import offered

    names = ", ".join(entry.name for entry in offered(kind))
    return f" Of other packages: {names}." if names else ""
