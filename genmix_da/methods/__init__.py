"""Methods behind one small interface. Adding one is one file and one entry in METHODS."""

from __future__ import annotations

from genmix_da.errors import check_name
from genmix_da.methods import adabn, dance, glc, lead, lead_genmix, ovanet, shot, source_only, uniot
from genmix_da.methods.base import Method

METHODS: dict[str, Method] = {
    method.name: method
    for module in (source_only, adabn, ovanet, dance, uniot, shot, glc, lead, lead_genmix)
    for method in module.METHODS
}

__all__ = ["GRAPH", "METHODS", "Method", "find_method", "graph_name", "has_graph"]


GRAPH = "+graph"


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


def find_method(name: str) -> Method:
    """A method by name.

    Raises:
        UserError: there is none (the nearest is suggested).
    """
    check_name("method", name, METHODS)
    return METHODS[name]
