"""One run in detail: its sections of charts, pictures and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genmix_da.adaptation.evidence import BOUNDARIES, EVALUATIONS, GRAPH
from genmix_da.reporting import (
    boundary,
    classification,
    curves,
    graph,
    maps,
    openset,
    pretraining,
    probes,
    words,
)
from genmix_da.reporting.evaluations import evaluations
from genmix_da.reporting.figures import Chart
from genmix_da.reporting.neighbours import Explained, Looked, explain_decisions
from genmix_da.reporting.run import ReportRun
from genmix_da.reporting.unlabelled import unlabelled_view
from genmix_da.tables.grids import Grid

if TYPE_CHECKING:
    from genmix_da.reporting.gradcam import CamRow


@dataclass(frozen=True)
class Section:
    """Charts under a heading.

    Attributes:
        title: of the heading.
        charts: to draw.
        note: words where something is missing.
        facts: (what, in words).
        decisions: rows of pictures.
        reading: how to read them.
        pictures: (heading, images) of the target.
        grids: tables.
    """

    title: str
    charts: list[Chart]
    note: str = ""
    facts: Sequence[tuple[str, str]] = ()
    decisions: Sequence[Explained] = ()
    reading: str = ""
    pictures: Sequence[tuple[str, Sequence[Looked]]] = ()
    grids: Sequence[Grid] = ()


@dataclass(frozen=True)
class RunPart:
    """One run in detail.

    Attributes:
        run: the run.
        cards: its scores.
        sections: charts.
        cams: rows of Grad-CAM pictures.
        cam_note: words on them.
        note: words beside the cards.
    """

    run: ReportRun
    cards: list[words.Card]
    sections: list[Section]
    cams: Sequence[CamRow]
    cam_note: str
    note: str = ""


def part_of(run: ReportRun) -> RunPart:
    """Everything that a page shows of one run, but for its record."""
    if run.pretrains:
        return _pretraining_part(run)
    if not run.kind.pairs:
        sections = [
            Section("Learning curves", classification.training_charts(run), _curves_note(run)),
            Section("Decisions", classification.decision_charts(run)),
        ]
        return RunPart(run, words.cards(run), sections, (), "")
    learning = Section("Learning curves", curves.run_charts(run), _curves_note(run))
    if words.labels_missing(run):  # the decisions are all there is to see of the result
        sections = [_unlabelled_section(run), learning]
    else:
        decided = Section("Known against unknown", openset.charts(run), _openset_note(run))
        sections = [learning, decided]
    if run.content.get("graph"):
        sections.append(_graph_section(run))
    if run.adapts:
        sections += _own_view(run)
    sections.append(Section("Map of target features", maps.charts(run), _map_note(run)))
    return RunPart(run, words.cards(run), sections, *_cams(run))


def _pretraining_part(run: ReportRun) -> RunPart:
    """What was run, what probes found, and the curves."""
    own = () if run.is_pretraining else probes.table_facts(run)
    sections = [Section("What was run", [], facts=[*pretraining.facts(run), *own])]
    sections += [
        Section(
            f"Probe on {probes.title(run, found)}",
            [],
            facts=probes.facts(found),
            grids=[probes.grid(found)],
        )
        for found in run.probes
    ]
    sections.append(Section("Learning curves", pretraining.charts(run), _curves_note(run)))
    told = (pretraining.collapse_note(run), probes.note(run))
    return RunPart(run, probes.cards(run), sections, (), "", " ".join(filter(None, told)))


def _own_view(run: ReportRun) -> list[Section]:
    """What the method looked at while it adapted; of others than LEAD the search for C_t alone."""
    charts = boundary.charts(run)
    if run.is_lead:
        return [Section("LEAD's own view", charts, _evidence_note(run, BOUNDARIES))]
    return [Section("The number of target clusters", charts)] if charts else []


def _unlabelled_section(run: ReportRun) -> Section:
    """What was decided of a target that nobody can score."""
    view = unlabelled_view(run)
    return Section(
        "The target, which has no labels",
        [*openset.charts(run), *view.charts],
        " ".join(filter(None, (_openset_note(run), view.note))),
        view.facts,
        pictures=view.pictures,
    )


def _graph_section(run: ReportRun) -> Section:
    """What the graph step made of the last epoch."""
    notes, rows = [_evidence_note(run, (GRAPH,))], list[Explained]()
    if GRAPH in run.evidence:
        rows, note = explain_decisions(run.folder, run.content, run.evidence[GRAPH])
        notes.append(note)
    return Section(
        "Known against unknown, over the target's neighbours",
        graph.charts(run),
        " ".join(filter(None, notes)),
        graph.facts(run),
        rows,
        graph.how_to_read(run),
    )


def _cams(run: ReportRun) -> tuple[Sequence[CamRow], str]:
    """Rows of Grad-CAM pictures, and words on them."""
    from genmix_da.reporting.gradcam import grad_cam_rows

    if not run.done:
        return (), "The run has not finished, so there is no adapted model."
    cams = grad_cam_rows(run.folder, run.content)
    return cams.rows, cams.note


def _curves_note(run: ReportRun) -> str:
    if run.notes["curves"] and not run.done and not run.metrics:
        return "Not there yet: no epoch has finished."
    return run.notes["curves"]


def _evidence_note(run: ReportRun, names: Sequence[str]) -> str:
    """Words on files of the evidence that are wanted and not there, or damaged."""
    missing = [name for name in names if name not in run.evidence]
    if not missing:
        return ""
    if not run.done and not run.notes["evidence"]:
        return "Not complete: the run has not come that far."
    refused = run.notes["evidence"]
    absent = [f"{name}.npz" for name in missing if f"{name}.npz" not in refused]
    gone = (
        f"{' and '.join(absent)} not found in the run's evidence folder (an earlier version wrote "
        "none): run it again to see this."
        if absent
        else ""
    )
    return " ".join(filter(None, (refused, gone)))


def _openset_note(run: ReportRun) -> str:
    names = EVALUATIONS[:1] if run.is_source else EVALUATIONS
    note = _evidence_note(run, names)
    unknown = len(run.class_names) - 1
    for each in evaluations(run):
        none = each.labelled and not (each.arrays["label"] == unknown).any()
        if none and run.setting != "pda":
            return f"{note} There is no unknown image, so ROC and OSCR are not defined.".strip()
    return note


def _map_note(run: ReportRun) -> str:
    names = EVALUATIONS[:1] if run.is_source else EVALUATIONS
    alike = [each.title for each in evaluations(run) if not maps.has_map(each.arrays)]
    words = f"No map ({', '.join(alike)}): the features are all alike, or too few."
    return " ".join(filter(None, (_evidence_note(run, names), words if alike else "")))
