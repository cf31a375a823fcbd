"""The graph step of one run: its decisions as charts, what the graph is in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genmix_da.reporting.evaluations import graph_evaluation
from genmix_da.reporting.figures import Chart
from genmix_da.reporting.openset import decision_charts, uncertainty_chart
from genmix_da.reporting.run import ReportRun
from genmix_da.tables.values import percent

# Rules of `lead.rejection` in words.
_RULES = {
    "otsu": "Otsu's rule",
    "root-otsu": "Otsu's rule on the square roots",
    "two-means": "the exact split into two groups",
}


def charts(run: ReportRun) -> list[Chart]:
    """Histogram of the smoothed uncertainty with its threshold; the confusion matrix."""
    found = graph_evaluation(run)
    if found is None:
        return []
    return [
        uncertainty_chart(f"{run.key}-graph-uncertainty", [found], run, "smoothed entropy"),
        *decision_charts(f"{run.key}-graph-confusion", found, run),
    ]


def facts(run: ReportRun) -> list[tuple[str, str]]:
    """(what, in words) on the graph, its settings, its threshold and its time."""
    graph: Mapping[str, Any] = run.content.get("graph") or {}
    if not graph:
        return []
    settings = (f"{name} {_value(value)}" for name, value in graph["settings"].items())
    found = [("graph", _graph(graph)), ("settings", ", ".join(settings))]
    if run.graph_limit is not None:
        rejection = graph["rejection"]
        found += [("threshold", _threshold(rejection)), ("rejected", _rejected(rejection))]
    views, step = graph["seconds"]["views"], graph["seconds"]["graph"]
    spent = f"{views:.1f} s for the views, {step:.1f} s for search and solution, over all epochs"
    return [*found, ("time", spent)]


def how_to_read(run: ReportRun) -> str:
    """Words over the rows of pictures."""
    words = (
        "A target image, then its neighbours, the heaviest edge first. Alone: what the network "
        "says of the image's plain view, and its uncertainty; +graph: the same, smoothed over the "
        "neighbours."
    )
    if run.limit is None or run.graph_limit is None:
        return words
    return (
        f"{words} Unknown is what lies above {run.limit.number:.3g} alone, above "
        f"{run.graph_limit.number:.3g} with the graph."
    )


def _value(value: Any) -> str:
    """As the option --graph-arg takes it."""
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def _graph(graph: Mapping[str, Any]) -> str:
    nodes, edges, isolated = (int(graph[name]) for name in ("nodes", "edges", "isolated"))
    return (
        f"{nodes:,} nodes (images whose features are equal are one), {edges:,} edges, "
        f"{2 * edges / max(nodes, 1):.1f} neighbours a node, "
        f"{f'{isolated:,} images' if isolated else 'no image'} isolated; {graph['search']} search"
    )


def _threshold(rejection: Mapping[str, Any]) -> str:
    rule, number = rejection["rule"], f"{rejection['threshold']:.3f}"
    if rule == "fixed":
        return f"{number}, as given"
    kind, _, floor = rule.partition(":")
    words = f"by the rule {rule}: {_RULES.get(kind, kind)}"
    if floor:
        decided = "decided" if rejection["floored"] else "did not decide"
        words = f"{words}, at least {floor}; that floor {decided}"
    share = rejection.get("share_threshold")
    if share is None:
        return f"{number}, {words}"
    return (
        f"{number}: as many images lie above it as above {share:.3f} where the uncertainty is "
        f"smoothed less (share_alpha), {words}. It is on the mean of both, in which the one that "
        f"is smoothed more weighs {rejection['far_weight']:.2f}"
    )


def _rejected(rejection: Mapping[str, Any]) -> str:
    words = f"{percent(rejection['rejected'])} % of the images"
    apart = rejection["separability"]
    if apart is None:
        return words
    return (
        f"{words}; separability {apart:.2f}, the share of the uncertainty's variance that lies "
        "between the two groups (a high one does not prove that there are unknown images)"
    )
