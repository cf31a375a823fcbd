"""Which pairs of domains and settings a table has, from what was typed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from genmix_da.data.parts import part_name
from genmix_da.errors import UserError, check_name, or_did_you_mean
from genmix_da.methods.base import SETTINGS
from genmix_da.tables.request import listed
from office_home.names import match_domain, short_name


def parse_pairs(text: str, domains: Sequence[str]) -> list[tuple[str, str]]:
    """(source, target) names as on disk.

    Args:
        text: "all", or e.g. "Ar2Cl,Pr2Re"; domains as `match_domain` takes them.
        domains: names on disk.

    Raises:
        UserError: fewer than two domains, an unknown domain, a pair of one domain with itself, one
            that is named twice, or all pairs of what are parts by their names (VisDA-C).
    """
    if len(domains) < 2:
        raise UserError(f"a table needs two domains or more; there is {', '.join(domains)} alone.")
    if text.strip().lower() == "all":
        if all(map(part_name, domains)):
            raise UserError(
                f"{' and '.join(domains)} are parts of one data set by their names; where they are "
                f"domains, name the pairs: --pairs {pair_name(*domains[:2])}."
            )
        return list(permutations(domains, 2))
    pairs: list[tuple[str, str]] = []
    for part in listed(text, "--pairs"):
        pair = _pair(part, domains)
        if pair in pairs:
            raise UserError(f"--pairs names {pair_name(*pair)} twice.")
        pairs.append(pair)
    return pairs


def pair_name(source: str, target: str) -> str:
    """E.g. "Ar2Cl"; domains without a short name keep their own."""
    return f"{short_name(source)}2{short_name(target)}"


def _pair(text: str, domains: Sequence[str]) -> tuple[str, str]:
    problem = f"--pairs: {text!r} is not SOURCE2TARGET, e.g. {pair_name(*domains[:2])}"
    # A domain's own name may hold a 2: every cut is tried.
    for cut in [place for place, letter in enumerate(text) if letter == "2"]:
        try:
            pair = match_domain(text[:cut], domains), match_domain(text[cut + 1 :], domains)
        except LookupError as error:
            problem = f"--pairs: {text!r}: {error}"
            continue
        if pair[0] == pair[1]:
            raise UserError(f"--pairs: {text!r} has {pair[0]} as source and target.")
        return pair
    names = [pair_name(*pair) for pair in permutations(domains, 2)]
    raise UserError(problem.rstrip(".?") + or_did_you_mean(text, names, "."))


def parse_settings(text: str) -> list[str]:
    """Settings in the order given.

    Raises:
        UserError: an unknown one (the nearest is suggested), or one named twice.
    """
    found: list[str] = []
    for name in listed(text.lower(), "--setting"):
        check_name("setting", name, SETTINGS)
        if name in found:
            raise UserError(f"--setting names {name} twice.")
        found.append(name)
    return found


def parse_splits(text: str | None, settings: Sequence[str]) -> dict[str, str | None]:
    """Setting -> --split of its runs.

    Args:
        text: "S/P/T" or a file for one setting, "opda=4/2/4,osda=5/0/5" for several, or None.
        settings: of the table.

    Raises:
        UserError: one split for several settings, or a setting without one.
    """
    if text is None:
        return dict.fromkeys(settings)
    if "=" not in text:
        if len(settings) > 1:
            example = ",".join(f"{name}=S/P/T" for name in settings)
            raise UserError(f"--split {text} fits one setting; give --split {example}.")
        return {settings[0]: text}
    given = dict(part.split("=", 1) for part in listed(text, "--split") if "=" in part)
    for name in settings:
        if name not in given:
            raise UserError(f"--split names no split for {name}; add {name}=S/P/T.")
    return {name: given[name] for name in settings}
