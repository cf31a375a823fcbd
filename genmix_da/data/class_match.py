"""The classes of several domains side by side: which are one class, and which only some have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, permutations

from genmix_da.data.domain import Domain, in_order
from genmix_da.data.spelling import Spelling, nearly_alike


@dataclass(frozen=True)
class Private:
    """Classes of one domain that another lacks.

    Attributes:
        domain, other: names of the two.
        classes: as the first domain spells them.
    """

    domain: str
    other: str
    classes: tuple[str, ...]


@dataclass(frozen=True)
class ClassMatch:
    """The classes of domains that have classes.

    Attributes:
        names: all classes, each under the spelling of the first domain that has it.
        everywhere: number of classes that every domain has.
        spelt: class -> domain -> spelling, of classes that are not spelt alike.
        missing: class -> domains that lack it.
        private: of every two domains of which one lacks a class of the other.
        alike: (domain, class, domain, class) of private classes that may be one misspelt.
    """

    names: tuple[str, ...]
    everywhere: int
    spelt: Mapping[str, Mapping[str, str]]
    missing: Mapping[str, tuple[str, ...]]
    private: tuple[Private, ...]
    alike: tuple[tuple[str, str, str, str], ...]


def match_classes(domains: Iterable[Domain]) -> ClassMatch:
    """Compare the classes of domains by the rules of `spelling`.

    Args:
        domains: those without classes are passed over.
    """
    labelled = [domain for domain in domains if domain.labels is not None]
    spelling = Spelling(())
    own = {
        domain.name: {spelling.name(name): name for name in domain.classes} for domain in labelled
    }
    names = in_order({name for classes in own.values() for name in classes})
    spelt = {name: {d: c[name] for d, c in own.items() if name in c} for name in names}
    missing = {name: tuple(d for d in own if d not in spelt[name]) for name in names}
    lacking = {
        (one, other): [own[one][name] for name in names if name in own[one].keys() - own[other]]
        for one, other in permutations(own, 2)
    }
    return ClassMatch(
        names,
        sum(not domains for domains in missing.values()),
        {name: as_is for name, as_is in spelt.items() if len(set(as_is.values())) > 1},
        {name: domains for name, domains in missing.items() if domains},
        tuple(Private(*pair, tuple(classes)) for pair, classes in lacking.items() if classes),
        tuple(
            (one, name, other, like)
            for one, other in combinations(own, 2)
            for name, like in nearly_alike(lacking[one, other], lacking[other, one])
            if _digits(name) == _digits(like)
        ),
    )


def _digits(name: str) -> str:
    """Names of other numbers are of other classes."""
    return re.sub(r"\D", "", name)
