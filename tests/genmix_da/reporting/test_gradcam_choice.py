"""Which images Grad-CAM explains first."""

from __future__ import annotations

from genmix_da.reporting.gradcam_choice import in_order_of_interest
from genmix_da.reporting.predicted import Predicted


def line(path: str, true: str, predicted: str, confidence: float = 0.5) -> Predicted:
    return Predicted(path, true, predicted, confidence)


def test_order_of_interest() -> None:
    right = [line("r1", "cup", "cup"), line("r2", "unknown", "unknown")]
    confused = [
        line("c1", "cup", "lamp", 0.4),
        line("c2", "cup", "lamp", 0.9),
        line("c3", "lamp", "cup", 0.3),
    ]
    accepted = [line("a1", "unknown", "cup", 0.6), line("a2", "unknown", "lamp", 0.7)]
    rejected = [line("j1", "lamp", "unknown")]
    rows = [*right, *rejected, *accepted, *confused]
    # Kinds take turns, classes take turns, the surest of a class first, right ones last.
    wanted = ["c2", "a1", "j1", "c3", "a2", "c1", "r1", "r2"]
    assert [row.path for row in in_order_of_interest(rows)] == wanted
    assert [row.path for row in in_order_of_interest(rows[::-1])] == wanted
