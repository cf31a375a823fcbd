"""What each part of the graph step is worth: finished runs, the step made again in other ways.

Nothing is trained: every variant starts from a run's kept checkpoint. Only its last epoch is there,
so the figures are of `last`. The variant "best threshold" chooses by TARGET LABELS and bounds what
any rule could reach.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genmix_da.adaptation.config import AdaptConfig, build_config
from genmix_da.adaptation.graph_step import graph_config, settle
from genmix_da.adaptation.networks import load_adapted
from genmix_da.adaptation.results import score_predictions
from genmix_da.adaptation.task import Task, prepare
from genmix_da.errors import UserError
from genmix_da.methods import graph_name
from genmix_da.progress import track
from genmix_da.runs.folder import CHECKPOINT
from genmix_da.stores.copies import fetch
from genmix_da.tables.records import Record, read_records
from lead.checkpoint import load_checkpoint
from lead.errors import LeadError
from lead.evaluation import Evaluation, Observation, evaluate, observe
from lead.graph import GraphConfig, TargetGraph
from lead.rejection import AUTO
from lead.scores import headline, normalised_entropy

logger = logging.getLogger(__name__)

BEST = "best"  # in place of a rule: the threshold with the best score, by target labels
RAW, EMBEDDING = "raw", "embedding"
ENTROPY, PROBABILITY = "entropy", "probability"
_CANDIDATES = 99
_ALPHAS = ("alpha", "uncertainty_alpha", "share_alpha")


@dataclass(frozen=True)
class Variant:
    """One way to make the step.

    Attributes:
        name: as tables print it.
        graph: fields of GraphConfig in which it differs from the default.
        views: "six" or "one"; None: the run's own.
        features: "raw" of the backbone, or the network's own "embedding".
        score: what the uncertainty is made of: the "entropy", smoothed, or the entropy of the
            smoothed "probability".
        rule: of the threshold; None: the run's own.
    """

    name: str
    graph: dict[str, Any] = field(default_factory=dict)
    views: str | None = None
    features: str = RAW
    score: str = ENTROPY
    rule: float | str | None = None


VARIANTS = (
    Variant("default"),
    *(Variant(f"k {k}", {"neighbours": k}) for k in (5, 20)),
    *(Variant(f"alpha {a}", dict.fromkeys(_ALPHAS, a)) for a in (0.5, 0.8, 0.9, 0.95)),
    Variant("alpha 0: no graph", dict.fromkeys(_ALPHAS, 0.0)),
    *(Variant(f"uncertainty_alpha {a}", {"uncertainty_alpha": a}) for a in (0.8, 0.95)),
    *(Variant(f"share_alpha {a}", {"share_alpha": a}) for a in (0.8, 0.9)),
    *(Variant(f"power {p:g}", {"power": p}) for p in (1.0, 8.0)),
    Variant("not centred", {"centred": False}),
    Variant("six views", views="six"),
    Variant("one view", views="one"),
    Variant("adapted embedding", features=EMBEDDING),
    Variant("entropy of smoothed probability", score=PROBABILITY),
    *(Variant(f"threshold {rule}", rule=rule) for rule in (0.55, "otsu", "root-otsu", "two-means")),
    Variant("threshold otsu, share_alpha 0.9", {"share_alpha": 0.9}, rule="otsu"),
    Variant("best threshold (TARGET LABELS)", rule=BEST),
)


@dataclass(frozen=True)
class Figure:
    """One variant on one run.

    Attributes:
        setting, source, target, method, seed: of the run.
        variant: its name.
        headline: the setting's score, a fraction.
        auroc: None in PDA.
        threshold: None where nothing is rejected.
    """

    setting: str
    source: str
    target: str
    method: str
    seed: int
    variant: str
    headline: float | None
    auroc: float | None
    threshold: float | None


def ablate(folders: Sequence[Path], variants: Sequence[Variant] = VARIANTS) -> Iterator[Figure]:
    """Every variant on every finished adaptation below some folders.

    Raises:
        UserError: no finished adaptation with labels.
    """
    records: dict[str, Record] = {}
    for folder in folders:
        for record in read_records(folder)[0]:
            if record.status == "done" and "target_unknown" in (record.content["images"] or {}):
                first = records.setdefault(record.identity, record)
                if first.path.resolve() != record.path.resolve():
                    logger.warning("%s is the run %s again, left out", record.path, first.path)
    used = [r for r in records.values() if r.content["images"]["target_unknown"] is not None]
    if not used:
        listed = ", ".join(map(str, folders))
        raise UserError(f"no finished adaptation with target labels below {listed}.")
    kinds = {json.dumps([_settings_of(record), _rule_of(record)]) for record in used}
    if len(kinds) > 1:
        logger.warning(
            "the step of these runs has %d kinds of settings: means mix them", len(kinds)
        )
    for record in track(used, "graph variants", len(used)):
        yield from _figures(record, variants)


def _figures(record: Record, variants: Sequence[Variant]) -> Iterator[Figure]:
    given = record.content["provenance"]["config"]
    known = {item.name for item in dataclasses.fields(AdaptConfig)} - {"graph_options"}
    run = fetch(record.path.parent, leave=(".pt",))
    try:
        values = {key: given[key] for key in given if key in known}
        task = prepare(build_config(values | {"graph_options": _settings_of(record)}))
        network = load_adapted(task, load_checkpoint(run / CHECKPOINT)[0])
    except (UserError, LeadError) as error:
        raise UserError(f"the run {run} cannot be used: {error}") from error
    views = task.target_views()
    evaluation = evaluate(network, views)
    own = task.config.graph_settings()
    rule = _rule_of(record)
    seen: dict[str, Observation] = {}
    for variant in variants:
        look = variant.views or own.views
        if look not in seen:
            seen[look] = observe(network, views, all_views=look == "six")
        config = dataclasses.replace(graph_config(own), **variant.graph)
        judged = variant if variant.rule is not None else dataclasses.replace(variant, rule=rule)
        yield _figure(record, task, judged, config, seen[look], evaluation)


def _settings_of(record: Record) -> dict[str, Any]:
    """Those of the step that a run has now: it may have been made again since."""
    return dict((record.content.get("graph") or {}).get("settings", {}))


def _rule_of(record: Record) -> float | str:
    """The rule that the step of a run has; `auto` where it has no step."""
    graph = record.content.get("graph")
    if not graph:
        return AUTO
    return float(graph["threshold"]) if graph["rule"] == "fixed" else str(graph["rule"])


def _figure(
    record: Record,
    task: Task,
    variant: Variant,
    config: GraphConfig,
    seen: Observation,
    evaluation: Evaluation,
) -> Figure:
    features = seen.features if variant.features == RAW else evaluation.features.cpu()
    graph = TargetGraph(features.numpy(), config, task.device)
    smoothed = graph.smooth(seen.probability, seen.own_uncertainty)
    if variant.score == PROBABILITY:
        again = normalised_entropy(smoothed.probability)
        smoothed = dataclasses.replace(smoothed, uncertainty=again, share_uncertainty=again)
    assert variant.rule is not None
    smoothed, rejection = settle(smoothed, AUTO if variant.rule == BEST else variant.rule)
    uncertainty = smoothed.uncertainty
    thresholds = _candidates(uncertainty) if variant.rule == BEST else [rejection.threshold]
    open_set = task.label_sets.open_set
    blocks = [
        (score_predictions(task, smoothed.probability, 0, limit, uncertainty=uncertainty), limit)
        for limit in thresholds
    ]
    block, limit = max(blocks, key=lambda item: headline(item[0], open_set) or 0.0)
    content = record.content
    return Figure(
        content["setting"],
        content["source"],
        content["target"],
        graph_name(content["method"]),
        content["seed"],
        variant.name,
        headline(block, open_set),
        block["auroc"],
        limit if open_set else None,
    )


def _candidates(uncertainty: torch.Tensor) -> list[float]:
    quantiles = np.linspace(0.01, 0.99, _CANDIDATES)
    return [float(value) for value in np.quantile(uncertainty.numpy(), quantiles)]


def means(figures: Sequence[Figure]) -> dict[str, dict[str, dict[str, dict[str, float | None]]]]:
    """Setting -> variant -> method -> mean headline and AUROC over all its runs."""
    groups: dict[tuple[str, str, str], list[Figure]] = {}
    for figure in figures:
        groups.setdefault((figure.setting, figure.variant, figure.method), []).append(figure)
    found: dict[str, dict[str, dict[str, dict[str, float | None]]]] = {}
    for (setting, variant, method), group in groups.items():
        cell = {name: _mean([getattr(f, name) for f in group]) for name in ("headline", "auroc")}
        found.setdefault(setting, {}).setdefault(variant, {})[method] = cell
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return statistics.fmean(numbers) if numbers and len(numbers) == len(values) else None
