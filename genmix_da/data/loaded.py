"""Domains that were looked at before: a table of many pairs lists and looks up each once."""

from __future__ import annotations

from pathlib import Path

from genmix_da.data.decode import DecodedDomain, decode_domain
from genmix_da.data.domain import Domain
from genmix_da.data.domains import load_domain


class Loaded:
    """Domains and their decoded images, to be kept for no longer than a plan is made."""

    def __init__(self) -> None:
        self._domains: dict[tuple[Path, str, str | None, str], Domain] = {}
        self._decoded: dict[tuple[object, ...], DecodedDomain] = {}

    def domain(self, root: Path, name: str, part: str | None, grey: str) -> Domain:
        """See `load_domain` and `Domain.with_grey`."""
        key = (root, name, part, grey)
        if key not in self._domains:
            self._domains[key] = load_domain(root, name, part=part).with_grey(grey)
        return self._domains[key]

    def decoded(self, domain: Domain, side: int, interpolation: str) -> DecodedDomain:
        """See `decode_domain`; `domain` is one of `domain`, its classes under any names."""
        key = (domain.images, domain.labels, domain.grey.choice, side, interpolation)
        if key not in self._decoded:
            self._decoded[key] = decode_domain(domain, side, interpolation)
        return self._decoded[key]
