"""Scores of a classifier on labelled images, and the three columns of a result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def top_accuracy(probability: Tensor, labels: NDArray[np.int64], best: int) -> float:
    """Share of images whose class is among the `best` likeliest; of equal ones the first counts.

    Args:
        probability: [N, C].
        labels: [N].
        best: at most C.
    """
    order = torch.argsort(probability, dim=1, descending=True, stable=True)[:, :best]
    return int((order == torch.from_numpy(labels)[:, None]).any(dim=1).sum()) / len(labels)


def top_scores(probability: Tensor, labels: NDArray[np.int64]) -> dict[str, float | None]:
    """top1, and top5 (None with five classes or fewer); see `top_accuracy`."""
    return {
        "top1": top_accuracy(probability, labels, 1),
        "top5": top_accuracy(probability, labels, 5) if probability.shape[1] > 5 else None,
    }


def score_block(probability: Tensor, labels: NDArray[np.int64], epoch: int) -> dict[str, Any]:
    """As `top_scores`, with fgsm_error (filled in later) and epoch."""
    return {**top_scores(probability, labels), "fgsm_error": None, "epoch": epoch}


def score_columns(metrics: Sequence[dict[str, Any]], fgsm_error: float | None) -> dict[str, Any]:
    """`last`, `oracle` (best epoch on the test images), `selected` (best on the validation part).

    Args:
        metrics: rows of epochs; those that were evaluated have "scores", and with a validation part
            "validation", its top-1 accuracy.
        fgsm_error: of the last epoch; that of others is not measured.

    Returns:
        Three score blocks; selected is None without a validation part. Of equal epochs the later.
    """
    rows = [row for row in metrics if row["scores"] is not None]
    last = rows[-1]["scores"]
    oracle = max(reversed(rows), key=lambda row: row["scores"]["top1"])["scores"]
    chosen = [row for row in rows if row.get("validation") is not None]
    selected = (
        max(reversed(chosen), key=lambda row: row["validation"])["scores"] if chosen else None
    )

    def attacked(block: dict[str, Any] | None) -> dict[str, Any] | None:
        same = block is not None and block["epoch"] == last["epoch"]
        return {**block, "fgsm_error": fgsm_error} if block is not None and same else block

    return {"last": attacked(last), "oracle": attacked(oracle), "selected": attacked(selected)}
