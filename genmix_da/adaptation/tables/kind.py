"""What tables of adaptations have: H-scores, pairs of domains, printed results; and the words."""

from __future__ import annotations

from genmix_da.adaptation.tables.published import PUBLISHED_NOTE, published_rows
from genmix_da.methods import TRAITS, traits_of
from genmix_da.tables.kinds import Kind

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
    block_meanings={
        "last": "after the last epoch: the number to report",
        "selected": "epoch chosen without target labels",
        "oracle": "best epoch by TARGET LABELS: nobody has them in practice",
        "source_only": "the source model as it is",
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
    published=published_rows,
    published_note=PUBLISHED_NOTE,
    trait_names=TRAITS,
    traits=traits_of,
    by_design=frozenset(
        (
            *("src", "tgt", "seed", "setting", "split", "data", "method", "augment", "genmix"),
            *("augmentation", "label_sets", "target_data", "source_model", "source_checkpoint"),
            *("freeze_backbone", "identity", "out", "method_options"),
            # Of a step after the run, which has an identity of its own.
            *("graph", "graph_options", "graph_threshold"),
        )
    ),
)
