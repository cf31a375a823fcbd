"""One run of a report: its record, learning curves and evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmix_da.adaptation.evidence import Arrays
from genmix_da.methods import method_of
from genmix_da.reporting.limit import Limit, read_limit, rejects
from genmix_da.selfsupervised.tables.kind import PRETRAININGS, PROBES
from genmix_da.tables.kinds import Kind, kind_of
from genmix_da.tables.records import Record
from genmix_da.tables.values import SOURCE_ONLY, has_no_epochs, score

STAGES = {
    "prepare": "decoding",
    "features": "features",
    "augment": "augmentation",
    "source": "source training",
    "target_estimate": "C_t search",
    "target_train": "adaptation",
    "target_evaluate": "evaluation",
    "generate": "generation",
    "train": "training",
    "evaluate": "evaluation",
    "attack": "attack",
    "probe": "probing",
    "graph": "graph",
    "other": "the rest",
}
_PART_OF = {"graph_views": "graph", "graph_graph": "graph"}


@dataclass(frozen=True)
class ReportRun:
    """One run with everything that it left.

    Attributes:
        key: unique on a page: letters, digits and hyphens.
        folder: of the run.
        record: of result.json.
        method: its method, with what tells it from others of that name on the page.
        metrics: lines of metrics.jsonl: one an epoch of adaptation, from epoch 0, or of training.
        source_metrics: of the source model's training; [] where it is gone or was given.
        evidence: see `read_evidence`.
        notes: sentences on what is missing or damaged: of "curves", "evidence" and "probes".
        probes: of a pre-training, see `probes_of`.
    """

    key: str
    folder: Path
    record: Record
    method: str
    metrics: list[dict[str, Any]]
    source_metrics: list[dict[str, Any]]
    evidence: dict[str, Arrays]
    notes: dict[str, str]
    probes: tuple[dict[str, Any], ...] = ()

    @property
    def content(self) -> dict[str, Any]:
        """Of result.json."""
        return self.record.content

    @property
    def setting(self) -> str:
        """ "opda", "osda", "pda", "classification", "self-supervised" or "linear probe"."""
        return str(self.content["setting"])

    @property
    def kind(self) -> Kind:
        """Adaptation, classification or pre-training."""
        return kind_of(self.setting)

    @property
    def metric(self) -> str:
        """The setting's headline: a key of a score block."""
        return self.kind.headlines[self.setting]

    @property
    def metric_name(self) -> str:
        """The same in words."""
        return self.kind.metric_names[self.metric]

    @property
    def place(self) -> tuple[str, ...]:
        """Source and target, or the data set alone."""
        names = (str(self.content["source"]), str(self.content["target"]))
        return names if self.kind.pairs else names[:1]

    @property
    def scored_on(self) -> str:
        """What the scores are of."""
        return "target" if self.kind.pairs else "test images"

    @property
    def done(self) -> bool:
        """Whether the run has finished."""
        return self.record.status == "done"

    @property
    def is_source(self) -> bool:
        """Whether this is the source model as it is."""
        return str(self.content["method"]).startswith(SOURCE_ONLY)

    @property
    def pretrains(self) -> bool:
        """Whether a backbone was pre-trained without labels, for itself or in a table."""
        return self.kind in (PRETRAININGS, PROBES)

    @property
    def is_pretraining(self) -> bool:
        """Whether it was for itself, so that there are any number of probes of it."""
        return self.kind is PRETRAININGS

    @property
    def adapts(self) -> bool:
        """Whether there are epochs of adaptation."""
        return self.kind.pairs and not has_no_epochs(self.content["method"])

    @property
    def is_lead(self) -> bool:
        """Whether the method is LEAD, whatever its source was trained on."""
        method = method_of(str(self.content["method"]))
        return method is None or method.name == "lead"

    @property
    def measure(self) -> str:
        """What images are rejected by, in words."""
        method = method_of(str(self.content["method"]))
        own = method is not None and method.joint is not None and method.joint.uncertainty
        return f"measure of {method.name}" if own and method else "normalised entropy"

    @property
    def limit(self) -> Limit | None:
        """Above it an image is rejected; None where nothing is: the target has no unknown class."""
        return read_limit(self.content) if rejects(self.content) else None

    @property
    def graph_limit(self) -> Limit | None:
        """The same with the graph step, on the smoothed uncertainty; also None without the step."""
        return read_limit(self.content.get("graph") or {}) if rejects(self.content) else None

    @property
    def split(self) -> str:
        """See `split_of`."""
        return split_of(self.record)

    @property
    def split_given(self) -> bool:
        """Whether it was asked for, and is not the one that the data have by themselves."""
        return bool(_config(self.record).get("split"))

    @property
    def title(self) -> str:
        """E.g. "Art to Clipart, OPDA 10/5/50, lead, seed 1"."""
        setting = f"{self.kind.title(self.setting)} {self.split}".rstrip()
        return f"{' to '.join(self.place)}, {setting}, {self.method}, seed {self.content['seed']}"

    @property
    def headline(self) -> float | None:
        """The setting's score of the last epoch; None where there is none.

        Of a pre-training that of its probe, where it has one alone.
        """
        if not self.done:
            return None
        if len(self.probes) == 1:
            return float(self.probes[0]["trained"]["linear"])
        return score(self.record, self.content["method"], "last", self.metric)

    @property
    def stages(self) -> Mapping[str, float]:
        """Stage -> seconds, of those it has spent; the source model's once it was trained."""
        found: dict[str, float] = {}
        for part, value in (self._timing.get("seconds") or {}).items():
            if value is not None:
                stage = _PART_OF.get(part, part)
                found[stage] = found.get(stage, 0.0) + float(value)
        return {key: found[key] for key in STAGES if key in found}

    @property
    def images_per_second(self) -> float | None:
        """Of training or adaptation; None where it was not recorded."""
        return self._timing.get("images_per_second")

    @property
    def memory(self) -> Mapping[str, float]:
        """Part ("process", "cuda") -> peak MiB."""
        return self._timing.get("peak_memory_mib") or {}

    @property
    def _timing(self) -> Mapping[str, Any]:
        return self.content.get("timing") or {}

    @property
    def class_names(self) -> list[str]:
        """The classifier's C outputs; of adaptations "unknown" comes last."""
        return class_names(self.record)


def split_of(record: Record) -> str:
    """Counts of shared, source-private and target-private classes: "10/5/50"; "" without a split.

    Behind them the file of the classes' names, where one was given: there may be others like it.
    """
    counts = "/".join(map(str, record.content.get("split") or ()))
    given = str(_config(record).get("split") or "")
    is_file = bool(given) and re.fullmatch(r"\d+(/\d+)*", given) is None
    return f"{counts} ({Path(given).name})" if counts and is_file else counts


def _config(record: Record) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (record.content.get("provenance") or {}).get("config") or {}
    return found


def class_names(record: Record) -> list[str]:
    """See `ReportRun.class_names`."""
    config = _config(record)
    if not kind_of(record.content["setting"]).pairs:
        return [str(name) for name in config.get("classes") or ()]
    sets = config.get("label_sets") or {}
    return [*map(str, (*sets.get("shared", ()), *(sets.get("source_private") or ()))), "unknown"]
