"""Cards: the headline one says what was gained or lost against the source model."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from genmix_da.reporting.load import load_runs
from genmix_da.reporting.words import cards


def scores_of(finished: Any, **last: float) -> dict[str, Any]:
    """Fields of a record whose last epoch has other scores, the source model 0.5 in all."""
    blocks = dict(finished.result["scores"])
    blocks["last"] = blocks["last"] | last
    before = finished.result["source_only"] | dict.fromkeys(last, 0.5)
    return {"scores": blocks, "source_only": before}


def test_gains_and_losses_are_told_apart(
    finished: Any, altered: Callable, page_of: Callable
) -> None:
    folder = altered(**scores_of(finished, h_score=0.412, auroc=0.53, oscr=0.50004))
    found = {card.key: card.changes for card in cards(load_runs([folder]).runs[0])}
    assert [(c.name, c.way, c.text) for c in found.pop("last")] == [
        ("H-score", "loss", "-8.8"),
        ("AUROC", "gain", "+3.0"),
        ("OSCR", "same", "0.0"),
    ]
    assert not any(found.values())
    page = page_of(folder)
    (card,) = re.findall(r'<div class="card last">.*?</dl>', page, re.DOTALL)
    assert '<div class="loss"><dt>H-score</dt><dd>\u25bc \u22128.8</dd></div>' in card
    assert '<div class="gain"><dt>AUROC</dt><dd>\u25b2 +3.0</dd></div>' in card
    assert "points against source-only: worse than no adaptation" in page


def test_partial_adaptation_has_its_own_headline(finished: Any, altered: Callable) -> None:
    folder = altered(setting="pda", **scores_of(finished, known_accuracy=0.6))
    changes = cards(load_runs([folder]).runs[0])[0].changes
    assert (changes[0].name, changes[0].text) == ("known accuracy", "+10.0")


def test_without_a_source_model_there_is_nothing_to_say(altered: Callable) -> None:
    for fields in ({"source_only": None}, {"method": "source-only"}):
        name = next(iter(fields))
        run = load_runs([altered(name, **fields)]).runs[0]
        assert not any(card.changes for card in cards(run))
