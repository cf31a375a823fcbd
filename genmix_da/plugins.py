"""Parts that other packages bring: methods, editors, augmentations and loggers of their own.

A package names them as entry points of the groups `genmix_da.methods`, `genmix_da.editors`,
`genmix_da.augmentations` and `genmix_da.loggers`; docs/plugins.md says what each has to be. They
are imported when a name of their kind is first asked for.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from genmix_da.errors import UserError, said_by

logger = logging.getLogger(__name__)

KINDS = ("methods", "editors", "augmentations", "loggers")
Part = TypeVar("Part")
OTHERS = (Exception, SystemExit)  # what others' code may raise, and must not end all with
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")  # names are parts of file names, and typed


# Once: to read what every installed package offers takes tens of milliseconds.
_all_offered = cache(entry_points)


def offered(kind: str) -> list[EntryPoint]:
    """What the installed packages offer of a kind, one of KINDS, by name; nothing is imported."""
    found = _all_offered().select(group=f"genmix_da.{kind}")
    return sorted(found, key=lambda entry: (entry.name, entry.value))


@cache  # a table asks for every run
def packages() -> dict[str, str]:
    """Name -> version of every package that brings a part."""
    from_all = (entry.dist for kind in KINDS for entry in offered(kind))
    return {dist.name: dist.version for dist in from_all if dist is not None}


def package_of(entry: EntryPoint) -> str:
    """The package that brings a part."""
    return entry.dist.name if entry.dist is not None else entry.module


class Registry(MutableMapping[str, Part]):
    """Parts by name: this package's own, then those of others.

    A part that can't be had is named in a warning and left out.

    Args:
        kind: one of KINDS.
        own: this package's.
        accept: (name, what the entry point holds) -> the part; raises where it is none.
    """

    def __init__(
        self, kind: str, own: Mapping[str, Part], accept: Callable[[str, Any], Part]
    ) -> None:
        self._kind, self._accept = kind, accept
        self._parts = dict(own)
        self._plugged: dict[str, str] = {}
        self._whole = False

    @property
    def plugged(self) -> Mapping[str, str]:
        """Name -> package of the parts that others bring."""
        self._all()
        return self._plugged

    def _all(self) -> dict[str, Part]:
        if not self._whole:
            self._whole = True  # before: what is imported here may ask for names itself
            for entry in offered(self._kind):
                self._plug(entry)
        return self._parts

    def _plug(self, entry: EntryPoint) -> None:
        try:
            if not _NAME.fullmatch(entry.name):
                raise ValueError("a name is of small letters, digits, '.', '_' and '-'")
            if entry.name in self._parts:
                raise ValueError("there is one of this name already")
            self._parts[entry.name] = self._accept(entry.name, entry.load())
            self._plugged[entry.name] = package_of(entry)
        except OTHERS as error:  # what else there is must not suffer
            logger.warning(
                "%s: %r of the package %s is left out: %s",
                *(f"genmix_da.{self._kind}", entry.name, package_of(entry), said_by(error)),
            )

    @contextmanager
    def blamed(self, name: str) -> Iterator[None]:
        """While a part is made: what one of another package raises becomes a sentence naming both.

        Raises:
            UserError: the part's own, or in place of what else it raises.
        """
        try:
            yield
        except OTHERS as error:
            package = self.plugged.get(name)
            if package is None or isinstance(error, UserError):
                raise
            raise UserError(
                f"genmix_da.{self._kind}: {name!r} of the package {package} can't be made: "
                f"{said_by(error)}; mend it, or choose another."
            ) from error

    def __getitem__(self, name: str) -> Part:
        return self._all()[name]

    def __setitem__(self, name: str, part: Part) -> None:
        self._all()[name] = part

    def __delitem__(self, name: str) -> None:
        del self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())
