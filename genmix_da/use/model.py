"""A checkpoint made ready to use: the network, its classes and inputs, its thresholds and graph."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

import numpy as np
import torch
from torch import nn

from genmix_da.adaptation.config import check_threshold
from genmix_da.adaptation.graph_step import ordered, settle
from genmix_da.adaptation.predictions import Decisions, own_decisions
from genmix_da.config_values import AUTO, check_grey_range
from genmix_da.data.decode import DecodedDomain, decode_domain, log_skipped
from genmix_da.data.domain import Domain
from genmix_da.data.shown_views import ShownViews
from genmix_da.errors import UserError
from genmix_da.use.description import CLASSIFIER
from genmix_da.use.inputs import LoaderViews, read
from genmix_da.use.logits import LogitModule
from genmix_da.use.predictions import Predictions, predictions_of
from lead.evaluation import Evaluation, Observation, evaluate, observe
from lead.graph import TargetGraph
from lead.graph_memory import GraphMemory
from lead.network import HeadedNetwork
from lead.protocol import LabelSets
from lead.rejection import Rejection, reject
from lead.views import Preprocessing, Views

logger = logging.getLogger(__name__)

_SIX_VIEWS = (
    "the graph is of six views of an image, which batches don't give, as paths and pictures do"
)


@dataclass(frozen=True, repr=False)
class Model:
    """A checkpoint, ready to use.

    Attributes:
        network: in evaluation mode, on the device.
        label_sets: its classes; those of a classifier are all shared, and none is unknown.
        preprocessing: of its inputs.
        description: the JSON beside the tensors.
        device: where it is.
        memory: the graph that its run left and its description, see `graph_step.load_memory`.
    """

    network: HeadedNetwork
    label_sets: LabelSets
    preprocessing: Preprocessing
    description: dict[str, Any]
    device: torch.device
    memory: tuple[GraphMemory, dict[str, Any]] | None = None

    def __repr__(self) -> str:
        kind = self.description.get("stage", "model")
        threshold = self.description.get("threshold") if self.label_sets.open_set else None
        return (
            f"<Model: {kind}, {self.description['backbone']}, {len(self.classes)} classes "
            f"({shorten(', '.join(self.classes), 60, placeholder=' ...')}), threshold {threshold}, "
            f"{'with' if self.memory else 'without'} graph, {self.device}>"
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return self.label_sets.source_classes

    @property
    def is_classifier(self) -> bool:
        """Whether it comes from `genmix_da.classify`."""
        return self.description.get("stage") == CLASSIFIER

    @property
    def threshold(self) -> float:
        """Images of a larger uncertainty are rejected, unless `predict` is given another one.

        Infinite where none is: of classifiers, in PDA, and of runs whose target had no class of its
        own, as with equal folders of classes. Their scores are accuracies, without rejection.

        Raises:
            UserError: a source model's threshold is a rule, which needs images to be applied to.
        """
        return self.limit()

    def limit(self, *, graph: bool = False) -> float:
        """The threshold that images are rejected above by default, infinite where none is.

        Args:
            graph: of the decisions beside the run's target graph; the model must have one.

        Raises:
            UserError: see `threshold`.
        """
        if not self.label_sets.open_set:
            return math.inf
        if graph and self.memory is not None:
            rejection: Rejection = self.memory[1]["rejection"]
            return rejection.threshold
        stored = self.description.get("threshold", math.inf)
        if isinstance(stored, str):
            raise UserError(
                f"the threshold of this source model is the rule {stored!r}: it is a number once "
                "there are images; use predict, or the checkpoint of an adapted run."
            )
        return float(stored)

    @property
    def module(self) -> nn.Module:
        """Network inputs [B, 3, S, S], normalised as `preprocessing` says -> logits [B, C].

        Of methods with a rule of their own for probabilities these are their logarithms.

        Raises:
            UserError: the method judges all images of a set together, so that none has logits.
        """
        return LogitModule(self.network)

    def predict(
        self,
        inputs: Any,
        *,
        threshold: float | str | None = None,
        calibrate: bool = False,
        graph: bool | None = None,
        strict: bool = False,
    ) -> Predictions:
        """Classify images.

        Args:
            inputs: a path (folder, image, list of images), paths; pictures in memory (PIL, or uint8
                [H, W, 3]), one or many; or batches, see `genmix_da.use.inputs.read`.
            threshold: on the uncertainty, a number or a rule; None: the checkpoint's own. Models
                that reject nothing (see `threshold`) do where one is given.
            calibrate: see `genmix_da.predict`.
            graph: judge beside the run's target graph as well; None: where the run has one and the
                inputs allow it: a graph of six views of an image, as frozen runs have, is not
                there for batches, and a warning says so.
            strict: more than 5 % unreadable files are an error; else they are named and left out.

        Raises:
            UserError: inputs of another kind, nothing readable, or no graph where one is wanted.
            DivergedError: the network gives values that are not finite.

        Example:
            >>> model = genmix_da.load_model("runs/demo")  # doctest: +SKIP
            >>> found = model.predict("photos")  # doctest: +SKIP
            >>> found.predicted[:2], found.rejected.mean()  # doctest: +SKIP
            (array(['Mug', 'unknown'], dtype='<U13'), 0.31)
        """
        check_threshold("threshold", threshold)
        given = read(inputs, self, strict=strict)
        evaluation = evaluate(self.network, given.views)
        own, _ = self.own_decisions(evaluation, threshold, calibrate=calibrate)
        smoothed = None
        if self._uses_graph(graph, given.views):
            smoothed = self.graph_decisions(given.views, evaluation, threshold, calibrate=calibrate)
        return predictions_of(
            self.classes, own, smoothed[0] if smoothed else None, given.paths, given.skipped
        )

    def run(self, domain: Domain, *, strict: bool = True) -> tuple[DecodedDomain, Views]:
        """Decode a domain; views of all its readable images. See `decode_domain`."""
        pre = self.preprocessing
        domain = domain.with_grey(self._grey_choice(domain))
        decoded = decode_domain(domain, pre.resize_size, pre.interpolation, strict=strict)
        log_skipped(decoded)
        rows = np.arange(len(decoded.domain.images))
        return decoded, ShownViews(decoded.pixels, pre, self.device, rows)

    def _grey_choice(self, domain: Domain) -> str:
        """As the run read deep grey; its "auto" does not hold for values outside of what it saw."""
        found = self.description.get("grey_range_found")
        usual = domain.grey.usual if found else None
        if found is None or usual is None:
            return str(self.description.get("grey_range", AUTO))
        black, white = check_grey_range(found) or usual
        if black <= usual[0] and usual[1] <= white:
            return str(found)
        logger.warning(
            "%s: deep grey of %.9g to %.9g, outside of the run's %s; it is read in its own range",
            *(domain.name, *usual, found),
        )
        return AUTO

    def own_decisions(
        self, evaluation: Evaluation, threshold: float | str | None, *, calibrate: bool = False
    ) -> tuple[Decisions, Rejection]:
        """The network's own decisions.

        Args:
            evaluation: of all images.
            threshold: a number or a rule for these images; None: the checkpoint's own.
            calibrate: apply the rule that the checkpoint's threshold came from anew.
        """
        # A classifier has none of its own; nothing is above 1.
        stored = self.description.get("threshold", 1.0)
        rule = self.description.get("threshold_rule", stored) if calibrate else stored
        unsure = evaluation.uncertainty.cpu().numpy()
        rejection = reject(unsure, rule if threshold is None else threshold)
        return own_decisions(evaluation, rejection.threshold, self._rejects(threshold)), rejection

    def graph_decisions(
        self,
        views: Views | LoaderViews,
        evaluation: Evaluation,
        threshold: float | str | None,
        *,
        calibrate: bool = False,
    ) -> tuple[Decisions, Rejection] | None:
        """Decisions beside the graph that the checkpoint was made with; None where there is none.

        Args:
            views: of all images; looked at again where the graph is of several views.
            evaluation: of the same images.
            threshold: a number or a rule for these images; None: the checkpoint's own.
            calibrate: join these images to a graph of their own and apply the rule to them, in
                place of the stored graph and threshold.
        """
        if self.memory is None:
            return None
        memory, about = self.memory
        if about["views"] == "one" and evaluation.raw is not None:
            seen = Observation(evaluation.raw, evaluation.probability, evaluation.own_uncertainty)
        elif isinstance(views, LoaderViews):
            raise UserError(_SIX_VIEWS)
        else:
            seen = observe(self.network, views)
        features = seen.features.numpy()
        stored: Rejection = about["rejection"]
        if calibrate:
            graph = TargetGraph(features, memory.config, self.device)
            smoothed = graph.smooth(seen.probability, seen.own_uncertainty)
        else:
            smoothed = memory.smooth(features, seen.probability, self.device, seen.own_uncertainty)
        if calibrate or threshold is not None:
            rule = stored.rule if stored.rule != "fixed" else stored.threshold
            smoothed, rejection = settle(smoothed, rule if threshold is None else threshold)
        else:
            smoothed, rejection = ordered(smoothed, stored), stored
        limit = rejection.threshold if self._rejects(threshold) else math.inf
        return Decisions(smoothed.probability, smoothed.uncertainty, limit), rejection

    def _rejects(self, threshold: float | str | None) -> bool:
        """A threshold that is given holds for every model; the stored one only in an open set."""
        return threshold is not None or self.label_sets.open_set

    def _uses_graph(self, wanted: bool | None, views: Views | LoaderViews) -> bool:
        """Whether the graph judges, too.

        Raises:
            UserError: it is wanted and can't.
        """
        if wanted is False or (wanted is None and self.is_classifier):
            return False
        why = ""
        if self.memory is None:
            why = "the checkpoint has no graph"
        elif self.memory[1]["views"] != "one" and isinstance(views, LoaderViews):
            why = _SIX_VIEWS
        if why and wanted:
            raise UserError(f"{why}; leave graph=True out.")
        if why:
            # That there is a graph which is not asked has to be seen, also where nobody logs.
            level = logging.INFO if self.memory is None else logging.WARNING
            logger.log(level, "%s: the network judges alone", why)
        return not why
