"""Class names as people spell them: one class in two domains has one name.

"Alarm_Clock", "alarm clock" and "ALARM-CLOCK" are one class, and so are "é" composed and not, as
file systems store it. Other differences are differences: "TV" is "television" where the split file
says so (`names:`), and names that are nearly alike are pointed out.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import unicodedata
from collections.abc import Iterable, Mapping

from genmix_da.data.domain import Domain
from genmix_da.errors import UserError, nearest_name

logger = logging.getLogger(__name__)

_NEARLY = 0.85  # twice the letters in common by the letters of both


def class_key(name: str) -> str:
    """What spellings of one class name have in common: no case, composition, space, _ or -."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    if folded.isascii() and folded.isdigit():
        return folded.lstrip("0") or "0"  # widths differ between lists of 10 and of 100 classes
    return re.sub(r"[\s_-]", "", folded) or folded


def refuse_like_classes(domain: Domain) -> None:
    """Two classes of one domain that differ in spelling alone can't be told apart in another.

    Raises:
        UserError: there are two.
    """
    seen: dict[str, str] = {}
    for name in domain.classes:
        other = seen.setdefault(class_key(name), name)
        if other != name:
            raise UserError(
                f"{domain.folder} has the classes {other!r} and {name!r}, which differ in spelling "
                "alone; join them, or rename one."
            )


class Spelling:
    """The one name that every spelling of a class is given.

    Args:
        classes: the names to use, those of the source.
        joined: further names, name -> name, from the split file; either side may be in `classes`.
    """

    def __init__(self, classes: Iterable[str], joined: Mapping[str, str] | None = None) -> None:
        self._names: dict[str, str] = {}
        for name in classes:
            self._names.setdefault(class_key(name), name)
        for one, other in (joined or {}).items():
            known = self._names.get(class_key(one)) or self._names.get(class_key(other), other)
            self._names[class_key(one)] = self._names[class_key(other)] = known

    def name(self, name: str) -> str:
        """The name to use; of a class that is new, its own, from now on."""
        return self._names.setdefault(class_key(name), name)

    def applied(self, domain: Domain) -> Domain:
        """The domain with its classes under these names, in the order in which they are there.

        Raises:
            UserError: two classes of the domain come to one name.
        """
        if domain.labels is None:
            return domain
        names = {name: self.name(name) for name in domain.classes}
        taken: dict[str, str] = {}
        for own, name in names.items():
            if name in taken:
                raise UserError(
                    f"{domain.folder} has the classes {taken[name]!r} and {own!r}, which are one "
                    "class elsewhere; join them, or rename one."
                )
            taken[name] = own
        others = [f"{own!r} is {name!r}" for own, name in names.items() if own != name]
        if others:
            more = f" and {len(others) - 3} more" if len(others) > 3 else ""
            logger.info("classes of %s: %s%s", domain.name, ", ".join(others[:3]), more)
        return dataclasses.replace(
            domain,
            labels=tuple(names[label] for label in domain.labels),
            classes=tuple(names[name] for name in domain.classes),
        )


def nearly_alike(some: Iterable[str], others: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of names that may be one class misspelt: "headphone" and "headphones".

    Args:
        some, others: classes that only one domain has each.
    """
    known = {class_key(name): name for name in others}
    words = [word for word in known if not word.isdigit()]
    near = ((name, nearest_name(class_key(name), words, _NEARLY)) for name in some)
    return [(name, known[word]) for name, word in near if word is not None]
