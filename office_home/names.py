"""Names of domains and classes as people write them, matched to the ones on disk."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence

_ALIASES = {
    "ar": "art",
    "cl": "clipart",
    "pr": "product",
    "re": "realworld",
    "rw": "realworld",
    "real": "realworld",
}
_SHORT = {"art": "Ar", "clipart": "Cl", "product": "Pr", "realworld": "Re"}


def key(name: str) -> str:
    """Lower-case letters and digits alone: "Real World", "Real_World", "RealWorld" are equal.

    Letters of any script count, composed or not: file systems store "é" in either way.
    """
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", name).lower())


def short_name(domain: str) -> str:
    """Ar, Cl, Pr, Re for Office-Home's domains; any other name as it is."""
    return _SHORT.get(key(domain), domain)


def match_domain(query: str, available: Sequence[str]) -> str:
    """The available domain that is meant, whatever its case.

    Tried in turn: the name itself, an alias (Ar, Cl, Pr, Re, Rw), a unique beginning.

    Args:
        query: what the user typed.
        available: names on disk.

    Raises:
        LookupError: none or several fit; the sentence names the nearest and all available ones.
    """
    if query in available:
        return query
    wanted = key(query)
    by_key = {key(name): name for name in available}
    alias = _ALIASES.get(wanted, wanted)
    if wanted in by_key:
        return by_key[wanted]
    if alias in by_key:
        return by_key[alias]
    begins = [name for found, name in by_key.items() if wanted and found.startswith(wanted)]
    if len(begins) == 1:
        return begins[0]
    listed = ", ".join(sorted(available)) or "none"
    if begins:
        raise LookupError(f"domain {query!r} may be {' or '.join(sorted(begins))}; name one fully")
    close = difflib.get_close_matches(wanted, list(by_key), n=1, cutoff=0.5)
    there = f"did you mean {by_key[close[0]]!r}? There" if close else "there"
    raise LookupError(f"no domain {query!r}; {there} are: {listed}")
