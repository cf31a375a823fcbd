"""What tables of pre-trainings have: probes, and the same before pre-training; and the words."""

from __future__ import annotations

import dataclasses

from genmix_da.selfsupervised.published import PUBLISHED_NOTE, published_rows
from genmix_da.selfsupervised.record import SETTING as PRETRAINING
from genmix_da.tables.kinds import Kind

SETTING = "linear probe"

PROBES = Kind(
    headlines={SETTING: "linear"},
    others=("knn", "linear_before", "knn_before"),
    metric_names={
        "linear": "top-1 of a linear probe",
        "knn": "top-1 of nearest neighbours",
        "linear_before": "top-1 of a linear probe before pre-training",
        "knn_before": "top-1 of nearest neighbours before pre-training",
    },
    block_titles={
        "last": "last epoch (headline)",
        "selected": "selected",
        "oracle": "oracle",
    },
    block_meanings={"last": "after the last epoch: the number to report"},
    columns="data sets",
    columns_are="Columns are data sets",
    oracle="No epoch is chosen: every score is of the last one.",
    beyond="backbones, shots or settings of training",
    independence="A handful of data sets is no sample of all data sets: with fewer than about ten "
    "the intervals are too narrow, and with one there is none.",
    roles=(("training images", "source", "train"), ("test images", "target", "test")),
    published=published_rows,
    published_note=PUBLISHED_NOTE,
    by_design=frozenset(
        (
            *("seed", "data", "test_data", "dataset", "root", "download", "contents"),
            *("method", "augment", "genmix", "augmentation", "views"),
            # What the methods have of their own, or other values of by default.
            *("epochs", "lr", "temperature", "encoder_momentum", "norm_group", "queue"),
        )
    ),
    pairs=False,
    optional_blocks=frozenset(("selected", "oracle")),
    parts=frozenset((PRETRAINING,)),
)
# A pre-training alone, for pages: what it has learned is told by its probes.
PRETRAININGS = dataclasses.replace(
    PROBES, headlines={PRETRAINING: "linear"}, scored=False, parts=frozenset()
)
