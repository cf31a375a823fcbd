"""What tables of one kind of run have: scores, columns, a baseline, and the words for them.

Everything else about a table (seeds, states, averages, formats) is the same for all kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# In no record: computed from two of them, see genmix_da.table.overhead.
OVERHEAD = "overhead"


@dataclass(frozen=True)
class Kind:
    """How the runs of some settings are tabulated.

    Attributes:
        headlines: setting -> the metric that it reports, shown in all three blocks.
        others: metrics that are shown of the last epoch beside it.
        metric_names: metric -> words.
        block_titles: block -> words.
        columns: what the columns are, plural.
        columns_are: a sentence on how their heads read.
        oracle: a sentence on what the oracle is.
        beyond: what intervals over columns say nothing of.
        independence: a sentence on why they are too narrow.
        roles: (use of images, field of a record that names them, key of their fingerprint in its
            provenance), for all images of a run.
        by_design: settings in which runs of a table differ by design: what its rows and columns
            are, and names of files, whose contents are recorded elsewhere. Others are said.
        pairs: whether a column is a source and a target; else it is one data set.
        smaller_is_better: metrics whose best is the smallest.
        optional_blocks: blocks that are left out where no run has them.
        baseline: the method that all others are compared with; None: "X" for "X+genmix".
    """

    headlines: Mapping[str, str]
    others: tuple[str, ...]
    metric_names: Mapping[str, str]
    block_titles: Mapping[str, str]
    columns: str
    columns_are: str
    oracle: str
    beyond: str
    independence: str
    roles: tuple[tuple[str, str, str], ...]
    by_design: frozenset[str]
    pairs: bool = True
    smaller_is_better: frozenset[str] = frozenset()
    optional_blocks: frozenset[str] = frozenset()
    baseline: str | None = None

    def title(self, setting: str) -> str:
        """The setting's name in heads and sentences."""
        return setting.upper() if self.pairs else setting.capitalize()

    def base_of(self, methods: Iterable[str]) -> str | None:
        """The baseline as the rows call it, which may have a note behind its name; or None."""
        name = self.baseline
        fits = (m for m in methods if name and (m == name or m.startswith(f"{name} (")))
        return next(fits, None)


ADAPTATION = Kind(
    headlines={"opda": "h_score", "osda": "h_score", "pda": "known_accuracy"},
    others=("known_accuracy", "unknown_accuracy", "auroc", "oscr", "h3_score"),
    metric_names={
        "h_score": "H-score",
        "known_accuracy": "known accuracy",
        "unknown_accuracy": "unknown accuracy",
        "auroc": "AUROC",
        "oscr": "OSCR",
        "h3_score": "H3-score",
    },
    block_titles={
        "last": "last epoch (headline)",
        "selected": "selected without target labels",
        "oracle": "oracle: epoch chosen by TARGET LABELS",
    },
    columns="pairs",
    columns_are="Columns are SOURCE2TARGET",
    oracle="The oracle picks its epoch by target labels, which no source-free method has; it is "
    "shown because published code reports it.",
    beyond="data sets, splits or settings",
    independence="Pairs that share a source or a target share its images and its source model, so "
    "they are not independent and the intervals are too narrow; with fewer than about ten pairs "
    "they are narrower still.",
    roles=(("source", "source", "source"), ("target", "target", "target")),
    by_design=frozenset(
        (
            *("src", "tgt", "seed", "setting", "split", "data", "method", "augment", "genmix"),
            *("augmentation", "label_sets", "target_data", "source_model", "source_checkpoint"),
            *("freeze_backbone", "identity", "out"),
            # Of a step after the run, which has an identity of its own.
            *("graph", "graph_options", "graph_threshold"),
        )
    ),
)

CLASSIFICATION = Kind(
    headlines={"classification": "top1"},
    others=("top5", "fgsm_error", OVERHEAD),
    metric_names={
        "top1": "top-1 accuracy",
        "top5": "top-5 accuracy",
        "fgsm_error": "FGSM error",
        OVERHEAD: "augmentation overhead AO(%)",
    },
    block_titles={
        "last": "last epoch (headline)",
        "selected": "selected on validation images",
        "oracle": "oracle: epoch chosen by TEST LABELS",
    },
    columns="data sets",
    columns_are="Columns are data sets",
    oracle="The oracle picks its epoch by the test images that it is then scored on, so it is too "
    "good; it is shown because printed tables may report it.",
    beyond="backbones, shots or settings of training",
    independence="A handful of data sets is no sample of all data sets: with fewer than about ten "
    "the intervals are too narrow, and with one there is none.",
    roles=(("training images", "source", "train"), ("test images", "target", "test")),
    by_design=frozenset(
        (
            *("seed", "data", "test_data", "dataset", "root", "download", "classes", "contents"),
            *("augment", "augment_options", "augment_mode", "genmix", "method", "augmentation"),
        )
    ),
    pairs=False,
    smaller_is_better=frozenset(("fgsm_error", OVERHEAD)),
    optional_blocks=frozenset(("selected",)),
    baseline="none",
)

KINDS: Mapping[str, Kind] = {
    setting: kind for kind in (ADAPTATION, CLASSIFICATION) for setting in kind.headlines
}


def kind_of(setting: str) -> Kind:
    """The kind of run that a setting belongs to.

    Raises:
        KeyError: unknown setting.
    """
    return KINDS[setting]
