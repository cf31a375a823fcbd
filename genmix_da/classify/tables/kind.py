"""What tables of classifications have: accuracies, data sets, printed results; and the words."""

from __future__ import annotations

from genmix_da.classify.tables.published import PUBLISHED_NOTE, published_rows
from genmix_da.tables.kinds import Kind
from genmix_da.tables.overhead import OVERHEAD

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
    block_meanings={
        "last": "after the last epoch: the number to report",
        "selected": "epoch chosen on the validation part",
        "oracle": "best epoch by TEST LABELS: too good, since it is then tested on them",
    },
    columns="data sets",
    columns_are="Columns are data sets",
    oracle="The oracle picks its epoch by the test images that it is then scored on, so it is too "
    "good; it is shown because printed tables may report it.",
    beyond="backbones, shots or settings of training",
    independence="A handful of data sets is no sample of all data sets: with fewer than about ten "
    "the intervals are too narrow, and with one there is none.",
    roles=(("training images", "source", "train"), ("test images", "target", "test")),
    published=published_rows,
    published_note=PUBLISHED_NOTE,
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
