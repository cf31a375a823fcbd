"""A table on a frozen foundation model: python examples/frozen_table.py DATA OUT [BACKBONE]

DATA holds <Domain>/<class>/<image>. Features are computed once; all methods, pairs and seeds share
them, so that a table takes minutes on a CPU. BACKBONE is DINOv2 from the hub by default, e.g.
timm:tf_efficientnet_lite0 with the weights of a package otherwise.
"""

from __future__ import annotations

import sys
from typing import Any

import genmix_da

METHODS = ("source-only", "adabn", "glc", "lead")


def main(
    data: str, out: str, backbone: str = "transformers:facebook/dinov2-base", **options: Any
) -> dict[str, float]:
    """Make the table; returns the mean H-score of every row after the last epoch, in percent."""
    made = genmix_da.table(
        data=data,
        out=out,
        methods=METHODS,
        setting="opda",
        backbone=backbone,
        freeze_backbone=True,
        **({"seeds": (1, 2, 3)} | options),
    )
    means = {
        row["method"]: 100 * row["cells"]["Avg"]["mean"]
        for table in made["tables"]
        if table["block"] == "last"
        for row in table["rows"]
        if row["cells"]["Avg"]["mean"] is not None
    }
    for method, mean in means.items():
        print(f"{method:22} {mean:.1f}")
    for run, reason in made.failed:
        print(f"failed: {run}: {reason}")
    return means


if __name__ == "__main__":
    main(*sys.argv[1:4])
