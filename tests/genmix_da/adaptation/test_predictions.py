"""What a prediction is: a class or unknown, and what stands beside it in a table."""

from __future__ import annotations

import torch

from genmix_da.adaptation.predictions import own_decisions, prediction_table
from lead.evaluation import Evaluation

PROBABILITY = torch.tensor([[0.98, 0.01, 0.01], [0.34, 0.33, 0.33], [0.1, 0.8, 0.1]])
OWN = Evaluation(torch.zeros(3, 2), PROBABILITY)
NAMES = ("a", "b", "c", "unknown")


def test_uncertain_samples_are_unknown() -> None:
    found = own_decisions(OWN, 0.7, open_set=True).rows(NAMES)
    assert [row[0] for row in found] == ["a", "unknown", "b"]
    assert [row[1] for row in found] == ["0.980000", "0.340000", "0.800000"]
    assert float(found[0][2]) < 0.2 < 0.5 < float(found[2][2]) < 0.7 < float(found[1][2])


def test_closed_set_rejects_nothing() -> None:
    found = own_decisions(OWN, 0.0, open_set=False).rows(NAMES)
    assert [row[0] for row in found] == ["a", "a", "b"]


def test_the_graph_s_decisions_stand_behind_the_method_s() -> None:
    own = own_decisions(OWN, 0.7, open_set=True)
    graph = own_decisions(Evaluation(OWN.features, PROBABILITY.flip(0)), 9.0, open_set=True)
    header, table = prediction_table(NAMES, own, graph)
    rows = list(table)
    assert header[:3] == ("predicted", "confidence", "uncertainty")
    assert header[3:6] == tuple(f"graph_{name}" for name in header[:3])
    assert header[6] == "best_class"
    assert [(row[0], row[3]) for row in rows] == [("a", "b"), ("unknown", "a"), ("b", "a")]
    plain, without = prediction_table(NAMES, own, None)
    assert plain == (*header[:3], *header[6:])
    assert list(without) == [(*row[:3], *row[6:]) for row in rows]
