"""Lists on the command line: pairs, settings and splits."""

from __future__ import annotations

import pytest

from genmix_da.adaptation.tables.pairs import parse_pairs, parse_settings, parse_splits
from genmix_da.errors import UserError

HOME = ("Art", "Clipart", "Product", "Real World")
PHOTOS = ("amazon", "caltech", "dslr2", "webcam")


def test_parts_are_no_pairs_by_themselves() -> None:
    with pytest.raises(UserError, match=r"train and validation are parts .* --pairs train2valid"):
        parse_pairs("all", ["train", "validation"])
    assert parse_pairs("train2validation", ["train", "validation"]) == [("train", "validation")]
    assert len(parse_pairs("all", ["train", "sketch"])) == 2


def test_all_pairs_of_four_domains_are_twelve() -> None:
    pairs = parse_pairs("all", HOME)
    assert len(set(pairs)) == 12
    assert all(source != target for source, target in pairs)


def test_pairs_are_named_as_domains_are() -> None:
    assert parse_pairs("Ar2Cl, re2pr,Art2Real World", HOME) == [
        ("Art", "Clipart"),
        ("Real World", "Product"),
        ("Art", "Real World"),
    ]


def test_a_domain_may_have_a_2_in_its_name() -> None:
    assert parse_pairs("amazon2dslr2,dslr22webcam", PHOTOS) == [
        ("amazon", "dslr2"),
        ("dslr2", "webcam"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ar2Kl", "did you mean 'Ar2Cl'"),
        ("ArCl", "is not SOURCE2TARGET"),
        ("Ar2Ar", "source and target"),
        ("Ar2Cl,Art2Clipart", "twice"),
        (" , ", "empty"),
    ],
)
def test_bad_pairs(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse_pairs(text, HOME)


def test_one_domain_makes_no_table() -> None:
    with pytest.raises(UserError, match="two domains"):
        parse_pairs("all", ("Art",))


def test_settings_keep_their_order() -> None:
    assert parse_settings("PDA,opda") == ["pda", "opda"]


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (parse_settings, "opdaa", "did you mean 'opda'"),
        (parse_settings, "opda,opda", "twice"),
    ],
)
def test_bad_lists(parse: object, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse(text)  # type: ignore[operator]


def test_splits() -> None:
    assert parse_splits(None, ["opda", "pda"]) == {"opda": None, "pda": None}
    assert parse_splits("4/2/4", ["opda"]) == {"opda": "4/2/4"}
    both = parse_splits("opda=4/2/4, pda=5/5/0", ["pda", "opda"])
    assert both == {"opda": "4/2/4", "pda": "5/5/0"}
    with pytest.raises(UserError, match="fits one setting"):
        parse_splits("4/2/4", ["opda", "pda"])
    with pytest.raises(UserError, match="add pda="):
        parse_splits("opda=4/2/4", ["opda", "pda"])
