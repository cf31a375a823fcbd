"""A table on a frozen foundation model: python examples/frozen_table.py DATA OUT [BACKBONE]

DATA holds <Domain>/<class>/<image>. Features are computed once; all methods, pairs and seeds share
them, so that a table takes minutes on a CPU. BACKBONE is DINOv2 from the hub by default, e.g.
timm:tf_efficientnet_lite0 with the weights of a package otherwise.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import genmix_da

METHODS = ("source-only", "adabn", "glc", "lead")


def main(
    data: str, out: str, backbone: str = "transformers:facebook/dinov2-base", **options: Any
) -> dict[str, float]:
    """Make the table; returns the mean H-score of every row after the last epoch, in percent.

    Where no target has unknown classes there is no H-score, and accuracies take its place.
    """
    made = genmix_da.table(
        data=data,
        out=out,
        methods=METHODS,
        setting="opda",
        backbone=backbone,
        freeze_backbone=True,
        **({"seeds": (1, 2, 3)} | options),
    )
    metric, means = "", dict[str, float]()
    for metric in ("h_score", "known_accuracy"):
        (table,) = (t for t in made["tables"] if (t["block"], t["metric"]) == ("last", metric))
        cells = {row["method"]: row["cells"]["Avg"]["mean"] for row in table["rows"]}
        means = {name: 100 * mean for name, mean in cells.items() if mean is not None}
        if means:
            break
    print(f"{'':22} {metric}, mean of all pairs")
    for method, mean in means.items():
        print(f"{method:22} {mean:.1f}")
    for run, reason in made.failed:
        print(f"failed: {run}: {reason}")
    return means


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(*sys.argv[1:4])
