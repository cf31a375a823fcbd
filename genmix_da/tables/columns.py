"""Short names of domains, and of pairs as columns."""

from __future__ import annotations

from collections.abc import Iterable

from office_home.names import key, short_name

AVERAGE = "Avg"


def short_domains(domains: Iterable[str]) -> dict[str, str]:
    """Domain -> name in a column head.

    Office-Home's have fixed ones (Ar, Cl, Pr, Re); of others the shortest beginning that no other
    of these domains has, which is also how `match_domain` lets them be typed. A target that is a
    folder goes by the folder's own name.
    """
    names = {domain: short_name(domain) for domain in sorted(set(domains))}
    for domain, name in names.items():
        if name == domain:
            names[domain] = domain.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or domain
    full = dict(names)
    for domain, name in full.items():
        if short_name(domain) != domain:
            continue
        others = [other.lower() for place, other in full.items() if place != domain]
        if name.lower() in others:  # folders of one name in different places
            names[domain] = domain
            continue
        for length in range(1, len(name)):
            if not any(other.startswith(name[:length].lower()) for other in others):
                names[domain] = name[:length]
                break
    return names


def pair_column(source: str, target: str, short: dict[str, str]) -> str:
    """E.g. "Ar2Cl"."""
    return f"{short[source]}2{short[target]}"


def same_domain(one: str, other: str) -> bool:
    """Whether two names, short or long, mean one domain."""
    return key(short_name(one)) == key(short_name(other))
