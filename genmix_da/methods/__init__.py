"""Methods behind one small interface. Adding one is one file and one entry in METHODS.

Other packages bring theirs as entry points, see `genmix_da.plugins`.

Each can be trained on a source with GenMix's images beside it: "NAME+genmix".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from genmix_da.errors import check_name
from genmix_da.methods import (
    adabn,
    clip,
    cmu,
    dance,
    dcc,
    glc,
    lead,
    ovanet,
    shot,
    source_only,
    uniot,
)
from genmix_da.methods.base import SETTINGS, Method
from genmix_da.plugins import Registry

_MODULES = (source_only, adabn, ovanet, dance, uniot, dcc, cmu, shot, glc, lead, clip)


def _accepted(name: str, found: Any) -> Method:
    """A method of another package.

    Raises:
        TypeError, ValueError: it is none, or not what a table relies on.
    """
    if not isinstance(found, Method):
        raise TypeError(f"{type(found).__name__} is no genmix_da.methods.Method")
    if found.name != name:
        raise ValueError(f"its method is named {found.name!r}; the two names have to be the same")
    if "+" in name or found.augment != "none":
        raise ValueError("+genmix and +graph are added to a method's name, with augment 'none'")
    if (found.adapt is None) == (found.joint is None):
        raise ValueError("a method has one of adapt and joint")
    if not found.settings or not set(found.settings) <= set(SETTINGS):
        raise ValueError(f"its settings are not among {', '.join(SETTINGS)}")
    return found


METHODS: Registry[Method] = Registry(
    "methods",
    {method.name: method for module in _MODULES for method in module.METHODS},
    _accepted,
)

__all__ = [
    *("GRAPH", "METHODS", "TRAITS", "Method"),
    *("find_method", "graph_name", "has_graph", "method_of", "traits_of"),
]


GRAPH, GENMIX = "+graph", "+genmix"


def graph_name(name: str) -> str:
    """What a method with the graph step behind it is called, e.g. "lead+graph (frozen)".

    Args:
        name: of the method, also as tables print it, with a note in parentheses behind it.
    """
    method, bracket, note = name.partition(" (")
    return f"{method}{GRAPH}{bracket}{note}"


def has_graph(name: str) -> bool:
    """Whether a name is one of `graph_name`."""
    return name.partition(" (")[0].endswith(GRAPH)


TRAITS = ("SF", "CF")  # source-free, clustering-free: columns of tables


def traits_of(row: str) -> tuple[str, ...]:
    """The TRAITS of a table's row, own or printed, "yes" or "no"; "-" of methods not known here."""
    method = method_of(row)
    if method is None:
        return ("-", "-")
    return tuple("yes" if has else "no" for has in (method.source_free, method.clustering_free))


def method_of(row: str) -> Method | None:
    """The method of a row, e.g. "LEAD+GenMix" or "lead+genmix[filters]+graph (frozen)"."""
    name = row.partition(" (")[0].partition("[")[0].strip().lower()
    return METHODS.get(name.removesuffix(GRAPH).partition(GENMIX)[0])


def find_method(name: str) -> Method:
    """A method by name, also with "+genmix" behind it.

    Raises:
        UserError: there is none (the nearest is suggested).
    """
    method = METHODS.get(name.removesuffix(GENMIX))
    if method is None or (name.endswith(GENMIX) and not method.takes_genmix):
        trained = [known for known, one in METHODS.items() if one.takes_genmix]
        check_name("method", name, [*METHODS, *(f"{known}{GENMIX}" for known in trained)])
    assert method is not None
    return replace(method, name=name, augment="genmix") if name.endswith(GENMIX) else method
